"""A series out of a CSV table: which rows, in what order, and what was left out."""

from __future__ import annotations

import shlex

import numpy as np
import pandas as pd

from lstm_zoo.data import Series
from lstm_zoo.datasets import _dates
from lstm_zoo.datasets._columns import Options, Plan, plan_of
from lstm_zoo.datasets._csv import Table, open_table, tidy
from lstm_zoo.datasets._numbers import to_numbers
from lstm_zoo.errors import DataError, UnknownName, counted, few

SAMPLE = 1000  # rows that say what the columns hold
LARGEST = float(np.finfo(np.float32).max)  # what models compute in


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
    rows = _whole_rows(table, plan, _selected(table, plan), options.gaps == "refuse", notes)
    if plan.date is not None:
        rows = _in_order(table, plan, rows, notes)
    else:
        notes.append(f"{table.name} has no column of dates: its rows are taken in their order.")
    if len(rows) < 2:
        raise DataError(
            f"{table.name} has {counted(len(rows), 'row')} of numbers; a series needs more."
        )
    return Series(
        values=np.ascontiguousarray(rows[plan.numbers].to_numpy()),
        columns=tuple(table.columns[place] for place in plan.numbers),
        dates=None if plan.date is None else rows[plan.date].to_numpy(),
        notes=tuple(notes),
    )


def _selected(table: Table, plan: Plan) -> pd.DataFrame:
    """The rows that meet the condition, without blank lines.

    Where rows have no dates, a blank line between them is a gap, and stays.
    """
    frame = table.read(plan.numbers, plan.as_text, [plan.where[0]] if plan.where else [])
    if plan.where:
        frame = frame[_meets(table, *plan.where, frame)]
    full = frame[[*plan.used, table.beyond]].notna().any(axis=1)
    if plan.date is None and full.any():
        return frame.loc[: full[full].index[-1]]
    return frame[full]


def _meets(table: Table, place: int, value: str, frame: pd.DataFrame) -> pd.Series:
    cells = frame[place].str.strip()
    if not (cells == value).any():
        known = sorted({tidy(cell) for cell in cells.unique()[:10_000]} - {""})
        kind = f"row of {table.name} whose column '{table.columns[place]}' is"
        raise UnknownName(kind, tidy(value), known)
    return cells == value


def _whole_rows(
    table: Table, plan: Plan, frame: pd.DataFrame, refuse: bool, notes: list[str]
) -> pd.DataFrame:
    """The dates and numbers of every row that has them all; a note tells of the others."""
    read = {p: to_numbers(frame[p], plan.decimals[p]) for p in plan.numbers}
    rows = pd.DataFrame(read, index=frame.index)
    if plan.date is not None:
        name = table.columns[plan.date]
        rows[plan.date] = _dates.parse(frame[plan.date], plan.formats, table, name)
    if plan.where and rows[plan.numbers].isna().any(axis=1).all():
        raise DataError(
            f"No row with numbers is left of {table.name} where '{table.columns[plan.where[0]]}' "
            f"is '{tidy(plan.where[1])}': {table.lines(rows.index)}."
        )
    stray = _strays(table, plan, frame, rows)
    _refuse_too_large(table, plan, rows[~stray])
    gap = rows.isna().any(axis=1) & ~stray
    empty = [table.columns[place] for place in plan.used if rows.loc[gap, place].isna().any()]
    _leave_out(table, stray, "that could not be read", refuse, notes)
    _leave_out(table, gap, f"with an empty cell in {few(empty)}", refuse, notes)
    return rows[~stray & ~gap]


def _strays(table: Table, plan: Plan, frame: pd.DataFrame, rows: pd.DataFrame) -> pd.Series:
    """Which rows hold something else than numbers, a date, and as many cells as the header."""
    stray = frame[table.beyond].notna()
    if _too_many(stray):
        raise DataError(
            f"Rows of {table.name} have more cells than its first line has names: "
            f"{table.lines(_places(stray))}; a number with a comma in it needs quotation marks."
        )
    for place in plan.used:
        strange = frame[place].notna() & rows[place].isna()
        if _too_many(strange):
            what = f"dates {plan.in_words}" if place == plan.date else "numbers"
            raise DataError(
                f"The column '{table.columns[place]}' of {table.name} does not hold {what}: "
                f"{table.lines(_places(strange))}."
            )
        stray |= strange
    return stray


def _too_many(strange: pd.Series) -> bool:
    """Whether these are too many to be strays: the column, then, is one of something else."""
    count = int(strange.sum())
    return count > 0 and (count * 2 >= len(strange) or (count > 3 and count * 10 > len(strange)))


def _refuse_too_large(table: Table, plan: Plan, rows: pd.DataFrame) -> None:
    for place in plan.numbers:
        too_large = rows[place].abs() > LARGEST
        if too_large.any():
            raise DataError(
                f"The column '{table.columns[place]}' of {table.name} holds "
                f"{rows.loc[too_large, place].iloc[0]:g}, too large a number to train on (the "
                f"largest is {LARGEST:.2g}): {table.lines(_places(too_large))}."
            )


def _leave_out(table: Table, mask: pd.Series, what: str, refuse: bool, notes: list[str]) -> None:
    if not mask.any():
        return
    told = f"{counted(len(mask[mask]), 'row')} {what}"
    lines = table.lines(_places(mask))
    if refuse:
        raise DataError(f"{table.name} has {told}: {lines} (--data gaps=drop leaves such out).")
    notes.append(f"Left out {told}: {lines}.")


def _in_order(table: Table, plan: Plan, rows: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """The rows by date, without those that are there twice."""
    name = table.columns[plan.date]
    if not rows[plan.date].is_monotonic_increasing:
        rows = rows.sort_values(plan.date, kind="stable")
        notes.append(f"The rows were not in the order of {name}, and were sorted.")
    if rows[plan.date].is_unique:
        return rows
    cells = table.read((), literal=range(table.beyond)).loc[rows.index]
    repeated = cells.duplicated()
    kept = rows[~repeated]
    if not kept[plan.date].is_unique:
        raise DataError(_several(table, plan, kept[plan.date], cells[~repeated]))
    notes.append(
        f"Left out {counted(len(rows[repeated]), 'row')} that came twice, the same in every cell."
    )
    return kept


def _several(table: Table, plan: Plan, dates: pd.Series, cells: pd.DataFrame) -> str:
    """What to say of dates that come more than once: which column tells the rows apart."""
    twice = dates.index[dates == dates[dates.duplicated()].iloc[0]]
    told = f"{table.name} has a date in more than one row ({table.lines(twice)}): "
    for place in () if plan.where else _fewest_values_first(table, plan, cells):
        if not pd.DataFrame({"date": dates, "key": cells[place]}).duplicated().any():
            key, values = table.columns[place], sorted(filter(None, cells[place].unique()))
            return (
                f"{told}choose one of the {len(values):,} series that the column '{key}' tells "
                f"apart ({few([tidy(value) for value in values])}), as in "
                f"--where {shlex.quote(f'{key}={tidy(values[0])}')}."
            )
    return f"{told}keep one row for each date in the column '{table.columns[plan.date]}'."


def _fewest_values_first(table: Table, plan: Plan, cells: pd.DataFrame) -> list[int]:
    """The columns that could name a series: each value stands in two rows or more on average."""
    counts = cells.drop(columns=[*plan.used, table.beyond]).nunique()
    return counts[(counts > 1) & (counts * 2 <= len(cells))].sort_values(kind="stable").index


def _places(mask: pd.Series) -> list[int]:
    return mask.index[mask].tolist()
