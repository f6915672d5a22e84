"""Scores of a whole part, in original units: pure functions of `(y_true, y_pred)`.

    class targets   y_true int (…,)                y_pred probabilities (…, classes)
    value targets   y_true float (examples, horizon)    y_pred the same

`…` is `examples`, or `examples, steps` where every step has a target. A forecast that is not a
number makes an error not a number, and a class answer wrong. None is a score that is not defined
for these values.

`METRICS` knows every metric by name, with its direction.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lstm_zoo import disk


@dataclass(frozen=True)
class Metric:
    """A metric's name, its direction, its function, and the values that it can have."""

    name: str
    better: Literal["higher", "lower"]
    score: Callable[..., float | None]
    range: tuple[float, float]


METRICS: dict[str, Metric] = {}


def _metric(better: Literal["higher", "lower"], least: float, most: float) -> Callable:
    def register(score: Callable[..., float | None]) -> Callable[..., float | None]:
        METRICS[score.__name__] = Metric(score.__name__, better, score, (least, most))
        return score

    return register


def right(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """Whether the most probable class is the true one: `bool (…,)`."""
    return _choices(y_pred) == y_true


@_metric("higher", 0, 1)
def accuracy(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """The share of examples whose most probable class is the true one."""
    return float(np.mean(right(y_true, y_pred)))


@_metric("higher", 0, 1)
def f1_macro(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """The unweighted mean of the F1 of all classes; 0 for a class neither there nor answered."""
    from sklearn.metrics import f1_score

    labels = range(y_pred.shape[-1])
    options = {"labels": labels, "average": "macro", "zero_division": 0}
    return float(f1_score(y_true, _choices(y_pred), **options))


@_metric("lower", 0, math.inf)
def cross_entropy(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """The mean negative log probability of the true class, in nats.

    A probability below the spacing of floats at 1 (2.2e-16) counts as that, so that one certain
    mistake costs 36 nats and not infinity.
    """
    return float(np.mean(_surprises(y_true, y_pred)))


def _surprises(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """The negative log probability of each true class: `(…,)`."""
    probability = np.take_along_axis(y_pred, np.asarray(y_true)[..., None], axis=-1)[..., 0]
    return -np.log(np.maximum(probability, np.finfo(float).eps, dtype=float))


def losses(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """What each example costs, by which two models are compared on the test part.

    Args:
        y_true: values `(examples, values)`, or classes `int (examples, steps)`.
        y_pred: answers `(examples, values)`, or probabilities `(examples, steps, classes)`.

    Returns:
        `(examples,)`: the mean squared error, or the mean cross entropy in nats.
    """
    terms = _surprises if y_pred.ndim == 3 else lambda true, answer: (true - answer) ** 2
    return disk.gathered(
        np.mean(terms(y_true[rows], y_pred[rows]), axis=1) for rows in disk.stretches(len(y_pred))
    )


@_metric("lower", 0, math.inf)
def rmse(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """The root of the mean squared error, in the series' unit."""
    return math.sqrt(mse(y_true, y_pred))


@_metric("lower", 0, math.inf)
def mae(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """The mean absolute error, in the series' unit."""
    return _mean(np.abs, y_true, y_pred)


@_metric("lower", 0, math.inf)
def mse(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """The mean squared error, in the square of the series' unit."""
    return _mean(np.square, y_true, y_pred)


@_metric("lower", 0, math.inf)
def mape(y_true: np.ndarray, y_pred: np.ndarray) -> float | None:
    """The mean absolute error as a fraction of the true value; None where one of these is 0."""
    if not all(y_true[rows].all() for rows in disk.stretches(len(y_true))):
        return None
    _same_shape(y_true, y_pred)
    errors = disk.mean(
        lambda rows: np.abs(_errors(y_true[rows], y_pred[rows]) / y_true[rows]), len(y_true)
    )
    return float(errors)


@_metric("lower", 0, math.inf)
def mase(y_true: np.ndarray, y_pred: np.ndarray, scale: float) -> float | None:
    """The mean absolute error in units of `scale`; None where that is 0.

    Hyndman & Koehler 2006, "Another look at measures of forecast accuracy", section 3.

    Args:
        y_true: the values, `(examples, horizon)`.
        y_pred: the forecasts, `(examples, horizon)`.
        scale: the mean absolute one-step change of the training part, in the series' unit.
    """
    return mae(y_true, y_pred) / scale if scale else None


@_metric("higher", -math.inf, 1)
def skill(y_true: np.ndarray, y_pred: np.ndarray, last: np.ndarray) -> float | None:
    """1 − RMSE / RMSE of the last value: 0 is no better than it, 1 is perfect.

    None where the last value is never wrong.

    Args:
        y_true: the values, `(examples, horizon)`.
        y_pred: the forecasts, `(examples, horizon)`.
        last: each example's last known value, `(examples,)`.
    """
    floor = rmse(y_true, np.broadcast_to(last[:, None], y_true.shape))
    return 1 - rmse(y_true, y_pred) / floor if floor else None


@_metric("higher", 0, 1)
def direction_accuracy(y_true: np.ndarray, y_pred: np.ndarray, last: np.ndarray) -> float | None:
    """The share of the values that changed for which the forecast moved the same way.

    A forecast of no change is wrong. None where no value changed, or no forecast says a change.

    Args:
        y_true: the values, `(examples, horizon)`.
        y_pred: the forecasts, `(examples, horizon)`.
        last: each example's last known value, `(examples,)`, from which both moved.
    """
    right = changes = forecasts = 0
    for rows in disk.stretches(len(last)):
        known = last[rows, None]
        moved, forecast = np.sign(y_true[rows] - known), np.sign(y_pred[rows] - known)
        changes += np.count_nonzero(moved)
        forecasts += np.count_nonzero(forecast)
        right += np.count_nonzero((moved != 0) & (moved == forecast))
    return right / changes if changes and forecasts else None


@_metric("higher", 0, 1)
def recall_accuracy(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """The share of the symbols to recall whose most probable answer is right.

    Args:
        y_true: the symbols at the steps of recall alone, `int (examples, steps)`.
        y_pred: the probabilities at these steps, `(examples, steps, symbols)`.
    """
    return accuracy(y_true, y_pred)


@_metric("lower", 0, math.inf)
def recall_cross_entropy(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """The cross entropy of the symbols to recall, in nats; arguments as of `recall_accuracy`."""
    return cross_entropy(y_true, y_pred)


@_metric("lower", 0, math.inf)
def bits_per_character(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """The cross entropy over all positions in bits: `cross_entropy` divided by ln 2."""
    return cross_entropy(y_true, y_pred) / math.log(2)


def by_step(name: str, y_true: np.ndarray, y_pred: np.ndarray) -> list[float]:
    """A metric at each step of classes `int (examples, steps)`: `(steps,)`.

    Args:
        name: the metric's.
        y_true: the classes, `int (examples, steps)`.
        y_pred: the probabilities, `(examples, steps, classes)`.
    """
    score = METRICS[name].score
    return [score(y_true[:, step], y_pred[:, step]) for step in range(y_true.shape[1])]


def confusion(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """Examples by true and answered class: `int (classes, classes)`.

    An example with a probability that is not a number is left out.
    """
    answered = _choices(y_pred)
    counts = np.zeros((y_pred.shape[-1],) * 2, int)
    np.add.at(counts, (y_true[answered >= 0], answered[answered >= 0]), 1)
    return counts


def per_class(y_true: np.ndarray, y_pred: np.ndarray, classes: Sequence[str]) -> list[dict]:
    """Precision, recall, F1 and number of examples of each class; what is 0 / 0 counts as 0.

    Args:
        y_true: the classes, `int (examples,)`.
        y_pred: the probabilities, `(examples, classes)`.
        classes: a name for each class.
    """
    from sklearn.metrics import precision_recall_fscore_support

    columns = precision_recall_fscore_support(
        y_true, _choices(y_pred), labels=range(len(classes)), zero_division=0
    )
    return [
        {"class": name, "precision": p, "recall": r, "f1": f, "examples": n}
        for name, p, r, f, n in zip(classes, *(c.tolist() for c in columns), strict=True)
    ]


def _choices(y_pred: np.ndarray) -> np.ndarray:
    """The most probable class, or -1 where a probability is not a number."""
    return np.where(np.isnan(y_pred).any(axis=-1), -1, np.argmax(y_pred, axis=-1))


def _mean(cost: Callable, y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """The mean of what the errors cost."""
    _same_shape(y_true, y_pred)
    return float(disk.mean(lambda rows: cost(_errors(y_true[rows], y_pred[rows])), len(y_true)))


def _same_shape(y_true: np.ndarray, y_pred: np.ndarray) -> None:
    if y_true.shape != y_pred.shape:
        raise ValueError(f"Values of shape {y_true.shape} and forecasts of {y_pred.shape}.")


def _errors(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """Forecast minus value in float64."""
    return np.subtract(y_pred, y_true, dtype=float)
