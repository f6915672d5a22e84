"""Values of an example."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lstm_zoo import metrics
from lstm_zoo.data import Part
from lstm_zoo.reporting import charts
from lstm_zoo.tasks.task import Task


class Regression(Task):
    """Values of an example; an answer is `(examples, values)`."""

    name = "regression"
    metric = "mse"
    loss = "mean_squared_error"
    loss_words = "mean squared error"
    test = "paired t-test of the squared errors"
    floor = "mean"
    functions = (metrics.mse, metrics.rmse, metrics.mae)

    def truth(self, part: Part) -> np.ndarray:
        """The values of a part: `(examples, values)`."""
        return part.y[part.index].astype(np.float64)

    def answers(self, outputs: np.ndarray, part: Part) -> np.ndarray:
        """What the model said."""
        return outputs.astype(np.float64)

    def floors(self) -> dict[str, np.ndarray]:
        """The trivial answer to the test part: the mean of the training part's values."""
        mean = self.truth(self.dataset.train).mean(axis=0)
        return {"mean": np.tile(mean, (len(self.dataset.test), 1))}

    def draw(self, folder: Path, answers: dict[str, np.ndarray], title: str) -> None:
        """Answers beside the truth, of the test part."""
        charts.answers(
            folder / "answers.png",
            y_true=self.truth(self.dataset.test),
            y_pred=answers["test"],
            title=f"{title}: test part",
        )
