import itertools
import math

import numpy as np
import pytest
from scipy import stats

from lstm_zoo import statistics
from lstm_zoo.statistics import (
    PairedTest,
    diebold_mariano,
    holm,
    interval,
    mcnemar,
    paired_t,
    prediction_interval,
    seeds_needed,
)


def test_mcnemar_by_hand():
    # 4 examples only a answers rightly, 1 only b. Of 5 coins, 4 or more heads: (5 + 1) / 32.
    right_a = np.array([1, 1, 1, 1, 0, 1, 0], bool)
    right_b = np.array([0, 0, 0, 0, 1, 1, 0], bool)
    assert mcnemar(right_a, right_b, "greater") == pytest.approx(6 / 32)
    assert mcnemar(right_a, right_b) == pytest.approx(12 / 32)
    # b over a: 1 or more heads, 1 - 1/32.
    assert mcnemar(right_b, right_a, "greater") == pytest.approx(31 / 32)


def test_mcnemar_of_answers_right_on_the_same_examples_is_1():
    right = np.array([True, False, True])
    assert mcnemar(right, right) == mcnemar(right, right, "greater") == 1


def test_diebold_mariano_one_step_ahead_is_the_one_sample_t_test():
    # For h = 1 the correction √((n - 1) / n) turns the variance over n into the one over n - 1.
    loss_a, loss_b = np.random.default_rng(0).chisquare(1, (2, 40))
    expected = stats.ttest_1samp(loss_a - loss_b, 0)
    assert diebold_mariano(loss_a, loss_b) == pytest.approx((expected.statistic, expected.pvalue))
    less = stats.ttest_1samp(loss_a - loss_b, 0, alternative="less").pvalue
    assert diebold_mariano(loss_a, loss_b, alternative="less")[1] == pytest.approx(less)


def test_diebold_mariano_two_steps_ahead_by_hand():
    # Differences 1, 2, 3, 2, 1, 0, mean 1.5; centred -.5, .5, 1.5, .5, -.5, -1.5.
    # γ₀ = (.25 + .25 + 2.25 + .25 + .25 + 2.25) / 6 = 5.5 / 6
    # γ₁ = (-.25 + .75 + .75 - .25 + .75) / 6 = 1.75 / 6
    # variance of the mean (5.5 + 2 · 1.75) / 6 / 6 = .25, so DM = 1.5 / .5 = 3
    # correction √((6 + 1 - 4 + 2 · 1 / 6) / 6) = √(10 / 18)
    statistic, p_value = diebold_mariano(np.array([1, 2, 3, 2, 1, 0]), np.zeros(6), horizon=2)
    assert statistic == pytest.approx(3 * math.sqrt(10 / 18))
    assert p_value == pytest.approx(2 * stats.t.sf(statistic, 5))


def test_diebold_mariano_with_a_negative_variance_takes_bartlett_weights():
    # Differences 3, -1, 3, -1, mean 1; centred 2, -2, 2, -2: γ₀ = 16 / 4, γ₁ = -12 / 4.
    # Equal weights: 4 - 6 = -2. Bartlett: 4 - 3 = 1, of the mean 1 / 4, so DM = 1 / .5 = 2.
    # correction √((4 + 1 - 4 + 2 / 4) / 4) = √(3 / 8)
    statistic, _ = diebold_mariano(np.array([3, -1, 3, -1]), np.zeros(4), horizon=2)
    assert statistic == pytest.approx(2 * math.sqrt(3 / 8))


def test_diebold_mariano_where_nothing_can_be_told():
    loss = np.array([1.0, 2.0, 4.0])
    assert diebold_mariano(loss, loss) == (0, 1)
    assert diebold_mariano(loss, loss[::-1], horizon=3) == (0, 1)
    assert diebold_mariano(loss, loss[::-1], horizon=9) == (0, 1)
    assert diebold_mariano(loss[:1], loss[1:2]) == (0, 1)
    statistic, p_value = diebold_mariano(np.array([1.0, np.inf]), np.array([1.0, np.inf]))
    assert math.isnan(statistic)
    assert p_value == 1


def test_diebold_mariano_of_a_constant_difference_is_certain():
    one, two = np.ones(8), np.full(8, 2.0)
    assert diebold_mariano(one, two, 2, "less") == (-math.inf, 0)
    assert diebold_mariano(two, one, 2, "less") == (math.inf, 1)


@pytest.mark.parametrize(
    ("horizon", "examples", "alternative", "lowest", "highest"),
    [
        (1, 40, "two-sided", 0.04, 0.06),
        (1, 200, "less", 0.04, 0.06),
        (3, 200, "two-sided", 0.04, 0.065),
        (5, 40, "two-sided", 0.04, 0.08),
    ],
)
def test_diebold_mariano_rarely_tells_equal_forecasts_apart(
    horizon, examples, alternative, lowest, highest
):
    # Errors of h steps ahead are sums of h shocks: squared, they are correlated up to lag h - 1.
    rng = np.random.default_rng(1)
    shocks = rng.standard_normal((2000, 2, examples + horizon - 1))
    errors = np.lib.stride_tricks.sliding_window_view(shocks, horizon, axis=-1).sum(axis=-1)
    p = [diebold_mariano(a, b, horizon, alternative)[1] for a, b in errors**2]
    assert lowest < np.mean(np.array(p) < 0.05) < highest


def test_interval_by_hand_and_against_scipy():
    # Mean 3, standard deviation √2.5, t of 4 degrees of freedom 2.7764.
    scores = [1.0, 2.0, 3.0, 4.0, 5.0]
    half = 2.776445 * math.sqrt(2.5 / 5)
    assert interval(scores) == pytest.approx((3 - half, 3 + half))
    expected = stats.ttest_1samp(scores, 0).confidence_interval(0.9)
    assert interval(scores, 0.9) == pytest.approx((expected.low, expected.high))


def test_prediction_interval_by_hand():
    half = 2.776445 * math.sqrt(2.5) * math.sqrt(1 + 1 / 5)
    assert prediction_interval([1, 2, 3, 4, 5]) == pytest.approx((3 - half, 3 + half))


def test_intervals_cover_what_they_promise():
    scores = np.random.default_rng(2).standard_normal((2000, 6))
    means = [interval(row[:5]) for row in scores]
    assert np.mean([low < 0 < high for low, high in means]) == pytest.approx(0.95, abs=0.015)
    singles = [(prediction_interval(row[:5]), row[5]) for row in scores]
    covered = np.mean([low < score < high for (low, high), score in singles])
    assert covered == pytest.approx(0.95, abs=0.015)


def test_intervals_of_one_score_or_equal_scores():
    assert interval([0.9]) is interval([]) is prediction_interval([0.9]) is None
    assert interval([0.5, 0.5, 0.5]) == pytest.approx((0.5, 0.5))
    half = stats.t.ppf(0.975, 2) * 0.005 / np.sqrt(3)  # a tie is known to half a step of 0.01
    tied = interval([0.5, 0.5, 0.5], resolution=0.01)
    assert tied == pytest.approx((0.5 - half, 0.5 + half))


def test_paired_t_is_scipys():
    a, b = [0.91, 0.93, 0.95, 0.90, 0.94], [0.90, 0.90, 0.94, 0.91, 0.90]
    ours, expected = paired_t(a, b, resolution=1 / 360), stats.ttest_rel(a, b)
    ci = expected.confidence_interval()
    assert ours.difference == pytest.approx(0.016)
    assert ours.p_value == pytest.approx(expected.pvalue)
    assert ours.ci95 == pytest.approx((ci.low, ci.high))


def test_paired_t_floors_the_spread_at_half_the_resolution():
    # Three seeds differ by one of 20 examples each: spread 0, floored at 1/40.
    # t = (1/20) / (1/40 / √3) = 2 √3; t of 2 degrees of freedom for 95 % is 4.3027.
    result = paired_t([0.95, 0.9, 0.8], [0.9, 0.85, 0.75], resolution=1 / 20)
    assert result.std == 1 / 40
    assert result.p_value == pytest.approx(2 * stats.t.sf(2 * math.sqrt(3), 2))
    half = 4.302653 / 40 / math.sqrt(3)
    assert result.ci95 == pytest.approx((0.05 - half, 0.05 + half))


def test_without_the_floor_ties_on_a_small_test_part_are_verdicts():
    # Each of two seeds of two equal models scores 17 or 18 of 20, a coin each. In 2 of the 16
    # outcomes both differences are the same and not 0: false verdicts of 12.5 % without a floor.
    outcomes = [(o[:2], o[2:]) for o in itertools.product([17 / 20, 18 / 20], repeat=4)]

    def share(resolution):
        return np.mean([paired_t(a, b, resolution).p_value < 0.05 for a, b in outcomes])

    assert share(0) == 2 / 16
    assert share(1 / 20) == 0


@pytest.mark.parametrize("score", [0.0, 0.87, 1234.5])
@pytest.mark.parametrize("resolution", [0, 0.01])
def test_paired_t_of_equal_scores(score, resolution):
    result = paired_t([score] * 5, [score] * 5, resolution)
    assert (result.difference, result.p_value) == (0, 1)
    assert result.ci95[0] == -result.ci95[1]
    half = stats.t.ppf(0.975, 4) * resolution / 2 / math.sqrt(5)
    assert result.ci95[1] == pytest.approx(half, abs=1e-12)


def test_a_difference_of_rounding_is_no_verdict():
    exact, rounded = [0.3] * 5, [0.1 + 0.2] * 5
    assert exact != rounded
    assert paired_t(exact, rounded).p_value > 0.05


def test_paired_t_of_too_few_pairs():
    assert paired_t([], []) == PairedTest(None, None, None, None)
    assert paired_t([3.0], [1.0]) == PairedTest(2.0, None, None, None)
    with pytest.raises(ValueError, match="shorter"):
        paired_t([1.0, 2.0], [1.0])


def test_holm_by_hand():
    # Sorted .01, .02, .03, .04: times 4, 3, 2, 1 is .04, .06, .06, .04, and none below the last.
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.6, 0.7]) == [1, 1]


def test_holm_does_not_count_a_missing_test():
    assert holm([None, 0.02, None, 0.03]) == [None, pytest.approx(0.04), None, pytest.approx(0.04)]
    assert holm([]) == []


def test_holm_keeps_false_verdicts_of_the_family_at_5_percent():
    p = np.random.default_rng(3).random((4000, 6))
    family = np.mean([min(holm(row)) < 0.05 for row in p.tolist()])
    assert family == pytest.approx(0.05, abs=0.012)


# Cohen's small, medium and large effect: the sample sizes that G*Power and R's pwr give.
@pytest.mark.parametrize(("effect", "seeds"), [(0.2, 199), (0.5, 34), (0.8, 15)])
def test_seeds_needed_are_those_of_the_power_tables(effect, seeds):
    assert seeds_needed(effect, 1) == seeds_needed(-effect * 7, 7) == seeds


def test_seeds_needed_find_the_difference_as_often_as_promised():
    n = seeds_needed(1.0, 1.0, tests=3)
    draws = np.random.default_rng(4).normal(1.0, 1.0, (3000, n))
    power = np.mean(stats.ttest_1samp(draws, 0, axis=1).pvalue < 0.05 / 3)
    assert 0.78 < power < 0.87
    fewer = np.mean(stats.ttest_1samp(draws[:, :-1], 0, axis=1).pvalue < 0.05 / 3)
    assert fewer < 0.81


def test_seeds_needed_at_the_ends():
    assert seeds_needed(0.0, 1.0) is None
    assert seeds_needed(0.089, 1.0) == 993
    assert seeds_needed(0.088, 1.0) is None
    assert seeds_needed(1.0, 0.0) == seeds_needed(1e9, 1.0) == 2


def test_equal_within_a_margin_is_two_one_sided_t_tests():
    a, b, margin = [0.90, 0.92, 0.91, 0.93], [0.91, 0.91, 0.92, 0.92], 0.02
    differences = np.subtract(a, b)
    one_sided = [
        stats.ttest_1samp(differences, -margin, alternative="greater").pvalue,
        stats.ttest_1samp(differences, margin, alternative="less").pvalue,
    ]
    test = statistics.paired_t(a, b)
    assert statistics.equivalence(test, 4, margin) == pytest.approx(max(one_sided))
    assert statistics.equivalence(test, 4, 1e-9) > 0.49
    assert statistics.equivalence(statistics.paired_t([1.0], [2.0]), 1, margin) is None


@pytest.mark.parametrize(
    ("p_values", "combined"),
    [
        ([0.01], 0.01),
        ([0.01, 0.02], 0.02),
        ([0.03, 0.01, 0.5], 0.06),
        ([0.6, 0.9, 0.01], 1),
        ([0.9, 0.01, 0.03, 0.02, 0.9], 0.09),
    ],
)
def test_most_of_the_seeds_must_say_it(p_values, combined):
    """K = 3: the 2nd smallest times 2; K = 5: the 3rd times 3; K = 2: the larger."""
    assert statistics.majority(p_values) == pytest.approx(combined)


@pytest.mark.parametrize("seeds", [3, 5, 10, 20])
def test_one_seed_short_of_most_is_most_by_chance_in_5_percent_at_most(seeds):
    rng = np.random.default_rng(0)
    better = seeds // 2
    p_values = rng.uniform(size=(4000, seeds)) * np.where(np.arange(seeds) < better, 1e-9, 1)
    said = np.mean([statistics.majority(row) < 0.05 for row in p_values.tolist()])
    assert 0.04 < said < 0.06


def test_welch_is_scipys():
    a, b = [0.90, 0.92, 0.91, 0.95], [0.85, 0.89, 0.80]
    bounds = statistics.welch(a, b)
    theirs = stats.ttest_ind(a, b, equal_var=False)
    assert bounds.estimate == pytest.approx(np.mean(a) - np.mean(b))
    assert bounds.freedom == pytest.approx(theirs.df)
    interval = theirs.confidence_interval(0.90)  # two-sided 90 % has the one-sided 95 % bounds
    assert (bounds.lower, bounds.upper) == pytest.approx((interval.low, interval.high))
    assert 2 * bounds.p_above(0) == pytest.approx(theirs.pvalue)
    assert bounds.p_below(0) == pytest.approx(1 - bounds.p_above(0))


def test_the_bounds_of_a_mean_are_students():
    scores = [0.90, 0.92, 0.91, 0.95]
    bounds = statistics.mean_bounds(scores)
    interval = stats.ttest_1samp(scores, 0).confidence_interval(0.90)
    assert (bounds.lower, bounds.upper) == pytest.approx((interval.low, interval.high))
    equal = statistics.mean_bounds([0.9, 0.9], resolution=0.01)
    assert equal.error == pytest.approx(0.005 / np.sqrt(2))


def test_equal_zeros_have_bounds_too():
    bounds = statistics.welch([0.0, 0.0], [0.0, 0.0, 0.0])
    assert bounds.lower < 0 < bounds.upper
    assert bounds.upper < 1e-100
