"""A copy of a CSV file whose later rows hold other numbers: what shows a loader that looks ahead.

Only digits change, each into 9 minus itself, so that a number stays a number, written as it was.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from itertools import dropwhile
from pathlib import Path

import numpy as np
import pandas as pd

from lstm_zoo.data import Series
from lstm_zoo.datasets import _dates
from lstm_zoo.datasets._csv import Table, open_table
from lstm_zoo.datasets._numbers import is_number
from lstm_zoo.errors import DataError

SAMPLE = 1000  # rows that say how dates are written
_OTHERS = str.maketrans("0123456789", "9876543210")


def write_changed(
    file: str, copy: Path, series: Series, first: int, date_format: str | None = None
) -> bool:
    """Copy `file` with other numbers in the columns of `series`, from its row `first` on.

    Args:
        file: a CSV file.
        copy: where the copy goes.
        series: what a loader read from the file: its dates and columns say what stands where.
        first: a row of `series`; one past its last changes nothing.
        date_format: how the file's dates are written; None to find out.

    Returns:
        Whether it can be told which columns and lines of the file these are.
    """
    try:
        table = open_table(file)
        later = _later(table, series, first, date_format)
        places = [place for place, name in enumerate(table.columns) if name in series.columns]
        if later is not None and places:
            _copy(table, copy, places, later)
            return True
    except (DataError, ValueError, csv.Error):
        pass
    return False


def _later(table: Table, series: Series, first: int, date_format: str | None) -> np.ndarray | None:
    """Which lines below the header hold the rows from `first` on; None if nothing tells."""
    times, rows = _times(table, series.dates, date_format), len(series.values)
    if series.dates is not None:
        if times is None or first == rows:
            return None if times is None else np.zeros(len(times), bool)
        return (times >= series.dates[first]).to_numpy()
    full = table.read((), text=range(table.beyond)).notna().any(axis=1)
    in_order = times is None or times.dropna().is_monotonic_increasing
    return (full.cumsum() > first).to_numpy() if in_order and full.sum() == rows else None


def _times(table: Table, dates: np.ndarray | None, date_format: str | None) -> pd.Series | None:
    """The date of each line: the first column that holds all of `dates`, or any dates."""
    sample = table.read((), text=range(table.beyond), rows=SAMPLE)
    for place in range(table.beyond):
        if dates is None and is_number(sample[place].dropna(), "point").mean() >= 0.5:
            continue
        formats = (date_format,) if date_format else _dates.formats_of(sample[place])
        try:
            cells = table.read((), text=[place])[place]
            times = _dates.parse(cells, formats, table, table.columns[place]) if formats else None
        except DataError:
            continue
        if times is not None and (dates is None or np.isin(dates, times).all()):
            return times
    return None


def _copy(table: Table, copy: Path, places: list[int], later: np.ndarray) -> None:
    how = {"encoding": table.encoding, "errors": "replace", "newline": ""}
    with table.path.open(**how) as source, copy.open("w", **how) as target:
        records = csv.reader(source, delimiter=table.separator, skipinitialspace=True)
        below = dropwhile(lambda record: not any(map(str.strip, record)), records)
        writer = csv.writer(target, delimiter=table.separator, lineterminator="\n")
        writer.writerow(next(below))
        writer.writerows(_changed(below, places, later))


def _changed(
    records: Iterator[list[str]], places: list[int], later: np.ndarray
) -> Iterator[list[str]]:
    for record, change in zip(records, later.tolist(), strict=True):
        changing = places if change else ()
        yield [
            _other_number(cell) if place in changing else cell for place, cell in enumerate(record)
        ]


def _other_number(cell: str) -> str:
    """`8,765.4e3` for `1,234.5e3`; the exponent stays."""
    return re.sub(r"^[^eE]*", lambda number: number[0].translate(_OTHERS), cell)
