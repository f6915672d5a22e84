"""Charts of a comparison's numbers: scores, differences, and scores against cost."""

from __future__ import annotations

from html import escape

import plotly.graph_objects as go

from lstm_zoo.reporting.page.chart import (
    GREY,
    GRID,
    Chart,
    Grid,
    Style,
    add_views,
    blank,
    log_if_wide,
    padded,
    rows_axis,
    shown,
    style,
)
from lstm_zoo.reporting.sentences import number, span, words
from lstm_zoo.results import finished

_FAR = 3  # times the scores' own range, beyond which the floor squeezes them
_FROM_ZERO = {"rangemode": "tozero"}
_REFERENCE = {"color": GREY, "width": 2, "dash": "dash"}


def scores_chart(results: dict) -> Chart:
    """Each model's mean with its 95 % interval, its seeds as dots, and the floor as a line."""
    models, metric = results["models"], words(results["metric"]["name"])
    figure = blank(metric)
    for row, model in enumerate(models):
        _add_model(figure, row, model, style(row))
    rows_axis(figure, [model["name"] for model in models], least=74)
    _add_floor(figure, _values(models), results["floor"]["value"])
    return Chart(
        title="Scores on the test part",
        caption=_scores_caption(results),
        figure=figure,
        grid=_trials_grid(results),
        wide=True,
    )


def _scores_caption(results: dict) -> str:
    diverged = any(trial.get("diverged") for m in results["models"] for trial in m["trials"])
    cross = " A cross is a training that diverged, and counts as the floor." if diverged else ""
    return (
        "Small dots are single seeds, the large mark their mean with its 95 % interval, the "
        f"dashed line the floor: {words(results['floor']['name'])}. "
        f"{results['metric']['better'].capitalize()} is better.{cross}"
    )


def _add_model(figure: go.Figure, row: int, model: dict, look: Style) -> None:
    scored = [trial for trial in model["trials"] if trial["score"] is not None]
    figure.add_scatter(
        x=[trial["score"] for trial in scored],
        y=[row + 0.22] * len(scored),
        mode="markers",
        marker={
            "color": look.colour,
            "size": 8,
            "opacity": 0.6,
            "symbol": ["x" if trial.get("diverged") else "circle" for trial in scored],
        },
        hoverinfo="text",
        hovertext=[
            f"{escape(model['name'])}, seed {trial['seed']}: {number(trial['score'])}"
            for trial in scored
        ],
    )
    _add_interval(figure, model["mean"], row, model["ci95"], look, escape(model["name"]))


def _add_interval(
    figure: go.Figure, x: float | None, row: float, ci95: list | None, look: Style, name: str
) -> None:
    """A point of a row with its interval."""
    low, high = ci95 or (x, x)
    if x is None:
        return
    figure.add_scatter(
        x=[x],
        y=[row],
        mode="markers",
        marker={"color": look.colour, "size": 13, "symbol": look.symbol},
        error_x={
            "array": [high - x],
            "arrayminus": [x - low],
            "visible": ci95 is not None,
            "thickness": 2.5,
            "width": 7,
        },
        hoverinfo="text",
        hovertext=[f"{name}: {number(x)} ({span(ci95)})"],
    )


def _values(models: list[dict]) -> list[float]:
    """Every number that the scores' chart shows of the models."""
    values = [trial["score"] for model in models for trial in model["trials"]]
    for model in models:
        values += [model["mean"], *(model["ci95"] or ())]
    return [value for value in values if value is not None]


def _add_floor(figure: go.Figure, values: list[float], floor: float | None) -> None:
    """The floor's line; where it squeezes the scores into a corner, a button to look closer."""
    if floor is None or not values:
        return
    near, whole = padded(values), padded([*values, floor])
    text = {"text": f"floor {number(floor)}", "yref": "paper", "y": 1, "yanchor": "bottom"}
    text["xanchor"] = "right" if floor > sum(whole) / 2 else "left"
    figure.add_vline(x=floor, line=_REFERENCE, annotation=text)
    figure.update_layout(margin_t=32)
    figure.update_xaxes(range=whole)
    if whole[1] - whole[0] > _FAR * (near[1] - near[0]):
        views = {"With the floor": whole, "Scores alone": near}
        add_views(figure, {name: {"xaxis.range": view} for name, view in views.items()}, above=26)


def _trials_grid(results: dict) -> Grid:
    """A row a trial."""
    trials = [(model["name"], trial) for model in results["models"] for trial in model["trials"]]
    names = list(dict.fromkeys(name for _, trial in trials for name in trial["metrics"] or ()))
    header = ["model", "seed", *map(words, names), "epochs", "seconds", "remark"]
    rows = [
        [
            model,
            str(trial["seed"]),
            *(number((trial["metrics"] or {}).get(name)) for name in names),
            shown(trial["epochs"]),
            number(trial["train_seconds"]),
            trial["error"] or "",
        ]
        for model, trial in trials
    ]
    return Grid("Every trial's metrics on the test part", header, rows)


def differences_chart(results: dict) -> Chart:
    """Each pair's difference with its 95 % interval, beside zero."""
    pairs, metric = results["pairs"], words(results["metric"]["name"])
    names = [f"{pair['a']} − {pair['b']}" for pair in pairs]
    figure = blank("difference")
    for row, (pair, name) in enumerate(zip(pairs, names, strict=True)):
        look = Style(GREY if pair["verdict"] == "inconclusive" else style(0).colour, "circle")
        _add_interval(figure, pair["difference"], row, pair["ci95"], look, escape(name))
    figure.add_vline(x=0, line=_REFERENCE)
    ends = [end for pair in pairs for end in pair["ci95"] or [pair["difference"]]]
    figure.update_xaxes(range=padded([0, *(end for end in ends if end is not None)]))
    margin = results.get("margin")
    if margin:
        figure.add_vrect(x0=-margin, x1=margin, fillcolor=GRID, line_width=0, layer="below")
    rows_axis(figure, names, least=46, width=24)
    band = f" The band is the margin, ±{number(margin)}." if margin else ""
    return Chart(
        title="Differences, seed by seed",
        caption=(
            f"The mean difference in {metric} of each pair over their common seeds, with its own "
            "95 % interval; grey where the two cannot be told apart. The verdict also corrects for "
            f"the number of pairs, and so can be stricter than the interval. {_side(results)}{band}"
        ),
        figure=figure,
        grid=_pairs_grid(results, names),
        wide=True,
    )


def _side(results: dict) -> str:
    """Which side of zero is whose."""
    side = "right" if results["metric"]["better"] == "higher" else "left"
    return f"To the {side} of zero, the first of the two is the better one."


def _pairs_grid(results: dict, names: list[str]) -> Grid:
    columns = {
        "difference": lambda pair: number(pair["difference"]),
        "95 % interval": lambda pair: span(pair["ci95"]),
        "p": lambda pair: number(pair["p_value"]),
        "p, corrected": lambda pair: number(pair["p_adjusted"]),
        "verdict": lambda pair: pair["verdict"],
        "seeds needed": _seeds_needed,
    }
    if margin := results.get("margin"):
        answers = {True: "yes", False: "not shown", None: "–"}
        columns[f"equal within {number(margin)}"] = lambda pair: answers[pair.get("equal")]
    rows = [
        [name, *(cell(pair) for cell in columns.values())]
        for pair, name in zip(results["pairs"], names, strict=True)
    ]
    return Grid("Every pair's test over the seeds", ["pair", *columns], rows)


def _seeds_needed(pair: dict) -> str:
    """The seeds that would tell a pair apart, which are not counted above 1,000."""
    beyond = pair["seeds_needed"] is None and pair["p_value"] is not None and pair["difference"]
    return "over 1,000" if beyond else shown(pair["seeds_needed"])


def cost_charts(results: dict) -> list[Chart]:
    """The score against the number of parameters, and against the time of the training."""
    models = results["models"]
    sizes = [model["parameters"] for model in models]
    seconds = [_mean_seconds(model) for model in models]
    charts = [
        _cost_chart(results, sizes, "parameters", "the number of parameters"),
        _cost_chart(results, seconds, "seconds", "the seconds that a training took, on average"),
    ]
    return [chart for chart in charts if chart.keys]


def _mean_seconds(model: dict) -> float | None:
    seconds = [trial["train_seconds"] for trial in finished(model)]
    return sum(seconds) / len(seconds) if seconds else None


def _cost_chart(results: dict, costs: list[float | None], what: str, words_: str) -> Chart:
    """The models whose cost is known; no `keys` where none is."""
    metric = words(results["metric"]["name"])
    models = list(zip(results["models"], costs, map(style, range(len(costs))), strict=True))
    known = [one for one in models if None not in (one[0]["mean"], one[1])]
    figure = blank(what, metric)
    for model, cost, look in known:
        _add_cost(figure, model, cost, look, f"{shown(cost)} {what}")
    figure.update_xaxes(**(log_if_wide([cost for _, cost, _ in known], 10) or _FROM_ZERO))
    return Chart(
        title=f"Score against {what}",
        caption=f"The mean {metric} with its 95 % interval against {words_}.",
        figure=figure,
        grid=Grid(
            f"{metric.capitalize()} and {what}",
            ["model", metric, "95 % interval", what],
            [[m["name"], number(m["mean"]), span(m["ci95"]), shown(cost)] for m, cost, _ in models],
        ),
        keys=[look.key(model["name"]) for model, _, look in known],
    )


def _add_cost(figure: go.Figure, model: dict, cost: float, look: Style, told: str) -> None:
    mean = model["mean"]
    low, high = model["ci95"] or (mean, mean)
    figure.add_scatter(
        x=[cost],
        y=[mean],
        mode="markers",
        marker={"color": look.colour, "size": 12, "symbol": look.symbol},
        error_y={"array": [high - mean], "arrayminus": [mean - low], "thickness": 2},
        hoverinfo="text",
        hovertext=[f"{escape(model['name'])}: {number(mean)}, {told}"],
    )
