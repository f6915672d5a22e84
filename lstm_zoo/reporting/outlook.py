"""The pictures of what comes after the end of a series, and of the points that no forecast saw."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from lstm_zoo.reporting.charts import BLUE, GREEN, RED, finished, name_rows, short, styled

_PAST = 3  # times as many rows before the end as after it
_LEAST = 60  # of them


@styled
def outlook_figure(
    *,
    values: np.ndarray,
    forecasts: np.ndarray,
    column: str,
    title: str,
    dates: np.ndarray | None = None,
    half: np.ndarray | None = None,
    subtitle: str = "",
) -> Figure:
    """The last rows of a series, the forecasts after them, and their intervals.

    Args:
        values: the series, `(rows,)`, in its unit.
        forecasts: those of the rows after it, `(steps,)`.
        column: the series' name.
        title: the picture's title.
        dates: of the series and of the forecasts, `(rows + steps,)`; None where there are none.
        half: the half-widths of the intervals of the first steps; None where there are none.
        subtitle: what the intervals are.
    """
    figure = Figure(figsize=(10, 4.8))
    axes, end, steps = figure.subplots(), len(values), len(forecasts)
    first = max(0, end - max(_LEAST, _PAST * steps))
    places = np.arange(end + steps) if dates is None else dates
    axes.plot(places[first:end], values[first:], c=BLUE, lw=1.4, label="actual values")
    line = np.concatenate([values[-1:], forecasts])
    look = {"c": GREEN, "lw": 2, "marker": "o" if steps <= 40 else None, "ms": 3}
    axes.plot(places[end - 1 :], line, label="forecast", **look)
    if half is not None:
        shown, middle = places[end : end + len(half)], forecasts[: len(half)]
        band = {"color": GREEN, "alpha": 0.2, "lw": 0, "label": "interval"}
        axes.fill_between(shown, middle - half, middle + half, **band)
    name_rows(axes, dates, end + steps - first)
    axes.set_ylabel(short(column, 28))
    axes.set_title(subtitle, fontsize=10)
    return finished(figure, title, axes)


@styled
def anomalies_figure(
    *,
    rows: np.ndarray,
    values: np.ndarray,
    forecasts: np.ndarray,
    marks: np.ndarray,
    threshold: float,
    column: str,
    title: str,
    dates: np.ndarray | None = None,
) -> Figure:
    """Points of a series, how far from its forecast each might be, and those that are further.

    Args:
        rows: the points' rows, rising, `(points,)`.
        values: their values, `(points,)`, in the series' unit.
        forecasts: of each, `(points,)`.
        marks: which are anomalies, `bool (points,)`.
        threshold: how far from its forecast a point may be.
        column: the series' name.
        title: the picture's title.
        dates: of the whole series; None where there are none.
    """
    figure = Figure(figsize=(10, 4.8))
    axes, places = figure.subplots(), rows if dates is None else dates[rows]
    near = {"color": GREEN, "alpha": 0.2, "lw": 0, "label": "forecast ± threshold"}
    axes.fill_between(places, forecasts - threshold, forecasts + threshold, **near)
    axes.plot(places, values, c=BLUE, lw=1.2, label="actual values")
    found = f"anomalies ({marks.sum():,})"
    axes.scatter(places[marks], values[marks], c=RED, s=30, zorder=4, label=found)
    name_rows(axes, dates, len(rows))
    axes.set_ylabel(short(column, 28))
    return finished(figure, title, axes)
