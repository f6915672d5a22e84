"""A chart of the scores at other lengths than the one trained at."""

from __future__ import annotations

from html import escape

import plotly.graph_objects as go

from lstm_zoo.reporting import lengths
from lstm_zoo.reporting.page.chart import (
    DASHED,
    GREY,
    Chart,
    Grid,
    Key,
    blank,
    log_if_wide,
    style,
)
from lstm_zoo.reporting.sentences import number, span, words


def lengths_chart(results: dict) -> Chart:
    """Each model's mean with its 95 % interval over the steps tested at, and the floor."""
    tested, metric = lengths.tested(results), words(results["metric"]["name"])
    steps = [length["steps"] for length in tested]
    figure = blank("steps tested at", metric, height=400)
    names = [model["name"] for model in results["models"]]
    for place, name in enumerate(names):
        _add_model(figure, place, name, tested)
    floors = [length["floor"]["value"] for length in tested]
    figure.add_scatter(x=steps, y=floors, mode="lines", line={"color": GREY, "dash": "dash"})
    means = [m["mean"] for length in tested for m in length["models"] if m["mean"] is not None]
    figure.update_xaxes(**log_if_wide(steps, 10))
    figure.update_yaxes(**log_if_wide([*means, *floors], 100))
    better = results["metric"]["better"].capitalize()
    trained = results["dataset"]["params"]["steps"]
    return Chart(
        title=f"{metric.capitalize()} by the length tested at",
        caption=(
            f"Every run was trained at {trained:,} steps; bars are 95 % intervals over the seeds. "
            f"{' '.join([f'{better} is better.', *lengths.lines(results)])}"
        ),
        figure=figure,
        grid=Grid("Scores by the length tested at", *lengths.rows(results)),
        keys=[
            *(style(place).key(name) for place, name in enumerate(names)),
            Key("floor", GREY, DASHED),
        ],
        wide=True,
    )


def _add_model(figure: go.Figure, place: int, name: str, tested: list[dict]) -> None:
    look = style(place)
    known = [(length["steps"], length["models"][place]) for length in tested]
    known = [(steps, model) for steps, model in known if model["mean"] is not None]
    ends = [model["ci95"] or (model["mean"],) * 2 for _, model in known]
    means = [model["mean"] for _, model in known]
    figure.add_scatter(
        x=[steps for steps, _ in known],
        y=means,
        mode="lines+markers",
        line={"color": look.colour, "width": 1.6, "dash": look.dash},
        marker={"symbol": look.symbol, "size": 9},
        error_y={
            "array": [high - mean for (_, high), mean in zip(ends, means, strict=True)],
            "arrayminus": [mean - low for (low, _), mean in zip(ends, means, strict=True)],
            "visible": True,
            "thickness": 1.5,
        },
        hoverinfo="text",
        hovertext=[
            f"{escape(name)} at {steps:,} steps: {number(model['mean'])} ({span(model['ci95'])})"
            for steps, model in known
        ],
    )
