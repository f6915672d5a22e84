"""A film of a handwritten digit that drifts over an empty canvas: where to?

Task: which of eight directions the digit drifts in, from the frames; which digit it is has no part
in it, and one frame alone tells nothing.
Size: 1,000 films to train on, 200 to validate and 1,000 to test on, or as many as asked for.
Range: grey from 0 (canvas) to 1 (ink).
Shapes: `x` float32 `(examples, steps, size, size, 1)`: frames, rows, columns, 1; `y` int64
`(examples,)`; classes north, north-east and so on round to north-west.
Parts: drawn anew, each from a random stream of its own and with digits of its own: the first 70 %
of the source's images to train on, the next 10 % to validate, the last 20 % to test on. The run's
seed has no part in it.
Floor: the most frequent class, about 1/8.
Source: generated from scikit-learn's `load_digits` (`lstm-zoo show digits`); drifting digits as in
N. Srivastava, E. Mansimov and R. Salakhutdinov, Unsupervised learning of video representations
using LSTMs, ICML 2015.
Licence: CC BY 4.0, as the digits.

The digit moves one pixel a frame, along a row, a column or both. What leaves the canvas at one edge
comes in again at the other, so that every frame, the last one too, has the digit anywhere with the
same chance, whatever the direction. The same for the same `seed` on every machine.
"""

from __future__ import annotations

import numpy as np

from lstm_zoo.data import Examples, Splits
from lstm_zoo.datasets import digits
from lstm_zoo.datasets._generated import splits
from lstm_zoo.errors import UsageError
from lstm_zoo.parameters import NonNegativeInt, PositiveInt

DIRECTIONS = {  # the rows and columns that a frame moves it by
    "north": (-1, 0),
    "north-east": (-1, 1),
    "east": (0, 1),
    "south-east": (1, 1),
    "south": (1, 0),
    "south-west": (1, -1),
    "west": (0, -1),
    "north-west": (-1, -1),
}
FEWEST = 2
DIGIT = 8  # rows and columns


def load(
    *,
    steps: PositiveInt = 10,
    size: PositiveInt = 16,
    train: PositiveInt = 1000,
    validation: PositiveInt = 200,
    test: PositiveInt = 1000,
    seed: NonNegativeInt = 0,
) -> Splits:
    """Films `(examples, steps, size, size, 1)`, and their directions `(examples,)`.

    Args:
        steps: the frames of a film.
        size: the rows and columns of the canvas.
        train: the films of the training part.
        validation: those of the validation part.
        test: those of the test part.
        seed: of the data, and of nothing else.

    Raises:
        UsageError: there are fewer than two frames, or the canvas is smaller than a digit.
    """
    if steps < FEWEST:
        raise UsageError(f"A drift shows in at least {FEWEST} frames (steps), not {steps}.")
    if size < DIGIT:
        raise UsageError(f"A digit needs a canvas of at least {DIGIT} pixels (size), not {size}.")
    images = digits.load().x
    shares = np.split(images, [len(images) * 7 // 10, len(images) * 8 // 10])
    parts = zip((train, validation, test), shares, strict=True)
    return splits(seed, parts, lambda part, rng: _drawn(*part, steps, size, rng))


def _drawn(
    count: int, images: np.ndarray, steps: int, size: int, rng: np.random.Generator
) -> Examples:
    chosen = images[rng.integers(len(images), size=count)]
    y = rng.integers(len(DIRECTIONS), size=count)
    starts = rng.integers(size, size=(count, 1, 2))
    # The canvas' row and column of a digit's pixel: `(examples, steps, 2, 8)`.
    corner = starts + np.array([*DIRECTIONS.values()])[y, None] * np.arange(steps)[:, None]
    rows, columns = np.moveaxis((corner[..., None] + np.arange(DIGIT)) % size, 2, 0)
    x = np.zeros((count, steps, size, size, 1), np.float32)
    films, frames, *_ = np.ogrid[:count, :steps, :1, :1]
    x[films, frames, rows[..., None], columns[..., None, :], 0] = chosen[:, None]
    return Examples(x, y, tuple(DIRECTIONS))
