"""Learning curves: a thin line a seed, in the colour of its model."""

from __future__ import annotations

import math
from dataclasses import replace
from html import escape

from lstm_zoo.reporting.page.chart import (
    Chart,
    Grid,
    Key,
    Style,
    blank,
    log_if_wide,
    style,
)
from lstm_zoo.reporting.page.material import Group, Trained
from lstm_zoo.reporting.sentences import number, words

_PART = {"val_": "validation part", "": "training part"}


def learning_curves(groups: list[Group]) -> list[Chart]:
    """A chart for each column of history.csv: the loss, and what was watched beside it.

    Of one run its training and its validation part are shown; of several the validation part
    where there is one, the training part otherwise.
    """
    runs = [run for group in groups for run in group.runs]
    columns = [name for name in runs[0].history if name != "epoch" and not name.startswith("val_")]
    wide = len(columns) == 1
    return [_chart(column, groups, alone=len(runs) == 1, wide=wide) for column in columns]


def _chart(column: str, groups: list[Group], alone: bool, wide: bool) -> Chart:
    first = next(run for group in groups for run in group.runs)
    validated = f"val_{column}" in first.history
    parts = ["", "val_"] if alone and validated else ["val_" if validated else ""]
    figure = blank("epoch", words(column))
    lines = [
        (group, run, part, _look(group, part, alone))
        for group in groups
        for run in group.runs
        for part in parts
        if part + column in run.history
    ]
    for group, run, part, look in lines:
        values = run.history[part + column]
        figure.add_scatter(
            x=run.history["epoch"],
            y=values,
            mode="lines+markers" if len(values) < 30 else "lines",
            line={"color": look.colour, "width": 1.6, "dash": look.dash},
            marker={"size": 4},
            opacity=0.85,
            hoverinfo="text",
            hovertext=[
                f"{escape(group.name)}, seed {run.config.seed}, {_PART[part]}<br>"
                f"epoch {epoch:.0f}: {number(value)}"
                for epoch, value in zip(run.history["epoch"], values, strict=True)
            ],
        )
    seen = [v for _, run, part, _ in lines for v in run.history[part + column] if v is not None]
    last = max(run.history["epoch"][-1] for _, run, _, _ in lines)
    figure.update_xaxes(tick0=0, dtick=max(1, math.ceil(last / 8)))
    figure.update_yaxes(**(log_if_wide(seen, 100) if column == "loss" else {}))
    return Chart(
        title=words(column).capitalize() + " by epoch",
        caption=_caption(column, parts, alone),
        figure=figure,
        grid=_grid(column, lines),
        keys=_keys(groups, parts, alone),
        wide=wide,
    )


def _look(group: Group, part: str, alone: bool) -> Style:
    """The model's style; of one run, the training part is dashed."""
    look = style(group.place)
    return replace(look, dash="dash") if alone and not part else look


def _caption(column: str, parts: list[str], alone: bool) -> str:
    what = " and the ".join(_PART[part] for part in parts)
    epoch = " Epoch 0 is before any training." if "val_" in parts else ""
    lines = "" if alone else "; a line is one seed"
    return f"The {words(column)} on the {what} after each epoch{lines}.{epoch}"


def _keys(groups: list[Group], parts: list[str], alone: bool) -> list[Key]:
    if not alone:
        return [style(group.place).line_key(group.name) for group in groups if group.runs]
    return [_look(groups[0], part, alone).line_key(_PART[part]) for part in parts]


def _grid(column: str, lines: list[tuple[Group, Trained, str, Style]]) -> Grid:
    """A row an epoch, a column a line of the chart."""
    header = [f"{g.name}, seed {run.config.seed}, {_PART[part]}" for g, run, part, _ in lines]
    by_epoch = [
        dict(zip(run.history["epoch"], run.history[part + column], strict=True))
        for _, run, part, _ in lines
    ]
    epochs = sorted({epoch for values in by_epoch for epoch in values})
    rows = [
        [f"{epoch:.0f}", *(number(values.get(epoch)) for values in by_epoch)] for epoch in epochs
    ]
    return Grid(f"The {words(column)} after each epoch", ["epoch", *header], rows)
