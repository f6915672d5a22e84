"""What a chart of the page is, and how all of them look.

Plotly reads a little HTML in every text: names go through `label` or `escape`. Colours are those of
Okabe and Ito (2008, "Color universal design"), which stay apart for the colour-blind; the first
four read on white and on black. The page's style sheet colours text, and the lines named `INK`.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import plotly.graph_objects as go

from lstm_zoo.errors import printable
from lstm_zoo.reporting.sentences import number

INK, GREY, GRID = "#7f7f80", "#7f7f7f", "rgba(127,127,127,0.25)"
SOLID, DASHED, DOTTED = "━━", "– –", "· · ·"
_DASHES = {"solid": SOLID, "dash": DASHED, "dot": DOTTED, "dashdot": "– ·"}
_BREAK = "\u200b"  # where a name may be cut, which is seen nowhere
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
_SYMBOLS = {
    "circle": "●",
    "square": "■",
    "diamond": "◆",
    "triangle-up": "▲",
    "triangle-down": "▼",
    "star": "★",
    "hexagon": "⬢",
}

_AXIS = {
    "automargin": True,
    "fixedrange": True,
    "gridcolor": GRID,
    "zeroline": False,
    "title": {"standoff": 10},
}
_LOOK = go.layout.Template(
    layout={
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, sans-serif", "size": 13},
        "margin": {"l": 8, "r": 16, "t": 12, "b": 8},
        "showlegend": False,
        "dragmode": False,
        "hovermode": "closest",
        "xaxis": _AXIS,
        "yaxis": _AXIS,
    }
)


@dataclass(frozen=True)
class Grid:
    """A table, the first cell of a row its header; `prose` holds texts rather than numbers."""

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    prose: bool = False


@dataclass(frozen=True)
class Key:
    """A line of a legend: what is drawn, in which colour, by which sign."""

    name: str
    colour: str
    sign: str


@dataclass(frozen=True)
class Chart:
    """A figure with its words, and the table of the same numbers."""

    title: str
    caption: str
    figure: go.Figure
    grid: Grid
    keys: Sequence[Key] = ()
    wide: bool = False


@dataclass(frozen=True)
class Style:
    """How one model is drawn in every chart."""

    colour: str
    symbol: str
    dash: str = "solid"

    def key(self, name: str) -> Key:
        """The model's line of a legend, where points are drawn."""
        return Key(name, self.colour, _SYMBOLS[self.symbol])

    def line_key(self, name: str) -> Key:
        """The same where lines are drawn."""
        return Key(name, self.colour, _DASHES[self.dash])


def style(place: int) -> Style:
    """The style of the model at a place: 42 different points, and 24 different lines."""
    symbols, dashes = list(_SYMBOLS), list(_DASHES)
    return Style(
        _COLOURS[place % len(_COLOURS)],
        symbols[place % len(symbols)],
        dashes[place // len(_COLOURS) % len(dashes)],
    )


def blank(x: str, y: str = "", height: int = 340) -> go.Figure:
    """A figure with nothing drawn: the titles of its axes, and its height in pixels."""
    figure = go.Figure(layout={"template": _LOOK, "height": height})
    figure.update_xaxes(title_text=escape(x))
    figure.update_yaxes(title_text=escape(y))
    return figure


def label(name: str, width: int = 18) -> str:
    """A name as Plotly takes it: escaped, on lines of at most `width` characters."""
    text = printable(name)
    for mark in ":,":
        text = text.replace(mark, f"{mark}{_BREAK} ")
    lines = textwrap.wrap(text, width, break_on_hyphens=False) or [" "]
    lines = [line.replace(f"{_BREAK} ", "").replace(_BREAK, "") for line in lines]
    return "<br>".join(map(escape, lines))


def shown(value: float | None) -> str:
    """A number in a table; a count in full."""
    return f"{value:,}" if isinstance(value, int) else number(value)


def rows_axis(figure: go.Figure, names: Sequence[str], least: int, width: int = 18) -> None:
    """Name the rows 0, 1, 2, … of a chart, from the top.

    Each row has at least so many pixels, and its name lines of at most `width` characters.
    """
    texts = [label(name, width) for name in names]
    lines = max(text.count("<br>") + 1 for text in texts)
    figure.update_layout(height=80 + len(names) * max(least, 12 + 17 * lines))
    figure.update_yaxes(
        tickvals=list(range(len(names))),
        ticktext=texts,
        range=[len(names) - 0.4, -0.6],
        showgrid=False,
    )


def padded(values: Sequence[float], share: float = 0.06) -> list[float]:
    """The range of the values with some room at both ends."""
    low, high = min(values), max(values)
    room = share * (high - low) or abs(high) * share or 1.0
    return [low - room, high + room]


def log_if_wide(values: Sequence[float], ratio: float) -> dict:
    """An axis' settings: logarithmic where positive values span more than `ratio`."""
    if values and min(values) > 0 and max(values) > ratio * min(values):
        return {"type": "log", "dtick": "D2", "tickformat": ",~r"}
    return {}


def add_views(figure: go.Figure, views: dict[str, dict], above: int = 6) -> None:
    """Buttons `above` pixels over the chart, each of which sets the ranges of its axes."""
    buttons = [
        {"label": name, "method": "relayout", "args": [view]} for name, view in views.items()
    ]
    menu = {
        "type": "buttons",
        "direction": "right",
        "buttons": buttons,
        "showactive": False,
        "xanchor": "right",
        "x": 1,
        "yanchor": "bottom",
        "y": 1,
        "pad": {"b": above},
    }
    figure.update_layout(updatemenus=[menu], margin_t=44 + above)
