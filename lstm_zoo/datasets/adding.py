"""The adding problem: two marked numbers in a long sequence, and nothing else, are to be summed.

Task: the sum of the two marked values, after the last step.
Size: 20,000 sequences to train on, 2,000 to validate and 2,000 to test on, or as many as asked for.
Range: values in [0, 1), marks 0 or 1, sums in [0, 2).
Shapes: `x` float32 `(examples, steps, 2)`: the value and the mark of each step; `y` float32
`(examples, 1)`.
Parts: drawn anew, each from a random stream of its own; the run's seed has no part in it.
Floor: the mean of the training part's sums, which is 1: a mean squared error of 1/6 = 0.1667, the
variance of two uniform numbers. (The often-quoted 0.1767 is wrong.)
Source: S. Hochreiter and J. Schmidhuber, Long short-term memory, Neural Computation 9(8), 1997,
experiment 4; scaled as in Q. V. Le, N. Jaitly and G. E. Hinton, A simple way to initialize
recurrent networks of rectified linear units, arXiv 1504.00941, 2015.
Licence: none needed; it is generated.

The same for the same `seed` on every machine. What it asks for is memory: the first mark may be
`steps` steps away from the answer.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from lstm_zoo.data import Examples, Splits
from lstm_zoo.datasets._generated import splits
from lstm_zoo.errors import UsageError
from lstm_zoo.parameters import NonNegativeInt, PositiveInt

FEWEST = 2


def load(
    *,
    steps: PositiveInt = 100,
    positions: Literal["any", "halves", "early"] = "any",
    train: PositiveInt = 20000,
    validation: PositiveInt = 2000,
    test: PositiveInt = 2000,
    seed: NonNegativeInt = 0,
) -> Splits:
    """Sequences `(examples, steps, 2)` of values and marks, and the sums `(examples, 1)`.

    Args:
        steps: the length T of a sequence.
        positions: the two marked steps: any two, one in each half of the sequence, or one in its
            first tenth and the other after that.
        train: the sequences of the training part.
        validation: those of the validation part.
        test: those of the test part.
        seed: of the data, and of nothing else.

    Raises:
        UsageError: there are fewer than two steps.
    """
    if steps < FEWEST:
        raise UsageError(f"The adding problem needs at least {FEWEST} steps, not {steps}.")
    sizes = (train, validation, test)
    return splits(seed, sizes, lambda count, rng: _drawn(count, steps, positions, rng))


def _drawn(count: int, steps: int, positions: str, rng: np.random.Generator) -> Examples:
    x = np.zeros((count, steps, 2), np.float32)
    x[:, :, 0] = rng.random((count, steps), np.float32)
    rows = np.arange(count)
    for marked in _positions(count, steps, positions, rng):
        x[rows, marked, 1] = 1
    return Examples(x, (x[:, :, 0] * x[:, :, 1]).sum(axis=1, keepdims=True))


def _positions(
    count: int, steps: int, positions: str, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The two marked steps of each sequence, never the same."""
    if positions != "any":
        cut = steps // 2 if positions == "halves" else max(1, steps // 10)
        return rng.integers(cut, size=count), rng.integers(cut, steps, size=count)
    first, other = rng.integers(steps, size=count), rng.integers(steps - 1, size=count)
    return first, other + (other >= first)
