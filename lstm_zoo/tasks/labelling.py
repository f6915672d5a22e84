"""A class at every step."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lstm_zoo import baselines, metrics
from lstm_zoo.data import Part
from lstm_zoo.reporting import charts
from lstm_zoo.reporting.sentences import words
from lstm_zoo.tasks.task import Task


class Labelling(Task):
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

    def scores(self, answers: np.ndarray, part: Part) -> dict[str, float]:
        """Every metric over all steps, and where there is something to recall, over these alone."""
        scores, recall = super().scores(answers, part), self.dataset.recall
        if recall:
            asked = self.truth(part)[:, -recall:], answers[:, -recall:]
            scores["recall_cross_entropy"] = metrics.recall_cross_entropy(*asked)
            scores["recall_accuracy"] = metrics.recall_accuracy(*asked)
        return scores

    def floors(self) -> dict[str, np.ndarray]:
        """The trivial answers to the test part."""
        train, test = self.truth(self.dataset.train), self.dataset.test
        table = baselines.frequencies_by_step(train, len(self.dataset.classes))
        return {"frequencies_by_step": np.broadcast_to(table, (len(test), *table.shape))}

    def draw(self, folder: Path, answers: dict[str, np.ndarray], title: str) -> None:
        """What each step costs on the test part, beside what the trivial answers pay."""
        truth = self.truth(self.dataset.test)
        lines = {"the model": answers["test"]}
        lines |= {words(name): answer for name, answer in self.floors().items()}
        charts.by_step(
            folder / "steps.png",
            lines={name: metrics.by_step(self.metric, truth, line) for name, line in lines.items()},
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
