"""How the dates of a series go on, and how long its season is."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset
from pandas.tseries.offsets import (
    BaseOffset,
    CustomBusinessDay,
    DateOffset,
    MonthBegin,
    MonthEnd,
)

from lstm_zoo.errors import DataError, listed

_LOOKED_AT = 1000  # of the latest dates
_DAY = pd.Timedelta(days=1)
_MONTHS = {1: (28, 31), 3: (89, 92), 6: (181, 184), 12: (365, 366)}  # days that they last
_WORDS = {1: "month by month", 3: "by quarters", 6: "by half-years", 12: "year by year"}
_REGULAR = {"D": "day by day", "h": "hour by hour", "min": "minute by minute", "W": "week by week"}
_SEASONS = {"D": 7, "h": 24} | {1: 12, 3: 4, 6: 2}  # rows of one, by the rhythm or its months
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WEEKDAYS = (0, 1, 2, 3, 4)
_WEEKS = 3  # that a day of the week has to be missing from, unless it is at the weekend
_NO_LEAP_YEAR = 7  # years on end at most, around 1900 and 2100
_USUAL = 0.5  # the share of gaps that makes the most frequent one the rhythm

Following = Callable[[pd.Timestamp, int], pd.Timestamp]


def continued(dates: np.ndarray, steps: int) -> tuple[np.ndarray, str]:
    """The next dates after a series' own, and how they go on, in words.

    Args:
        dates: `datetime64[ns] (rows,)`, rising.
        steps: how many.

    Raises:
        DataError: they go beyond what a date can be.
    """
    latest = pd.DatetimeIndex(dates[-_LOOKED_AT:])
    following, words = _rhythm(latest)
    try:
        every = [following(latest[-1], step) for step in range(1, steps + 1)]
        return np.array(every, "datetime64[ns]"), words
    except (OverflowError, ValueError) as error:
        raise DataError(
            f"{steps:,} steps go beyond the last date that there can be: a smaller --horizon ends "
            "before."
        ) from error


def season(dates: np.ndarray) -> tuple[int, str] | None:
    """The rows of a season, where the dates have a rhythm that is known for one, and that in words.

    Twelve months, four quarters, two half-years, seven days, 24 hours; trading days have none.

    Args:
        dates: `datetime64[ns] (rows,)`, rising.
    """
    latest = pd.DatetimeIndex(dates[-_LOOKED_AT:])
    regular = _regular(latest)
    if regular in ("B", "C") or _week(latest):
        return None
    rows = _SEASONS.get(_months(latest) or regular)
    return (rows, _rhythm(latest)[1]) if rows else None


def _rhythm(dates: pd.DatetimeIndex) -> tuple[Following, str]:
    """The date so many steps after the last one, and that in words."""
    regular = _regular(dates)
    if week := _WEEKDAYS if regular in ("B", "C") else _week(dates):
        return _by_weeks(week)
    months = _months(dates)
    if months and not (regular or "").startswith("B"):  # the last working day, say
        return _monthly(dates, months), _WORDS[months]
    if regular:
        return _by(to_offset(regular)), _regularly(regular, pd.Series(dates).diff().dropna())
    return _by_gap(pd.Series(dates).diff().dropna())


def _regularly(regular: str, gaps: pd.Series) -> str:
    """Pandas' name of a rhythm, in words where there are some."""
    if words := _REGULAR.get(regular.partition("-")[0]):
        return words
    if gaps.nunique() == 1:
        return f"by {_length(gaps.iloc[0])}"
    return f"at the series' own rhythm (pandas' {regular})"


def _by(offset: BaseOffset | pd.Timedelta) -> Following:
    return lambda last, steps: last + steps * offset


def _by_weeks(week: tuple[int, ...]) -> tuple[Following, str]:
    """By those days of the week."""
    names = [_DAYS[day] for day in week]
    words = "by weekdays" if week == _WEEKDAYS else f"by {listed(names)}"
    offset = CustomBusinessDay(weekmask=" ".join(names))
    return _by(offset), f"{words} (which of them are holidays is not known)"


def _by_gap(gaps: pd.Series) -> tuple[Following, str]:
    """By the gap that most have, or by the one in the middle where they are of every length."""
    if gaps.empty:
        return _by(_DAY), "by a day, as there is but one date"
    usual = gaps.mode().iloc[0]
    if (gaps == usual).mean() >= _USUAL:
        return _by(usual), f"by {_length(usual)}, the most frequent step"
    middle = gaps.median().round("s")
    return _by(middle), f"by {_length(middle)}, the median step: they have no rhythm"


def _length(gap: pd.Timedelta) -> str:
    """A day, 3 days, 2 days 21:30:00, 00:15:00."""
    if gap == _DAY:
        return "a day"
    return str(gap).removesuffix(" 00:00:00").removeprefix("0 days ")


def _regular(dates: pd.DatetimeIndex) -> str | None:
    """Pandas' name of the rhythm, where there is one; a later pandas will give an offset."""
    if len(dates) < 3:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        found = pd.infer_freq(dates)
    return getattr(found, "freqstr", found)


def _week(dates: pd.DatetimeIndex) -> tuple[int, ...] | None:
    """The days of the week that there are, where most dates follow each other and some never come.

    Those of the weekend may be missing from a single week, others have to be from several.
    """
    days = dates.normalize()
    gaps = np.diff(days) / _DAY.to_timedelta64()
    if not (
        len(gaps) > 5 and (dates - days == dates[0] - days[0]).all() and (gaps == 1).mean() > 0.5
    ):
        return None
    week = tuple(sorted(set(dates.day_of_week)))
    long = days[-1] - days[0] >= _WEEKS * 7 * _DAY
    return week if week == _WEEKDAYS or (long and len(week) < 7) else None


def _months(dates: pd.DatetimeIndex) -> int | None:
    """The months from each date to the next, where it is always as many, and not as many days."""
    gaps = np.diff(dates.normalize()) / _DAY.to_timedelta64()
    lengths = set(gaps.tolist())
    if len(lengths) == 1 and len(gaps) > (_NO_LEAP_YEAR if 365 in lengths else 2):
        return None
    for months, (least, most) in _MONTHS.items():
        if len(gaps) and least - 3 <= gaps.min() and gaps.max() <= most + 3:
            return months
    return None


def _monthly(dates: pd.DatetimeIndex, months: int) -> Following:
    """So many months on: at their ends or beginnings where the dates are, or else on their day."""
    if dates.is_month_end.all():
        return _by(MonthEnd(months))
    if dates.is_month_start.all():
        return _by(MonthBegin(months))
    return partial(_on_day, dates.day.max(), months)


def _on_day(day: int, months: int, last: pd.Timestamp, steps: int) -> pd.Timestamp:
    """That day so many months after the last one, or the end of a month that is too short."""
    month = last.replace(day=1) + DateOffset(months=months * steps)
    return month.replace(day=min(day, month.days_in_month))
