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
    BMonthBegin,
    BMonthEnd,
    CustomBusinessDay,
    DateOffset,
    MonthBegin,
    MonthEnd,
    SemiMonthBegin,
    SemiMonthEnd,
)

from lstm_zoo.errors import DataError, listed

_LOOKED_AT = 1000  # of the latest dates
_DAY = pd.Timedelta(days=1)
_WORDS = {1: "month by month", 3: "by quarters", 6: "by half-years", 12: "year by year"}
_REGULAR = {"D": "day by day", "h": "hour by hour", "min": "minute by minute", "W": "week by week"}
_SEASONS = {"D": 7, "h": 24} | {1: 12, 3: 4, 6: 2}  # rows of one, by the rhythm or its months
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WEEKDAYS = (0, 1, 2, 3, 4)
_WEEKS = 3  # that a day of the week has to be missing from, unless it is at the weekend
_NO_LEAP_YEAR = 7  # years on end at most, around 1900 and 2100
_WORKING = 3  # days by which the first or the last working day of a month differs
_PLACES = (  # in a month, what share of the dates has to be there, and that in words
    (MonthEnd, 1, ""),
    (MonthBegin, 1, ""),
    (BMonthEnd, 0.8, ", on the last weekday"),
    (BMonthBegin, 0.8, ", on the first weekday"),
)
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
    regular, months = _regular(latest), _months(latest)
    if regular in ("B", "C") or _week(latest):
        return None
    rows = _SEASONS.get(regular if months is None else months[0] * months[1])
    return (rows, _rhythm(latest)[1]) if rows else None


def _rhythm(dates: pd.DatetimeIndex) -> tuple[Following, str]:
    """The date so many steps after the last one, and that in words."""
    regular = _regular(dates)
    if week := _WEEKDAYS if regular in ("B", "C") else _week(dates):
        return _by_weeks(week)
    if months := _months(dates):
        return _monthly(dates, months[0])
    if regular:
        return _by(to_offset(regular)), _regularly(regular, pd.Series(dates).diff().dropna())
    for half in (SemiMonthBegin(), SemiMonthEnd()):
        if len(dates) > 3 and all(map(half.is_on_offset, dates)):
            return _by(half), "twice a month"
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
    """The days of the week that there are, where most dates come on the next of them.

    Those of the weekend may be missing from a single week, others have to be from several.
    """
    days, week = dates.normalize(), tuple(sorted(set(dates.day_of_week)))
    if len(dates) < 7 or not 1 < len(week) < 7 or (dates - days != dates[0] - days[0]).any():
        return None
    gaps = np.diff(days) / _DAY.to_timedelta64()
    ahead = dict(zip(week, np.diff([*week, week[0] + 7]), strict=True))
    long = days[-1] - days[0] >= _WEEKS * 7 * _DAY
    follows = (gaps == [ahead[day] for day in dates.day_of_week[:-1]]).mean() > 0.5
    return week if follows and (long or week == _WEEKDAYS) else None


def _months(dates: pd.DatetimeIndex) -> tuple[int, bool] | None:
    """By how many months the dates go, and whether none is missing; None where they do not.

    They keep to a day of the month, counted from its beginning or its end, but for some working
    days. What goes by as many days each time is none of these.
    """
    places, days = dates.year * 12 + dates.month, dates.normalize()
    gaps, steps = np.diff(days) / _DAY.to_timedelta64(), np.diff(places)
    kept = min(np.ptp(day) for day in (dates.day, dates.days_in_month - dates.day))
    if not len(gaps) or steps.min() < 1 or kept > _WORKING or _by_days(gaps):
        return None
    months = int(np.gcd.reduce(steps))
    return months, bool((steps == months).all())


def _by_days(gaps: np.ndarray) -> bool:
    """Whether the gaps are all of as many days, or of a multiple of them; years may be of 365."""
    few = _NO_LEAP_YEAR if gaps.min() == 365 else 2
    return len(gaps) > few and bool((gaps % gaps.min() == 0).all())


def _monthly(dates: pd.DatetimeIndex, months: int) -> tuple[Following, str]:
    """So many months on: at their ends or beginnings where the dates are, or else on their day."""
    words = _WORDS.get(months, f"by {months} months")
    for offset, share, where in _PLACES:
        if np.mean([offset().is_on_offset(date) for date in dates]) >= share:
            return _by(offset(months)), words + where
    return partial(_on_day, dates.day.max(), months), words


def _on_day(day: int, months: int, last: pd.Timestamp, steps: int) -> pd.Timestamp:
    """That day so many months after the last one, or the end of a month that is too short."""
    month = last.replace(day=1) + DateOffset(months=months * steps)
    return month.replace(day=min(day, month.days_in_month))
