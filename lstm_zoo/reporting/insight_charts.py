"""The pictures of `explain`, in the style of a run's own. Each function returns a `Figure`."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, StrMethodFormatter

from lstm_zoo.errors import UsageError
from lstm_zoo.reporting.charts import BLUE, GREY, ORANGE, finished, short, styled, whole_numbers
from lstm_zoo.reporting.insight import labels, largest, states
from lstm_zoo.reporting.sentences import number, words

_COLUMNS = 4
_MOST_COLUMNS = 12
_ROWS = (  # of what has units; an LSTM's and a GRU's gates that do like things share one
    ("forget_gate", "update_gate"),
    ("input_gate", "reset_gate"),
    *(("output_gate",), ("candidate",), ("cell",), ("state",)),
)
_FEWEST = 1e-12  # of the gradient at lag 0, the least that is shown
_FEW_FEATURES, _MOST_WORDS = 3, 40
_COLOURS = {"state": BLUE, "cell": ORANGE}
_SYMBOLS = {"state": "h", "cell": "C"}


@styled
def gradients(records: list[dict]) -> Figure:
    """The norms by lag of each run, layer and direction, before training (dashed) and after.

    Each line is relative to its own value at lag 0, so that what is seen is how it decays.

    Args:
        records: those of `explain`.
    """
    columns = min(len(records), _COLUMNS)
    rows = math.ceil(len(records) / columns)
    figure = Figure(figsize=(max(5.5, 2.75 * columns), 1.3 + 2.9 * rows))
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for axes in panels.flat[len(records) :]:
        axes.set_visible(False)
    for axes, record, label in zip(panels.flat, records, labels(records), strict=False):
        for name, found in states(record):
            _norms(axes, found, name)
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.xaxis.set_major_locator(whole_numbers())
        axes.set_title(f"{_wrapped(label, 27)}\n{_half_lives(record)}")
        axes.set_xlabel("lag, steps back")
    low, high = panels.flat[0].get_ylim()
    panels.flat[0].set_ylim(max(low, _FEWEST / 2), max(high, 2))
    for axes in panels[:, 0]:
        axes.set_ylabel("gradient norm, 1 at lag 0")
    most = max(range(len(records)), key=lambda place: len(states(records[place])))
    return finished(figure, "How far back the loss reaches", panels.flat[most])


def _norms(axes: Axes, found: dict, name: str) -> None:
    """The two lines of a state, before training and after."""
    for when, style in (("before", (0, (3, 1.5))), ("after", "-")):
        norms = np.array(found[f"norm_{when}"])
        first = norms[0] or norms.max() or 1.0
        shown = np.where(norms > 0, norms / first, np.nan)
        label = f"{name} {_SYMBOLS[name]}, {when} training"
        axes.plot(shown, label=label, c=_COLOURS[name], ls=style, lw=1.8)


def _half_lives(record: dict) -> str:
    """`half-life h 4.0 → 35, C 4.1 → 36`, on two lines where it is long."""
    texts = [
        f"{_SYMBOLS[name]} " + " → ".join(_steps(value) for value in found["half_life"].values())
        for name, found in states(record)
    ]
    told = f"half-life {', '.join(texts)}"
    return told if len(told) <= 34 else told.replace(", ", ",\n")


def _steps(value: float | None) -> str:
    return "–" if value is None else f"{value:.2g}" if value < 100 else number(round(value))


def _wrapped(label: str, width: int) -> str:
    """A label on one line, or two."""
    return "\n".join(textwrap.wrap(short(label, 2 * width - 2), width, break_on_hyphens=False))


@styled
def gates(records: list[dict]) -> Figure:
    """Gates, candidate, cell and state over the steps of the chosen examples, a column each.

    The same kind stands in one row. Units are sorted by the mean of their forget or update gate:
    what remembers most is at the top.

    Args:
        records: those of `explain`.
    """
    columns = _columns(records)
    used = [row for row in _ROWS if any(kind in shown for kind in row for _, shown in columns)]
    figure = Figure(figsize=(1.6 + _width(columns), 2.55 + 1.35 * len(used)))
    panels = figure.subplots(1 + len(used), len(columns), squeeze=False)
    for column, (label, shown) in zip(panels.T, columns, strict=True):
        rows = [
            (axes, kind)
            for axes, row in zip(column[1:], used, strict=True)
            for kind in row
            if kind in shown
        ]
        order = np.argsort(np.mean(shown[rows[0][1]], axis=0))[::-1]
        column[0].set_title(label)
        _input(column[0], shown["input"])
        for axes in column[1:]:
            axes.set_visible(False)
        for axes, kind in rows:
            axes.set_visible(True)
            _heat(figure, axes, np.array(shown[kind])[:, order], kind)
        for axes in column[:-1]:
            axes.set_xlim(rows[0][0].get_xlim())
            axes.tick_params(labelbottom=False)
        rows[-1][0].set_xlabel("step")
    return finished(figure, "What the gates do")


def _columns(records: list[dict]) -> list[tuple[str, dict]]:
    """A label and what is shown, for each record's chosen examples.

    Raises:
        UsageError: there are more than a picture has room for.
    """
    columns = [
        (shown, label)
        for label, record in zip(labels(records), records, strict=True)
        for shown in record["shown"]
    ]
    if len(columns) > _MOST_COLUMNS:
        raise UsageError(
            f"{len(columns)} columns (a run's layer and example each) are too many for one picture "
            f"of at most {_MOST_COLUMNS}: ask for fewer runs or examples, or for --json."
        )
    room = round(44 * _width(columns) / (4.4 * len(columns)))
    return [
        (f"{_wrapped(label, room)}\nexample {shown['example']}", shown) for shown, label in columns
    ]


def _width(columns: list) -> float:
    """The inches of all columns: the more, the narrower each."""
    return len(columns) * min(4.4, max(2.4, 20 / len(columns)))


def _heat(figure: Figure, axes: Axes, values: np.ndarray, name: str) -> None:
    """One gate or state, `(steps, units)`: a gate from 0 to 1, anything else around 0."""
    gate = name.endswith("_gate")
    most = 1 if gate else float(np.abs(values).max()) or 1
    scale = {"vmin": 0 if gate else -most, "vmax": most, "cmap": "Blues" if gate else "RdBu_r"}
    image = axes.imshow(values.T, aspect="auto", interpolation="nearest", **scale)
    axes.xaxis.set_major_locator(whole_numbers())
    axes.set_ylabel(words(name).replace(" ", "\n"))
    axes.set_yticks([])
    axes.grid(visible=False)
    figure.colorbar(image, ax=axes, aspect=9, pad=0.01).outline.set_visible(False)


def _input(axes: Axes, values: list, marked: list[int] | None = None) -> None:
    """An example's input over its steps: its words, lines of a few features, or a picture.

    Of more words than there is room for, those of the steps `marked` are shown, or every other one.
    """
    axes.set_ylabel("input")
    axes.xaxis.set_major_locator(whole_numbers())
    if isinstance(values[0], str):
        every = -(-len(values) // _MOST_WORDS)
        _words(axes, values, range(0, len(values), every) if every == 1 or not marked else marked)
        return
    features = np.reshape(values, (len(values), -1)).T
    if len(features) <= _FEW_FEATURES:
        for place, (feature, line) in enumerate(zip(features, ("-", ":", "--"), strict=False)):
            axes.plot(feature, c=GREY, lw=1.2, ls=line, label=f"feature {place + 1}")
        if len(features) > 1:
            axes.legend(loc="upper right", fontsize=8, framealpha=0.8)
        return
    axes.imshow(features, aspect="auto", interpolation="nearest", cmap="Greys")
    axes.set_yticks([])
    axes.grid(visible=False)


def _words(axes: Axes, words: list[str], steps: Iterable[int]) -> None:
    """The words of some steps, each at its step; the first have their place before the others."""
    shown = []
    for step in steps:
        if any(abs(step - other) * _MOST_WORDS < len(words) for other in shown):
            continue
        shown.append(step)
        word = short(words[step], 12)
        axes.text(step, 0.5, word, rotation=90, ha="center", va="center", fontsize=8)
    axes.set_xlim(-0.5, len(words) - 0.5)
    axes.set_yticks([])
    axes.grid(visible=False)


@styled
def attention(records: list[dict]) -> Figure:
    """Attention weights and gradients over the steps of the chosen examples, below their inputs.

    Args:
        records: those of `explain`.
    """
    columns = _columns(records)
    figure = Figure(figsize=(max(6.5, 1 + _width(columns)), 5))
    panels = figure.subplots(2, len(columns), squeeze=False, sharex="col", height_ratios=(1, 1.6))
    for (above, below), (label, shown) in zip(panels.T, columns, strict=True):
        above.set_title(label)
        _input(above, shown["input"], largest(shown["weights"]))
        steps = range(len(shown["weights"]))
        below.bar(steps, shown["weights"], color=BLUE, width=0.9, label="attention weight")
        below.plot(shown["gradient"], c=ORANGE, lw=1.8, label="share of the gradient")
        below.set(xlabel="step", ylabel="share")
        below.set_axisbelow(True)
    return finished(figure, "Attention beside the gradient", panels[1, 0])
