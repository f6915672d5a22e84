"""The picture of the longest lags: what each model scores, over the lag."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import (
    FixedLocator,
    NullFormatter,
    NullLocator,
    PercentFormatter,
    StrMethodFormatter,
)

from lstm_zoo.reporting.charts import BLUE, GREEN, GREY, INK, ORANGE, RED, finished, save, styled
from lstm_zoo.reporting.sentences import words

_LOOKS = [
    {"color": colour, "marker": marker}
    for colour, marker in zip((BLUE, ORANGE, GREEN, RED, INK), "os^Dv", strict=True)
]
_SIZE = 7


def longest_lags(path: Path, result: dict) -> None:
    """Write `lag_figure(result)` to `path`, as a PNG."""
    save(lag_figure(result), path)


@styled
def lag_figure(result: dict) -> Figure:
    """What most seeds of each model reach at each lag, with the line beyond which it is solved.

    A filled mark is a lag that was solved, an empty one is one that was not; small dots are single
    seeds.

    Args:
        result: what `lag_search.measure` returned.
    """
    figure = Figure(figsize=(8.5, 5))
    axes = figure.subplots()
    for place, model in enumerate(result["longest_lags"]):
        _curve(axes, model, _LOOKS[place % len(_LOOKS)], "-" if place < len(_LOOKS) else "--")
    _lines(axes, result)
    axes.set(xlabel="lag (steps)", ylabel=words(result["metric"]))
    axes.set_xscale("log")
    _name_steps(axes, result)
    if result["metric"].endswith("accuracy"):
        axes.yaxis.set_major_formatter(PercentFormatter(1))
    else:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    return finished(figure, f"The longest lag that each solves: {result['task']}", axes)


def _curve(axes: Axes, model: dict, look: dict, dashes: str) -> None:
    points = [point for point in model["points"] if point["score"] is not None]
    steps, scores = [p["steps"] for p in points], [p["score"] for p in points]
    axes.plot(steps, scores, ls=dashes, lw=1.8, label=model["model"], ms=_SIZE, **look)
    failed = [(p["steps"], p["score"]) for p in points if not p["solved"]]
    if failed:
        axes.plot(*zip(*failed, strict=True), ls="", ms=_SIZE, mfc="white", mew=1.8, **look)
    seeds = [(p["steps"], s["score"]) for p in points for s in p["seeds"] if s["score"] is not None]
    if seeds:
        axes.scatter(*zip(*seeds, strict=True), s=9, color=look["color"], alpha=0.5, linewidths=0)


def _lines(axes: Axes, result: dict) -> None:
    """The border of what is solved, and the floor."""
    points = [point for model in result["longest_lags"] for point in model["points"]]
    floors = {p["steps"]: p["floor"] for p in points if p["floor"] is not None}
    if floors:
        steps = sorted(floors)
        axes.plot(steps, [floors[s] for s in steps], c=GREY, lw=1.2, ls=":", label="floor")
    axes.axhline(result["limit"], color=GREY, lw=1.2, ls="--", zorder=1.5)
    above = {"xytext": (0, 3), "textcoords": "offset points", "ha": "right", "color": GREY}
    text = f"solved: {result['solved']}"
    axes.annotate(text, (1, result["limit"]), xycoords=("axes fraction", "data"), **above)


def _name_steps(axes: Axes, result: dict) -> None:
    """The lags tried, but for those that stand too close to the last one named."""
    tried = sorted({p["steps"] for m in result["longest_lags"] for p in m["points"]})
    named: list[int] = []
    for steps in tried:
        if not named or steps >= 1.15 * named[-1]:
            named.append(steps)
    axes.xaxis.set_major_locator(FixedLocator(named))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
