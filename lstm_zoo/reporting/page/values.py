"""The chart of values: what was answered beside what it should have been."""

from __future__ import annotations

import numpy as np

from lstm_zoo.errors import counted
from lstm_zoo.reporting.page.chart import DASHED, GREY, Chart, Grid, Key, blank, style
from lstm_zoo.reporting.page.material import Group
from lstm_zoo.reporting.page.series import middle
from lstm_zoo.reporting.sentences import number

SHOWN, TABLED = 500, 100  # test examples


def answers_chart(groups: list[Group], metric: str) -> Chart:
    """Each model's answers over the true values, of the seed with the middle score."""
    shown = {group.name: middle(group.runs, metric).answers for group in groups}
    truth = shown[groups[0].name]["y_true"][:SHOWN, 0]
    figure = blank("true value", "answer", height=420)
    ends = [float(truth.min()), float(truth.max())]
    line = {"color": GREY, "dash": "dash"}
    figure.add_scatter(x=ends, y=ends, mode="lines", line=line, hoverinfo="skip")
    for group in groups:
        look = style(group.place)
        figure.add_scatter(
            x=truth.tolist(),
            y=shown[group.name]["y_pred"][:SHOWN, 0].tolist(),
            mode="markers",
            marker={"color": look.colour, "symbol": look.symbol, "size": 5, "opacity": 0.6},
            hoverinfo="x+y",
        )
    return Chart(
        title="Answers and true values",
        caption=(
            f"The first {counted(len(truth), 'example')} of the test part, by the seed with the "
            "middle score; on the dashed line an answer is right."
        ),
        figure=figure,
        grid=_grid({name: one["y_pred"][:TABLED, 0] for name, one in shown.items()}, truth),
        keys=[
            *(style(group.place).key(group.name) for group in groups),
            Key("right", GREY, DASHED),
        ],
        wide=True,
    )


def _grid(answers: dict[str, np.ndarray], truth: np.ndarray) -> Grid:
    columns = [truth[:TABLED], *answers.values()]
    rows = [
        [str(place), *map(number, map(float, row))]
        for place, row in enumerate(zip(*columns, strict=True))
    ]
    return Grid("Answers to the first test examples", ["example", "true value", *answers], rows)
