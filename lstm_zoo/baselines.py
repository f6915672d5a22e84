"""The trivial answers that a model must beat, fitted on the training part alone.

Of a series, `values (rows,)` are all its rows in original units, `starts (examples,)` the place of
each example's last known row, and a forecast is `(examples, horizon)` in the same unit. No
forecast uses a row after the last known one.

Source: Hyndman & Athanasopoulos, Forecasting: Principles and Practice, 3rd edition, section 5.2.
"""

from __future__ import annotations

import numpy as np

from lstm_zoo import disk


def majority(y_train: np.ndarray, classes: int, examples: int) -> np.ndarray:
    """The training part's class frequencies as every example's probabilities.

    The most probable is the most frequent class, the lowest of several.

    Args:
        y_train: the training part's classes, `int (training examples,)`.
        classes: the number of classes.
        examples: how many answers to give.

    Returns:
        Probabilities `(examples, classes)`.
    """
    frequencies = np.bincount(y_train, minlength=classes) / len(y_train)
    return np.tile(frequencies, (examples, 1))


def frequencies_by_step(y_train: np.ndarray, classes: int) -> np.ndarray:
    """The training part's class frequencies at each step: what can be known without memory.

    Each class is counted a hundredth of once more, so that none is impossible.

    Args:
        y_train: the training part's classes, `int (training examples, steps)`.
        classes: the number of classes.

    Returns:
        Probabilities `(steps, classes)`.
    """
    return np.stack([unigram(step, classes, least=0.01) for step in y_train.T])


def unigram(tokens: np.ndarray, size: int, least: float = 1) -> np.ndarray:
    """How often each token occurs, each counted `least` times more (Laplace): `(size,)`."""
    counts = np.bincount(tokens.ravel(), minlength=size) + least
    return counts / counts.sum()


def bigram(x: np.ndarray, y: np.ndarray, size: int) -> np.ndarray:
    """How often each token follows each other, smoothed by how often it occurs at all.

        p(b | a) = (n(a, b) + d(a) · p(b)) / (n(a) + d(a))

    with n the counts, d(a) the number of different tokens seen after a (1 where there is none), and
    p(b) the `unigram`: Witten & Bell 1991, "The zero-frequency problem", method C.

    Args:
        x: tokens, `int (training examples, steps)`.
        y: the token after each, of the same shape.
        size: the number of different tokens.

    Returns:
        Probabilities `(size, size)`, a row for each token a.
    """
    counts = np.bincount(x.ravel() * size + y.ravel(), minlength=size * size).reshape(size, size)
    kinds = np.maximum((counts > 0).sum(axis=1, keepdims=True), 1)
    return (counts + kinds * unigram(y, size)) / (counts.sum(axis=1, keepdims=True) + kinds)


def last_value(values: np.ndarray, starts: np.ndarray, horizon: int) -> np.ndarray:
    """The last known value at every horizon (the naïve method)."""
    return np.repeat(values[starts][:, None], horizon, axis=1)


def drift(values: np.ndarray, starts: np.ndarray, horizon: int, train_rows: int) -> np.ndarray:
    """The last known value, moved on by the mean change a row of the first `train_rows` rows."""
    slope = (values[train_rows - 1] - values[0]) / (train_rows - 1)
    return values[starts][:, None] + slope * np.arange(1, horizon + 1)


def mean(values: np.ndarray, starts: np.ndarray, horizon: int, train_rows: int) -> np.ndarray:
    """The mean of the first `train_rows` rows, at every horizon."""
    level = disk.mean(lambda rows: values[rows], train_rows)
    return np.full((len(starts), horizon), level)


def seasonal(values: np.ndarray, starts: np.ndarray, horizon: int, period: int) -> np.ndarray:
    """The latest known value that lies whole periods before the one to forecast.

    Args:
        values: the series, `(rows,)`.
        starts: the place of each example's last known row, `(examples,)`, a period or more from the
            beginning.
        horizon: the steps to forecast.
        period: the rows of one period.
    """
    ahead = np.arange(1, horizon + 1)
    return values[starts[:, None] + ahead - period * -(-ahead // period)]
