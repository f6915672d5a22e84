"""A CSV file as a table: its encoding, separator and column names, and its rows by line number.

pandas does the reading. What it would pass over in silence is kept in sight here: cells beyond the
header's last column come back as one column more, `Table.beyond`, and a row of the frame leads back
to its line in the file.
"""

from __future__ import annotations

import contextlib
import csv
import difflib
import io
import os
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TextIO

import pandas as pd

from lstm_zoo import disk
from lstm_zoo.datasets._files import opened
from lstm_zoo.errors import DataError, listed

SEPARATORS = ",;\t|"
MISSING = (
    {"", ".", "-", "--", "?", "#N/A", "N/D", "<NA>"}
    | {
        case(word)
        for word in ("nan", "na", "n/a", "null", "none", "missing")
        for case in (str.lower, str.upper, str.title)
    }
    | {"NaN"}
)
# To the last bit: pandas' default since 3, which warns where it is asked for.
_EXACT = {} if int(pd.__version__.partition(".")[0]) > 2 else {"float_precision": "round_trip"}
_HEAD = 1 << 20  # bytes looked at before anything is read; a first line is shorter
_LINE = 1 << 24  # characters of any other line
_MOST_COLUMNS = 5_000  # each costs some 20 kB
_LONGEST_NAME = 1000
_DATA = re.compile(r"[\s0-9.,;:/+\-eETZ$€]*")  # what a cell without a word is made of
_BOMS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


@dataclass(frozen=True)
class Table:
    """A CSV file that has a header."""

    path: Path
    encoding: str
    separator: str
    columns: tuple[str, ...]

    @property
    def name(self) -> str:
        """The file's name, as shown in sentences."""
        return tidy(self.path.name)

    @property
    def beyond(self) -> int:
        """The place of the extra column: what a row holds beyond the header's last column."""
        return len(self.columns)

    def read(
        self,
        places: Iterable[int],
        text: Iterable[int] = (),
        literal: Iterable[int] = (),
        rows: int | None = None,
    ) -> pd.DataFrame:
        """The columns at `places` and `beyond`, named by place; row 0 follows the header.

        Args:
            places: the columns to read; an empty cell, or a word for one, is NaN.
            text: columns to read as text even where all cells are numbers.
            literal: columns to read as text as it stands, where no cell is NaN.
            rows: how many rows to read; None for all.
        """
        return next(self._frames(places, text, literal, nrows=rows))

    def chunks(
        self, places: Iterable[int], text: Iterable[int], literal: Iterable[int]
    ) -> Iterator[pd.DataFrame]:
        """What `read` gives, some rows at a time, so that no more are in memory."""
        return self._frames(places, text, literal, chunksize=disk.STRETCH)

    def _frames(
        self,
        places: Iterable[int],
        text: Iterable[int],
        literal: Iterable[int],
        **amount: int | None,
    ) -> Iterator[pd.DataFrame]:
        places = {*places, *text, *literal, self.beyond}
        missing = {str(place): MISSING for place in places if place not in literal}
        with self._records() as (handle, _):
            try:
                read = pd.read_csv(
                    _Headed(handle, self.separator.join(map(str, range(self.beyond + 1))) + "\n"),
                    sep=self.separator,
                    usecols=set(map(str, places)).__contains__,
                    index_col=False,
                    dtype=dict.fromkeys(map(str, [*text, *literal, self.beyond]), str),
                    keep_default_na=False,
                    na_values=missing,
                    skip_blank_lines=False,
                    skipinitialspace=True,
                    low_memory=False,
                    **_EXACT,
                    **amount,
                )
                for frame in [read] if isinstance(read, pd.DataFrame) else read:
                    yield frame.set_axis(frame.columns.astype(int), axis=1)
            except (ValueError, OverflowError) as error:
                raise DataError(self._unreadable(str(error))) from error

    def _unreadable(self, reason: str) -> str:
        if "EOF inside string" in reason:
            return (
                f"{self.name} ends inside a quoted cell: a quotation mark is never closed, or the "
                "file is cut short."
            )
        return f"{self.name} can't be read as a table ({tidy(reason)})."

    def lines(self, rows: Iterable[int], limit: int = 3) -> str:
        """The first rows of a frame as their lines in the file: `line 7 ('Source: …') and …`."""
        rows = sorted(rows)
        with self._records() as (_, reader):
            found = [*_lines(reader, rows[:limit], self.separator)]
        more = [f"{len(rows) - limit:,} more"] if len(rows) > limit else []
        return listed(found + more)

    @contextlib.contextmanager
    def _records(self) -> Iterator[tuple[TextIO, Iterator[list[str]]]]:
        """The open file and a reader of its records, both just past the header."""
        with self.path.open(encoding=self.encoding, errors="replace", newline="") as handle:
            reader = _reader(handle, self.separator)
            _header(reader)
            yield handle, reader


class _Headed:
    """A file below a header of the table's full width, by which pandas knows the columns.

    A `names` of pandas would not do: before version 3 each chunk must hold a row of their width.
    """

    def __init__(self, handle: TextIO, line: str):
        self.handle, self.line = handle, line

    def read(self, size: int = -1) -> str:
        line, self.line = self.line, ""
        return line or self.handle.read(size)

    def __iter__(self) -> Iterator[str]:
        yield from iter(self.read, "")


def open_table(name: str, encoding: str | None = None) -> Table:
    """The table in the file `name`.

    Args:
        name: the file.
        encoding: its encoding; None to find out, which knows UTF-8, UTF-16 with its mark, and takes
            anything else for Windows-1252.

    Raises:
        DataError: there is no such file, or it is no text with a header, or of another encoding.
    """
    path = Path(os.path.expanduser(name))  # noqa: PTH111, leaves a ~stranger as it is
    head = _head(path)
    if encoding is not None:
        with opened(path, encoding) as handle:
            _pass(handle, path)
    else:
        encoding = _found_out(path, head)
    text = head.decode(encoding, "replace")
    if len(head) == _HEAD and "\n" not in text and "\r" not in text:
        raise DataError(f"The first line of {tidy(path.name)} is over a megabyte long.")
    records = {separator: _first_records(text, separator) for separator in SEPARATORS}
    separator = max(SEPARATORS, key=lambda separator: _regularity(records[separator]))
    return Table(path, encoding, separator, _names(records[separator], tidy(path.name)))


def tidy(text: str, limit: int = 60) -> str:
    """`text` made fit for a sentence: on one line, no longer than `limit`, nothing unprintable."""
    text = " ".join(text[: 4 * limit].split())
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def _head(path: Path) -> bytes:
    """The file's first bytes."""
    try:
        if path.exists() and not path.is_file():
            raise DataError(f"{tidy(str(path))} is not a file: a CSV file is needed.")
        with path.open("rb") as handle:
            return handle.read(_HEAD)
    except FileNotFoundError:
        raise DataError(f"There is no file {tidy(str(path), 200)}.{_neighbour(path)}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{tidy(str(path), 200)} can't be read: {reason}.") from None


def _neighbour(path: Path) -> str:
    """The file of the same folder whose name comes nearest, as a sentence."""
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.is_file()]
    except OSError:
        return f" There is no folder {tidy(str(path.parent), 200)} either."
    near = difflib.get_close_matches(path.name, names, n=1)
    return f" Did you mean {tidy(str(path.parent / near[0]), 200)}?" if near else ""


def _found_out(path: Path, head: bytes) -> str:
    """The encoding of the whole file: by its mark, or UTF-8, or what Windows writes in the west."""
    marked = next((_BOMS[bom] for bom in _BOMS if head.startswith(bom)), None)
    for encoding in filter(None, (marked, "utf-8")):
        try:
            with path.open(encoding=encoding, newline="") as handle:
                _pass(handle, path)
        except UnicodeDecodeError:
            continue
        return encoding
    with path.open(encoding="cp1252", errors="replace", newline="") as handle:
        _pass(handle, path)
    return "cp1252"


def _pass(handle: TextIO, path: Path) -> None:
    """Read to the end, where every line can be held in memory.

    Raises:
        DataError: it is no text, or a line in it is too long.
    """
    lines, length = 1, 0
    while text := handle.read(_HEAD):
        if "\0" in text:
            line = lines + text[: text.index("\0")].count("\n")
            raise DataError(
                f"{tidy(path.name)} is not a text file (there is a null character in line "
                f"{line:,}): a CSV file is needed."
            )
        ends = text.count("\n") or text.count("\r")
        lines, length = lines + ends, 0 if ends else length + len(text)
        if length >= _LINE:
            raise DataError(
                f"Line {lines:,} of {tidy(path.name)} is over {_LINE >> 20} megabytes long."
            )


def _reader(lines: Iterable[str], separator: str) -> Iterator[list[str]]:
    return csv.reader(lines, delimiter=separator, skipinitialspace=True)


def _first_records(text: str, separator: str) -> list[list[str]]:
    """The header and a few records below it, as far as no cell is too long for the csv module."""
    reader = _reader(io.StringIO(text, newline=""), separator)
    try:
        records = [_header(reader)]
    except csv.Error:
        return [[text]]
    with contextlib.suppress(csv.Error):
        records.extend(islice(reader, 20))
    return [record for record in records if record]


def _header(reader: Iterator[list[str]]) -> list[str]:
    """The first record that holds anything."""
    return next((record for record in reader if any(map(str.strip, record))), [])


def _regularity(records: list[list[str]]) -> tuple[float, int]:
    """How many records are as wide as the header, and how wide: the true separator has most."""
    widths = [len(record) for record in records]
    if not widths or widths[0] == 1:
        return 0.0, 0
    return widths.count(widths[0]) / len(widths), widths[0]


def _names(records: list[list[str]], file: str) -> tuple[str, ...]:
    """The columns' names; one without a name is called by its place."""
    if not records:
        raise DataError(f"{file} is empty: it has no line of column names.")
    if len(records[0]) > _MOST_COLUMNS:
        raise DataError(
            f"{file} has {len(records[0]):,} columns, and at most {_MOST_COLUMNS:,} are read."
        )
    swallowed = len(records) == 1 and any("\n" in cell for cell in records[0])
    if swallowed or max(map(len, records[0])) > _LONGEST_NAME:
        raise DataError(
            f"A quotation mark in the first line of {file} is never closed, or a column's name is "
            f"over {_LONGEST_NAME:,} characters long."
        )
    if all(_DATA.fullmatch(cell) for cell in records[0]):
        raise DataError(
            f"The first line of {file}, '{tidy(','.join(records[0]))}', holds no column names: "
            "add a line such as Date,Close above it."
        )
    return tuple(
        tidy(cell, _LONGEST_NAME) or f"column {place}" for place, cell in enumerate(records[0], 1)
    )


def _lines(reader: Iterator[list[str]], rows: list[int], separator: str) -> Iterator[str]:
    done = 0
    for row in rows:
        try:
            deque(islice(reader, row - done), maxlen=0)
            number, record = reader.line_num + 1, next(reader)
        except (csv.Error, StopIteration):
            yield f"line {reader.line_num:,} or later (a cell there is too long to show)"
            return
        done = row + 1
        yield f"line {number:,} ('{tidy(separator.join(record))}')"
