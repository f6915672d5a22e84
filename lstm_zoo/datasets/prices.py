"""A series of numbers in time: the built-in daily prices, or any CSV file.

Task: the next value of one column, from the values before it.
Size: the built-in series has 1,047 trading days, 2004-08-19 to 2008-10-14: Date, Open, High, Low,
Close, Volume, Adj Close. A CSV file has what it has.
Range: prices in US dollars, 95.96 (Low) to 747.24 (High); Volume in shares. A CSV file's values
stay in its own unit.
Shapes: `values` float64 `(rows, columns)`: the column to forecast, then the features.
Parts: cut in time: the first 70 % of the rows to train on, 10 % for validation, the last 20 % to
test on, which in the built-in series begins in December 2007 and holds the crash of 2008.
Floor: the last value, an RMSE of 15.02 dollars on the built-in series' test part, a step ahead.
Source: the prices of Google's stock from Yahoo Finance, as matplotlib ships them among its sample
data (`goog.npz`).
Licence: matplotlib's, for the copy that it ships; a CSV file has its owner's.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from lstm_zoo.data import Series
from lstm_zoo.datasets._columns import Options, places_of
from lstm_zoo.datasets._series import read_series
from lstm_zoo.errors import DataError, UsageError, listed
from lstm_zoo.parameters import File

BUILT_IN = ("Open", "High", "Low", "Close", "Volume", "Adj Close")


def load(
    *,
    csv: File | None = None,
    column: str | None = None,
    features: list[str] | None = None,
    date_column: str | None = None,
    date_format: str | None = None,
    where: str | None = None,
    decimal: Literal["point", "comma"] | None = None,
    gaps: Literal["drop", "refuse"] = "drop",
) -> Series:
    """The rows in the order of their dates, `values (rows, 1 + features)` in the file's unit.

    Args:
        csv: the file; without one, the built-in daily prices of Google, 2004 to 2008.
        column: the column to forecast; Close where there is one, or the only one with numbers.
        features: further columns that the model sees.
        date_column: the column of dates; found by its name or its cells where it isn't named.
        date_format: how dates are written, such as %d/%m/%Y; 'unix' for seconds since 1970, and
            'unix-ms' for milliseconds. Quarters (2024-Q1) and ISO weeks (2024-W01) are read by
            themselves, as their first days. Times with an offset from UTC are local ones, or in UTC
            where these would repeat or go back.
        where: COLUMN=VALUE, the rows to keep where a file holds several series.
        decimal: whether decimals follow a point or a comma; seen from the file where it is clear.
        gaps: drop the rows with an empty cell and those that are no data (each is told of), or
            refuse the file.

    Raises:
        DataError: the file is missing, damaged, or no series.
        UnknownName: it has no such column, or no such value.
    """
    if csv is not None:
        options = Options(column, features or [], date_column, date_format, where, decimal, gaps)
        return read_series(csv, options)
    for_files = {
        "date_column": date_column,
        "date_format": date_format,
        "where": where,
        "decimal": decimal,
    }
    if given := [f"'{name}'" for name, value in for_files.items() if value]:
        raise UsageError(f"Only a CSV file (--csv FILE) takes {listed(given)}.")
    return _built_in(column or "Close", features or [])


def _built_in(column: str, features: list[str]) -> Series:
    from matplotlib.cbook import get_sample_data

    places = places_of(BUILT_IN, [column, *features], "column of the built-in prices called")
    try:
        with np.load(get_sample_data("goog.npz", asfileobj=False)) as archive:
            rows = archive["price_data"]
    except (OSError, KeyError, ValueError) as error:
        raise DataError(
            f"matplotlib's sample data, with the built-in prices, can't be read ({error}): "
            "install it from PyPI, or give a file of your own (--csv FILE)."
        ) from error
    names = [BUILT_IN[place] for place in places]
    values = [rows[name.lower().replace(" ", "_")].astype(np.float64) for name in names]
    return Series(
        values=np.stack(values, axis=1),
        columns=tuple(names),
        dates=rows["date"].astype("datetime64[ns]"),
    )
