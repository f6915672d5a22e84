"""The folder of an export: whole or not at all, and never in the place of anything else."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from lstm_zoo import interrupts
from lstm_zoo.errors import RunError, UsageError, few
from lstm_zoo.records import check_folder, read_json, settle

RECORD = "export.json"


def target(output: str, replace: bool) -> Path:
    """The folder that `-o` names, to which links lead.

    Raises:
        UsageError: it is named like a file.
        RunError: it can't be written, or something is there that is not to be replaced.
    """
    folder = Path(os.path.realpath(output))
    if folder.suffix in (".keras", ".onnx", ".tflite"):
        raise UsageError(
            f"--output is a folder, for the model, its scaling and an example: '{output}' is named "
            f"like a file. Leave '{folder.suffix}' out."
        )
    if folder.exists() and not replace:
        raise RunError(
            f"{output} is there already: name another folder, or replace an earlier export with "
            "--replace."
        )
    if folder.exists():
        _check_earlier(folder, output)
    check_folder(folder.parent)
    return folder


def _check_earlier(folder: Path, output: str) -> None:
    """What is to be replaced is an earlier export, and nothing else."""
    if not (folder / RECORD).is_file():
        raise RunError(f"{output} is no earlier export (it has no {RECORD}): name another folder.")
    written = read_json(folder / RECORD).get("files", [])
    if others := sorted(set(files(folder)) - set(map(str, written))):
        raise RunError(
            f"{output} holds what no export has written ({few(others, 3)}): move that elsewhere, "
            "or name another folder."
        )


def files(folder: Path) -> list[str]:
    """The files in a folder, by their paths from there."""
    every = (path for path in folder.rglob("*") if not path.is_dir())
    return sorted(path.relative_to(folder).as_posix() for path in every)


@contextmanager
def made(folder: Path) -> Iterator[Path]:
    """A folder to write in: at the end it is put at `folder`, and goes if the block fails."""
    umask = os.umask(0)
    os.umask(umask)
    put = _exchanged if folder.exists() else Path.rename
    new = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    remove = partial(shutil.rmtree, new, ignore_errors=True)
    try:
        with interrupts.undoing(remove):
            new.chmod(0o777 & ~umask)
            yield new
            for path in (*new.rglob("*"), new):
                settle(path)
            put(new, folder)
    finally:
        remove()


def _exchanged(new: Path, folder: Path) -> None:
    """Put `new` in the place of an earlier export, which goes when it is there."""
    old = new.with_name(f"{new.name}.old")
    folder.rename(old)
    try:
        new.rename(folder)
    except BaseException:
        old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)
