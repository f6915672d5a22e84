"""A finished run, and the test examples that it is asked about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

from lstm_zoo.data import Dataset
from lstm_zoo.errors import UsageError, counted
from lstm_zoo.forecasting import Loaded
from lstm_zoo.insight.opened import OpenLayer, Tensor
from lstm_zoo.tasks import task_of

EXAMPLES = 100


@dataclass(frozen=True)
class Subject:
    """A finished run with its dataset."""

    loaded: Loaded
    dataset: Dataset

    @property
    def sample(self) -> tuple[np.ndarray, np.ndarray]:
        """The first 100 test examples: inputs, and the targets after the last step."""
        return self._take(np.arange(min(EXAMPLES, len(self.dataset.test))))

    def chosen(self, numbers: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """The test examples of these numbers, counted from 0: inputs and targets as in `sample`.

        Raises:
            UsageError: there are not so many.
        """
        test = len(self.dataset.test)
        if max(numbers) >= test:
            raise UsageError(
                f"--example {max(numbers)}: the test part of {self.loaded.run.name} has "
                f"{counted(test, 'example')}, numbered from 0 to {test - 1}."
            )
        return self._take(np.array(numbers))

    def _take(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        x, y = self.dataset.test.take(places)
        return x, y[:, -1] if self.dataset.outputs.every_step else y

    def input(self, x: np.ndarray) -> list:
        """An example's input as it is shown: its numbers, or the words of its tokens."""
        words = self.dataset.vocabulary
        return [words[token] for token in x] if words else x.tolist()

    def loss(self, y: np.ndarray) -> Callable[[Tensor], Tensor]:
        """From a model's outputs to the sum of the examples' losses, each after its last step.

        It is the task's loss. Keras' own cross entropy is flat beyond a probability of 1 - 1e-7,
        where a sure answer would have no gradient; this one is not.
        """

        def total(outputs: Tensor) -> Tensor:
            last = outputs[:, -1] if len(outputs.shape) == 3 else outputs
            if not self.dataset.classes:
                return ops.sum(keras.losses.get(task_of(self.dataset).loss)(y, last))
            return -ops.sum(ops.log(ops.take_along_axis(last, y[:, None], axis=-1)))

        return total

    def entry(self, layer: OpenLayer) -> dict:
        """What a record says first: which run, which layer, on how many examples."""
        config = self.loaded.config
        return {
            "run": str(self.loaded.run.folder),
            "model": config.variant,
            "dataset": config.dataset,
            "seed": config.seed,
            "layer": layer.name,
            "direction": layer.direction,
            "examples": len(self.sample[0]),
        }
