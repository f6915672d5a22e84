"""Tasks that are drawn: each part from a random stream of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from lstm_zoo.data import Examples, Splits


def splits(seed: int, parts: Iterable, draw: Callable[..., Examples]) -> Splits:
    """The training, validation and test part, the same for a seed on every machine.

    Args:
        seed: of the data, and of nothing else.
        parts: what tells the three apart, their sizes say.
        draw: makes the examples of a part, from it and its `np.random.Generator`.
    """
    streams = np.random.default_rng(seed).spawn(3)
    return Splits(*(draw(part, stream) for part, stream in zip(parts, streams, strict=True)))
