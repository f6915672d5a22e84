"""Handwritten digits of 8 × 8 pixels, here without any network.

Task: which digit it is, from the image read as 8 rows of 8 pixels.
Size: 1,797 images, in the source's order.
Range: grey from 0 (paper) to 1 (ink); the source counts 0 … 16, divided by 16 here.
Shapes: `x` float32 `(1797, 8, 8)`: examples, rows, columns; `y` int64 `(1797,)`; classes 0 … 9.
Parts: the last 20 % are the test part; the run's seed draws 10 % of the others for validation.
Floor: the most frequent class of the training part, 10 % of the test part.
Source: scikit-learn's `load_digits`, a copy of the test part of E. Alpaydin and C. Kaynak, Optical
Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998; written by 13 people.
Licence: CC BY 4.0.

The test part is cut from the end. Who wrote which digit isn't recorded, but neighbours in the file
tend to share a writer, so that a cut in order asks for other hands than it has trained on, and
scores lower than a shuffled one.
"""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits

from lstm_zoo.data import Examples


def load() -> Examples:
    """The 1,797 digits in the source's order: `x (1797, 8, 8)` in [0, 1], `y (1797,)`."""
    digits = load_digits()
    return Examples(
        x=(digits.images / 16).astype(np.float32),
        y=digits.target.astype(np.int64),
        classes=tuple(map(str, digits.target_names)),
    )
