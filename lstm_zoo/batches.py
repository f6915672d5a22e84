"""What a training reads of a part: batches, in an order that the seed and the epoch make."""

from __future__ import annotations

import math

import keras
import numpy as np

from lstm_zoo import disk
from lstm_zoo.data import Part


class Batches(keras.utils.PyDataset):
    """A part, cut into batches as they are asked for; `order` shuffles it anew each epoch.

    The order is a function of the stream and the epoch's number alone. Keras asks for batches, and
    says that epochs end, more often than it trains on them.
    """

    def __init__(self, part: Part, size: int, order: np.random.SeedSequence | None = None):
        super().__init__()
        self._part, self._size, self._order = part, size, order
        self._places: np.ndarray | None = None  # None for the part's own order
        self._read = 0

    def __len__(self) -> int:
        return math.ceil(len(self._part) / self._size)

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        self._read += self._size
        if self._read > disk.STRETCH:
            disk.forget()
            self._read = 0
        rows = slice(number * self._size, (number + 1) * self._size)
        return self._part.take(rows if self._places is None else self._places[rows])

    def shuffle(self, epoch: int) -> None:
        """Take the order of that epoch, counted from 0."""
        key = (*self._order.spawn_key, epoch)
        stream = np.random.SeedSequence(self._order.entropy, spawn_key=key)
        places = np.arange(len(self._part), dtype=np.int32)  # as `permutation`, in half the memory
        np.random.default_rng(stream).shuffle(places)
        self._places = disk.gathered([places])
