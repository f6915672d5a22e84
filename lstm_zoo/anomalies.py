"""Points of a series that are further from their forecast than nearly all before them.

A threshold is the half-width of a conformal interval (`conformal.half_width`): of points like those
that it was set on, at most the stated share lies beyond it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lstm_zoo import conformal, evaluation, forecasting
from lstm_zoo.data import Dataset, Part
from lstm_zoo.errors import DataError, counted
from lstm_zoo.forecasting import Loaded
from lstm_zoo.reporting.rows import named
from lstm_zoo.reporting.sentences import number, percent

COLUMNS = ("actual", "predicted", "error", "threshold", "anomaly")


class Points(NamedTuple):
    """Points of a series: their rows, the forecasts one step ahead, and how far off these were."""

    rows: np.ndarray
    forecasts: np.ndarray
    errors: np.ndarray


@dataclass(frozen=True)
class Threshold:
    """The error beyond which a point is an anomaly.

    Args:
        value: in the series' unit.
        false_alarms: the share that was stated.
        part: what it was set on, of how many `rows`.
    """

    value: float
    false_alarms: float
    part: str
    rows: int

    def told(self, test: Points) -> str:
        """What it is, and what came of the stated rate on the run's test part."""
        found = self.record(test)["test"]
        low, high = conformal.missed(self.rows, 1 - self.false_alarms)
        return (
            f"Threshold {number(self.value)}, set on {self.rows:,} rows of the {self.part} part "
            f"for {percent(self.false_alarms)} false alarms ({percent(low)} to {percent(high)} in "
            f"nine of ten cases, were all rows alike): beyond it are "
            f"{counted(found['beyond'], 'row')} of the {found['rows']:,} of the test part "
            f"({percent(found['share'])})."
        )

    def record(self, test: Points) -> dict:
        """The same for a program."""
        beyond, tested = int(np.sum(self.marks(test))), len(test.errors)
        return {
            "threshold": self.value,
            "false_alarms": self.false_alarms,
            "part": self.part,
            "rows": self.rows,
            "test": {"rows": tested, "beyond": beyond, "share": beyond / tested},
        }

    def marks(self, points: Points) -> np.ndarray:
        """Which points are anomalies: `bool (points,)`."""
        return points.errors > self.value


def threshold(loaded: Loaded, dataset: Dataset, false_alarms: float) -> Threshold:
    """The threshold for a run's series: the test part has no say in it.

    Args:
        loaded: the run, with its model.
        dataset: its own dataset.
        false_alarms: the share of points without fault that may be marked.

    Raises:
        UsageError: the run is of no series.
        DataError: there are too few rows to set it on.
    """
    forecasting.framing(loaded)
    part = "validation" if dataset.calibration is None else "calibration"
    if part not in dataset.parts:
        raise DataError("There is no validation part, on which a threshold could be set.")
    known = points(loaded, dataset, part).errors
    least = conformal.least(1 - false_alarms)
    if len(known) < least:
        enough = f"{1.05 / (len(known) + 1):.2g}"  # two digits that are not below the least
        raise DataError(
            f"{len(known):,} rows of the {part} part are too few to set a threshold for "
            f"{percent(false_alarms)} false alarms: it takes {least:,}, or "
            f"--false-alarms {enough}."
        )
    value = conformal.half_width(known, 1 - false_alarms)
    return Threshold(value, false_alarms, part, len(known))


def points(loaded: Loaded, dataset: Dataset, name: str = "test") -> Points:
    """Every row that a part forecasts, one step ahead.

    Where a model answers several steps, the last rows of a part have no example of their own.
    """
    part, framing, size = dataset.parts[name], dataset.framing, evaluation.batch_size(loaded.config)
    rows, values = np.array(framing.rows(part.places)), dataset.series.values[:, framing.target]
    windows = Part(part.x, part.x, range(rows[0] - framing.window, rows[-1] - framing.window + 1))
    with forecasting.applied(loaded):
        answers = evaluation.outputs(loaded.model, windows, size, every_step=False)[:, :1]
    answers = framing.up_to(1).to_units(answers.astype(np.float64), values[rows - 1])[:, 0]
    return Points(rows, answers, np.abs(values[rows] - answers))


def table(dataset: Dataset, found: Points, limit: Threshold) -> tuple[list[str], list[tuple]]:
    """The columns, and a row a point; `anomaly` is 1 or 0."""
    values, dates = dataset.series.values[:, dataset.framing.target], dataset.series.dates
    columns = ["index" if dates is None else "date", *COLUMNS]
    marks, name = limit.marks(found).astype(int), named(dates)
    return columns, [
        (name(row), float(values[row]), answer, error, limit.value, mark)
        for row, answer, error, mark in zip(
            *(column.tolist() for column in (*found, marks)), strict=True
        )
    ]
