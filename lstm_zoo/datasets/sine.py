"""A sum of sine waves with noise: a series whose best forecast is known.

Task: the value `horizon` steps ahead, from the last `window` values.
Size: 2,000 rows, or as many as asked for.
Range: a sum of two waves of amplitude 1 and 0.5 and normal noise of standard deviation 0.1, unless
said otherwise; without unit.
Shapes: `x` float32 `(examples, window, 1)`, `y` float32 `(examples, horizon)`; windows overlap.
Parts: cut in time: the first 70 % of the rows to train on, 10 % for validation, the last 20 % to
test on.
Floor: the last value; the value of a season ago is the stronger one. The season is the least common
multiple of the periods: 100 rows, of 20 and 50.
Source: generated; the same for the same `seed` on every machine but for the last bits.
Licence: none needed.

No forecast has a smaller RMSE than the noise's standard deviation, but by luck; that of a season
ago has √2 times it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from lstm_zoo.data import Series
from lstm_zoo.errors import UsageError, counted
from lstm_zoo.parameters import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt


def load(
    *,
    rows: PositiveInt = 2000,
    periods: list[PositiveFloat] = (20, 50),
    amplitudes: list[PositiveFloat] = (1.0, 0.5),
    noise: NonNegativeFloat = 0.1,
    seed: NonNegativeInt = 0,
) -> Series:
    """The series `(rows, 1)`.

    Args:
        rows: its length.
        periods: the rows of one wave, each.
        amplitudes: the height of each wave, from its middle.
        noise: the standard deviation of what no forecast can know.
        seed: of the noise and of where the waves begin.

    Raises:
        UsageError: there are not as many amplitudes as periods.
    """
    if len(periods) != len(amplitudes):
        raise UsageError(
            f"The sine series has {counted(len(periods), 'period')} and "
            f"{counted(len(amplitudes), 'amplitude')}: it takes as many of one as of the other."
        )
    rng = np.random.default_rng(seed)
    starts = rng.random(len(periods))
    turns = np.arange(rows)[:, None] / np.array(periods) + starts
    waves = (np.array(amplitudes) * np.sin(2 * np.pi * turns)).sum(axis=1)
    values = waves + noise * rng.standard_normal(rows)
    told = f"No forecast has a smaller RMSE than the noise, {noise:g}, but by luck."
    return Series(values[:, None], ("value",), notes=(told,), season=_season(periods))


def _season(periods: Sequence[float]) -> int:
    """The rows after which all waves repeat: of 12.5 and 20, 100."""
    parts = [Fraction(period).limit_denominator(1000) for period in periods]
    tops, bottoms = ([getattr(p, side) for p in parts] for side in ("numerator", "denominator"))
    return Fraction(math.lcm(*tops), math.gcd(*bottoms)).numerator
