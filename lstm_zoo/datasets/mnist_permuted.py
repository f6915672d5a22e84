"""MNIST one pixel a step, in an order drawn once: near pixels end up far apart.

Task: which digit it is, from the image's 784 pixels in one fixed order, the same for all images.
Size: 60,000 images to train on, or the first of these, and 10,000 to test on.
Range: grey from 0 (paper) to 1 (ink).
Shapes: `x` float32 `(60000, 784, 1)` and `(10000, 784, 1)`: examples, pixels, 1; `y` int64
`(60000,)` and `(10000,)`; classes 0 … 9.
Parts: the source's own; the run's seed draws 10 % of the training images for validation.
Floor: the most frequent class, 11.35 % of the test part.
Source: MNIST (`lstm-zoo show mnist`), permuted as in Q. V. Le, N. Jaitly and G. E. Hinton, A simple
way to initialize recurrent networks of rectified linear units, arXiv 1504.00941, 2015.
Licence: CC BY-SA 3.0.

The files are found as those of `mnist` are. The order comes with lstm-zoo, as the file
`datasets/mnist_permutation.txt`, SHA-256
22a5419d93f232a1f2c336bf68b047cb87372562a90a016ef1b14e4157b7856e;
NumPy's default generator drew it once, from the seed 0. Published numbers stand on permutations of
their own, which their papers don't print.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from lstm_zoo.data import Parts
from lstm_zoo.datasets import mnist
from lstm_zoo.datasets.mnist_pixels import PIXELS, in_order
from lstm_zoo.errors import DataError, few
from lstm_zoo.files import contents
from lstm_zoo.parameters import File, PositiveInt

SHIPPED = Path(__file__).with_name("mnist_permutation.txt")
SHA256 = "22a5419d93f232a1f2c336bf68b047cb87372562a90a016ef1b14e4157b7856e"
_NUMBERS = set(map(str, range(PIXELS)))


def load(
    *,
    permutation: File | None = None,
    train: PositiveInt | None = None,
    data_dir: str | None = None,
) -> Parts:
    """The source's two parts, a pixel a step: `x (60000, 784, 1)` and `(10000, 784, 1)`.

    Args:
        permutation: a text file of one's own with the pixels' order: the numbers 0 to 783, each
            once, between spaces or lines; the t-th is the pixel of step t, counted along the rows.
            Null for the one that comes with lstm-zoo.
        train: the training images, from the first on; null for all 60,000.
        data_dir: the folder searched first for mnist.npz or the four IDX files.

    Raises:
        DataError: the first file found is damaged, or there is none and no network; or the
            permutation isn't one.
        UsageError: there are not so many images to train on.
    """
    order = _shipped() if permutation is None else _own(permutation)
    return in_order(mnist.load(data_dir=data_dir), order, train)


def _shipped() -> np.ndarray:
    data = SHIPPED.read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise DataError(
            f"{SHIPPED} is not the permutation that lstm-zoo came with (its SHA-256 is another): "
            "install lstm-zoo again."
        )
    return _order(data.decode(), SHIPPED.name)


def _own(file: str) -> np.ndarray:
    try:
        return _order(contents(Path(file)).decode(), file)
    except OSError as error:
        raise DataError(f"The permutation {file} can't be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise DataError(_no_permutation(file, "it is no text")) from None


def _order(text: str, file: str) -> np.ndarray:
    """The numbers 0 to 783 as they stand in `text`: `(784,)`."""
    words = text.split()
    if strange := [repr(word[:20]) for word in words if word not in _NUMBERS]:
        raise DataError(_no_permutation(file, f"it holds {few(strange, 3)}"))
    order = np.array(words, int)
    counts = np.bincount(order, minlength=PIXELS)
    if len(order) == PIXELS and counts.max() == 1:
        return order
    missing = few(np.flatnonzero(counts == 0).tolist(), 3)
    twice = few(np.flatnonzero(counts > 1).tolist(), 3)
    raise DataError(_no_permutation(file, f"missing: {missing}; more than once: {twice}"))


def _no_permutation(file: str, reason: str) -> str:
    return (
        f"{file} is no permutation of the {PIXELS} pixels, 0 to {PIXELS - 1} each once: {reason}."
    )
