"""The chart of classes at every step: what each step costs."""

from __future__ import annotations

import numpy as np

from lstm_zoo import metrics
from lstm_zoo.reporting.page.chart import Chart, Grid, blank, style
from lstm_zoo.reporting.page.material import Group, Trained
from lstm_zoo.reporting.sentences import number, words


def steps_chart(groups: list[Group], metric: str) -> Chart:
    """Each model's main metric at each step of the test part, the mean over its seeds."""
    lines = {group.name: _by_step(group.runs, metric) for group in groups}
    figure = blank("step", words(metric), height=380)
    for group in groups:
        look = style(group.place)
        figure.add_scatter(
            x=list(range(1, len(lines[group.name]) + 1)),
            y=lines[group.name].tolist(),
            mode="lines",
            line={"color": look.colour, "dash": look.dash, "width": 1.8},
            hoverinfo="x+y",
        )
    figure.update_yaxes(rangemode="tozero")
    rows = [
        [str(step), *map(number, map(float, values))]
        for step, values in enumerate(zip(*lines.values(), strict=True), start=1)
    ]
    return Chart(
        title=f"{words(metric).capitalize()} by step",
        caption=f"The {words(metric)} at each step of the test part, the mean over the seeds.",
        figure=figure,
        grid=Grid(f"The {words(metric)} at each step", ["step", *lines], rows),
        keys=[style(group.place).line_key(group.name) for group in groups],
        wide=True,
    )


def _by_step(runs: list[Trained], metric: str) -> np.ndarray:
    answers = [run.answers for run in runs]
    return np.mean([metrics.by_step(metric, a["y_true"], a["y_pred"]) for a in answers], axis=0)
