"""Intervals by hand, and what they cover where that is known."""

import numpy as np
import pytest

from lstm_zoo import conformal, data, horizon, preparation
from lstm_zoo.errors import DataError

NINE = np.array([3, -1, 4, -1.5, 5, -9, 2, 6, -5.5])


def test_the_half_width_is_an_order_statistic_of_the_errors():
    assert conformal.half_width(NINE, 0.9) == 9  # the 9th of 9: ⌈10 · 0.9⌉
    assert conformal.half_width(NINE, 0.8) == 6
    assert conformal.half_width(NINE, 0.5) == 4
    assert conformal.split(NINE, np.zeros(2), 0.5).tolist() == [4, 4, 4]


def test_no_half_width_is_below_the_smallest_error():
    assert conformal.half_width(np.array([3.0, -1, 2]), 1e-12) == 1


def test_too_few_errors_are_told():
    with pytest.raises(DataError, match=r"9 forecasts .* intervals of 0\.95: it takes 19"):
        conformal.half_width(NINE, 0.95)


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9])
def test_of_exchangeable_errors_the_level_is_held(level):
    """Of 49 errors the 50th lies within the ⌈50 · level⌉-th smallest in just `level` of cases."""
    rng = np.random.default_rng(0)
    draws = rng.standard_cauchy((20_000, 50))
    held = [conformal.coverage(d[-1:], conformal.half_width(d[:-1], level)) for d in draws]
    assert np.mean(held) == pytest.approx(level, abs=0.01)


def test_what_a_half_width_misses_is_beta_distributed():
    rng = np.random.default_rng(0)
    shares = [
        np.mean(np.abs(rng.normal(size=2000)) > conformal.half_width(rng.normal(size=99), 0.9))
        for _ in range(2000)
    ]
    assert conformal.missed(99, 0.9) == pytest.approx(np.quantile(shares, [0.05, 0.95]), abs=0.006)


def test_to_adapt_enough_must_be_known_so_many_steps_before():
    errors = np.arange(30.0)
    assert len(conformal.adaptive(errors, errors, 0.9, ahead=22)) == 31  # 9 are known
    with pytest.raises(DataError, match="8 forecasts to calibrate by are too few"):
        conformal.adaptive(errors, errors, 0.9, ahead=23)
    with pytest.raises(DataError, match="0 forecasts"):
        conformal.adaptive(errors, errors, 0.9, ahead=40)


def test_adaptive_intervals_by_hand(monkeypatch):
    """α starts at 0.5, falls by 0.05 after a miss, and grows by 0.05 after a hit."""
    calibration, test = np.array([1.0, 2, 3, 4]), np.array([3.5, 1, 1])
    # At 1 - α = 0.5 the ⌈5 · 0.5⌉ = 3rd of 1, 2, 3, 4 is 3, which misses 3.5; at 0.55 the 3rd of
    # 2, 3, 3.5, 4 is 3.5, which holds 1; at 0.5 the 3rd of 1, 3, 3.5, 4; at 0.45 of 1, 1, 3.5, 4.
    monkeypatch.setattr(conformal, "GAMMA", 0.1)
    widths = conformal.adaptive(calibration, test, 0.5, ahead=1)
    assert widths.tolist() == [3, 3.5, 3.5, 3.5]


def test_adaptive_intervals_use_no_error_that_is_not_known_yet():
    rng = np.random.default_rng(0)
    calibration, test = rng.normal(size=30), rng.normal(size=20)
    for ahead in (1, 4):
        widths = conformal.adaptive(calibration, test, 0.8, ahead)
        for target in range(20):
            later = test.copy()
            later[max(0, target - ahead + 1) :] = 99
            changed = conformal.adaptive(calibration, later, 0.8, ahead)
            assert changed[: target + 1].tolist() == widths[: target + 1].tolist()


def test_what_adapts_past_the_end_follows_the_latest_rows_of_a_long_series():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=9000) * np.where(np.arange(9000) < 8000, 1, 20)
    values = np.cumsum(noise)
    dataset = preparation.prepare_series(
        data.Series(values[:, None], ("v",)), rng, window=5, calibration=0.02, test=0.5
    )
    terms = (dataset, values, 2, 0.9)
    for adaptive, spread in ((False, 1), (True, 20)):
        found, _ = horizon._intervals(last_value(values), *terms, adaptive)
        z = 1.645 * spread
        assert found.half.tolist() == pytest.approx([z, z * 2**0.5], rel=0.15)
        assert found.test == 2000 and found.calibration == 180


def last_value(values):
    """Forecasts by the last value, as `horizon` asks for them."""
    return lambda origins, steps: np.repeat(values[origins][:, None], steps, axis=1)


def test_adaptive_intervals_hold_their_level_where_the_series_changes():
    rng = np.random.default_rng(0)
    calibration, test = rng.normal(size=100), rng.normal(size=3000) * np.repeat([1, 5, 0.2], 1000)
    fixed = conformal.coverage(test, conformal.split(calibration, test, 0.9)[:-1])
    followed = conformal.coverage(test, conformal.adaptive(calibration, test, 0.9, 1)[:-1])
    assert fixed < 0.8
    assert followed == pytest.approx(0.9, abs=0.01)
