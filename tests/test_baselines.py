import numpy as np
import pytest

from lstm_zoo import baselines, metrics

# Slope of the first four rows: (7 - 1) / 3 = 2; their mean: (1 + 4 + 2 + 7) / 4 = 3.5.
VALUES = np.array([1.0, 4.0, 2.0, 7.0, 5.0, 9.0, 8.0])
STARTS = np.array([3, 5])
FORECASTS = {
    "last_value": lambda values, starts: baselines.last_value(values, starts, 3),
    "drift": lambda values, starts: baselines.drift(values, starts, 3, 4),
    "mean": lambda values, starts: baselines.mean(values, starts, 3, 4),
    "seasonal": lambda values, starts: baselines.seasonal(values, starts, 3, 2),
}


def test_majority_answers_the_training_frequencies():
    answer = baselines.majority(np.array([2, 0, 2, 1]), classes=4, examples=2)
    assert answer.tolist() == [[0.25, 0.25, 0.5, 0]] * 2
    assert metrics.accuracy(np.array([2, 1]), answer) == 0.5


def test_majority_answers_the_lowest_of_the_most_frequent_classes():
    answer = baselines.majority(np.array([2, 1, 1, 2, 0]), classes=3, examples=1)
    assert answer.argmax() == 1


def test_forecasts_by_hand():
    assert FORECASTS["last_value"](VALUES, STARTS).tolist() == [[7, 7, 7], [9, 9, 9]]
    assert FORECASTS["drift"](VALUES, STARTS).tolist() == [[9, 11, 13], [11, 13, 15]]
    assert FORECASTS["mean"](VALUES, STARTS).tolist() == [[3.5] * 3] * 2
    # Period 2, last known row 3: row 4 is like row 2, row 5 like row 3, row 6 like rows 4 and 2.
    assert FORECASTS["seasonal"](VALUES, STARTS).tolist() == [[2, 7, 2], [5, 9, 5]]


def test_seasonal_repeats_a_periodic_series_exactly():
    values = np.tile([3.0, 1.0, 4.0, 1.5, 9.0], 6)
    starts = np.arange(4, 20)
    future = values[starts[:, None] + np.arange(1, 9)]
    assert np.array_equal(baselines.seasonal(values, starts, 8, period=5), future)


@pytest.mark.parametrize("name", FORECASTS)
def test_no_forecast_reads_a_row_after_the_last_known_one(name):
    for start in (3, 4, 5):
        changed = VALUES.copy()
        changed[start + 1 :] = np.nan
        known = FORECASTS[name](VALUES, np.array([start]))
        assert np.array_equal(FORECASTS[name](changed, np.array([start])), known)


def test_a_period_may_reach_back_to_the_first_row():
    assert baselines.seasonal(VALUES, np.array([3]), 1, period=4).tolist() == [[1]]
