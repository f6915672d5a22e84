"""The values past the end of a series, and how far off they may be.

A model answers its own horizon at once (direct); where more steps are asked for, its answers are
taken for the truth and fed back (recursive). How far off such forecasts are is seen where the truth
is known: the rows of the calibration and the test part are forecast as those past the end are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from lstm_zoo import conformal, evaluation, forecasting, rhythm
from lstm_zoo.data import Dataset
from lstm_zoo.errors import DataError, UsageError
from lstm_zoo.forecasting import Loaded
from lstm_zoo.framing import Framing
from lstm_zoo.reporting.rows import named
from lstm_zoo.reporting.sentences import percent

MOST_STEPS = 100_000  # past the end of a series
_MOST_JUDGED = 200  # steps that have an interval: every one is forecast from every known row
_BATCH = 512
_SHORT = 0.05  # of the nominal coverage, of which a user is told
_FEW = 4  # steps whose rows are nearly as many cases
_ROWS = 2000  # of the calibration part, and of the test part, that are looked at


@dataclass(frozen=True)
class Intervals:
    """How far off the forecasts may be.

    Args:
        level: the nominal coverage.
        half: the half-width at each step, `(steps,)`, in the series' unit.
        coverage: what the same intervals hold of the test part, `(steps,)`.
        calibration: how many forecasts of the calibration part each is from.
        test: how many of the test part the coverage is from.
    """

    level: float
    half: np.ndarray
    coverage: np.ndarray
    calibration: int
    test: int


@dataclass(frozen=True)
class Outlook:
    """The forecasts past the end of a series.

    Args:
        values: the series, `(rows,)`, in its unit.
        dates: its dates and those that follow, `(rows + steps,)`; None where there are none.
        forecasts: `(steps,)`, in the series' unit.
        intervals: None where there is nothing to calibrate them by.
        notes: how it was made, in sentences.
    """

    values: np.ndarray
    dates: np.ndarray | None
    forecasts: np.ndarray
    intervals: Intervals | None
    notes: tuple[str, ...]

    @property
    def told(self) -> str:
        """What the intervals are, in short."""
        coverage = self.intervals.coverage
        held = dict.fromkeys((percent(coverage.min()), percent(coverage.max())))
        return (
            f"intervals of nominal {percent(self.intervals.level)}; the same held "
            f"{' to '.join(held)} of the test part"
        )

    def table(self) -> tuple[list[str], list[tuple]]:
        """The columns, and a row a step; `actual` is not known."""
        first, steps = len(self.values), len(self.forecasts)
        name = named(self.dates)
        columns = ["index" if self.dates is None else "date", "actual", "predicted"]
        rows = [
            (name(first + step), None, value) for step, value in enumerate(self.forecasts.tolist())
        ]
        if self.intervals is None:
            return columns, rows
        known = len(self.intervals.half)
        half = [*self.intervals.half.tolist(), *[None] * (steps - known)]
        bounds = [
            (None, None) if wide is None else (_short(row[2] - wide), _short(row[2] + wide))
            for row, wide in zip(rows, half, strict=True)
        ]
        return [*columns, "lower", "upper"], [a + b for a, b in zip(rows, bounds, strict=True)]


def _short(value: float) -> float:
    """As many digits as a forecast has."""
    return float(f"{value:.9g}")


def ahead(loaded: Loaded, dataset: Dataset, steps: int, *, level: float, adaptive: bool) -> Outlook:
    """The next `steps` values past the end of a series, and their intervals.

    Args:
        loaded: the run, with its model.
        dataset: the series; where it has a calibration part there are intervals.
        steps: how many.
        level: the nominal coverage of the intervals.
        adaptive: whether the intervals follow their own failures.

    Raises:
        UsageError: the model needs other columns too, whose future nobody knows, or there are more
            than `MOST_STEPS`.
        DataError: the calibration part is too small for the level, or the dates go beyond what a
            date can be.
    """
    framing = forecasting.framing(loaded)
    _check(framing, steps)
    values, dates = dataset.series.values[:, framing.target], dataset.series.dates
    forecast = partial(_paths, loaded, framing, values)
    notes, last = [_how(framing, steps)], np.array([len(values) - 1])
    if dates is not None:
        following, words = rhythm.continued(dates, steps)
        dates = np.concatenate([dates, following])
        notes.append(f"Dates go on {words}.")
    with forecasting.applied(loaded):
        intervals, told = _intervals(forecast, dataset, values, steps, level, adaptive)
        forecasts = forecast(last, steps)[0]
    return Outlook(values, dates, forecasts, intervals, (*notes, *told))


def _check(framing: Framing, steps: int) -> None:
    if steps > MOST_STEPS:
        raise UsageError(f"--horizon is at most {MOST_STEPS:,} steps, not {steps:,}.")
    if len(framing.columns) > 1:
        raise UsageError(
            f"The model needs {', '.join(framing.columns[1:])} too, whose future is not known: "
            "--horizon works for a model of one column."
        )


def _how(framing: Framing, steps: int) -> str:
    """How the forecasts are made."""
    own = framing.horizon
    if steps <= own:
        return f"All {steps:,} steps are answered at once." if steps > 1 else "One step ahead."
    at_once = f"{own:,} steps at a time" if own > 1 else "step by step"
    return f"Recursive, {at_once}: each forecast is fed back for the next."


def _paths(
    loaded: Loaded, framing: Framing, values: np.ndarray, origins: np.ndarray, steps: int
) -> np.ndarray:
    """The forecasts of the next `steps` values after each origin row: `(origins, steps)`."""
    windows = values[origins[:, None] + np.arange(1 - framing.window, 1)]
    return evaluation.fed(loaded.model, framing, windows, steps, min(_BATCH, len(windows)))


def _intervals(
    forecast: Callable,
    dataset: Dataset,
    values: np.ndarray,
    steps: int,
    level: float,
    adaptive: bool,
) -> tuple[Intervals | None, list[str]]:
    """The intervals, and what is to be said of them."""
    if not len(dataset.train):
        return None, ["No intervals: those of a run are calibrated on its own data (no --csv)."]
    if dataset.calibration is None:
        return None, [
            "No intervals: training left no rows to calibrate them by, as it does with --data "
            "calibration=0.1."
        ]
    looked_at = _looked_at(dataset, adaptive)
    judged = _judged(len(looked_at[0]), steps, level, adaptive)
    errors = _errors(forecast, looked_at, values, judged, dataset.framing.window)
    each = [_step(*both, level, place + 1, adaptive) for place, both in enumerate(errors)]
    half, coverage = (np.array(column) for column in zip(*each, strict=True))
    counts = map(len, errors[0])
    intervals = Intervals(level, half, coverage, *counts)
    return intervals, _told(intervals, steps, adaptive)


def _judged(known: int, steps: int, level: float, adaptive: bool) -> int:
    """How many steps have an interval; to adapt, enough must be known so many steps before."""
    judged = min(steps, _MOST_JUDGED)
    if not adaptive:
        return judged
    return max(1, min(judged, known - conformal.least(level) + 1))


def _step(
    calibration: np.ndarray, test: np.ndarray, level: float, ahead: int, adaptive: bool
) -> tuple[float, float]:
    """The half-width past the end, and the coverage of the test part."""
    if adaptive:
        half = conformal.adaptive(calibration, test, level, ahead)
    else:
        half = conformal.split(calibration, test, level)
    return half[-1], conformal.coverage(test, half[:-1])


def _errors(
    forecast: Callable,
    looked_at: tuple[np.ndarray, ...],
    values: np.ndarray,
    steps: int,
    window: int,
) -> list[tuple[np.ndarray, ...]]:
    """At each step ahead the errors of the rows to calibrate by, and of those to judge by."""
    first = looked_at[0][0] - steps
    if first < window - 1:
        raise DataError(
            f"{steps:,} steps ahead reach back beyond the first window of the series: a smaller "
            "--horizon."
        )
    paths = forecast(np.arange(first, looked_at[1][-1]), steps)
    return [
        tuple(paths[rows - step - first, step - 1] - values[rows] for rows in looked_at)
        for step in range(1, steps + 1)
    ]


def _looked_at(dataset: Dataset, adaptive: bool) -> tuple[np.ndarray, np.ndarray]:
    """The rows that intervals are calibrated by, and those of the test part to judge them by.

    What adapts past the end follows the latest rows, and begins with as many before them.
    """
    parts = (dataset.calibration, dataset.test)
    calibration, test = (np.array(dataset.framing.rows(part.places)) for part in parts)
    if not adaptive:
        return calibration[-_ROWS:], test[:_ROWS]
    before = np.concatenate([calibration, test[:-_ROWS]])
    return before[-len(calibration) :][-_ROWS:], test[-_ROWS:]


def _told(intervals: Intervals, steps: int, adaptive: bool) -> list[str]:
    """What the intervals are worth."""
    coverage, judged = intervals.coverage, len(intervals.half)
    held = f"{percent(coverage[0])} one step ahead"
    if judged > 1:
        held += f" and {percent(coverage[-1])} {judged:,} steps ahead"
    if 0 < (worst := int(np.argmin(coverage))) < judged - 1:
        held += f" (at the worst {percent(coverage[worst])}, {worst + 1:,} steps ahead)"
    told = [
        f"Intervals of nominal {percent(intervals.level)}, calibrated on "
        f"{intervals.calibration:,} rows that training did not use: they held {held}, of "
        f"{intervals.test:,} rows of the test part."
    ]
    if judged < steps:
        told.append(f"Only the first {judged:,} steps have an interval.")
    if judged > _FEW:
        told.append("Forecasts of many steps overlap: such a share is of fewer cases than rows.")
    if not adaptive and np.min(coverage) < intervals.level - _SHORT:
        told.append(
            "A series changes: --intervals adaptive follows, by what it missed lately, the better "
            "the fewer the steps."
        )
    if adaptive and np.min(coverage) < intervals.level - _SHORT:
        told.append(
            "What forecasts of many steps miss is known late: a higher --level makes them wider."
        )
    return told
