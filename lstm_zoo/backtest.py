"""A walk-forward backtest: the test part fold by fold, each forecast by a model trained before it.

A run of several folds has a run of its own for each, in its folder `folds`; its predictions are
theirs, one after the other, and its model is the last one's.

Source: Hyndman & Athanasopoulos, Forecasting: Principles and Practice, 3rd edition, section 5.10.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from lstm_zoo import archives, evaluation
from lstm_zoo.config import RunConfig
from lstm_zoo.data import Dataset
from lstm_zoo.entries import Metric
from lstm_zoo.runs import FOLDS, Run
from lstm_zoo.tasks import Forecasting

_LAST = ("model.keras", "preprocessing.json", "history.csv")  # files that are the last fold's
_SUMS = ("train_seconds", "compile_seconds")
_SAME = ("parameters", "multiply_adds", "epochs", "best_epoch", "kernel")


def whole(config: RunConfig) -> bool:
    """Whether a run is of several folds."""
    return config.data.get("folds", 1) > 1 and not config.data["fold"]


def configs(config: RunConfig) -> list[RunConfig]:
    """The training of each fold."""
    return [
        replace(config, data=config.data | {"fold": fold}, variant=f"{config.variant}, fold {fold}")
        for fold in range(1, config.data["folds"] + 1)
    ]


def answers(folds: list[Run]) -> dict[str, np.ndarray]:
    """What the models of all folds answer to the whole test part, in the series' unit."""
    files = [archives.arrays(run.folder / "predictions.npz", ("y_pred",)) for run in folds]
    return {"test": np.concatenate([arrays["y_pred"] for arrays in files])}


def take_last(run: Run, fold: Run) -> None:
    """The files of the last fold, for the steps after the test part."""
    for name in _LAST:
        shutil.copyfile(fold.folder / name, run.folder / name)


def record(
    dataset: Dataset, answered: dict[str, np.ndarray], folds: list[Run], metrics: Sequence[Metric]
) -> dict:
    """All of metrics.json: the scores over the whole test part, and each fold's own."""
    each = [run.metrics for run in folds]
    trained = {name: each[-1][name] for name in _SAME}
    trained |= {name: sum(one[name] for one in each) for name in _SUMS}
    examples = sum(one["examples_per_second"] * one["train_seconds"] for one in each)
    trained["examples_per_second"] = examples / trained["train_seconds"]
    notes = dict.fromkeys(note for one in each for note in one["notes"])
    scored = evaluation.evaluate(dataset, answered, metrics) | trained
    return scored | {
        "folds": [_fold(dataset, number, one) for number, one in enumerate(each)],
        "intervals": _intervals([one["intervals"] for one in each], dataset),
        "notes": list(notes),
    }


def _fold(dataset: Dataset, number: int, metrics: dict) -> dict:
    """A fold: when it is, and its score beside the floor."""
    task, name = Forecasting(dataset), metrics["metric"]["name"]
    part = dataset.test.piece(dataset.folds[number].examples)
    rows = task.starts(part)[[0, -1]] + [1, task.horizon]
    dates = dataset.series.dates
    return {
        "fold": number + 1,
        "from": int(rows[0]) if dates is None else str(dates[rows[0]])[:10],
        "to": int(rows[1]) if dates is None else str(dates[rows[1]])[:10],
        "examples": len(part),
        "train_rows": dataset.folds[number].known,
        "score": metrics["test"][name],
        "floor": metrics["floor"]["value"],
    }


def _intervals(each: list[dict | None], dataset: Dataset) -> dict | None:
    """The coverage over all folds, by their examples."""
    if None in each:
        return None
    counts = [fold.examples.stop - fold.examples.start for fold in dataset.folds]
    means = ("coverage", "width")
    return each[0] | {
        name: np.average([one[name] for one in each], axis=0, weights=counts).tolist()
        for name in means
    }


def folder(run: Run) -> Path:
    """Where the runs of its folds are."""
    return run.folder / FOLDS
