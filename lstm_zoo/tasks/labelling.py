"""A class at every step."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lstm_zoo import baselines, metrics, statistics
from lstm_zoo.data import Dataset, Part
from lstm_zoo.reporting import charts
from lstm_zoo.reporting.sentences import words


class Labelling:
    """A class at every step; an answer is `(examples, steps, classes)`, the probabilities."""

    name = "sequence labelling"
    metric = "cross_entropy"
    loss = "sparse_categorical_crossentropy"
    loss_words = "cross entropy, nats"
    watched = ("accuracy",)
    test = "paired t-test of the cross entropies"
    floor = "frequencies_by_step"
    every_step = True
    functions = (metrics.cross_entropy, metrics.accuracy)

    def __init__(self, dataset: Dataset):
        self.dataset = dataset

    def truth(self, part: Part) -> np.ndarray:
        """The class of each step of a part: `(examples, steps)`."""
        return part.y[part.index]

    def answers(self, outputs: np.ndarray, part: Part) -> np.ndarray:
        """What the model said, as it is recorded."""
        return outputs

    def scores(self, answers: np.ndarray, part: Part) -> dict[str, float]:
        """Every metric over all steps, and where there is something to recall, over these alone."""
        truth, recall = self.truth(part), self.dataset.recall
        scores = {function.__name__: function(truth, answers) for function in self.functions}
        if recall:
            asked = truth[:, -recall:], answers[:, -recall:]
            scores["recall_cross_entropy"] = metrics.recall_cross_entropy(*asked)
            scores["recall_accuracy"] = metrics.recall_accuracy(*asked)
        return scores

    def per_class(self, answers: np.ndarray, part: Part) -> list[dict]:
        """The classes are told of together."""
        return []

    def floors(self) -> dict[str, np.ndarray]:
        """The trivial answers to the test part."""
        train, test = self.truth(self.dataset.train), self.dataset.test
        table = baselines.frequencies_by_step(train, len(self.dataset.classes))
        return {"frequencies_by_step": np.broadcast_to(table, (len(test), *table.shape))}

    def p_beats(self, answers: np.ndarray, floor: np.ndarray) -> float:
        """One-sided p-value that the answers beat the floor on the test part.

        Of independent examples, the Diebold–Mariano test is the paired t-test.
        """
        truth = self.truth(self.dataset.test)
        losses = [metrics.losses(truth, answer) for answer in (answers, floor)]
        return statistics.diebold_mariano(*losses, alternative="less")[1]

    def lag(self, answers: np.ndarray, learned: bool) -> None:
        """A class is no value that was known before."""

    def record(self, answers: np.ndarray) -> dict[str, np.ndarray]:
        """The arrays of predictions.npz."""
        return {"y_true": self.truth(self.dataset.test), "y_pred": answers}

    def draw(self, folder: Path, answers: dict[str, np.ndarray], title: str) -> None:
        """What each step costs on the test part, beside what the trivial answers pay."""
        score = metrics.METRICS[self.metric].score
        truth = self.truth(self.dataset.test)
        lines = {"the model": answers["test"]}
        lines |= {words(name): answer for name, answer in self.floors().items()}
        charts.by_step(
            folder / "steps.png",
            lines={
                name: [score(truth[:, step], line[:, step]) for step in range(truth.shape[1])]
                for name, line in lines.items()
            },
            metric=words(self.metric),
            title=f"{title}: test part",
        )


class LanguageModelling(Labelling):
    """The next token at every step.

    The examples are pieces of one text, one after the other; the test takes them as independent.
    """

    name = "language modelling"
    metric = "bits_per_character"
    floor = "bigram"
    functions = (metrics.bits_per_character, metrics.cross_entropy, metrics.accuracy)

    def floors(self) -> dict[str, np.ndarray]:
        """The trivial answers to the test part, counted in the training part."""
        (x, y), size = self.dataset.train.take(slice(None)), len(self.dataset.classes)
        given, _ = self.dataset.test.take(slice(None))
        single = baselines.unigram(y, size)
        return {
            "bigram": baselines.bigram(x, y, size)[given],
            "unigram": np.broadcast_to(single, (*given.shape, size)),
        }
