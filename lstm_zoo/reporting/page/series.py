"""The chart of a series: what was forecast beside what came."""

from __future__ import annotations

from html import escape

import numpy as np
import plotly.graph_objects as go

from lstm_zoo.errors import counted, listed
from lstm_zoo.reporting.page.chart import (
    DOTTED,
    GREY,
    INK,
    SOLID,
    Chart,
    Grid,
    Key,
    add_views,
    blank,
    padded,
    style,
)
from lstm_zoo.reporting.page.material import Group, Trained
from lstm_zoo.reporting.rows import named
from lstm_zoo.reporting.sentences import number

ZOOM = 100


def forecast_chart(groups: list[Group], metric: str) -> Chart:
    """The test part and each model's forecast of it, the furthest step ahead.

    Of a model's seeds that with the middle score is shown: a mean of several would be another,
    better forecaster.

    Args:
        groups: the models, with at least one run each.
        metric: the one that tells which seed is in the middle.
    """
    shown = {group.name: middle(group.runs, metric) for group in groups}
    first, column = groups[0].runs[0].answers, groups[0].runs[0].names[0]
    x = _axis(first)
    looks = {group.name: style(group.place) for group in groups}
    lines = [
        ("actual", _furthest(first["y_true"]), INK, "solid", 2.2),
        *(
            (name, _furthest(shown[name].answers["y_pred"]), look.colour, look.dash, 1.6)
            for name, look in looks.items()
        ),
        ("last known value", first["last"].ravel(), GREY, "dot", 1.2),
    ]
    figure = blank("date" if "dates" in first else "example of the test part", column, height=440)
    for line in lines:
        _add_line(figure, x, *line)
    _add_zoom(figure, x, np.stack([values for _, values, *_ in lines]))
    return Chart(
        title="Forecast and what came",
        caption=_caption(groups, shown, first["y_true"].shape[1]),
        figure=figure,
        grid=_grid(x, {name: values for name, values, *_ in lines}, column),
        keys=[
            Key("actual", "currentColor", SOLID),
            *(look.line_key(name) for name, look in looks.items()),
            Key("last known value", GREY, DOTTED),
        ],
        wide=True,
    )


def middle(runs: list[Trained], metric: str) -> Trained:
    """The run with the middle score; of an even number, the lower of the two."""

    def score(run: Trained) -> float:
        value = run.metrics["test"][metric]
        return np.inf if value is None else value

    return sorted(runs, key=score)[(len(runs) - 1) // 2]


def _add_line(
    figure: go.Figure, x: list, name: str, values: np.ndarray, colour: str, dash: str, width: float
) -> None:
    figure.add_scatter(
        x=x,
        y=values.tolist(),
        mode="lines",
        line={"color": colour, "width": width, "dash": dash},
        hoverinfo="text",
        hovertext=[
            f"{escape(name)}<br>{place}: {number(value)}"
            for place, value in zip(x, values.tolist(), strict=True)
        ],
    )


def _furthest(values: np.ndarray) -> np.ndarray:
    return values[:, -1].astype(float)


def _axis(answers: dict[str, np.ndarray]) -> list:
    """The date that each example's furthest step lies on, or its number in the test part."""
    name = named(answers["dates"][:, -1] if "dates" in answers else None)
    return [name(row) for row in range(len(answers["y_true"]))]


def _add_zoom(figure: go.Figure, x: list, values: np.ndarray) -> None:
    """Begin with the last points, where a late forecast can be told from a right one."""
    figure.update_layout(dragmode="zoom")
    figure.update_xaxes(fixedrange=False)
    figure.update_yaxes(fixedrange=False)
    views = {
        f"Last {ZOOM}": _view(x[-ZOOM:], values[:, -ZOOM:]),
        f"All {len(x):,}": _view(x, values),
    }
    if len(x) > ZOOM:
        add_views(figure, views)
    nearest = next(iter(views.values()))
    figure.update_xaxes(range=nearest["xaxis.range"])
    figure.update_yaxes(range=nearest["yaxis.range"])


def _view(x: list, values: np.ndarray) -> dict:
    known = values[np.isfinite(values)]
    heights = padded(known.tolist()) if len(known) else [0, 1]
    return {"xaxis.range": [x[0], x[-1]], "yaxis.range": heights}


def _caption(groups: list[Group], shown: dict[str, Trained], horizon: int) -> str:
    seeds = listed(f"seed {run.config.seed} of {name}" for name, run in shown.items())
    middle = any(len(group.runs) > 1 for group in groups)
    which = f" Shown is the seed with the middle score: {seeds}." if middle else ""
    return (
        f"The test part, each value forecast {counted(horizon, 'step')} ahead.{which} A forecast "
        "that follows the actual line some steps late only repeats what it has seen. Drag over the "
        "chart to zoom, double-click to go back."
    )


def _grid(x: list, lines: dict[str, np.ndarray], column: str) -> Grid:
    rows = [
        [str(place), *(number(values[row]) for values in lines.values())]
        for row, place in list(enumerate(x))[-ZOOM:]
    ]
    some = f"the last {len(rows)} of {len(x):,} values" if len(x) > len(rows) else "every value"
    return Grid(f"{column}, {some} of the test part", ["when", *lines], rows)
