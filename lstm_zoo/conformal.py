"""Prediction intervals, as wide as the errors on a calibration stretch say.

Of n errors made on examples that nothing was fitted to or chosen by, the ⌈(n + 1) · level⌉-th
smallest is a half-width that holds the next error with a probability of `level`, if all n + 1 are
exchangeable (split conformal prediction: Vovk, Gammerman & Shafer 2005; Lei et al. 2018). Those of
a series are not, and so the level is a nominal one, and stands beside the coverage that was
measured.

Adaptive intervals follow their own failures: after each target the level asked for is moved,

    α(t + 1) = α(t) + γ · (α − err(t)),    err(t) = 1 where the target lay outside, else 0

with α = 1 − level, and the half-width is the quantile of the latest n errors at 1 − α(t). Over a
long time they cover `level`, whatever the series does (Gibbs & Candès 2021, equation 2).
"""

from __future__ import annotations

import math

import numpy as np

from lstm_zoo.errors import DataError

LEVEL = 0.9  # nominal
GAMMA = 0.05  # between the paper's 0.005 and what follows a series of some hundred rows


def least(level: float) -> int:
    """How many errors a half-width of a level takes."""
    return math.ceil(round(level / (1 - level), 9))


def half_width(errors: np.ndarray, level: float) -> float:
    """The half-width of an interval with a nominal `level`, from errors `(examples,)` of any sign.

    Raises:
        DataError: the errors are too few for the level.
    """
    place = _place(len(errors), level)
    if place > len(errors):
        raise DataError(
            f"{len(errors):,} forecasts to calibrate by are too few for intervals of {level:.4g}: "
            f"it takes {least(level):,} (a larger --data calibration=…, or a smaller --level)."
        )
    return float(np.partition(np.abs(errors), place - 1)[place - 1])


def _place(errors: int, level: float) -> int:
    """Which of so many errors, from the smallest on, is the half-width: ⌈(n + 1) · level⌉."""
    return max(1, math.ceil(round((errors + 1) * level, 9)))


def missed(errors: int, level: float) -> tuple[float, float]:
    """Between which shares what lies beyond a half-width is in nine of ten cases.

    Of n exchangeable errors the k-th smallest is exceeded by a share that is Beta(n + 1 − k, k)
    distributed (Vovk 2012, Conditional validity of inductive conformal predictors).

    Args:
        errors: how many the half-width is from.
        level: the nominal coverage.
    """
    from scipy import stats

    place = _place(errors, level)
    low, high = stats.beta.ppf([0.05, 0.95], errors + 1 - place, place)
    return float(low), float(high)


def split(calibration: np.ndarray, test: np.ndarray, level: float) -> np.ndarray:
    """The half-width at each test target, and at the one after them: `(targets + 1,)`, all equal.

    Args:
        calibration: the errors of the calibration targets, `(targets,)`.
        test: those of the test targets.
        level: the nominal coverage.

    Raises:
        DataError: the calibration targets are too few.
    """
    return np.full(len(test) + 1, half_width(calibration, level))


def adaptive(calibration: np.ndarray, test: np.ndarray, level: float, ahead: int) -> np.ndarray:
    """The half-width at each test target, and at the one after them: `(targets + 1,)`.

    Each uses errors alone that are known when the forecast is made. Where the level asked for grows
    beyond what their number can tell, the largest of them is taken.

    Args:
        calibration: the errors of the calibration targets, in the order of time, `(targets,)`.
        test: those of the test targets, which follow them.
        level: the nominal coverage.
        ahead: how many rows before its target a forecast is made.

    Raises:
        DataError: the calibration targets whose truth is known before the first test target are
            too few.
    """
    half_width(calibration[: max(0, len(calibration) - ahead + 1)], level)
    first, errors = len(calibration), np.abs(np.concatenate([calibration, test]))
    alpha, widths = 1 - level, np.empty(len(test) + 1)
    for target in range(first, len(errors) + 1):
        known = target - ahead + 1  # targets whose truth is known
        if known > first:
            outside = errors[known - 1] > widths[known - 1 - first]
            alpha += GAMMA * (1 - level - outside)
        widths[target - first] = _quantile(errors[max(0, known - first) : known], 1 - alpha)
    return widths


def _quantile(errors: np.ndarray, level: float) -> float:
    """The half-width of a level of any size: at most the largest error, at least 0."""
    place = min(_place(len(errors), level), len(errors))
    return 0.0 if level <= 0 else float(np.sort(errors)[place - 1])


def coverage(errors: np.ndarray, half: np.ndarray | float) -> float:
    """The share of errors `(targets,)` that lie within their half-width."""
    return float(np.mean(np.abs(errors) <= half))
