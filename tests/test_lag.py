"""The lag detector, on forecasts whose lag is known by construction."""

import numpy as np
import pytest

from lstm_zoo.lag import Lag, detect


def walk(seed, rows=300):
    return 100 + np.cumsum(np.random.default_rng(seed).normal(size=rows))


def noise(seed, size, spread):
    return np.random.default_rng(1000 + seed).normal(scale=spread, size=size)


ROWS = np.arange(100, 300)


@pytest.mark.parametrize("horizon", [1, 2, 5])
@pytest.mark.parametrize("shift", [0, 1, 2, 3, 5, 9])
def test_a_series_held_back_is_seen_as_just_that(shift, horizon):
    found = detect(walk(0)[ROWS - shift], walk(0), ROWS, horizon, improves=False)
    says = "trails" if shift > horizon else "repeats" if shift == horizon else None
    assert found == Lag(shift, says)


def test_the_best_shift_is_the_one_of_the_smallest_rmse_by_hand():
    values = np.array([0, 10, 0, 30, 20, 50.0])
    # The distances of (29, 21, 0) to rows 3, 4, 5; to 2, 3, 4; to 1, 2, 3; to 0, 1, 2.
    rmse = [
        np.sqrt((1 + 1 + 2500) / 3),
        np.sqrt((29**2 + 9**2 + 20**2) / 3),
        np.sqrt((19**2 + 21**2 + 30**2) / 3),
        np.sqrt((29**2 + 11**2 + 0) / 3),
    ]
    assert int(np.argmin(rmse)) == 3
    forecast, rows = np.array([29, 21, 0.0]), np.array([3, 4, 5])
    assert detect(forecast, values, rows, 1, improves=False) == Lag(3, None)  # 3 rows prove nothing


def test_no_row_before_the_first_is_looked_at():
    values = walk(0, rows=40)
    rows = np.arange(2, 40)
    assert detect(values[rows], values, rows, 1, improves=False) == Lag(0, None)
    assert detect(values[rows - 2], values, rows, 1, improves=False) == Lag(2, "trails")


def test_of_equal_fits_the_smallest_shift_counts():
    values = np.tile([1.0, 2.0, 4.0], 100)
    assert detect(values[ROWS], values, ROWS, 1, improves=True) == Lag(0, None)
    constant = np.full(300, 0.1)
    assert detect(constant[ROWS] + 1, constant, ROWS, 1, improves=False) == Lag(0, None)


def test_rounding_is_no_fit():
    wave = np.sin(2 * np.pi * np.arange(300) / 7)
    assert detect(wave[ROWS] + 1e-16, wave, ROWS, 1, improves=True) == Lag(0, None)


@pytest.mark.parametrize("seed", range(20))
def test_on_a_random_walk_the_last_value_is_repeated_unless_it_improves(seed):
    values = walk(seed)
    forecast = values[ROWS - 1] + noise(seed, len(ROWS), 0.05)
    assert detect(forecast, values, ROWS, 1, improves=False) == Lag(1, "repeats")
    assert detect(forecast, values, ROWS, 1, improves=True) == Lag(1, None)


def test_a_noisy_season_forecast_by_its_true_signal_trails_by_no_period():
    """A period ago fits as well as now: which of the two fits better is noise."""
    season = np.sin(2 * np.pi * np.arange(300) / 7)
    found = [
        detect(season[ROWS], season + noise(seed, 300, 0.5), ROWS, 1, improves=True)
        for seed in range(100)
    ]
    assert sum(lag.shift > 1 for lag in found) > 30  # noise does choose the period, often
    assert sum(lag.says is None for lag in found) >= 95


def test_an_average_of_the_last_ten_trails():
    values = walk(1)
    forecast = np.array([values[row - 10 : row].mean() for row in ROWS])
    found = detect(forecast, values, ROWS, 1, improves=False)
    assert found.says == "trails" and 3 <= found.shift <= 8


def test_a_forecast_that_is_no_number_says_nothing():
    assert detect(np.full(200, np.nan), walk(0), ROWS, 1, improves=False).says is None
