"""Points of a series that are further from their forecast than nearly all before them.

A threshold is the half-width of a conformal interval (`conformal.half_width`): of points like those
that it was set on, at most the stated share lies beyond it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstm_zoo import conformal, evaluation, forecasting
from lstm_zoo.data import Dataset
from lstm_zoo.errors import DataError, counted
from lstm_zoo.forecasting import Loaded
from lstm_zoo.reporting.sentences import number, percent
from lstm_zoo.tasks import Forecasting

COLUMNS = ("actual", "predicted", "error", "threshold", "anomaly")


@dataclass(frozen=True)
class Threshold:
    """The error beyond which a point is an anomaly.

    Args:
        value: in the series' unit.
        false_alarms: the share that was stated.
        part: what it was set on, of how many `rows`.
        measured: how many of the `tested` rows of the test part are beyond it.
    """

    value: float
    false_alarms: float
    part: str
    rows: int
    measured: int
    tested: int

    @property
    def told(self) -> str:
        """What it is, and what came of the stated rate."""
        return (
            f"Threshold {number(self.value)}, set on {self.rows:,} rows of the {self.part} part "
            f"for {percent(self.false_alarms)} false alarms: beyond it are "
            f"{counted(self.measured, 'row')} of the {self.tested:,} of the test part "
            f"({percent(self.measured / self.tested)})."
        )


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
    known, test = (_errors(loaded, dataset, name) for name in (part, "test"))
    least = round(1 / false_alarms) - 1
    if len(known) < least:
        raise DataError(
            f"{len(known):,} rows of the {part} part are too few to set a threshold for "
            f"{percent(false_alarms)} false alarms: it takes {least:,}, or a larger --false-alarms."
        )
    value = conformal.half_width(known, 1 - false_alarms)
    beyond = int(np.sum(test > value))
    return Threshold(value, false_alarms, part, len(known), beyond, len(test))


def _errors(loaded: Loaded, dataset: Dataset, name: str) -> np.ndarray:
    """How far off the next value was each time: `(examples,)`."""
    _, _, errors = points(loaded, dataset, name)
    return errors


def points(
    loaded: Loaded, dataset: Dataset, name: str = "test"
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The rows that a part's examples forecast next, the forecasts, and how far off they were."""
    task, part = Forecasting(dataset), dataset.parts[name]
    with forecasting.applied(loaded):
        answers = evaluation.answers(loaded.model, dataset, part, loaded.config)[:, 0]
    return task.starts(part) + 1, answers, np.abs(task.truth(part)[:, 0] - answers)


def table(loaded: Loaded, dataset: Dataset, limit: Threshold) -> tuple[list[str], list[tuple]]:
    """The columns, and a row a point of the test part; `anomaly` is 1 or 0."""
    rows, answers, errors = points(loaded, dataset)
    values, dates = dataset.series.values[:, dataset.framing.target], dataset.series.dates
    columns = ["index" if dates is None else "date", *COLUMNS]
    return columns, [
        (forecasting.place(dates, row), float(values[row]), answer, error, limit.value, mark)
        for row, answer, error, mark in zip(
            rows.tolist(),
            answers.tolist(),
            errors.tolist(),
            (errors > limit.value).astype(int).tolist(),
            strict=True,
        )
    ]
