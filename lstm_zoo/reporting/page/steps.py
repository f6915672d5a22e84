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
    score = metrics.METRICS[metric].score
    return np.mean([_scores(score, **_recorded(run)) for run in runs], axis=0)


def _scores(score: object, y_true: np.ndarray, y_pred: np.ndarray) -> list[float]:
    return [score(y_true[:, step], y_pred[:, step]) for step in range(y_true.shape[1])]


def _recorded(run: Trained) -> dict[str, np.ndarray]:
    return {name: run.answers[name] for name in ("y_true", "y_pred")}
