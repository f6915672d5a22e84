"""Dates as people write them. Nothing is guessed: all rows together settle how they are meant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd

from lstm_zoo.datasets._csv import Table, tidy
from lstm_zoo.errors import DataError, UsageError, listed

# Each line holds the ways that one and the same text could be meant.
_ORDERS = (
    ("%Y/%m/%d",),
    ("%d/%m/%Y", "%m/%d/%Y"),
    ("%d/%m/%y", "%m/%d/%y", "%y/%m/%d"),
    ("%d/%b/%Y",),
    ("%d/%B/%Y",),
    ("%d/%b/%y",),
    ("%b/%d,/%Y",),
    ("%B/%d,/%Y",),
    ("%b/%d/%Y",),
    ("%b/%Y",),
    ("%B/%Y",),
    ("%m/%Y",),
    ("%Y.0",),
)
_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", ", %H:%M")
_ZONES = ("", "%z", " %z", " %Z")
_CLOCK = r":\d\d(?:[.,]\d+)?"
_OFFSET = r"\s*(?:Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)$"
_DATE_LIKE = r"\d.*[/.\- ].*\d|[A-Za-z]{3}\W\d|\d{4}"
_PERIOD = re.compile(r"^(\d{4})[- ]?([QW])(\d\d?)$")
_EPOCHS = {"unix": "s", "unix-ms": "ms"}


def formats_of(cells: pd.Series) -> tuple[str, ...]:
    """The formats that the dates in `cells` may have; none where most are no dates."""
    cells = _spread(cells.drop_duplicates(), 50)
    if cells.empty or cells.str.contains(_DATE_LIKE).mean() < 0.5:
        return ()
    if _instants(cells, "ISO8601").notna().mean() >= 0.5:
        return ("ISO8601",)
    bare = _without_offset(cells)
    separators = bare.str.extract(r"([/.\- ])", expand=False).dropna()
    separator = separators.mode().iloc[0] if len(separators) else "/"
    orders = [[form.replace("/", separator) for form in order] for order in _ORDERS]
    timed = [[form + time for form in order] for order in orders for time in _TIMES]
    best = max(timed, key=lambda formats: _fit(bare, formats))
    zoned = [tuple(form + zone for form in best) for zone in _ZONES]
    best = max(zoned, key=lambda formats: _fit(cells, formats))
    return best if _fit(cells, best) >= 0.5 else ()


def check_format(text: str) -> tuple[str, ...]:
    """A format that the user gave.

    Raises:
        UsageError: it is none.
    """
    try:
        if text not in _EPOCHS:
            pd.to_datetime(pd.Series(["2000"]), format=text, errors="coerce", utc=True)
    except Exception as error:
        raise UsageError(f"'{tidy(text)}' is no date format: {tidy(str(error))}.") from None
    if "%" not in text and text not in _EPOCHS:
        raise UsageError(
            f"'{tidy(text)}' is no date format: give one such as '%d/%m/%Y %H:%M', or 'unix' for "
            "seconds and 'unix-ms' for milliseconds since 1970."
        )
    return (text,)


def parse(cells: pd.Series, formats: tuple[str, ...], table: Table, column: str) -> pd.Series:
    """The cells as `datetime64[ns]`, NaT where one is missing or is no date.

    Times with an offset from UTC become local times, unless these would come twice or out of
    order; then all are in UTC.

    Raises:
        DataError: more than one format fits every row and they differ, or none does.
    """
    form = _settled(cells, formats, table, column)
    instants = _instants(cells, form)
    if not _with_offset(cells):
        return instants
    bare = form.replace("%z", "").replace("%Z", "").rstrip()
    local = _instants(_without_offset(cells), bare)
    in_order = local[instants.sort_values().index].dropna()
    agrees = in_order.is_monotonic_increasing and in_order.nunique() == instants.nunique()
    return local if agrees else instants


def parse_alone(cells: pd.Series, formats: tuple[str, ...]) -> pd.Series | None:
    """What `parse` gives; None where only all rows together say how the dates are meant."""
    if len(formats) > 1 or _with_offset(cells):
        return None
    return _instants(cells, formats[0])


def _with_offset(cells: pd.Series) -> bool:
    return bool(_spread(cells).str.contains(_CLOCK + _OFFSET).any())


def _settled(cells: pd.Series, formats: tuple[str, ...], table: Table, column: str) -> str:
    """The one of `formats` that fits every row that any of them fits."""
    if len(formats) == 1:
        return formats[0]
    parsed = {form: _instants(cells, form) for form in formats}
    known = pd.concat([stamps.notna() for stamps in parsed.values()], axis=1).any(axis=1)
    fitting = [form for form in formats if parsed[form].notna().equals(known)]
    if not fitting:
        strangers = [(known & parsed[form].isna()).idxmax() for form in formats]
        raise DataError(
            f"The dates in the column '{column}' of {table.name} are written in more than one "
            f"order of day and month: see {table.lines({*strangers})}."
        )
    if any(not parsed[form].equals(parsed[fitting[0]]) for form in fitting):
        sample = tidy(str(cells[known].iloc[0]))
        raise DataError(
            f"No row of {table.name} settles which is the day and which the month in the column "
            f"'{column}', such as '{sample}': give --date-format "
            f"{listed([repr(form) for form in fitting], 'or')}."
        )
    return fitting[0]


def _without_offset(cells: pd.Series) -> pd.Series:
    """Times without their offset from UTC."""
    return cells.str.replace(f"({_CLOCK}){_OFFSET}", r"\1", regex=True)


def _fit(cells: pd.Series, formats: Sequence[str]) -> float:
    """The share of the cells that any of the formats fits."""
    return sum(_instants(cells, form).notna() for form in formats).gt(0).mean()


def _spread(cells: pd.Series, count: int = 1000) -> pd.Series:
    """Some of the cells, from the first to the last."""
    cells = cells.dropna()
    if cells.empty:
        return cells
    return cells.iloc[np.unique(np.linspace(0, len(cells) - 1, count).astype(int))]


def _by_first_days(cells: pd.Series) -> pd.Series:
    """Quarters (2024-Q1, 2024Q1) and ISO weeks (2024-W01) by their first days."""
    if not _spread(cells, 50).str.match(_PERIOD).any():
        return cells
    return cells.str.replace(_PERIOD, _first_day, regex=True)


def _first_day(period: re.Match) -> str:
    year, number = int(period[1]), int(period[3])
    try:
        if period[2] == "Q":
            return date(year, 3 * number - 2, 1).isoformat()
        return date.fromisocalendar(year, number, 1).isoformat()
    except ValueError:
        return period[0]  # which is no date


def _instants(cells: pd.Series, form: str) -> pd.Series:
    """The cells read by one format, in UTC where they have an offset."""
    cells = cells.str.strip()
    cells = cells.mask(cells.isin(("now", "today")))  # which pandas reads as the present
    if form in _EPOCHS:
        numbers = pd.to_numeric(cells, errors="coerce")
        stamps = pd.to_datetime(numbers, unit=_EPOCHS[form], errors="coerce", utc=True)
    else:
        cells = _by_first_days(cells) if form == "ISO8601" else cells
        stamps = pd.to_datetime(cells, format=form, errors="coerce", utc=True)
    stamps = stamps.dt.tz_localize(None)
    in_range = stamps.between(pd.Timestamp.min.ceil("s"), pd.Timestamp.max.floor("s"))
    return stamps.where(in_range).astype("datetime64[ns]")
