"""How the dates of a series go on."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset
from pandas.tseries.offsets import BaseOffset, BDay, DateOffset, MonthBegin, MonthEnd

from lstm_zoo.errors import DataError

_LOOKED_AT = 1000  # of the latest dates
_DAY = pd.Timedelta(days=1)
_MONTHS = {1: (28, 31), 3: (89, 92), 6: (181, 184), 12: (365, 366)}  # days that they last
_WORDS = {1: "month by month", 3: "by quarters", 6: "by half-years", 12: "year by year"}
_REGULAR = {"D": "day by day", "h": "hour by hour", "min": "minute by minute"}


def continued(dates: np.ndarray, steps: int) -> tuple[np.ndarray, str]:
    """The next dates after a series' own, and how they go on, in words.

    Args:
        dates: `datetime64[ns] (rows,)`, rising.
        steps: how many.

    Raises:
        DataError: they go beyond what a date can be.
    """
    latest = pd.DatetimeIndex(dates[-_LOOKED_AT:])
    offset, words = _rhythm(latest)
    try:
        following = [latest[-1]]
        for _ in range(steps):
            following.append(following[-1] + offset)
        return np.array(following[1:], "datetime64[ns]"), words
    except (OverflowError, ValueError) as error:
        raise DataError(
            f"{steps:,} steps go beyond the last date that there can be: a smaller --horizon ends "
            "before."
        ) from error


def _rhythm(dates: pd.DatetimeIndex) -> tuple[BaseOffset | pd.Timedelta, str]:
    """What lies between a date and the next."""
    regular = _regular(dates)
    if regular in ("B", "C") or _on_trading_days(dates):
        return BDay(), "by weekdays (which of them are holidays is not known)"
    months = _months(dates)
    if months and not (regular or "").startswith("B"):  # the last working day, say
        return _monthly(dates, months), _WORDS[months]
    if regular:
        return to_offset(regular), _REGULAR.get(regular, f"at the series' own rhythm ({regular})")
    gaps = pd.Series(dates).diff().dropna()
    usual = gaps.mode().iloc[0] if len(gaps) else _DAY
    length = "a day" if usual == _DAY else str(usual).removesuffix(" 00:00:00")
    return usual, f"by {length}, the most frequent step"


def _regular(dates: pd.DatetimeIndex) -> str | None:
    """Pandas' name of the rhythm, where there is one; a later pandas will give an offset."""
    if len(dates) < 3:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        found = pd.infer_freq(dates)
    return getattr(found, "freqstr", found)


def _on_trading_days(dates: pd.DatetimeIndex) -> bool:
    """Whether they are weekdays, most of them one after the other, and never a weekend."""
    days = dates.normalize()
    gaps = np.diff(days) / _DAY.to_timedelta64()
    weekdays = (dates.day_of_week < 5).all() and (dates - days == dates[0] - days[0]).all()
    return bool(len(gaps) > 5 and weekdays and np.mean(gaps == 1) > 0.5)


def _months(dates: pd.DatetimeIndex) -> int | None:
    """The months from each date to the next, where it is always as many."""
    gaps = np.diff(dates.normalize()) / _DAY.to_timedelta64()
    for months, (least, most) in _MONTHS.items():
        if len(gaps) and least - 3 <= gaps.min() and gaps.max() <= most + 3:
            return months
    return None


def _monthly(dates: pd.DatetimeIndex, months: int) -> BaseOffset:
    """So many months on: at their ends or beginnings where the dates are."""
    if dates.is_month_end.all():
        return MonthEnd(months)
    if dates.is_month_start.all():
        return MonthBegin(months)
    return DateOffset(months=months)
