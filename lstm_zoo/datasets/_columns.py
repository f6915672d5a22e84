"""Which columns of a CSV table make the series: the numbers, the dates, the condition."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from lstm_zoo.datasets import _dates
from lstm_zoo.datasets._csv import Table, tidy
from lstm_zoo.datasets._numbers import PATTERNS, decimal_of, is_number, to_numbers
from lstm_zoo.errors import DataError, UnknownName, UsageError, few, listed

_DATE_NAMES = ("date", "datetime", "timestamp", "time", "ds", "datum", "day", "month", "year")
_SURELY_DATES = _DATE_NAMES[:3]


@dataclass(frozen=True)
class Options:
    """What the user asked of a file: the parameters of `prices.load`."""

    column: str | None
    features: list[str]
    date_column: str | None
    date_format: str | None
    where: str | None
    decimal: str | None
    gaps: str


@dataclass(frozen=True)
class Plan:
    """Which columns are read, and how: places in the table."""

    numbers: list[int]
    decimals: dict[int, str]
    date: int | None
    formats: tuple[str, ...]
    where: tuple[int, str] | None
    guessed: frozenset[int] = frozenset()  # whose decimal sign may be one of thousands

    @property
    def used(self) -> list[int]:
        """The columns without which a row is no row."""
        return self.numbers if self.date is None else [self.date, *self.numbers]

    @property
    def in_words(self) -> str:
        """How the dates are expected."""
        return f"written as {listed(self.formats, 'or')}, from the years 1678 to 2261"

    @property
    def as_text(self) -> list[int]:
        """The columns that pandas must not read as numbers."""
        commas = [place for place in self.numbers if self.decimals[place] == "comma"]
        return commas if self.date is None else [self.date, *commas]


def plan_of(table: Table, sample: pd.DataFrame, options: Options) -> Plan:
    """Finds the columns, by name, or by what the first rows hold."""
    where = _condition(table, options.where)
    date, formats = _date(table, sample, options)
    compared = where[0] if where else None
    names = [options.column or _default_column(table, sample, date, compared), *options.features]
    numbers = places_of(table.columns, names, f"column of {table.name} called")
    if date in numbers:
        raise UsageError(f"The column '{table.columns[date]}' holds the dates, not a number.")
    decimals = {p: options.decimal or _decimal(table, sample, p) for p in numbers}
    guessed = [p for p in numbers if not options.decimal and _guessed(sample[p])]
    return Plan(numbers, decimals, date, formats, where, frozenset(guessed))


def places_of(columns: Sequence[str], names: Sequence[str], kind: str) -> list[int]:
    """Where each of `names` stands in `columns`; `kind` says what they are, in an error."""
    names = [_called(columns, name) for name in names]
    for name in names:
        if name not in columns:
            raise UnknownName(kind, tidy(name), columns)
        if columns.count(name) > 1:
            raise DataError(f"There is more than one {kind} '{name}': rename one in the file.")
        if names.count(name) > 1:
            raise UsageError(f"The column '{name}' is asked for twice.")
    return [columns.index(name) for name in names]


def _called(columns: Sequence[str], name: str) -> str:
    """The column that is called so but for its spaces and line breaks, where one alone is."""
    alike = [column for column in columns if column.split() == name.split()]
    return alike[0] if name not in columns and len(alike) == 1 else name


def _place(table: Table, name: str) -> int:
    return places_of(table.columns, [name], f"column of {table.name} called")[0]


def _condition(table: Table, where: str | None) -> tuple[int, str] | None:
    """The column and the value of `COLUMN=VALUE`."""
    if where is None:
        return None
    cuts = [match.start() for match in re.finditer("=", where)]
    if not cuts:
        raise UsageError(f"'{tidy(where)}' is no condition: write --where COLUMN=VALUE.")
    cut = next((c for c in cuts if where[:c].strip() in table.columns), cuts[0])
    return _place(table, where[:cut].strip()), where[cut + 1 :].strip()


def _date(
    table: Table, sample: pd.DataFrame, options: Options
) -> tuple[int | None, tuple[str, ...]]:
    """The column of dates and the formats they may have; the named one, or the likeliest."""
    given = _dates.check_format(options.date_format) if options.date_format else ()
    if options.date_column is not None:
        place = _place(table, options.date_column)
        return place, given or _formats(table, sample, place)
    for place in _named_like_dates(table):
        if formats := given or _dates.formats_of(sample[place]):
            return place, formats
        if _meant_as_dates(table.columns[place], sample[place]):
            return place, _formats(table, sample, place)
    for place in range(table.beyond):
        if not _mostly_numbers(sample[place]) and (formats := _dates.formats_of(sample[place])):
            return place, given or formats
    if given:
        raise DataError(
            f"No column of {table.name} looks like dates: say which one has the format "
            f"'{tidy(given[0])}' with --date-column."
        )
    return None, ()


def _plain(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.casefold())


def _named_like_dates(table: Table) -> list[int]:
    """The columns with one of the usual names, the surest first."""
    names = [_plain(name) for name in table.columns]
    return [p for wanted in _DATE_NAMES for p, name in enumerate(names) if name == wanted]


def _meant_as_dates(name: str, cells: pd.Series) -> bool:
    """Whether cells that can't be read as dates can't well be anything else."""
    if cells.isna().all() or _plain(name) not in _SURELY_DATES:
        return False
    return not _mostly_numbers(cells) or to_numbers(cells.dropna(), "point").min() > 1e8


def _formats(table: Table, sample: pd.DataFrame, place: int) -> tuple[str, ...]:
    if formats := _dates.formats_of(sample[place]):
        return formats
    known = sample[place].dropna()
    shown = f", such as '{tidy(known.iloc[0])}'," if len(known) else ""
    raise DataError(
        f"The column '{table.columns[place]}' of {table.name}{shown} can't be read as dates: say "
        "how they are written with --date-format, such as '%d/%m/%Y', or 'unix' for seconds "
        "since 1970."
    )


def _mostly_numbers(cells: pd.Series) -> bool:
    cells = cells.dropna()
    numbers = is_number(cells, "point") | is_number(cells, "comma")
    return bool(len(cells)) and numbers.mean() >= 0.5


def _default_column(
    table: Table, sample: pd.DataFrame, date: int | None, compared: int | None
) -> str:
    """Close, or the only column of numbers; the one that --where compares only if alone."""
    free = [p for p in range(table.beyond) if p != date]
    names = [table.columns[p] for p in free]
    places = [p for p in free if _mostly_numbers(sample[p])]
    numeric = [table.columns[p] for p in places if p != compared or len(places) == 1]
    for close in (
        [name for name in names if name.casefold() == "close"],
        [name for name in names if name.casefold().endswith(".close")],
        numeric,
    ):
        if len(close) == 1:
            return close[0]
    if len(set(numeric)) < len(numeric):
        twice = next(name for name in numeric if numeric.count(name) > 1)
        raise DataError(
            f"There is more than one column of {table.name} called '{tidy(twice)}': rename one in "
            "the file."
        )
    if not numeric:
        raise DataError(
            f"{table.name} has no column of numbers, only {few(table.columns)} (cells may stand "
            "between commas, semicolons, tabs or bars)."
        )
    raise DataError(
        f"{table.name} has several columns of numbers ({few(numeric)}): choose one with --column."
    )


def _guessed(cells: pd.Series) -> bool:
    """Whether each of these cells, and one with a mark in it, could be read either way."""
    return decimal_of(cells) not in PATTERNS and bool(cells.str.contains("[.,]").any())


def _decimal(table: Table, sample: pd.DataFrame, place: int) -> str:
    """Whether the column's decimals follow a point or a comma, by its cells, else by all."""
    own = decimal_of(sample[place])
    if own in ("point", "comma"):
        return own
    of_all = decimal_of(sample.melt()["value"])
    if of_all in ("point", "comma"):
        return of_all
    if own == "unclear" and table.separator != ",":
        raise DataError(
            f"Nothing in {table.name} tells whether the commas in the column "
            f"'{table.columns[place]}' are for thousands or decimals: add --data decimal=point or "
            "--data decimal=comma."
        )
    return "point"
