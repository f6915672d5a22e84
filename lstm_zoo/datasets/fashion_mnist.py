"""Photographs of clothes, 28 × 28 pixels: Fashion-MNIST, harder than the digits whose form it has.

Task: which of ten kinds of clothing it is, from the image read as 28 rows of 28 pixels.
Size: 60,000 images to train on and 10,000 to test on, in the source's order.
Range: grey from 0 (background) to 1; the source counts 0 … 255, divided by 255 here.
Shapes: `x` float32 `(60000, 28, 28)` and `(10000, 28, 28)`: examples, rows, columns; `y` int64
`(60000,)` and `(10000,)`; classes T-shirt/top, Trouser, Pullover, Dress, Coat, Sandal, Shirt,
Sneaker, Bag, Ankle boot.
Parts: the source's own; the run's seed draws 10 % of the training images for validation.
Floor: the most frequent class, 10 % of the test part, as every class is.
Source: H. Xiao, K. Rasul and R. Vollgraf, Fashion-MNIST: a novel image dataset for benchmarking
machine learning algorithms, arXiv 1708.07747, 2017.
Licence: MIT; copyright Zalando SE.

The files are looked for in --data-dir, LSTM_ZOO_DATA and Keras' own cache, and downloaded through
Keras where none of these has any. The first file found is the one used. The four IDX files, whose
names are also MNIST's, belong into a folder `fashion-mnist` below one of these, as Keras has them.
"""

from __future__ import annotations

from lstm_zoo.data import Parts
from lstm_zoo.datasets._images import Images

SOURCE = Images(
    name="Fashion-MNIST",
    npz="fashion-mnist.npz",
    folder="fashion-mnist",
    keras="fashion_mnist",
    classes=(
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
    labels=(6000,) * 10,
)


def load(*, data_dir: str | None = None) -> Parts:
    """The source's own two parts: `x (60000, 28, 28)` and `(10000, 28, 28)` in [0, 1].

    Args:
        data_dir: the folder searched first for fashion-mnist.npz, or for the four IDX files below
            fashion-mnist/.

    Raises:
        DataError: the first file found is damaged, or there is none and no network.
    """
    return SOURCE.load(data_dir)
