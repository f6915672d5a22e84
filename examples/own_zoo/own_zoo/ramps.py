"""Noise on a slope, up or down; its mean over the steps does not tell which.

Task: does it fall (class 0) or rise (class 1)? Generated.
"""

import numpy as np

from lstm_zoo.data import Examples
from lstm_zoo.parameters import PositiveFloat, PositiveInt


def load(
    *, examples: PositiveInt = 1000, steps: PositiveInt = 20, noise: PositiveFloat = 1.0
) -> Examples:
    """The same examples every time, of one number a step.

    Args:
        examples: how many there are.
        steps: the length of each.
        noise: its standard deviation; the slope goes from 1 to -1, or from -1 to 1.
    """
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=examples)
    slopes = np.linspace(-1, 1, steps) * (2 * y[:, None] - 1)
    x = slopes + rng.normal(scale=noise, size=slopes.shape)
    return Examples(x[..., None].astype(np.float32), y, classes=("falls", "rises"))
