"""The run folder: plain files, of which metrics.json is written last and atomically.

A run is finished if and only if metrics.json is there.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from lstm_zoo import locks
from lstm_zoo.config import RunConfig
from lstm_zoo.errors import RunError, suggestion
from lstm_zoo.files import contents
from lstm_zoo.records import check_folder, read_json, settle, write_bytes, write_text

_HISTORY = 4_000_000  # bytes of a history.csv, far more than any training's epochs take

RECORD = "metrics.json"
FOLDS = "folds"  # of a backtest: the folder of the runs of its folds


@dataclass(frozen=True)
class Run:
    """A run folder that exists."""

    folder: Path

    @property
    def name(self) -> str:
        """The folder's own name, which a path such as `.` does not tell."""
        return self.folder.resolve().name

    @property
    def finished(self) -> bool:
        """Whether metrics.json is there."""
        return (self.folder / RECORD).is_file()

    @property
    def checkpoint(self) -> Path:
        """Where the state of its training is kept until it is finished."""
        return self.folder / "checkpoint.npz"

    @property
    def begun_at(self) -> float:
        """When it was begun, as `time.time` gives it."""
        return (self.folder / "config.json").stat().st_mtime

    @property
    def begun(self) -> bool:
        """Whether it left something to go on with: a checkpoint, of it or of one of its folds."""
        return self.checkpoint.exists() or any(self.folder.glob(f"{FOLDS}/*/*"))

    @property
    def running(self) -> bool:
        """Whether a process is training it now."""
        with locks.folder(self.folder) as free:
            return not free

    @property
    def config(self) -> RunConfig:
        """What determined the run."""
        values = self.read("config.json")
        with self.named():
            return RunConfig.from_dict(values)

    @property
    def metrics(self) -> dict:
        """The record of the finished run."""
        return self.read(RECORD)

    @contextmanager
    def named(self) -> Iterator[None]:
        """A RunError of the block says which run it is of."""
        try:
            yield
        except RunError as error:
            raise RunError(f"{self.folder}: {error}") from None

    def read(self, file: str) -> dict:
        """One of the run's JSON files.

        Raises:
            RunError: it is missing or damaged.
        """
        return read_json(self.folder / file)


def runs_folder(option: str | None) -> Path:
    """Where runs go: the option, LSTM_ZOO_RUNS, or `runs`."""
    return Path(option or os.environ.get("LSTM_ZOO_RUNS") or "runs")


def create(runs: Path, config: RunConfig) -> Run:
    """A new, empty run folder, whoever else makes one in the same second."""
    runs.mkdir(parents=True, exist_ok=True)
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    stem = f"{config.model}-{config.dataset}-s{config.seed}-{stamp}"
    number = 1
    while True:
        folder = runs / (stem if number == 1 else f"{stem}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            number += 1
        else:
            return Run(folder)


@contextmanager
def held(run: Run) -> Iterator[None]:
    """Hold a run while it trains, so that others can see that it does. It ends with the process.

    Raises:
        RunError: another process holds it.
    """
    with locks.folder(run.folder) as own:
        if not own:
            raise RunError(f"Another process trains the run {run.folder}.")
        yield


def find(name: str, runs: Path) -> Run:
    """The finished run that RUN means: a path, a name under `runs`, or `last`.

    Raises:
        RunError: it is not there, is not a run, or is unfinished.
    """
    run = find_any(name, runs)
    if not run.finished:
        raise RunError(
            f"The run {run.folder} is unfinished: it has no metrics.json. "
            f"lstm-zoo train --resume {run.folder} goes on with it."
        )
    return run


def find_unfinished(name: str, runs: Path) -> Run:
    """The unfinished run that RUN means, as `find` does.

    Raises:
        RunError: it is not there, is not a run, or is finished.
    """
    run = find_any(name, runs)
    if run.finished:
        raise RunError(f"The run {run.folder} is finished: there is nothing to go on with.")
    return run


def find_any(name: str, runs: Path) -> Run:
    """The run that RUN means, finished or not, as `find` does."""
    run = _newest(runs) if name == "last" else _named(name, runs)
    if not (run.folder / "config.json").is_file():
        raise RunError(f"{run.folder} is not a run: it has no config.json.")
    return run


def _newest(runs: Path) -> Run:
    every = list_runs(runs)
    if not every:
        raise RunError(none_yet(runs))
    return every[-1]


def none_yet(runs: Path) -> str:
    """A folder without runs, and how to get one."""
    return f"There is no run in {runs} yet: lstm-zoo train lstm makes one."


def _named(name: str, runs: Path) -> Run:
    for folder in (runs / name, Path(name)):
        if folder.is_dir():
            return Run(folder)
    if Path(name).exists():
        raise RunError(f"{name} is not a run: it is a file, and a run is a folder.")
    known = [run.name for run in list_runs(runs)]
    hint = suggestion(name, known, 3) if known else "lstm-zoo train lstm makes one."
    raise RunError(f"There is no run '{name}' in {runs}. {hint}")


def list_runs(runs: Path, known: Container[str] = ()) -> list[Run]:
    """Every run in the folder, finished or not, the oldest first, but for those known by name."""
    try:
        folders = [Path(entry) for entry in os.scandir(runs) if entry.name not in known]
    except OSError:
        return []
    times = {}
    for folder in folders:
        with suppress(OSError):
            times[folder] = (folder / "config.json").stat().st_mtime_ns
    return [Run(folder) for folder in sorted(times, key=lambda folder: (times[folder], folder))]


def unfinished(runs: Path, configs: Iterable[RunConfig]) -> int:
    """How many of these have no finished run, as far as can be told before the data are read."""
    known = set()
    for run in list_runs(runs):
        with suppress(RunError):
            if run.finished:
                known.add(replace(run.config, data_sha256=None).identity)
    return len({config.identity for config in configs} - known)


def prepare_folder(runs: Path) -> None:
    """Make the runs folder, and make sure that it can be written.

    Raises:
        RunError: it can't.
    """
    try:
        runs.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise RunError(f"The runs folder {runs} can't be made: it is a file.") from None
    except OSError as error:
        raise RunError(f"The runs folder {runs} can't be made: {error.strerror}.") from None
    check_folder(runs)


def remove(run: Run, unfinished: bool = False) -> bool:
    """Delete a run: its metrics.json first, so that no half-deleted run counts.

    Of a link, only the link goes: the run that it points to stays.

    Args:
        run: the run.
        unfinished: whether it was chosen as one that is.

    Returns:
        False where it stays: it is in training or finished by now, or is a folder with a
        config.json of another program.
    """
    with locks.folder(run.folder) as free:
        if not free or (unfinished and run.finished) or not _own(run):
            return False
        if run.folder.is_symlink():
            run.folder.unlink()
            return True
        (run.folder / RECORD).unlink(missing_ok=True)
        shutil.rmtree(run.folder)
        return True


def _own(run: Run) -> bool:
    """Whether lstm-zoo wrote a folder: its config.json can be read, or another file is there."""
    with suppress(RunError):
        return bool(run.config)
    return (run.folder / "environment.json").is_file()


def finish(run: Run, record: bytes) -> None:
    """Write metrics.json, which makes a run a finished one, when all else of it is on the disk."""
    for path in run.folder.rglob("*"):
        settle(path)
    write_bytes(run.folder / RECORD, record)
    settle(run.folder)


def read_history(run: Run) -> list[dict[str, float | None]]:
    """The whole rows of a run's history.csv, whose last one a kill may have cut short.

    An empty cell is None, and `epoch` a whole number.

    Raises:
        RunError: it is missing or damaged.
    """
    path = run.folder / "history.csv"
    try:
        text = contents(path, _HISTORY).decode()
        whole = text[: text.rfind("\n") + 1]
        return [_epoch(row) for row in csv.DictReader(io.StringIO(whole, newline=""))]
    except FileNotFoundError:
        raise RunError(f"There is no {path}.") from None
    except OSError as error:
        raise RunError(f"{path} can't be read: {error.strerror}.") from None
    except (csv.Error, ValueError, LookupError, TypeError):
        raise RunError(f"{path} is damaged: it holds no numbers by epoch.") from None


def _epoch(row: dict[str, str]) -> dict[str, float | None]:
    numbers = {name: float(text) if text else None for name, text in row.items()}
    return numbers | {"epoch": int(row["epoch"])}


class History:
    """history.csv: a row an epoch, on disk as soon as it is known.

    Args:
        path: the file.
        rows: those of the epochs done; the file then has these alone.
    """

    def __init__(self, path: Path, rows: list[dict] | None = None):
        self._path = path
        self.rows: list[dict] = [] if rows is None else rows
        path.unlink(missing_ok=True)
        if self.rows:
            write_text(path, self._lines(self.rows, header=True))

    def append(self, row: dict) -> None:
        """Add an epoch; the first row names the columns, a missing value is an empty cell."""
        self.rows.append(row)
        with self._path.open("a", encoding="utf-8", newline="") as file:
            file.write(self._lines([row], header=len(self.rows) == 1))

    def _lines(self, rows: list[dict], header: bool) -> str:
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, list(self.rows[0]), lineterminator="\n")
        if header:
            writer.writeheader()
        writer.writerows(rows)
        return text.getvalue()


def line(run: Run) -> dict:
    """A run in a line: what it is, its state, and its main score beside its floor.

    The state is `finished`, `running`, `unfinished` or `damaged`.
    """
    names = ("variant", "model", "dataset", "seed", "epochs", "metric", "score", "floor")
    entry = {"run": str(run.folder)} | dict.fromkeys(("state", *names))
    try:
        entry["state"] = _state(run)
        config = run.config
        entry |= {name: getattr(config, name) for name in ("variant", "model", "dataset", "seed")}
        if run.finished:
            record = run.metrics
            name, floor = record["metric"]["name"], record["floor"]["value"]
            numbers = {"score": record["test"][name], "floor": floor, "epochs": record["epochs"]}
            if not all(type(n) in (int, float, type(None)) for n in numbers.values()):
                raise TypeError
            entry |= {"metric": name} | numbers
    except (OSError, RunError, KeyError, TypeError):
        entry["state"] = "damaged"
    return entry


def _state(run: Run) -> str:
    if run.finished:
        return "finished"
    return "running" if run.running else "unfinished"
