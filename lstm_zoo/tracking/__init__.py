"""What trackers are told of trainings: TensorBoard and MLflow, beside the runs' own folders.

The process that the user has started hears of every epoch, wherever it is trained, and logs it.
All else is read from the run's folder when it is finished, and so for a run that is used again. No
tracker meets a model or a process that trains: it can neither change a number nor fail a training.
"""

from __future__ import annotations

import importlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Protocol

from lstm_zoo.config import RunConfig
from lstm_zoo.errors import MissingExtra, Pruned, why
from lstm_zoo.runs import FOLDS, Run, list_runs
from lstm_zoo.telling import Progress

_PASSWORD = re.compile(r"//\S*@")  # of an address, with the user's name
_MLFLOW = {  # what it tells of its use, what it prints on stdout, how long it waits for a server
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}
_COUNTED = (
    "parameters",
    "multiply_adds",
    "epochs",
    "best_epoch",
    "train_seconds",
    "compile_seconds",
    "examples_per_second",
    "learned",
)


class Log(Protocol):
    """What one tracker has of one training."""

    def epoch(self, row: dict) -> None:
        """An epoch is done; `row` is its line of history.csv."""

    def finish(self, run: Run) -> None:
        """It has come to its end: all of its run's folder that is not logged yet."""

    def fail(self, sentence: str, stopped: bool) -> None:
        """It goes no further, as it failed, or was stopped on purpose."""


class Tracker(Protocol):
    """One place where trainings are logged; `words` name it, and `where` says how to find it."""

    words: str
    where: str

    def begin(self, config: RunConfig) -> Log:
        """The log of a training that begins."""

    def knows(self, run: Run) -> bool:
        """Whether all of a finished run is logged there."""


class Trackers:
    """Those of one command. One that fails is told of and left out; the trainings go on.

    Args:
        trackers: where to log.
    """

    def __init__(self, trackers: Iterable[Tracker]):
        self._trackers = list(trackers)
        self._logs: dict[tuple[str, str], Log] = {}
        self._finished: set[Path] = set()
        self._say: Callable[[str], None] | None = None

    def watching(self, progress: Progress) -> Progress:
        """A progress that tells them too."""
        self._say = progress.say
        for tracker in self._trackers:
            progress.say(f"{tracker.words}: {tracker.where}")
        return _Tracked(progress, self) if self._trackers else progress

    def begin(self, config: RunConfig) -> None:
        """A training begins, perhaps once more."""
        self._fail(config.identity, "It was lost, and is trained once more.", stopped=False)
        self._tell(partial(self._open, config))

    def epoch(self, config: RunConfig, row: dict) -> None:
        """An epoch of a training is done."""
        self._tell(lambda tracker: self._logs[tracker.words, config.identity].epoch(row))

    def ended(self, config: RunConfig, outcome: Run | Exception) -> None:
        """A training has ended, or is found to have ended before."""
        if not isinstance(outcome, Run):
            self._fail(config.identity, why(outcome), stopped=isinstance(outcome, Pruned))
        elif outcome.folder not in self._finished:
            self._finished.add(outcome.folder)
            for run in (outcome, *list_runs(outcome.folder / FOLDS)):
                self._tell(partial(self._finish, run))

    def close(self, error: BaseException | None) -> None:
        """The command ends, and with it what is under way."""
        failed = isinstance(error, Exception)
        sentence = why(error) if failed else "It was interrupted."
        for identity in dict.fromkeys(identity for _, identity in self._logs):
            self._fail(identity, sentence, stopped=not failed)

    def _open(self, config: RunConfig, tracker: Tracker) -> None:
        self._logs[tracker.words, config.identity] = tracker.begin(config)

    def _finish(self, run: Run, tracker: Tracker) -> None:
        config = run.config
        log = self._logs.pop((tracker.words, config.identity), None)
        if log or not tracker.knows(run):
            (log or tracker.begin(config)).finish(run)

    def _fail(self, identity: str, sentence: str, stopped: bool) -> None:
        def fail(tracker: Tracker) -> None:
            if log := self._logs.pop((tracker.words, identity), None):
                log.fail(sentence, stopped)

        self._tell(fail)

    def _tell(self, action: Callable[[Tracker], object]) -> None:
        for tracker in list(self._trackers):
            try:
                action(tracker)
            except Exception as error:
                self._trackers.remove(tracker)
                reason = without_password(why(error))
                self._say(f"{tracker.words} failed, and nothing more is logged there: {reason}")


class _Tracked:
    """A progress of which the trackers hear too."""

    def __init__(self, progress: Progress, trackers: Trackers):
        self._progress, self._trackers = progress, trackers

    def __getattr__(self, name: str) -> object:
        return getattr(self._progress, name)

    def beside(self) -> _Tracked:
        """Another one, for a training that goes on at the same time."""
        return _Tracked(self._progress.beside(), self._trackers)

    def begin(self, config: RunConfig, batches: int, done: int = 0) -> None:
        """A training starts."""
        self._config = config
        self._trackers.begin(config)
        self._progress.begin(config, batches, done)

    def epoch(self, row: dict) -> bool | None:
        """An epoch is done."""
        self._trackers.epoch(self._config, row)
        return self._progress.epoch(row)

    def ended(self, config: RunConfig, outcome: Run | Exception) -> None:
        """A training has ended, or is found to have ended before."""
        self._trackers.ended(config, outcome)
        self._progress.ended(config, outcome)


@contextmanager
def opened(names: Iterable[str], folder: Path, dataset: str) -> Iterator[Trackers]:
    """The trackers of these names, for one command.

    Args:
        names: `tensorboard`, `mlflow`.
        folder: the runs folder.
        dataset: what is learned.

    Raises:
        MissingExtra: one is not installed.
        ZooError: one can't be reached.
    """
    trackers = Trackers([_opened(name, folder, dataset) for name in dict.fromkeys(names)])
    try:
        yield trackers
    except BaseException as error:
        trackers.close(error)
        raise
    trackers.close(None)


def _opened(name: str, folder: Path, dataset: str) -> Tracker:
    for variable, value in _MLFLOW.items():
        os.environ.setdefault(variable, value)
    try:
        module = importlib.import_module(f"lstm_zoo.tracking.{name}")
    except ImportError:
        raise MissingExtra(f"What --track {name} needs", "track") from None
    return module.opened(folder, dataset)


def without_password(text: str) -> str:
    """A text whose addresses tell neither user nor password."""
    return _PASSWORD.sub("//", text)


def settings(config: RunConfig) -> dict[str, bool | int | float | str]:
    """All that determines a run, as a flat table; of a list or a null, its JSON."""
    plain = (bool, int, float, str)
    values = config.flat().items()
    return {n: v if isinstance(v, plain) else json.dumps(v) for n, v in values}


def scores(record: dict) -> dict[str, float]:
    """The numbers of a metrics.json: of each part, of the trivial answers, and of the training."""
    found = {name: record.get(name) for name in _COUNTED}
    for part in ("test", "validation", "train", "own_metrics"):
        found |= {f"{part}/{name}": value for name, value in record.get(part, {}).items()}
    found |= {f"floor/{name}": value for name, value in record["floors"].items()}
    return numbers(found)


def numbers(row: dict) -> dict[str, float]:
    """The numbers of a row, whatever a CSV or a backend has made them; an empty cell is none."""
    found = {}
    for name, value in row.items():
        try:
            found[name] = float(value)
        except (TypeError, ValueError):
            continue
    return found
