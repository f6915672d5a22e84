"""How dates go on, each kind of them."""

import numpy as np
import pandas as pd
import pytest
from pandas.tseries.offsets import CustomBusinessDay

from lstm_zoo.datasets import prices
from lstm_zoo.errors import DataError
from lstm_zoo.rhythm import continued, season

DAYS = "datetime64[ns]"
DAY, MONTH = np.timedelta64(1, "D"), np.timedelta64(1, "M")


def days(dates):
    return [str(date)[:10] for date in dates]


@pytest.mark.parametrize(
    ("freq", "words"),
    [
        ("D", "day by day"),
        ("h", "hour by hour"),
        ("15min", "by 00:15:00"),
        ("B", "by weekdays (which of them are holidays is not known)"),
        ("W-FRI", "week by week"),
        ("MS", "month by month"),
        ("ME", "month by month"),
        ("BME", "month by month, on the last weekday"),
        ("BQS", "by quarters, on the first weekday"),
        ("2MS", "by 2 months"),
        ("WOM-3FRI", "at the series' own rhythm (pandas' WOM-3FRI)"),
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


@pytest.mark.parametrize(
    ("week", "ahead", "words"),
    [
        (
            "Mon Tue Wed Thu Fri Sat",
            ["2024-06-01", "2024-06-03"],
            "by Mon, Tue, Wed, Thu, Fri and Sat",
        ),
        ("Sun Mon Tue Wed Thu", ["2024-06-02", "2024-06-03"], "by Mon, Tue, Wed, Thu and Sun"),
    ],
)
def test_another_week_goes_on_by_its_days(week, ahead, words):
    dates = pd.date_range("2024-01-01", "2024-05-31", freq=CustomBusinessDay(weekmask=week))
    following, told = continued(dates.delete(20).to_numpy(DAYS), 2)
    assert days(following) == ahead
    assert told == f"{words} (which of them are holidays is not known)"
    assert season(dates.to_numpy(DAYS)) is None


@pytest.mark.parametrize(
    ("first", "step", "rows", "ahead"),
    [
        ("2018-01-01", 28, 14, ["2019-01-28", "2019-02-25"]),
        ("2021-01-03", 91, 6, ["2022-07-03", "2022-10-02"]),
        ("2001-03-01", 365, 9, ["2010-02-27", "2011-02-27"]),
    ],
)
def test_steps_of_as_many_days_are_no_months(first, step, rows, ahead):
    dates = np.datetime64(first, "ns") + np.arange(rows) * np.timedelta64(step, "D")
    following, words = continued(dates, 2)
    assert (days(following), words) == (ahead, f"by {step} days")
    assert season(dates) is None


@pytest.mark.parametrize(
    ("freq", "words"),
    [
        ("MS", "month by month"),
        ("ME", "month by month"),
        ("BME", "month by month, on the last weekday"),
        ("QS", "by quarters"),
        ("YE", "year by year"),
        ("28D", "by 28 days, the most frequent step"),
        ("91D", "by 91 days, the most frequent step"),
    ],
)
def test_a_missing_row_changes_no_rhythm(freq, words):
    every = pd.date_range("2001-01-01", periods=43, freq=freq)
    following, told = continued(every[:40].delete([3, 20]).to_numpy(), 3)
    assert (days(following), told) == (days(every[40:]), words)
    assert season(every[:40].delete(3).to_numpy()) is None


@pytest.mark.parametrize("freq", ["SMS", "SME"])
def test_twice_a_month_goes_on(freq):
    every = pd.date_range("2022-01-01", periods=40, freq=freq)
    following, words = continued(every[:36].delete(7).to_numpy(), 4)
    assert (days(following), words) == (days(every[36:]), "twice a month")


def test_two_days_of_each_week_go_on():
    every = pd.date_range("2024-01-01", periods=90, freq="D")
    every = every[every.day_of_week.isin([0, 3])]
    following, words = continued(every[:20].to_numpy(), 4)
    assert days(following) == days(every[20:24]) and words.startswith("by Mon and Thu")


def test_the_last_trading_days_of_months_go_on():
    """Some of them are before a holiday."""
    every = pd.date_range("2018-01-01", periods=40, freq="BME")
    holidays = every.where(~every.isin(every[[3, 15]]), every - pd.Timedelta(days=1))
    assert days(continued(holidays[:36].to_numpy(), 4)[0]) == days(every[36:])


def test_four_years_without_a_leap_day_are_years():
    dates = np.array(["2005-02-01", "2006-02-01", "2007-02-01", "2008-02-01"], "datetime64[ns]")
    assert days(continued(dates, 2)[0]) == ["2009-02-01", "2010-02-01"]


def test_two_weeks_do_not_make_a_week():
    dates = pd.date_range("2024-01-01", periods=12, freq=CustomBusinessDay(weekmask="1111110"))
    assert days(continued(dates.to_numpy(DAYS), 1)[0]) == ["2024-01-14"]


def test_a_day_of_each_month_stays_the_same_day():
    dates = np.array([f"2020-{month:02d}-15" for month in range(1, 13)], DAYS)
    assert days(continued(dates, 2)[0]) == ["2021-01-15", "2021-02-15"]


def test_a_day_that_february_lacks_is_there_again_in_march():
    dates = pd.date_range("2019-01-01", periods=23, freq="MS").to_numpy("datetime64[M]")
    dates = np.array(
        [min(first + 29 * DAY, (first + MONTH).astype("datetime64[D]") - DAY) for first in dates],
        DAYS,
    )
    assert days(dates[[1, -1]]) == ["2019-02-28", "2020-11-30"]
    ahead = ["2020-12-30", "2021-01-30", "2021-02-28", "2021-03-30"]
    assert days(continued(dates, 4)[0]) == ahead


def test_dates_of_no_rhythm_go_on_by_the_gap_in_the_middle():
    gaps = np.array([7.0, 1, 3, 9, 2, 4, 8, 5, 6])  # hours
    dates = np.datetime64("2020-01-01", "ns") + np.cumsum([0, *gaps * 3600e9]).astype(
        "timedelta64[ns]"
    )
    following, told = continued(dates, 1)
    assert following[0] - dates[-1] == np.timedelta64(5, "h")
    assert told == "by 05:00:00, the median step: they have no rhythm"


@pytest.mark.parametrize(
    ("freq", "rows"),
    [("MS", 12), ("ME", 12), ("QE", 4), ("D", 7), ("h", 24), ("B", None), ("W-FRI", None)],
)
def test_the_season_of_a_rhythm(freq, rows):
    dates = pd.date_range("2019-12-20", periods=40, freq=freq).to_numpy(DAYS)
    assert (season(dates) or (None,))[0] == rows


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
