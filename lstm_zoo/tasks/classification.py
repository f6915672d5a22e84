"""One class an example."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lstm_zoo import baselines, metrics, statistics
from lstm_zoo.data import Part
from lstm_zoo.reporting import charts
from lstm_zoo.tasks.task import Task


class Classification(Task):
    """One class an example; an answer is `(examples, classes)`, the probabilities."""

    name = "classification"
    metric = "accuracy"
    loss = "sparse_categorical_crossentropy"
    loss_words = "cross entropy, nats"
    watched = ("accuracy",)
    test = "exact McNemar test"
    floor = "majority"
    functions = (metrics.accuracy, metrics.f1_macro, metrics.cross_entropy)

    def per_class(self, answers: np.ndarray, part: Part) -> list[dict]:
        """Precision, recall and F1 of each class."""
        return metrics.per_class(self.truth(part), answers, self.dataset.classes)

    def floors(self) -> dict[str, np.ndarray]:
        """The trivial answers to the test part; where it is all there is, its own best constant."""
        train, test = self.dataset.train, self.dataset.test
        known = self.truth(train if len(train) else test)
        return {"majority": baselines.majority(known, len(self.dataset.classes), len(test))}

    def p_beats(self, answers: np.ndarray, floor: np.ndarray) -> float:
        """One-sided p-value that the answers beat the floor on the test part."""
        truth = self.truth(self.dataset.test)
        right = [metrics.right(truth, probabilities) for probabilities in (answers, floor)]
        return statistics.mcnemar(*right, alternative="greater")

    def draw(self, folder: Path, answers: dict[str, np.ndarray], title: str) -> None:
        """The confusion matrix of the test part."""
        charts.confusion_matrix(
            folder / "confusion.png",
            y_true=self.truth(self.dataset.test),
            y_pred=answers["test"],
            classes=self.dataset.classes,
            title=f"{title}: test part",
        )
