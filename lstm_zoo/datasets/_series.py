"""A series out of a CSV table: which rows, in what order, and what was left out."""

from __future__ import annotations

import shlex

import numpy as np
import pandas as pd

from lstm_zoo import disk
from lstm_zoo.data import Series
from lstm_zoo.datasets._columns import Options, Plan, plan_of
from lstm_zoo.datasets._csv import Table, open_table, tidy
from lstm_zoo.datasets._rows import Rows, read_rows
from lstm_zoo.errors import DataError, counted, few, listed

SAMPLE = 1000  # rows that say what the columns hold
LARGEST = float(np.finfo(np.float32).max)  # what models compute in
_PARTS = {"year", "quarter", "month", "week", "day", "hour", "minute", "time"}  # of a date


def read_series(csv: str, options: Options) -> Series:
    """The series in the file `csv`, its rows in the order of their dates.

    Raises:
        DataError: the file is missing, damaged, or no series.
        UnknownName: it has no such column, or no such value.
    """
    table = open_table(csv)
    sample = table.read((), text=range(table.beyond), rows=SAMPLE)
    if sample.empty:
        raise DataError(f"{table.name} has no rows below its line of column names.")
    plan = plan_of(table, sample, options)
    notes = []
    if table.encoding == "cp1252":
        notes.append(f"{table.name} is not UTF-8, and was read as Windows-1252.")
    rows = _whole_rows(table, plan, read_rows(table, plan), options.gaps == "refuse", notes)
    if plan.date is not None:
        rows = _in_order(table, plan, rows, notes)
    else:
        notes.append(f"{table.name} has no column of dates: its rows are taken in their order.")
    if len(rows) < 2:
        raise DataError(
            f"{table.name} has {counted(len(rows), 'row')} of numbers; a series needs more."
        )
    return Series(
        values=rows.numbers,
        columns=tuple(table.columns[place] for place in plan.numbers),
        dates=rows.dates,
        notes=tuple(notes),
    )


def _whole_rows(table: Table, plan: Plan, rows: Rows, refuse: bool, notes: list[str]) -> Rows:
    """The rows that have a date and all numbers; a note tells of the others."""
    if plan.where and len(_union(rows, plan.numbers, "strange", "missing")) == len(rows):
        raise DataError(
            f"No row with numbers is left of {table.name} where '{table.columns[plan.where[0]]}' "
            f"is '{tidy(plan.where[1])}': {table.lines(rows.places.tolist())}."
        )
    stray = _strays(table, plan, rows)
    _refuse_too_large(table, plan, rows.without(stray))
    gap = np.setdiff1d(_union(rows, plan.used, "missing"), stray)
    empty = [table.columns[p] for p in plan.used if np.isin(rows.missing[p], gap).any()]
    _leave_out(table, stray, "that could not be read", refuse, notes)
    _leave_out(table, gap, f"with an empty cell in {few(empty)}", refuse, notes)
    return rows.without(np.union1d(stray, gap))


def _union(rows: Rows, columns: list[int], *kinds: str) -> np.ndarray:
    """The places of the rows in which any of the columns is strange, say."""
    found = [getattr(rows, kind)[column] for kind in kinds for column in columns]
    return np.unique(np.concatenate(found))


def _strays(table: Table, plan: Plan, rows: Rows) -> np.ndarray:
    """The places of rows that hold something else than numbers, a date, and enough cells."""
    if _too_many(rows.beyond, rows):
        lines = table.lines(rows.beyond.tolist())
        raise DataError(
            f"Rows of {table.name} have more cells than its first line has names: {lines}; a "
            "number with a comma in it needs quotation marks."
        )
    for place in plan.used:
        if _too_many(rows.strange[place], rows):
            what = f"dates {plan.in_words}" if place == plan.date else "numbers"
            raise DataError(
                f"The column '{table.columns[place]}' of {table.name} does not hold {what}: "
                f"{table.lines(rows.strange[place].tolist())}."
            )
    return np.union1d(rows.beyond, _union(rows, plan.used, "strange"))


def _too_many(places: np.ndarray, rows: Rows) -> bool:
    """Whether these are too many to be strays: the column, then, is one of something else."""
    count, total = len(places), len(rows)
    return count > 0 and (count * 2 >= total or (count > 3 and count * 10 > total))


def _refuse_too_large(table: Table, plan: Plan, rows: Rows) -> None:
    for column, place in enumerate(plan.numbers):
        numbers = rows.numbers[:, column]
        found = [
            some.start + np.flatnonzero(np.abs(numbers[some]) > LARGEST)
            for some in disk.stretches(len(rows))
        ]
        if len(too_large := np.concatenate(found)):
            raise DataError(
                f"The column '{table.columns[place]}' of {table.name} holds "
                f"{numbers[too_large[0]]:g}, too large a number to train on (the "
                f"largest is {LARGEST:.2g}): {table.lines(rows.places[too_large].tolist())}."
            )


def _leave_out(table: Table, places: np.ndarray, what: str, refuse: bool, notes: list[str]) -> None:
    if not len(places):
        return
    told = f"{counted(len(places), 'row')} {what}"
    lines = table.lines(places.tolist())
    if refuse:
        raise DataError(f"{table.name} has {told}: {lines} (--data gaps=drop leaves such out).")
    notes.append(f"Left out {told}: {lines}.")


def _in_order(table: Table, plan: Plan, rows: Rows, notes: list[str]) -> Rows:
    """The rows by date, without those that are there twice."""
    if _rising(rows.dates):
        return rows
    frame = pd.DataFrame(rows.numbers, rows.places).assign(date=rows.dates)
    frame = _sorted(table, plan, frame, notes)
    numbers = np.ascontiguousarray(frame.drop(columns="date").to_numpy())
    return Rows(frame.index.to_numpy(), numbers, frame["date"].to_numpy())


def _rising(dates: np.ndarray) -> bool:
    """Whether each is later than the one before."""
    later = dates[1:]
    return all((dates[:-1][s] < later[s]).all() for s in disk.stretches(len(later)))


def _sorted(table: Table, plan: Plan, rows: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    name = table.columns[plan.date]
    if not rows["date"].is_monotonic_increasing:
        rows = rows.sort_values("date", kind="stable")
        notes.append(f"The rows were not in the order of {name}, and were sorted.")
    if rows["date"].is_unique:
        return rows
    cells = table.read((), literal=range(table.beyond)).loc[rows.index]
    repeated = cells.duplicated()
    kept = rows[~repeated]
    if not kept["date"].is_unique:
        raise DataError(_several(table, plan, kept["date"], cells[~repeated]))
    notes.append(
        f"Left out {counted(len(rows[repeated]), 'row')} that came twice, the same in every cell."
    )
    return kept


def _several(table: Table, plan: Plan, dates: pd.Series, cells: pd.DataFrame) -> str:
    """What to say of dates that come more than once: which column tells the rows apart."""
    twice = dates.index[dates == dates[dates.duplicated()].iloc[0]]
    told = f"{table.name} has a date in more than one row ({table.lines(twice)}): "
    name = table.columns[plan.date]
    if others := _parts_of_dates(table, plan, dates, cells):
        spread = listed(f"'{tidy(column)}'" for column in (name, *others))
        return f"{told}its date seems to stand in several columns ({spread}): join these into one."
    for place in () if plan.where else _fewest_values_first(table, plan, cells):
        if not pd.DataFrame({"date": dates, "key": cells[place]}).duplicated().any():
            key, values = table.columns[place], sorted(filter(None, cells[place].unique()))
            return (
                f"{told}choose one of the {len(values):,} series that the column '{key}' tells "
                f"apart ({few([tidy(value) for value in values])}), as in "
                f"--where {shlex.quote(f'{key}={tidy(values[0])}')}."
            )
    return f"{told}keep one row for each date in the column '{name}'."


def _parts_of_dates(table: Table, plan: Plan, dates: pd.Series, cells: pd.DataFrame) -> list[str]:
    """The columns called month or time, say, that with the dates tell all rows apart."""
    places = [
        place
        for place, column in enumerate(table.columns)
        if place not in plan.used and column.strip().casefold() in _PARTS
    ]
    together = pd.concat([dates, cells[places]], axis=1)
    return [] if together.duplicated().any() else [table.columns[place] for place in places]


def _fewest_values_first(table: Table, plan: Plan, cells: pd.DataFrame) -> list[int]:
    """The columns that could name a series: each value stands in two rows or more on average."""
    counts = cells.drop(columns=[*plan.used, table.beyond]).nunique()
    return counts[(counts > 1) & (counts * 2 <= len(cells))].sort_values(kind="stable").index
