"""Texts of one's own, from a CSV file: which class is each of?

Task: the class of a text, from its words.
Size: the rows of the file.
Range: tokens, the places of words in a vocabulary; 0 is the padding, 1 any word that is not in it.
Shapes: `x` int32 `(rows, steps)`, padded at the end; `y` int64 `(rows,)`, the classes in the order
of their names.
Parts: 70 % of the rows to train on, 10 % for validation, 20 % to test on, in an order that is drawn
once, for files are often sorted by class; the run's seed has no part in it. The vocabulary is
that of the training part alone.
Floor: the most frequent class of the training part; of another file that a run is asked about, that
of the file itself, and no constant answer is better.
Source: a CSV file (`--csv FILE`) with a column of texts and a column of classes.
Licence: its owner's.

Words are what stands between spaces and punctuation, in lower case; an apostrophe may stand inside
one, and an emoji is one. Languages that put no spaces between words need these put in first. Of a
longer text, the last `steps` words are read.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lstm_zoo.data import NO_CLASS, Texts
from lstm_zoo.datasets._columns import places_of
from lstm_zoo.datasets._csv import Table, open_table, tidy
from lstm_zoo.datasets._words import WORDS, padded, rule, words_of
from lstm_zoo.errors import DataError, UsageError, counted, few, listed
from lstm_zoo.parameters import File, PositiveInt


def load(
    *,
    csv: File | None = None,
    text_column: str = "text",
    label_column: str | None = "label",
    classes: list[str] | None = None,
    encoding: str = "utf-8-sig",
    steps: PositiveInt = 100,
) -> Texts:
    """The rows in the file's order: words `(rows, steps)`, and their classes `(rows,)`.

    Args:
        csv: the file; it must be given.
        text_column: the column of texts.
        label_column: the column of classes; null for none.
        classes: the classes, in their order; null for those that the file has. Where they are
            given, a row may lack its class, or all of them the column: they can be predicted then.
        encoding: of the file; utf-8-sig is UTF-8, with or without a mark at its beginning.
        steps: the words of a text that are read, from its end.

    Raises:
        DataError: the file is missing or damaged, a row has no words or no class, one that is none
            of `classes`, or there is one class only.
        UnknownName: it has no such column.
        UsageError: no file is named, one column twice, or fewer than two classes or one twice.
    """
    if csv is None:
        raise UsageError("The dataset text is read from a file of one's own: add --csv FILE.")
    if label_column is None and classes is None:
        raise UsageError("Without a column of classes (label_column) there is nothing to learn.")
    if text_column == label_column:
        raise UsageError(f"'{tidy(text_column)}' can't be both text_column and label_column.")
    if classes is not None and (len(classes) < 2 or len(set(classes)) < len(classes)):
        raise UsageError(f"classes takes two names or more, each once, not {listed(classes)}.")
    table = open_table(csv, encoding)
    labelled = label_column in table.columns or classes is None
    named = {"text_column": text_column} | ({"label_column": label_column} if labelled else {})
    texts, *labels = _rows(table, named)
    words = texts.map(words_of)
    _refuse(table, words.map(len) == 0, f"without a word in the column '{text_column}'")
    y = np.full(len(texts), NO_CLASS)
    if labelled:
        names = labels[0].str.strip()
        classes = _known(table, label_column, names, classes)
        places = {name: place for place, name in enumerate(classes)} | {"": NO_CLASS}
        y = names.map(places).to_numpy(np.int64)
    vocabulary = ("", *sorted({word for row in words for word in row[-steps:]}))
    places = {word: place for place, word in enumerate(vocabulary)}
    return Texts(
        x=padded([[places[word] for word in row[-steps:]] for row in words], steps),
        y=y,
        classes=tuple(classes),
        vocabulary=vocabulary,
        reading=rule(steps, WORDS),
    )


def _rows(table: Table, named: dict[str, str]) -> list[pd.Series]:
    """The cells of each column that a parameter names, without blank lines."""
    places = [
        places_of(table.columns, [name], f"column of {table.name} ({parameter}) called")[0]
        for parameter, name in named.items()
    ]
    cells = table.read((), literal=range(table.beyond)).fillna("")
    cells = cells[(cells != "").any(axis=1)]
    if cells.empty:
        raise DataError(f"{table.name} has no rows below its line of column names.")
    _refuse(
        table,
        cells[table.beyond] != "",
        "with more cells than its first line has names (a text with a comma in it needs quotation "
        "marks)",
    )
    return [cells[place] for place in places]


def _refuse(table: Table, strange: pd.Series, what: str) -> None:
    """Rows that can't be meant are an error that names them; none is left out in silence."""
    if strange.any():
        rows = strange.index[strange].tolist()
        raise DataError(
            f"{table.name} has {counted(len(rows), 'row')} {what}: {table.lines(rows)}; mend or "
            "remove what is at fault."
        )


def _known(
    table: Table, column: str, labels: pd.Series, classes: Sequence[str] | None
) -> Sequence[str]:
    """The classes: every row has one of them, or none where they are given."""
    if classes is None:
        _refuse(table, labels == "", f"without a class in the column '{column}'")
        return _classes(table, column, labels)
    strange = ~labels.isin([*classes, ""])
    _refuse(
        table,
        strange,
        f"of another class than {few([tidy(name) for name in classes])} (--data "
        "label_column=null leaves the classes out)",
    )
    return classes


def _classes(table: Table, column: str, labels: pd.Series) -> tuple[str, ...]:
    """The names of the classes in order, numbers by their size."""
    names = sorted(labels.unique(), key=lambda name: (len(name) if name.isdecimal() else 0, name))
    if len(names) == 1:
        raise DataError(
            f"The column '{column}' of {table.name} has one class only, '{tidy(names[0])}': there "
            "is nothing to tell apart."
        )
    if 2 * len(names) > len(labels):
        raise DataError(
            f"The column '{column}' of {table.name} has {len(names):,} classes in "
            f"{counted(len(labels), 'row')}: is it the one meant (--data label_column=…)?"
        )
    return tuple(names)
