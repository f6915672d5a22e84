"""Handwritten digits of 28 × 28 pixels: the MNIST database.

Task: which digit it is, from the image read as 28 rows of 28 pixels.
Size: 60,000 images to train on and 10,000 to test on, in the source's order.
Range: grey from 0 (paper) to 1 (ink); the source counts 0 … 255, divided by 255 here.
Shapes: `x` float32 `(60000, 28, 28)` and `(10000, 28, 28)`: examples, rows, columns; `y` int64
`(60000,)` and `(10000,)`; classes 0 … 9.
Parts: the source's own; the run's seed draws 10 % of the training images for validation.
Floor: the most frequent class, 11.35 % of the test part.
Source: Y. LeCun, C. Cortes and C. Burges, The MNIST database of handwritten digits, 1998.
Licence: CC BY-SA 3.0.

The files are looked for in --data-dir, LSTM_ZOO_DATA and Keras' own cache, and downloaded through
Keras where none of these has any. The first file found is the one used.
"""

from __future__ import annotations

from lstm_zoo.data import Parts
from lstm_zoo.datasets._images import Images

SOURCE = Images(
    name="MNIST",
    npz="mnist.npz",
    folder="",
    keras="mnist",
    classes=tuple("0123456789"),
    labels=(5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949),
)


def load(*, data_dir: str | None = None) -> Parts:
    """The source's own two parts: `x (60000, 28, 28)` and `(10000, 28, 28)` in [0, 1].

    Args:
        data_dir: the folder searched first for mnist.npz or the four IDX files.

    Raises:
        DataError: the first file found is damaged, or there is none and no network.
    """
    return SOURCE.load(data_dir)
