"""What all tasks have in common: independent examples, scored by a loss each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lstm_zoo import disk, metrics, statistics
from lstm_zoo.data import Dataset, Part


class Task:
    """A task over a dataset; a subclass names its scores, its loss and its trivial answers.

    Its `metric`, the first of `functions`, is the main one; `floor` the first of `floors()`.
    """

    metric: str
    functions: tuple[Callable[..., float], ...]
    watched: tuple[str, ...] = ()
    every_step = False
    horizon = 1  # how many test examples in a row share what they forecast

    def __init__(self, dataset: Dataset):
        self.dataset = dataset

    def truth(self, part: Part) -> np.ndarray:
        """What is to be answered: `(examples, …)`."""
        return part.y[part.index]

    def answers(self, outputs: np.ndarray, part: Part) -> np.ndarray:
        """What the model said, as it is recorded."""
        return outputs

    def scores(self, answers: np.ndarray, part: Part) -> dict[str, float | None]:
        """Every metric of the task."""
        truth = self.truth(part)
        return {function.__name__: function(truth, answers) for function in self.functions}

    def per_class(self, answers: np.ndarray, part: Part) -> list[dict]:
        """Precision, recall and F1 of each class, where an example has one."""
        return []

    def p_beats(self, answers: np.ndarray, floor: np.ndarray) -> float:
        """One-sided p-value that the answers beat the floor on the test part.

        Of independent examples, the Diebold–Mariano test is the paired t-test.
        """
        truth = self.truth(self.dataset.test)
        losses = [metrics.losses(truth, answer) for answer in (answers, floor)]
        disk.forget()
        return statistics.diebold_mariano(*losses, self.horizon, alternative="less")[1]

    def lag(self, answers: np.ndarray, learned: bool) -> dict | None:
        """Whether the answers are only a value known before, where there is an earlier one."""

    def intervals(self, answers: dict[str, np.ndarray]) -> dict | None:
        """Prediction intervals and their coverage, where a part was kept to calibrate them by."""

    def record(self, answers: np.ndarray) -> dict[str, np.ndarray]:
        """The arrays of predictions.npz."""
        return {"y_true": self.truth(self.dataset.test), "y_pred": answers}
