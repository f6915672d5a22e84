"""Intervals and tests: what scipy has not, each with its assumptions and its source.

A score is one number a seed; a loss, or whether an answer is right, is one a test example.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from lstm_zoo import disk
from lstm_zoo.results import LEVEL

_TINY = 1e-150  # its square is still a float

# scipy's noncentral t is nan far beyond it; 2 or 3 seeds find an effect of this size.
_LARGEST_EFFECT = 1000
_POWER = 0.8  # the chance of finding a difference that is real


def mcnemar(
    right_a: np.ndarray,
    right_b: np.ndarray,
    alternative: Literal["two-sided", "greater"] = "two-sided",
) -> float:
    """The p-value of McNemar's exact test that a and b are right equally often.

    Of the examples that only one of the two answers rightly, each is a's with probability 1/2 if
    they are equally good: a binomial test. Assumes independent examples; says nothing about other
    seeds. McNemar 1947; the exact form in Fagerland, Lydersen & Laake 2013.

    Args:
        right_a: whether a answers each example rightly, `bool (examples,)`.
        right_b: the same of b, for the same examples.
        alternative: `greater` asks whether a is the better one.

    Returns:
        The p-value; 1 where both are right on the same examples.
    """
    right_a, right_b = np.asarray(right_a, bool), np.asarray(right_b, bool)
    only_a, only_b = int(np.sum(right_a & ~right_b)), int(np.sum(right_b & ~right_a))
    if only_a + only_b == 0:
        return 1.0
    return float(stats.binomtest(only_a, only_a + only_b, 0.5, alternative).pvalue)


def diebold_mariano(
    loss_a: np.ndarray,
    loss_b: np.ndarray,
    horizon: int = 1,
    alternative: Literal["two-sided", "less"] = "two-sided",
) -> tuple[float, float]:
    """The Diebold–Mariano test that two forecasts have the same expected loss.

    The variance of the mean difference counts the autocovariances up to lag `horizon` − 1, with
    equal weights or with Bartlett's, whichever gives more: the first alone can come out negative,
    and with long horizons and few examples finds differences where there are none. The statistic
    has the correction for few examples, √((n + 1 − 2h + h(h − 1)/n) / n), and Student's t with
    n − 1 degrees of freedom. Assumes that the differences are stationary and uncorrelated from lag
    `horizon` on, and many more examples than `horizon` (with 8 times as many, 7 % of equally good
    forecasts are told apart instead of 5 %); says nothing about other seeds.

    Diebold & Mariano 1995 (both weights); Harvey, Leybourne & Newbold 1997 (correction and t).

    Args:
        loss_a: a's loss on each example, in order of time, `(examples,)`.
        loss_b: the same of b, for the same examples.
        horizon: the steps ahead of the forecasts.
        alternative: `less` asks whether a has the smaller loss.

    Returns:
        The statistic, negative where a has the smaller loss, and the p-value. No difference
        anywhere, or no more examples than `horizon`: 0 and 1. A loss that is not finite: nan
        and 1.
    """
    if not (np.isfinite(loss_a).all() and np.isfinite(loss_b).all()):
        return math.nan, 1.0
    n = len(loss_a)
    difference = disk.gathered(
        np.subtract(loss_a[some], loss_b[some], dtype=float) for some in disk.stretches(n)
    )
    if n <= horizon or not difference.any():
        return 0.0, 1.0
    mean = float(disk.mean(lambda some: difference[some], n))
    centred = disk.gathered(difference[some] - mean for some in disk.stretches(n))
    correction = math.sqrt((n + 1 - 2 * horizon + horizon * (horizon - 1) / n) / n)
    error = math.sqrt(_long_run_variance(centred, horizon - 1) / n)
    statistic = correction * mean / error if error else math.copysign(math.inf, mean)
    if alternative == "less":
        return statistic, float(stats.t.cdf(statistic, n - 1))
    return statistic, float(2 * stats.t.sf(abs(statistic), n - 1))


def _long_run_variance(centred: np.ndarray, lags: int) -> float:
    """γ₀ + 2 Σ wₖ γₖ over k = 1 … `lags`, the larger for wₖ = 1 and wₖ = 1 − k / (`lags` + 1)."""
    n = len(centred)
    gamma = np.array([_product(centred[k:], centred[: n - k]) / n for k in range(lags + 1)])
    bartlett = 1 - np.arange(1, lags + 1) / (lags + 1)
    equal, tapered = 2 * gamma[1:].sum(), 2 * (bartlett * gamma[1:]).sum()
    return max(0.0, float(gamma[0] + max(equal, tapered)))


def _product(a: np.ndarray, b: np.ndarray) -> float:
    """The scalar product."""
    return sum(a[some] @ b[some] for some in disk.stretches(len(a)))


def interval(
    scores: Sequence[float], confidence: float = 0.95, resolution: float = 0.0
) -> tuple[float, float] | None:
    """Student's confidence interval of the mean score over all seeds; None under 2 scores.

    The standard deviation is floored as in `paired_t`. Assumes independent seeds and scores that
    are about normal. Student 1908.
    """
    n = len(scores)
    if n < 2:
        return None
    error = _floored(scores, resolution) / math.sqrt(n)
    return _around(float(np.mean(scores)), error, n - 1, confidence)


def prediction_interval(scores: Sequence[float]) -> tuple[float, float] | None:
    """Student's 95 % interval for the score of one more seed; None under 2 scores.

    The mean ± t s √(1 + 1/n). Assumes independent seeds and normal scores; unlike the interval of
    the mean, it does not forgive another shape. Hahn & Meeker 1991, chapter 4.
    """
    n = len(scores)
    if n < 2:
        return None
    spread = float(np.std(scores, ddof=1)) * math.sqrt(1 + 1 / n)
    return _around(float(np.mean(scores)), spread, n - 1)


def _around(
    centre: float, error: float, freedom: int, confidence: float = 0.95
) -> tuple[float, float]:
    """`centre` ± Student's t times `error`."""
    half = float(stats.t.ppf((1 + confidence) / 2, freedom)) * error
    return centre - half, centre + half


@dataclass(frozen=True)
class PairedTest:
    """The outcome of `paired_t`; None is what too few pairs can't tell.

    Args:
        difference: the mean of a − b, in the metric's unit.
        std: the standard deviation of the differences, floored.
        ci95: the 95 % confidence interval of the difference.
        p_value: of the two-sided test that the difference is 0.
    """

    difference: float | None = None
    std: float | None = None
    ci95: tuple[float, float] | None = None
    p_value: float | None = None


def paired_t(a: Sequence[float], b: Sequence[float], resolution: float = 0.0) -> PairedTest:
    """Student's paired t-test of two models' scores with the same seeds, n − 1 degrees of freedom.

    The standard deviation of the differences is at least half of `resolution`: on a small test
    part a few seeds tie by chance, and a spread of nearly nothing makes any difference look
    certain. It is at least the spacing of floats too, so that rounding is never a verdict.
    Assumes independent seeds and about normal differences; it holds for this test part.
    Student 1908.

    Args:
        a: one model's scores, a seed each.
        b: the other's, with the same seeds in the same order.
        resolution: the smallest step of the metric: 1 / test examples for an accuracy.
    """
    differences = [x - y for x, y in zip(a, b, strict=True)]
    n = len(differences)
    if n < 2:
        return PairedTest(*differences)
    mean = float(np.mean(differences))
    std = _floored(differences, resolution, largest=float(np.max(np.abs([a, b]))))
    error = std / math.sqrt(n)
    p_value = float(2 * stats.t.sf(abs(mean) / error, n - 1))
    return PairedTest(mean, std, _around(mean, error, n - 1), p_value)


def equivalence(test: PairedTest, seeds: int, margin: float) -> float | None:
    """The p-value of the two one-sided tests that two models differ by `margin` or more.

    A small one says that they are equal within `margin`; a large `paired_t` p-value does not.
    Assumes what `paired_t` does. Schuirmann 1987.

    Args:
        test: the pair's `paired_t`.
        seeds: the pairs of scores that it had.
        margin: the difference that does not matter, in the metric's unit.
    """
    if test.p_value is None:
        return None
    short = (margin - abs(test.difference)) / (test.std / math.sqrt(seeds))
    return float(stats.t.sf(short, seeds - 1))


def majority(p_values: Sequence[float]) -> float:
    """One p-value for the claim that most of several nulls are false, however the tests depend.

    The k-th smallest of K, k being more than half of K, times K − k + 1: were fewer than k false,
    K − k + 1 or more would be true, and one of these had so small a p-value. Benjamini & Heller
    2008, "Screening for partial conjunction hypotheses", equation 2.

    Args:
        p_values: one of each test, a seed each.
    """
    count = len(p_values)
    most = count // 2 + 1
    return min(1.0, sorted(p_values)[most - 1] * (count - most + 1))


@dataclass(frozen=True)
class Bounds:
    """One-sided bounds of a mean or of a difference of means, by Student's t.

    Args:
        estimate: the mean, or the difference.
        error: its standard error.
        freedom: the degrees of freedom of that.
    """

    estimate: float
    error: float
    freedom: float

    @property
    def lower(self) -> float:
        """The bound that the true value is above, with 95 % confidence."""
        return self.estimate - float(stats.t.ppf(0.95, self.freedom)) * self.error

    @property
    def upper(self) -> float:
        """The bound that the true value is below, with 95 % confidence."""
        return self.estimate + float(stats.t.ppf(0.95, self.freedom)) * self.error

    def p_above(self, value: float) -> float:
        """The one-sided p-value that the true value is above `value`."""
        return float(stats.t.sf((self.estimate - value) / self.error, self.freedom))

    def p_below(self, value: float) -> float:
        """The one-sided p-value that the true value is below `value`."""
        return float(stats.t.cdf((self.estimate - value) / self.error, self.freedom))


def mean_bounds(scores: Sequence[float], resolution: float = 0.0) -> Bounds:
    """Student's bounds of the mean score over all seeds; of 2 scores or more. Student 1908.

    The standard deviation is floored as in `paired_t`.
    """
    n = len(scores)
    spread = _floored(scores, resolution)
    return Bounds(float(np.mean(scores)), spread / math.sqrt(n), n - 1)


def welch(a: Sequence[float], b: Sequence[float], resolution: float = 0.0) -> Bounds:
    """Welch's bounds of mean(a) − mean(b), from seeds that need not be the same; 2 or more each.

    Assumes independent seeds and about normal scores, with any two variances; each standard
    deviation is floored as in `paired_t`. Welch 1947, with Satterthwaite's degrees of freedom.
    """
    parts = [(_floored(scores, resolution) ** 2 / len(scores), len(scores)) for scores in (a, b)]
    variance = sum(part for part, _ in parts)
    freedom = 1 / sum((part / variance) ** 2 / (n - 1) for part, n in parts)
    return Bounds(float(np.mean(a)) - float(np.mean(b)), math.sqrt(variance), freedom)


def _floored(scores: Sequence[float], resolution: float, largest: float | None = None) -> float:
    """The standard deviation, at least half the metric's resolution and the spacing of floats."""
    largest = float(np.max(np.abs(scores))) if largest is None else largest
    rounding = float(max(np.spacing(largest), _TINY))
    return max(float(np.std(scores, ddof=1)), resolution / 2, rounding)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Each p-value, adjusted so that one verdict in the whole family is false in 5 % at most.

    The k-th smallest of m is multiplied by m − k + 1, and is at least the one before it. Assumes
    nothing of how the tests depend on each other. Holm 1979. None stays None and is no test.
    """
    order = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, place) in enumerate(order):
        largest = max(largest, min(1.0, p * (len(order) - rank)))
        adjusted[place] = largest
    return adjusted


def seeds_needed(difference: float, std: float, tests: int = 1) -> int | None:
    """The seeds with which `paired_t` finds `difference` in four of five cases, if it is real.

    The smallest n for which a noncentral t with n − 1 degrees of freedom, centred at
    difference · √n / std, exceeds the two-sided critical value of α = 0.05 / `tests`. Assumes
    what the test assumes, and that `std` is the true one: a rough guide after few seeds.
    Cohen 1988, chapter 2.

    Args:
        difference: the mean difference, in the metric's unit.
        std: the standard deviation of the differences.
        tests: the tests among which α is shared.

    Returns:
        The number of seeds; None above 1,000, or where the difference is 0.
    """
    if difference == 0:
        return None
    effect = abs(difference) / max(std, abs(difference) / _LARGEST_EFFECT)
    n = np.arange(2, 1001)
    critical = stats.t.isf(LEVEL / tests / 2, n - 1)
    enough = n[stats.nct.sf(critical, n - 1, effect * np.sqrt(n)) >= _POWER]
    return int(enough[0]) if len(enough) else None
