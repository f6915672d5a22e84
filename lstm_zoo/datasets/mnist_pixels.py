"""MNIST one pixel a step: 784 steps, in which the ink is far from the answer.

Task: which digit it is, from the image read pixel by pixel, row after row.
Size: 60,000 images to train on, or the first of these, and 10,000 to test on.
Range: grey from 0 (paper) to 1 (ink).
Shapes: `x` float32 `(60000, 784, 1)` and `(10000, 784, 1)`: examples, pixels, 1; `y` int64
`(60000,)` and `(10000,)`; classes 0 … 9.
Parts: the source's own; the run's seed draws 10 % of the training images for validation.
Floor: the most frequent class, 11.35 % of the test part.
Source: MNIST (`lstm-zoo show mnist`), read as in Q. V. Le, N. Jaitly and G. E. Hinton, A simple way
to initialize recurrent networks of rectified linear units, arXiv 1504.00941, 2015.
Licence: CC BY-SA 3.0.

The files are found as those of `mnist` are.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lstm_zoo.data import Examples, Parts
from lstm_zoo.datasets import mnist
from lstm_zoo.errors import UsageError
from lstm_zoo.parameters import PositiveInt

PIXELS = 28 * 28


def load(*, train: PositiveInt | None = None, data_dir: str | None = None) -> Parts:
    """The source's two parts, a pixel a step: `x (60000, 784, 1)` and `(10000, 784, 1)`.

    Args:
        train: the training images, from the first on; null for all 60,000.
        data_dir: the folder searched first for mnist.npz or the four IDX files.

    Raises:
        DataError: the first file found is damaged, or there is none and no network.
        UsageError: there are not so many images to train on.
    """
    return in_order(mnist.load(data_dir=data_dir), np.arange(PIXELS), train)


def in_order(parts: Parts, order: np.ndarray, train: int | None) -> Parts:
    """The images with one pixel a step, in `order (784,)`, and the first `train` to train on."""
    images = len(parts.train.y)
    if train is not None and train > images:
        raise UsageError(f"MNIST has {images:,} images to train on, not {train:,}.")
    few = replace(parts.train, x=parts.train.x[:train], y=parts.train.y[:train])
    return Parts(train=_pixels(few, order), test=_pixels(parts.test, order))


def _pixels(images: Examples, order: np.ndarray) -> Examples:
    return replace(images, x=images.x.reshape(-1, PIXELS)[:, order, None])
