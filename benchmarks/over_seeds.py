"""Simulated comparisons from the scores of real trainings: what happens over the seeds.

Each share is of `draws` comparisons. Every function starts from the same random seed, so that each
figure can be repeated by itself. Models are drawn from one setting's scores without replacement:
disjoint seeds of one and the same model, so that a verdict is false unless a difference was added.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from scipy import stats

from lstm_zoo import statistics
from lstm_zoo.results import LEVEL

SEED = 3


@dataclass(frozen=True)
class Pool:
    """The scores of one setting, a seed each.

    Args:
        name: of the file that they were read from.
        scores: `(seeds,)`.
        resolution: the smallest step of the metric.
        command: what trained them.
    """

    name: str
    scores: np.ndarray
    resolution: float
    command: str

    @classmethod
    def read(cls, path: Path) -> Pool:
        """The scores that `real_scores.py` kept."""
        record = json.loads(path.read_text())
        scores = np.array(record["scores"])
        return cls(path.stem, scores, 1 / record["n_test"], record["command"])

    @property
    def std(self) -> float:
        """The standard deviation of the scores, in the metric's unit."""
        return float(np.std(self.scores, ddof=1))

    def rounded(self, examples: int) -> Pool:
        """The same scores, as a test part of so few examples would show them."""
        scores = np.round(self.scores * examples) / examples
        return Pool(self.name, scores, 1 / examples, self.command)

    def draw(self, models: int, seeds: int, draws: int) -> np.ndarray:
        """`(models, draws, seeds)`: no score stands twice in a draw."""
        rows = np.tile(self.scores, (draws, 1))
        shuffled = np.random.default_rng(SEED).permuted(rows, axis=1)
        return shuffled[:, : models * seeds].reshape(draws, models, seeds).swapaxes(0, 1)


@dataclass(frozen=True)
class PairedTests:
    """`statistics.paired_t` of many pairs at once, `(draws,)` each; a test compares the two."""

    difference: np.ndarray
    error: np.ndarray
    freedom: int

    @classmethod
    def of(cls, a: np.ndarray, b: np.ndarray, resolution: float) -> PairedTests:
        """The tests of `a` and `b`, `(draws, seeds)`."""
        n, differences = a.shape[-1], a - b
        rounding = np.spacing(np.max(np.abs([a, b]), axis=(0, -1)))
        spread = np.maximum(np.std(differences, axis=-1, ddof=1), resolution / 2)
        error = np.maximum(spread, rounding) / np.sqrt(n)
        return cls(np.mean(differences, axis=-1), error, n - 1)

    @property
    def p_values(self) -> np.ndarray:
        """Of the two-sided test that the difference is 0."""
        return 2 * stats.t.sf(np.abs(self.difference) / self.error, self.freedom)

    def p_equal(self, margin: float) -> np.ndarray:
        """As `statistics.equivalence`: that they differ by `margin` or more."""
        return stats.t.sf((margin - np.abs(self.difference)) / self.error, self.freedom)


def false_verdicts(
    pool: Pool, models: int, seeds: int, draws: int, resolution: float | None = None
) -> float:
    """How often a model under several names is told apart from itself, in one pair or more.

    Holm tells a pair apart if and only if the smallest p-value is below 5 % / the pairs.
    """
    resolution = pool.resolution if resolution is None else resolution
    pairs = list(combinations(pool.draw(models, seeds, draws), 2))
    smallest = np.min([PairedTests.of(a, b, resolution).p_values for a, b in pairs], axis=0)
    return float(np.mean(smallest * len(pairs) < LEVEL))


def power(pool: Pool, seeds: int, shift: float, draws: int) -> float:
    """How often a model that is better by `shift` is found to be better."""
    a, b = pool.draw(2, seeds, draws)
    tests = PairedTests.of(a + shift, b, pool.resolution)
    return float(np.mean((tests.p_values < LEVEL) & (tests.difference > 0)))


def needed(pool: Pool, shift: float) -> int:
    """What `seeds_needed` answers if it is told the true difference and spread."""
    return statistics.seeds_needed(shift, np.sqrt(2) * pool.std)


def needed_after(pool: Pool, seeds: int, shift: float, draws: int) -> np.ndarray:
    """What it answers after so few seeds, where they found nothing: the quartiles."""
    a, b = pool.draw(2, seeds, draws)
    tests = PairedTests.of(a + shift, b, pool.resolution)
    missed = tests.p_values >= LEVEL
    spreads = tests.error[missed] * np.sqrt(seeds)
    answers = [
        statistics.seeds_needed(*pilot)
        for pilot in zip(tests.difference[missed], spreads, strict=True)
    ]
    answers = [np.inf if answer is None else answer for answer in answers]
    return np.quantile(answers, [0.25, 0.75], method="nearest")


def coverage(pool: Pool, seeds: int, draws: int) -> float:
    """How often the 95 % interval of the mean holds the mean of all scores.

    Drawn with replacement: the scores stand for a model with endlessly many seeds.
    """
    rows = np.random.default_rng(SEED).choice(pool.scores, (draws, seeds))
    bounds = np.array([statistics.interval(row) for row in rows])
    mean = np.mean(pool.scores)
    return float(np.mean((bounds[:, 0] <= mean) & (mean <= bounds[:, 1])))


def called_equal(pool: Pool, seeds: int, margin: float, shift: float, draws: int) -> float:
    """How often two models that differ by `shift` are said to be equal within `margin`."""
    a, b = pool.draw(2, seeds, draws)
    tests = PairedTests.of(a + shift, b, pool.resolution)
    return float(np.mean(tests.p_equal(margin) < LEVEL))


def looks(pool: Pool, seeds: Sequence[int], draws: int) -> np.ndarray:
    """The p-values of a model against itself after each number of seeds: `(looks, draws)`."""
    a, b = pool.draw(2, max(seeds), draws)
    return np.array([PairedTests.of(a[:, :n], b[:, :n], pool.resolution).p_values for n in seeds])


def ever_found(p_values: np.ndarray, factors: np.ndarray) -> float:
    """How often one of the looks finds a difference, its p-value times its factor."""
    return float(np.mean(np.any(p_values * factors[:, None] < LEVEL, axis=0)))
