"""Values of an example."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lstm_zoo import metrics, statistics
from lstm_zoo.data import Dataset, Part
from lstm_zoo.reporting import charts


class Regression:
    """Values of an example; an answer is `(examples, values)`."""

    name = "regression"
    metric = "mse"
    loss = "mean_squared_error"
    loss_words = "mean squared error"
    watched = ()
    test = "paired t-test of the squared errors"
    floor = "mean"
    every_step = False

    def __init__(self, dataset: Dataset):
        self.dataset = dataset

    def truth(self, part: Part) -> np.ndarray:
        """The values of a part: `(examples, values)`."""
        return part.y[part.index].astype(np.float64)

    def answers(self, outputs: np.ndarray, part: Part) -> np.ndarray:
        """What the model said."""
        return outputs.astype(np.float64)

    def scores(self, answers: np.ndarray, part: Part) -> dict[str, float]:
        """Every metric of the task."""
        truth = self.truth(part)
        functions = (metrics.mse, metrics.rmse, metrics.mae)
        return {function.__name__: function(truth, answers) for function in functions}

    def per_class(self, answers: np.ndarray, part: Part) -> list[dict]:
        """Values have no classes."""
        return []

    def floors(self) -> dict[str, np.ndarray]:
        """The trivial answer to the test part: the mean of the training part's values."""
        mean = self.truth(self.dataset.train).mean(axis=0)
        return {"mean": np.tile(mean, (len(self.dataset.test), 1))}

    def p_beats(self, answers: np.ndarray, floor: np.ndarray) -> float:
        """One-sided p-value that the answers beat the floor on the test part.

        Of independent examples, the Diebold–Mariano test is the paired t-test.
        """
        truth = self.truth(self.dataset.test)
        losses = [metrics.losses(truth, answer) for answer in (answers, floor)]
        return statistics.diebold_mariano(*losses, alternative="less")[1]

    def lag(self, answers: np.ndarray, learned: bool) -> None:
        """These values follow no earlier ones."""

    def record(self, answers: np.ndarray) -> dict[str, np.ndarray]:
        """The arrays of predictions.npz."""
        return {"y_true": self.truth(self.dataset.test), "y_pred": answers}

    def draw(self, folder: Path, answers: dict[str, np.ndarray], title: str) -> None:
        """Answers beside the truth, of the test part."""
        charts.answers(
            folder / "answers.png",
            y_true=self.truth(self.dataset.test),
            y_pred=answers["test"],
            title=f"{title}: test part",
        )
