"""The rows of a CSV table as numbers and dates, read a chunk of the file at a time.

What can't be used of them is known by its place in the file, so that nothing else is kept of text.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from lstm_zoo import disk
from lstm_zoo.datasets import _dates
from lstm_zoo.datasets._columns import Plan
from lstm_zoo.datasets._csv import Table, tidy
from lstm_zoo.datasets._numbers import PATTERNS, is_number, to_numbers
from lstm_zoo.errors import DataError, UnknownName

NONE = np.empty(0, np.int64)
_MOST_KNOWN = 10_000  # values of a column among which a mistyped one is looked for


@dataclass(frozen=True)
class Rows:
    """Rows of a table, in the file's order until they are sorted.

    Args:
        places: each row's place in the file, `int (rows,)`; 0 follows the header.
        numbers: `float64 (rows, columns)`, NaN for what is none.
        dates: `datetime64[ns] (rows,)`, NaT for what is none; None where the plan has no dates.
        beyond: the places of the rows with more cells than the header.
        strange: by column, the places of the rows with something else than a number or a date.
        missing: by column, the places of the rows with an empty cell.
    """

    places: np.ndarray
    numbers: np.ndarray
    dates: np.ndarray | None
    beyond: np.ndarray = field(default_factory=lambda: NONE)
    strange: dict[int, np.ndarray] = field(default_factory=dict)
    missing: dict[int, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.places)

    def without(self, places: np.ndarray) -> Rows:
        """The rows that stand in the file at other places than these."""
        if not len(places):
            return self
        kept = np.ones(len(self), bool)
        kept[np.searchsorted(self.places, places)] = False

        def left(array: np.ndarray) -> np.ndarray:
            return disk.gathered(array[some][kept[some]] for some in disk.stretches(len(kept)))

        dates = None if self.dates is None else left(self.dates)
        return replace(self, places=left(self.places), numbers=left(self.numbers), dates=dates)


def read_rows(table: Table, plan: Plan) -> Rows:
    """The rows that meet the plan's condition, without blank lines.

    Where rows have no dates, a blank line between them is a gap, and stays.

    Raises:
        DataError: the file can't be read as a table, or its dates not as such.
        UnknownName: no row meets the condition.
    """
    reading = _Reading(table, plan)
    literal = [plan.where[0]] if plan.where else []
    for frame in table.chunks(plan.numbers, plan.as_text, literal):
        reading.add(reading.meeting(frame) if plan.where else frame)
    if plan.where and not reading.met:
        kind = f"row of {table.name} whose column '{table.columns[plan.where[0]]}' is"
        known = sorted({tidy(cell) for cell in [*reading.others][:_MOST_KNOWN]} - {""})
        raise UnknownName(kind, tidy(plan.where[1]), known)
    return reading.rows()


class _Reading:
    """What has been read of a table so far."""

    def __init__(self, table: Table, plan: Plan):
        self.table, self.plan = table, plan
        self.met, self.others = False, {}
        self._places, self._numbers = disk.Growing(), disk.Growing()
        self._dates = disk.Growing() if plan.date is not None else None
        self._count = self._end = 0  # rows so far, and those up to the last that isn't blank
        self._odd: dict[tuple, list[np.ndarray]] = defaultdict(list)

    def meeting(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows that meet the condition."""
        place, value = self.plan.where
        cells = frame[place].str.strip()
        chosen = cells == value
        self.met = self.met or chosen.any()
        if not self.met and len(self.others) < _MOST_KNOWN:
            self.others |= dict.fromkeys(cells.unique())
        return frame[chosen]

    def add(self, frame: pd.DataFrame) -> None:
        """The next rows of the file."""
        full = frame[[*self.plan.used, self.table.beyond]].notna().any(axis=1).to_numpy()
        if self.plan.date is not None:
            frame = frame[full]
            self._add_dates(frame[self.plan.date])
            full = full[full]
        if full.any():
            self._end = self._count + int(np.flatnonzero(full)[-1]) + 1
        self._count += len(frame)
        read = [to_numbers(frame[p], self.plan.decimals[p]) for p in self.plan.numbers]
        for place, numbers in zip(self.plan.numbers, read, strict=True):
            self._note(place, frame[place], np.isnan(numbers))
            if place in self.plan.guessed:
                self._check_decimals(place, frame[place][np.isnan(numbers)].dropna())
        self._odd["beyond",].append(_where(frame, frame[self.table.beyond].notna()))
        self._places.append(frame.index.to_numpy(np.int64))
        self._numbers.append(np.stack(read, axis=1))

    def _add_dates(self, cells: pd.Series) -> None:
        """The dates of these rows, unless all rows are needed to say how they are meant."""
        if self._dates is None:
            return
        stamps = _dates.parse_alone(cells, self.plan.formats)
        if stamps is None:
            self._dates = None
            return
        self._note(self.plan.date, cells, stamps.isna())
        self._dates.append(stamps.to_numpy())

    def _check_decimals(self, place: int, strange: pd.Series) -> None:
        """No cell that could not be read would be a number with the other decimal sign."""
        used = self.plan.decimals[place]
        (other,) = PATTERNS.keys() - {used}
        if len(found := strange[is_number(strange, other)]):
            raise DataError(
                f"The column '{tidy(self.table.columns[place])}' of {self.table.name} seems to "
                f"have its decimals after a {used}, and in other rows after a {other} "
                f"({self.table.lines(found.index.tolist())}): add --data decimal={other}, or "
                f"--data decimal={used} to leave such rows out."
            )

    def _note(self, place: int, cells: pd.Series, unread: np.ndarray | pd.Series) -> None:
        self._odd["missing", place].append(_where(cells, cells.isna()))
        self._odd["strange", place].append(_where(cells, cells.notna() & unread))

    def rows(self) -> Rows:
        """All of them."""
        places, dates = self._places.array()[: self._end], None
        if self._dates is not None:
            dates = self._dates.array()
        elif self.plan.date is not None:
            dates = self._dates_together(places)
        odd = {key: _below(places, np.concatenate(found)) for key, found in self._odd.items()}
        return Rows(
            places,
            self._numbers.array()[: self._end],
            dates,
            odd["beyond",],
            {key[1]: found for key, found in odd.items() if key[0] == "strange"},
            {key[1]: found for key, found in odd.items() if key[0] == "missing"},
        )

    def _dates_together(self, places: np.ndarray) -> np.ndarray:
        place = self.plan.date
        cells = self.table.read((), text=[place])[place].loc[places]
        name = self.table.columns[place]
        stamps = _dates.parse(cells, self.plan.formats, self.table, name)
        for what in ("missing", "strange"):
            self._odd.pop((what, place), None)
        self._note(place, cells, stamps.isna())
        return stamps.to_numpy()


def _where(frame: pd.DataFrame | pd.Series, mask: pd.Series) -> np.ndarray:
    return frame.index.to_numpy(np.int64)[mask.to_numpy(bool)]


def _below(places: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Those of `found` that are no blank lines at the end."""
    return found[found <= places[-1]] if len(places) else NONE
