"""The lag detector: does a forecast follow the series instead of leading it?

A forecaster that has learned nothing answers with what it saw last. Drawn over the truth it looks
good, and is late by a step. So the forecast of row t is set beside the value of row t, of the row
before, and so on, and the shift at which it fits best says what it really is.

The best fit alone would say too much, in two ways. A series that repeats itself (a week, say) looks
a period ago as it does now, and noise decides which of the two fits better: "trails" therefore
needs a test. And for a random walk the last value *is* the best forecast: "repeats" is said only
where the forecast is no better than the last value.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from lstm_zoo import disk
from lstm_zoo.results import LEVEL
from lstm_zoo.statistics import diebold_mariano

_FURTHER = 10  # rows behind the last known value that are looked at


@dataclass(frozen=True)
class Lag:
    """What a forecast follows.

    Args:
        shift: the rows by which the series must be held back to fit the forecast best; 0 is a
            forecast that fits its own target best.
        says: `repeats` the last known value, `trails` behind it, or None.
    """

    shift: int
    says: Literal["repeats", "trails"] | None


def detect(
    forecast: np.ndarray,
    values: np.ndarray,
    rows: np.ndarray | range,
    horizon: int,
    improves: bool,
) -> Lag:
    """The shift k in 0 … `horizon` + 10 with the smallest RMSE(forecast of t, value of t − k).

    The smallest such k, where several fit equally well up to rounding. It *repeats* the last value
    if k is the horizon and the forecast does not beat the last value. It *trails* by k if k is
    larger, and the squared distance to the value of t − k is smaller than that to the value of t by
    a one-sided Diebold–Mariano test at 5 %, shared by Bonferroni among the shifts looked at. That
    test counts autocovariances up to lag k − 1, since the values of t and t − k are k rows apart.

    Args:
        forecast: of the furthest step, in the series' unit and in order of time, `(examples,)`.
        values: the whole series, in the same unit, `(rows,)`.
        rows: where in `values` the target of each forecast stands, rising, `(examples,)`.
        horizon: the steps from the last known value to the target.
        improves: whether the forecast is significantly better than the last value.
    """
    shifts = np.arange(min(horizon + _FURTHER, int(rows[0])) + 1)

    def losses(shift: int, some: slice = slice(None)) -> np.ndarray:
        return (forecast[some] - disk.at(values, disk.later(rows[some], -shift))) ** 2

    errors = [disk.mean(partial(losses, shift), len(rows)) for shift in shifts]
    errors = np.sqrt(errors)
    rounding = 1e-12 * float(disk.largest(values))
    shift = int(np.argmax(errors <= errors.min() + rounding))
    if shift == horizon and not improves:
        return Lag(shift, "repeats")
    if shift > horizon:
        _, p_value = diebold_mariano(losses(shift), losses(0), shift, alternative="less")
        if p_value < LEVEL / shifts[-1]:
            return Lag(shift, "trails")
    return Lag(shift, None)
