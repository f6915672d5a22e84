"""How dates go on, each kind of them."""

import numpy as np
import pandas as pd
import pytest

from lstm_zoo.datasets import prices
from lstm_zoo.errors import DataError
from lstm_zoo.rhythm import continued

DAYS = "datetime64[ns]"


def days(dates):
    return [str(date)[:10] for date in dates]


@pytest.mark.parametrize(
    ("freq", "words"),
    [
        ("D", "day by day"),
        ("h", "hour by hour"),
        ("15min", "at the series' own rhythm (15min)"),
        ("B", "by weekdays (which of them are holidays is not known)"),
        ("W-FRI", "at the series' own rhythm (W-FRI)"),
        ("MS", "month by month"),
        ("ME", "month by month"),
        ("BME", "at the series' own rhythm (BME)"),
        ("QE", "by quarters"),
        ("QS", "by quarters"),
        ("YE", "year by year"),
        ("YS", "year by year"),
    ],
)
def test_a_regular_rhythm_goes_on(freq, words):
    dates = pd.date_range("2019-12-20", periods=40, freq=freq).to_numpy(DAYS)
    following, told = continued(dates[:30], 10)
    assert following.tolist() == dates[30:].tolist()
    assert told == words


def test_trading_days_with_holidays_go_on_by_weekdays():
    following, told = continued(prices.load().dates, 4)
    assert days(following) == ["2008-10-15", "2008-10-16", "2008-10-17", "2008-10-20"]
    assert "weekdays" in told


def test_a_day_of_each_month_stays_the_same_day():
    dates = np.array([f"2020-{month:02d}-15" for month in range(1, 13)], DAYS)
    assert days(continued(dates, 2)[0]) == ["2021-01-15", "2021-02-15"]


def test_an_irregular_rhythm_goes_on_by_its_most_frequent_step():
    dates = ["2020-01-01", "2020-01-04", "2020-01-07", "2020-01-08", "2020-01-11"]
    following, told = continued(np.array(dates, DAYS), 2)
    assert days(following) == ["2020-01-14", "2020-01-17"]
    assert told == "by 3 days, the most frequent step"


def test_a_single_date_goes_on_by_a_day():
    assert days(continued(np.array(["2020-01-01"], DAYS), 1)[0]) == ["2020-01-02"]


def test_there_is_a_last_date():
    with pytest.raises(DataError, match="a smaller --horizon"):
        continued(np.array(["2260-01-01", "2261-01-01", "2262-01-01"], DAYS), 1)
