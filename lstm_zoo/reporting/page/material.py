"""What a report is made of: finished runs read from their folders, and the runs of a comparison."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lstm_zoo import archives
from lstm_zoo.config import RunConfig
from lstm_zoo.errors import RunError, printable
from lstm_zoo.results import finished
from lstm_zoo.runs import Run, read_history

_DAMAGE = (OSError, ValueError, LookupError, TypeError, AttributeError)


@dataclass(frozen=True)
class Trained:
    """What a finished run left.

    Args:
        history: the columns of history.csv, `(epochs,)` each; None for an empty cell.
        answers: the arrays of predictions.npz.
        names: the name of each class; of a series, the column that is forecast.
    """

    run: Run
    config: RunConfig
    metrics: dict
    history: dict[str, list[float | None]]
    answers: dict[str, np.ndarray]
    names: list[str]


@dataclass(frozen=True)
class Group:
    """A model's runs: those of its seeds, or a single one. `place` is its place on the page."""

    name: str
    place: int
    runs: list[Trained]


@contextmanager
def intact(path: Path) -> Iterator[None]:
    """What the block reads of `path` is as lstm-zoo writes it.

    Raises:
        RunError: it is not.
    """
    try:
        yield
    except FileNotFoundError:
        raise RunError(f"There is no {path}.") from None
    except _DAMAGE as error:
        raise RunError(f"{path} is damaged: {_words(error)}.") from None


def _words(error: Exception) -> str:
    """What is wrong with a file, in words that are no programmer's."""
    if isinstance(error, KeyError):
        return printable(f"it has no {error}")
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, ValueError) and not isinstance(error, UnicodeError):
        return printable(str(error))[:300]
    return "it is cut short, or holds what lstm-zoo does not write"


def read_run(run: Run) -> Trained:
    """A finished run's files.

    Raises:
        RunError: one is missing or damaged.
    """
    folder, config, metrics = run.folder, run.config, run.metrics
    with intact(folder / "history.csv"):
        rows = read_history(run)
        history = {name: [row[name] for row in rows] for name in rows[0]}
    with intact(folder / "predictions.npz"):
        answers = _answers(folder / "predictions.npz")
    with intact(folder / "preprocessing.json"):
        names = _names(run.read("preprocessing.json"))
    return Trained(run, config, metrics, history, answers, names)


def _names(preprocessing: dict) -> list[str]:
    if series := preprocessing.get("series"):
        return [str(series["columns"][series["target"]])]
    return [str(name) for name in preprocessing.get("classes") or ()]


def _answers(path: Path) -> dict[str, np.ndarray]:
    answers = archives.arrays(path)
    truth, answer = answers["y_true"], answers["y_pred"]
    if not len(truth) or truth.shape != answer.shape[: truth.ndim]:
        raise ValueError(f"y_true is {truth.shape} and y_pred {answer.shape}")
    classes = answer.shape[-1] if truth.ndim < answer.ndim else None
    if classes and not (truth.min() >= 0 and truth.max() < classes):
        raise ValueError(f"y_true names a class beyond the {classes} of y_pred")
    for name in {"last", "dates"} & set(answers):
        if len(answers[name]) != len(truth):
            raise ValueError(f"{name} has {len(answers[name])} rows, and y_true {len(truth)}")
    return answers


def read_groups(results: dict, file: Path, folder: Path) -> list[Group]:
    """The runs of each model of a comparison, as far as their folders are here.

    Args:
        results: what results.json holds.
        file: where it lies.
        folder: where runs are.

    Raises:
        RunError: a run that is here is damaged, or is not the one that was compared.
    """
    groups = [
        Group(model["name"], place, _runs(model, results, file, folder))
        for place, model in enumerate(results["models"])
    ]
    _check_one_test_part([run for group in groups for run in group.runs])
    return groups


def _runs(model: dict, results: dict, file: Path, folder: Path) -> list[Trained]:
    found = []
    for trial in finished(model):
        if place := _place(trial["run"], file, folder):
            run = read_run(Run(place))
            _check_same(run, trial, results["metric"]["name"], file)
            found.append(run)
    return found


def _check_one_test_part(runs: list[Trained]) -> None:
    """What was predicted is the same in all of them."""
    for run in runs[1:]:
        first, other = runs[0].answers, run.answers
        same = np.array_equal(first["y_true"], other["y_true"])
        if not same or first["y_pred"].shape != other["y_pred"].shape:
            raise RunError(
                f"The runs {runs[0].run.folder} and {run.run.folder} have different test parts in "
                "their predictions.npz, and can't have been compared: one of them was changed."
            )


def _place(recorded: str | None, file: Path, folder: Path) -> Path | None:
    """Where a recorded run lies now: as recorded, beside the results, or in the runs folder."""
    if recorded is None:
        return None
    places = (Path(recorded), file.parent / recorded, folder / Path(recorded).name)
    return next((place for place in places if (place / "metrics.json").is_file()), None)


def _check_same(trained: Trained, trial: dict, metric: str, file: Path) -> None:
    folder = trained.run.folder
    with intact(folder / "metrics.json"):
        score = trained.metrics["test"][metric]
    if score != trial["score"]:
        raise RunError(
            f"{file} and the run {folder} contradict each other: {metric} is {trial['score']} in "
            f"one and {score} in the other; compare again."
        )
