"""A run on its way from one machine to another: its files, and the error that it ended with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lstm_zoo import runs
from lstm_zoo.config import RunConfig
from lstm_zoo.runs import Run


@dataclass(frozen=True)
class Parcel:
    """What a training left.

    Args:
        files: the content of each, by its path below the run's folder; none where the training
            failed before it had one.
        error: why it failed; None where it finished.
    """

    files: dict[str, bytes]
    error: Exception | None = None


def pack(folder: Path, error: Exception | None) -> Parcel:
    """The only run of a runs folder."""
    files = {}
    for run in runs.list_runs(folder):
        every = (path for path in run.folder.rglob("*") if path.is_file())
        files = {path.relative_to(run.folder).as_posix(): path.read_bytes() for path in every}
    return Parcel(files, error)


def unpack(parcel: Parcel, folder: Path, config: RunConfig) -> Run | Exception:
    """The run as a new one of a runs folder, or the error that it ended with."""
    if parcel.files:
        run = runs.create(folder, config)
        files = dict(parcel.files)
        record = files.pop(runs.RECORD, None)
        for name, content in files.items():
            path = run.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        if record is not None:
            runs.finish(run, record)
    return parcel.error or run
