"""The next values of a series."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from lstm_zoo import baselines, conformal, disk, lag, metrics
from lstm_zoo.data import Dataset, Fold, Part
from lstm_zoo.reporting import charts
from lstm_zoo.tasks.task import Task


class Forecasting(Task):
    """The next values of a series; an answer is `(examples, horizon)` in the series' unit."""

    name = "forecasting"
    metric = "rmse"
    loss = "mean_squared_error"
    loss_words = "mean squared error, scaled"
    test = "Diebold–Mariano test"
    floor = "last_value"

    def __init__(self, dataset: Dataset):
        super().__init__(dataset)
        self.framing = dataset.framing
        self.horizon = dataset.framing.horizon
        self.values = dataset.series.values[:, dataset.framing.target]

    def starts(self, part: Part) -> np.ndarray:
        """The last row that each example of a part has seen: `(examples,)`."""
        return part.index + self.framing.window - 1

    def last(self, part: Part) -> np.ndarray:
        """The last value that each example has seen: `(examples,)`."""
        return disk.at(self.values, self._ahead(part, 0))

    def truth(self, part: Part) -> np.ndarray:
        """The values to come: `(examples, horizon)`."""
        return disk.at(self.framing.future(self.dataset.series.values), self._ahead(part, 0))

    def _ahead(self, part: Part, rows: int) -> np.ndarray | range:
        """The rows so far after those of `starts`; a range where no other is between."""
        return disk.later(part.places, self.framing.window - 1 + rows)

    def answers(self, outputs: np.ndarray, part: Part) -> np.ndarray:
        """What the model said, in the series' unit."""
        return self.framing.to_units(outputs.astype(np.float64), self.last(part))

    def scores(self, answers: np.ndarray, part: Part) -> dict[str, float | None]:
        """Every metric of the task."""
        truth, last = self.truth(part), self.last(part)
        return {
            "rmse": metrics.rmse(truth, answers),
            "mae": metrics.mae(truth, answers),
            "mape": metrics.mape(truth, answers),
            "mase": metrics.mase(truth, answers, scale=self._step),
            "skill": metrics.skill(truth, answers, last=last),
            "direction_accuracy": metrics.direction_accuracy(truth, answers, last=last),
        }

    def floors(self) -> dict[str, np.ndarray]:
        """The trivial answers to the test part, fitted on the training rows."""
        floors = {"last_value": self._floor(baselines.last_value)}
        if self._known():
            floors["drift"] = self._refitted(baselines.drift)
            floors["mean"] = self._refitted(baselines.mean)
        if period := self.dataset.period:
            floors["seasonal"] = self._floor(baselines.seasonal, period=period)
        return floors

    def _refitted(self, baseline: Callable[..., np.ndarray]) -> np.ndarray:
        """A baseline's answers to the test part, fitted on the training rows before each fold."""
        folds = self.dataset.folds or (Fold(slice(None), self._known()),)
        return np.concatenate(
            [self._floor(baseline, fold.examples, train_rows=fold.known) for fold in folds]
        )

    def _floor(
        self, baseline: Callable[..., np.ndarray], of: slice = slice(None), **fitted: int
    ) -> np.ndarray:
        """One baseline's answers to the test part, or to a piece of it."""
        test = self.dataset.test.piece(of)
        starts = (self.starts(test.piece(rows)) for rows in disk.stretches(len(test)))
        return disk.gathered(
            baseline(self.values, some, self.framing.horizon, **fitted) for some in starts
        )

    def lag(self, answers: np.ndarray, learned: bool) -> dict | None:
        """Whether the furthest forecasts are only a value known before, some rows late."""
        test, ahead = self.dataset.test, self.framing.horizon
        rows = self._ahead(test, ahead)
        return asdict(lag.detect(answers[:, -1], self.values, rows, ahead, learned))

    def intervals(self, answers: dict[str, np.ndarray]) -> dict | None:
        """Prediction intervals, calibrated for each step ahead, and their coverage.

        `width` is that of the whole interval, in the series' unit.
        """
        if "calibration" not in answers:
            return None
        parts = self.dataset.parts
        errors = {name: answers[name] - self.truth(parts[name]) for name in ("calibration", "test")}
        half = [conformal.half_width(step, conformal.LEVEL) for step in errors["calibration"].T]
        return {
            "level": conformal.LEVEL,
            "calibration_examples": len(errors["calibration"]),
            "coverage": list(map(conformal.coverage, errors["test"].T, half)),
            "width": [2 * one for one in half],
        }

    def record(self, answers: np.ndarray) -> dict[str, np.ndarray]:
        """The arrays of predictions.npz; `dates (examples, horizon)` are those of the targets."""
        test, dates = self.dataset.test, self.dataset.series.dates
        arrays = super().record(answers) | {"last": self.last(test)}
        if dates is not None:
            following = sliding_window_view(dates[1:], self.framing.horizon)
            arrays["dates"] = disk.at(following, self._ahead(test, 0))
        return arrays

    def draw(self, folder: Path, answers: dict[str, np.ndarray], title: str) -> None:
        """The series, and the forecasts of the furthest step of the horizon."""
        ahead = self.framing.horizon
        parts = {
            name: (self._ahead(part, ahead), answers[name][:, -1])
            for name, part in self.dataset.scored.items()
            if name in answers
        }
        charts.forecast(
            folder / "forecast.png",
            actual=self.values,
            train=parts.get("train"),
            test=parts["test"],
            last_value=self.last(self.dataset.test),
            column=self.framing.columns[0],
            dates=self.dataset.series.dates,
            ahead=ahead,
            title=title,
        )

    def _known(self) -> int:
        """The rows of the training part; 0 where there is none."""
        train = self.dataset.train
        if not len(train):
            return 0
        return int(train.places[-1]) + self.framing.window + self.framing.horizon

    @cached_property
    def _step(self) -> float:
        """The mean absolute change from row to row in the training part; 0 where there is none."""
        later, values = self.values[1 : self._known()], self.values
        if not len(later):
            return 0.0
        return float(disk.mean(lambda rows: np.abs(later[rows] - values[rows]), len(later)))
