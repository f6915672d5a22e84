"""An automatic classical model beside the networks: exponential smoothing, its form chosen by AICc.

It is fitted on all rows before each fold, and goes on from there without a new fit, as a network
does. Source: Hyndman et al. 2002, A state space framework for automatic forecasting using
exponential smoothing methods; `AutoETS` of statsforecast.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lstm_zoo import archives, conformal, metrics, statistics
from lstm_zoo.data import Dataset
from lstm_zoo.errors import MissingExtra
from lstm_zoo.tasks import Forecasting

try:
    from statsforecast.models import AutoETS
except ImportError:
    raise MissingExtra(
        "statsforecast, whose AutoETS stands beside a backtest,", "forecast"
    ) from None

NAME = "AutoETS"
_LEVEL = round(100 * conformal.LEVEL)  # as statsforecast has it
_TOLD = ("mean", f"lo-{_LEVEL}", f"hi-{_LEVEL}")


def forecasts(dataset: Dataset) -> np.ndarray:
    """What it forecasts of the test part, and the ends of its own intervals of `conformal.LEVEL`.

    Returns:
        `(3, examples, horizon)`, in the series' unit.
    """
    task = Forecasting(dataset)
    return np.concatenate([_fold(task, fold.examples) for fold in dataset.folds], axis=1)


def _fold(task: Forecasting, examples: slice) -> np.ndarray:
    """Those of a fold, by the model fitted on what is known before it."""
    starts = task.starts(task.dataset.test.piece(examples))
    model = AutoETS(season_length=task.dataset.period or 1)
    model.fit(task.values[: starts[0] + 1])
    told = (
        model.forward(task.values[: start + 1], h=task.horizon, level=[_LEVEL]) for start in starts
    )
    return np.stack([[one[name] for name in _TOLD] for one in told], axis=1)


def beside(models: list[dict], dataset: Dataset) -> dict:
    """Its scores, and how each model of a results.json stands to it.

    Returns:
        `name`, `season`, its rows or None, `scores`, the `coverage` of its intervals by step, the
        main score of each of the `folds`, and of each of the `models` its `difference` in loss,
        over the test examples and the mean of its seeds, with the Diebold–Mariano test's `p_value`.
    """
    task, (answers, lower, upper) = Forecasting(dataset), forecasts(dataset)
    truth = task.truth(dataset.test)
    losses = metrics.losses(truth, answers)
    return {
        "name": NAME,
        "season": dataset.period,
        "scores": task.scores(answers, dataset.test),
        "coverage": np.mean((lower <= truth) & (truth <= upper), axis=0).tolist(),
        "folds": [_score(task, answers, fold.examples) for fold in dataset.folds],
        "models": [
            {"name": model["name"]} | _told_apart(model, truth, losses, task.horizon)
            for model in models
        ],
    }


def _score(task: Forecasting, answers: np.ndarray, examples: slice) -> float:
    """The main score of a fold."""
    return task.scores(answers[examples], task.dataset.test.piece(examples))[task.metric]


def _told_apart(model: dict, truth: np.ndarray, losses: np.ndarray, horizon: int) -> dict:
    runs = [Path(trial["run"]) for trial in model["trials"] if trial["run"]]
    if not runs:
        return {"difference": None, "p_value": None}
    answers = [archives.arrays(run / "predictions.npz", ("y_pred",))["y_pred"] for run in runs]
    ours = np.mean([metrics.losses(truth, one) for one in answers], axis=0)
    _, p_value = statistics.diebold_mariano(ours, losses, horizon)
    return {"difference": float(np.mean(ours - losses)), "p_value": p_value}
