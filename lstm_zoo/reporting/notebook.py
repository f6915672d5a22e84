"""Sentences, tables and pictures as HTML for a notebook, in which no name can be markup."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from html import escape

from rich.table import Table

from lstm_zoo.errors import harmless
from lstm_zoo.reporting.tables import Block


def html(blocks: Iterable[Block], pictures: Iterable[bytes] = ()) -> str:
    """The blocks, and the pictures below; `$` begins no mathematics."""
    inside = [*map(_block, blocks), *map(_picture, pictures)]
    return f'<div class="tex2jax_ignore mathjax_ignore">{"".join(inside)}</div>'


def _block(block: Block) -> str:
    if isinstance(block, Table):
        return _table(block)
    tag = "pre" if "\n" in block else "div"
    return f"<{tag}>{_escaped(block)}</{tag}>"


def _table(table: Table) -> str:
    """Texts to the left and numbers to the right, as on a terminal."""
    looks = [f' style="text-align: {column.justify}"' for column in table.columns]
    header = _row("th", looks, [column.header for column in table.columns])
    rows = zip(*(column.cells for column in table.columns), strict=True)
    body = "".join(_row("td", looks, row) for row in rows)
    return f"<table><thead>{header}</thead><tbody>{body}</tbody></table>"


def _row(tag: str, looks: list[str], cells: Iterable[object]) -> str:
    filled = zip(looks, cells, strict=True)
    return f"<tr>{''.join(f'<{tag}{look}>{_escaped(cell)}</{tag}>' for look, cell in filled)}</tr>"


def _escaped(text: object) -> str:
    return escape(harmless(str(text)))


def _picture(png: bytes) -> str:
    source = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    return f'<img src="{source}" style="max-width: 100%">'
