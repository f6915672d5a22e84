"""Tables and sentences as Markdown, in which no name can be markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from lstm_zoo.errors import printable
from lstm_zoo.reporting import backtest, lengths
from lstm_zoo.reporting.sentences import told
from lstm_zoo.reporting.tables import results_rows


def results(results: dict) -> str:
    """A comparison: the verdict first, and the tables."""
    blocks = [paragraphs(told(results)), table(*results_rows(results))]
    if lengths.tested(results):
        blocks += [table(*lengths.rows(results)), paragraphs(lengths.lines(results))]
    if backtest.folds(results):
        blocks += [table(*backtest.score_rows(results)), table(*backtest.fold_rows(results))]
        blocks.append(paragraphs(backtest.lines(results)))
    return "\n\n".join(filter(None, blocks))


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose first column is text; the others are to the right where they hold numbers."""
    rows = list(rows)
    _, *others = zip(header, *rows, strict=True)
    rule = ["---", *("---:" if all(map(_is_number, column[1:])) else "---" for column in others)]
    return "\n".join([_row(header), f"| {' | '.join(rule)} |", *map(_row, rows)])


def _is_number(cell: str) -> bool:
    """Whether a cell begins as a number, or is the dash of none."""
    return re.match(r"[-+]?\d|–$", cell) is not None


def _row(cells: Sequence[str]) -> str:
    bare = [escaped(cell).replace("|", "\\|") for cell in cells]
    return f"| {' | '.join(bare)} |"


def paragraphs(sentences: Iterable[str]) -> str:
    """Sentences, a paragraph each."""
    return "\n\n".join(map(escaped, sentences))


def escaped(text: str) -> str:
    """Text on one line in which nothing begins a tag, an entity, a link, a picture or a mention.

    `p < 0.001` stays.
    """
    text = re.sub(r"<(?=[A-Za-z/!?])", "&lt;", re.sub(r"&(?=[A-Za-z#])", "&amp;", printable(text)))
    return re.sub(r"@(?=\w)", "@<!-- -->", re.sub(r"([\[\]`*])", r"\\\1", text))
