"""A chart of the scores fold by fold of a walk-forward backtest."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import plotly.graph_objects as go

from lstm_zoo.reporting import backtest
from lstm_zoo.reporting.page.chart import DASHED, GREY, Chart, Grid, Key, blank, style
from lstm_zoo.reporting.sentences import number, words


def folds_chart(results: dict) -> Chart:
    """Each model's score in each fold, the floor's, and the classical model's."""
    metric, folds = words(results["metric"]["name"]), backtest.folds(results)
    figure = blank("fold", metric, height=400)
    names = [escape(f"{fold['from']} to {fold['to']}") for fold in folds]
    lines = backtest.lines_by_fold(results)
    for place, (name, scores) in enumerate(lines.items()):
        look = style(place)
        line = {"color": look.colour, "width": 1.6, "dash": look.dash}
        _add(figure, name, names, scores, line=line, marker={"symbol": look.symbol, "size": 9})
    floors = [fold["floor"] for fold in folds]
    floor = words(results["floor"]["name"])
    _add(figure, floor, names, floors, line={"color": GREY, "dash": "dash"}, marker={"size": 1})
    figure.update_xaxes(type="category")
    better = f"{results['metric']['better'].capitalize()} is better."
    return Chart(
        title="Scores fold by fold",
        caption=(
            "Each fold of the test part was forecast by models trained anew on the rows before it; "
            f"means over the seeds. {' '.join([better, *backtest.lines(results)])}"
        ),
        figure=figure,
        grid=Grid("Scores by fold", *backtest.fold_rows(results)),
        keys=[
            *(style(place).key(name) for place, name in enumerate(lines)),
            Key(floor, GREY, DASHED),
        ],
        wide=True,
    )


def _add(
    figure: go.Figure, name: str, folds: Sequence[str], scores: Sequence[float], **look: object
) -> None:
    told = [
        f"{escape(name)}, {fold}: {number(score)}"
        for fold, score in zip(folds, scores, strict=True)
    ]
    figure.add_scatter(
        x=folds, y=scores, mode="lines+markers", hoverinfo="text", hovertext=told, **look
    )


def scores_grid(results: dict) -> Grid:
    """The other scores, and what the intervals held."""
    return Grid("Scores of the whole backtest", *backtest.score_rows(results))
