"""One class an example."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lstm_zoo import baselines, metrics, statistics
from lstm_zoo.data import Dataset, Part
from lstm_zoo.reporting import charts


class Classification:
    """One class an example; an answer is `(examples, classes)`, the probabilities."""

    name = "classification"
    metric = "accuracy"
    loss = "sparse_categorical_crossentropy"
    loss_words = "cross entropy, nats"
    watched = ("accuracy",)
    test = "exact McNemar test"
    floor = "majority"
    every_step = False

    def __init__(self, dataset: Dataset):
        self.dataset = dataset

    def truth(self, part: Part) -> np.ndarray:
        """The labels of a part: `(examples,)`."""
        return part.y[part.index]

    def answers(self, outputs: np.ndarray, part: Part) -> np.ndarray:
        """What the model said, as it is recorded."""
        return outputs

    def scores(self, answers: np.ndarray, part: Part) -> dict[str, float]:
        """Every metric of the task."""
        truth = self.truth(part)
        functions = (metrics.accuracy, metrics.f1_macro, metrics.cross_entropy)
        return {function.__name__: function(truth, answers) for function in functions}

    def per_class(self, answers: np.ndarray, part: Part) -> list[dict]:
        """Precision, recall and F1 of each class."""
        return metrics.per_class(self.truth(part), answers, self.dataset.classes)

    def floors(self) -> dict[str, np.ndarray]:
        """The trivial answers to the test part."""
        train, test = self.dataset.train, self.dataset.test
        return {
            "majority": baselines.majority(self.truth(train), len(self.dataset.classes), len(test))
        }

    def p_beats(self, answers: np.ndarray, floor: np.ndarray) -> float:
        """One-sided p-value that the answers beat the floor on the test part."""
        truth = self.truth(self.dataset.test)
        right = [np.argmax(probabilities, axis=1) == truth for probabilities in (answers, floor)]
        return statistics.mcnemar(*right, alternative="greater")

    def lag(self, answers: np.ndarray, learned: bool) -> None:
        """A class is no value that was known before."""

    def record(self, answers: np.ndarray) -> dict[str, np.ndarray]:
        """The arrays of predictions.npz."""
        return {"y_true": self.truth(self.dataset.test), "y_pred": answers}

    def draw(self, folder: Path, answers: dict[str, np.ndarray], title: str) -> None:
        """The confusion matrix of the test part."""
        charts.confusion_matrix(
            folder / "confusion.png",
            y_true=self.truth(self.dataset.test),
            y_pred=answers["test"],
            classes=self.dataset.classes,
            title=f"{title}: test part",
        )
