"""The next values of a series."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np

from lstm_zoo import baselines, lag, metrics
from lstm_zoo.data import Dataset, Part
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
        return self.values[self.starts(part)]

    def truth(self, part: Part) -> np.ndarray:
        """The values to come: `(examples, horizon)`."""
        steps = np.arange(1, self.framing.horizon + 1)
        return self.values[self.starts(part)[:, None] + steps]

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
            "mase": metrics.mase(truth, answers, scale=self._step()),
            "skill": metrics.skill(truth, answers, last=last),
            "direction_accuracy": metrics.direction_accuracy(truth, answers, last=last),
        }

    def floors(self) -> dict[str, np.ndarray]:
        """The trivial answers to the test part, fitted on the training rows."""
        starts, horizon = self.starts(self.dataset.test), self.framing.horizon
        floors = {"last_value": baselines.last_value(self.values, starts, horizon)}
        if known := self._known():
            floors["drift"] = baselines.drift(self.values, starts, horizon, train_rows=known)
            floors["mean"] = baselines.mean(self.values, starts, horizon, train_rows=known)
        if period := self.dataset.period:
            floors["seasonal"] = baselines.seasonal(self.values, starts, horizon, period)
        return floors

    def lag(self, answers: np.ndarray, learned: bool) -> dict | None:
        """Whether the furthest forecasts are only a value known before, some rows late."""
        test, ahead = self.dataset.test, self.framing.horizon
        rows = self.starts(test) + ahead
        return asdict(lag.detect(answers[:, -1], self.values, rows, ahead, learned))

    def record(self, answers: np.ndarray) -> dict[str, np.ndarray]:
        """The arrays of predictions.npz; `dates (examples, horizon)` are those of the targets."""
        test, dates = self.dataset.test, self.dataset.series.dates
        arrays = super().record(answers) | {"last": self.last(test)}
        if dates is not None:
            steps = np.arange(1, self.framing.horizon + 1)
            arrays["dates"] = dates[self.starts(test)[:, None] + steps]
        return arrays

    def draw(self, folder: Path, answers: dict[str, np.ndarray], title: str) -> None:
        """The series, and the forecasts of the furthest step of the horizon."""
        ahead = self.framing.horizon
        parts = {
            name: (self.starts(part) + ahead, answers[name][:, -1])
            for name, part in self.dataset.parts.items()
        }
        charts.forecast(
            folder / "forecast.png",
            actual=self.values,
            train=parts["train"],
            test=parts["test"],
            last_value=self.last(self.dataset.test),
            column=self.framing.columns[0],
            dates=self.dataset.series.dates,
            ahead=ahead,
            title=title,
        )

    def _known(self) -> int:
        """The rows of the training part; 0 where there is none."""
        starts = self.starts(self.dataset.train)
        return int(starts[-1]) + self.framing.horizon + 1 if len(starts) else 0

    def _step(self) -> float:
        """The mean absolute change from row to row in the training part; 0 where there is none."""
        changes = np.abs(np.diff(self.values[: self._known()]))
        return float(np.mean(changes)) if len(changes) else 0.0
