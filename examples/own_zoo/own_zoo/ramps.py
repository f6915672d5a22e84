"""Noise on a slope, up or down.

Task: rises (1) or falls (0); the mean over the steps does not tell. Source: generated.
"""

import numpy as np

from lstm_zoo.data import Examples
from lstm_zoo.parameters import PositiveFloat, PositiveInt


def load(
    *, examples: PositiveInt = 1000, steps: PositiveInt = 20, noise: PositiveFloat = 1.0
) -> Examples:
    """Rows of one number a step, each of its own slope and noise; the same ones every time.

    Args:
        examples: how many rows there are.
        steps: the length of each.
        noise: its standard deviation; the slope goes from -1 to 1, or from 1 to -1.
    """
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=examples)
    slope = np.linspace(-1, 1, steps) * (2 * y[:, None] - 1)
    x = slope + rng.normal(scale=noise, size=slope.shape)
    return Examples(x[..., None].astype("float32"), y, classes=("falls", "rises"))
