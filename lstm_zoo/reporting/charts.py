"""The pictures of a run's `plots/` folder.

For each there is a function that returns a Matplotlib `Figure`, and a thin one that writes it to a
PNG. The same input gives the same bytes: a user's own Matplotlib settings have no say. Names are
shown as they are: no mathematics between `$`, and escapes for control characters.
"""

from __future__ import annotations

import io
import textwrap
import warnings
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import PowerNorm
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter, StrMethodFormatter

from lstm_zoo import disk, metrics
from lstm_zoo.records import write_bytes
from lstm_zoo.reporting.sentences import number

BLUE, RED, GREEN, ORANGE = "#1f5fa8", "#d7301f", "#1a9641", "#e07b00"
INK, GREY, PALE = "#333333", "#666666", "#e6e6e6"
MOST_COUNTS = 20
MOST_NAMES = 50
ZOOM = 100
MOST_POINTS = 20_000  # of a line; a longer one is drawn by the ends of its stretches

STYLE = {
    "figure.dpi": 150,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.h_pad": 0.07,
    "figure.constrained_layout.w_pad": 0.15,
    "figure.titlesize": 14,
    "figure.titleweight": "bold",
    "font.size": 10.5,
    "legend.frameon": False,
    "text.parse_math": False,
    **dict.fromkeys(("text.color", "axes.labelcolor"), INK),
    **dict.fromkeys(("xtick.labelcolor", "ytick.labelcolor"), INK),
    **dict.fromkeys(("axes.edgecolor", "xtick.color", "ytick.color"), "#999999"),
    **dict.fromkeys(("axes.spines.top", "axes.spines.right"), False),
    "axes.titlecolor": GREY,
    "axes.titlelocation": "left",
    "axes.titlesize": 10.5,
    "axes.grid": True,
    "grid.color": PALE,
    "axes.formatter.useoffset": False,
    "axes.formatter.limits": (-4, 7),
}
styled = style.context(["default", STYLE])


def training_curves(path: Path, **options) -> None:
    """Write `training_figure(**options)` to `path`, as a PNG."""
    save(training_figure(**options), path)


def confusion_matrix(path: Path, **options) -> None:
    """Write `confusion_figure(**options)` to `path`, as a PNG."""
    save(confusion_figure(**options), path)


def forecast(path: Path, **options) -> None:
    """Write `forecast_figure(**options)` to `path`, as a PNG."""
    save(forecast_figure(**options), path)


def by_step(path: Path, **options) -> None:
    """Write `by_step_figure(**options)` to `path`, as a PNG."""
    save(by_step_figure(**options), path)


def answers(path: Path, **options) -> None:
    """Write `answers_figure(**options)` to `path`, as a PNG."""
    save(answers_figure(**options), path)


def save(figure: Figure, path: Path) -> None:
    """Write a figure to `path`, as a PNG."""
    write_bytes(path, png(figure))


@styled
def png(figure: Figure) -> bytes:
    """A figure as a PNG; the same figure gives the same bytes."""
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        FigureCanvasAgg(figure).print_png(file, metadata={"Software": None})  # savefig draws twice
    return file.getvalue()


@styled
def training_figure(
    *,
    history: Mapping[str, Sequence],
    best_epoch: int,
    title: str,
    metric: str | None = None,
    loss: str = "loss",
) -> Figure:
    """Loss and metric after each epoch, and the epoch whose weights were kept.

    The loss has a logarithmic axis where it spans more than two decades.

    Args:
        history: the columns of history.csv, `(epochs,)` each: `epoch`, `loss`, the metric, and
            where they exist `val_loss` and the metric's; None or NaN for no value.
        best_epoch: the epoch whose weights were kept.
        title: the picture's title.
        metric: the column of the second panel; None for no such panel.
        loss: the label of the loss, with its unit.
    """
    labels = {"loss": loss} | ({metric: metric} if metric else {})
    figure = Figure(figsize=(2.6 + 4 * len(labels), 4.4))
    panels = figure.subplots(1, len(labels), squeeze=False)[0]
    for axes, (name, label) in zip(panels, labels.items(), strict=True):
        _curves(axes, history, name)
        if name == "loss":
            _log_scale_if_wide(axes)
        _mark(axes, best_epoch, "best" if "val_loss" in history else "last")
        axes.set(xlabel="epoch", ylabel=literal(label))
        if name.endswith("accuracy"):
            axes.yaxis.set_major_formatter(PercentFormatter(1))
    return finished(figure, title, panels[0])


def _curves(axes: Axes, history: Mapping[str, Sequence], name: str) -> None:
    """The training's and the validation's curve of one column."""
    epochs = history["epoch"]
    size = 4.5 if len(epochs) <= 30 else 1.8
    for column, label, look in (
        (name, "training", {"c": BLUE, "ls": "-"}),
        (f"val_{name}", "validation", {"c": ORANGE, "ls": "--"}),
    ):
        if column in history:
            values = np.array(history[column], float)
            axes.plot(epochs, values, label=label, lw=1.8, marker="o", ms=size, **look)
    axes.set_xlim(min(epochs) - 0.4, max(epochs) + 0.4)
    axes.xaxis.set_major_locator(whole_numbers())


def _mark(axes: Axes, epoch: int, word: str) -> None:
    axes.axvline(epoch, color=GREY, lw=1.2, ls=":", zorder=1.8)
    above = {"xytext": (0, 4), "textcoords": "offset points", "ha": "center", "color": GREY}
    axes.annotate(f"{word}: epoch {epoch}", (epoch, 1), xycoords=("data", "axes fraction"), **above)


def _log_scale_if_wide(axes: Axes) -> None:
    """A logarithmic axis where positive values span more than two decades."""
    values = np.concatenate([line.get_ydata() for line in axes.lines])
    values = values[np.isfinite(values)]
    if len(values) and values.min() > 0 and values.max() > 100 * values.min():
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))


@styled
def confusion_figure(
    *, y_true: np.ndarray, y_pred: np.ndarray, classes: Sequence[str], title: str
) -> Figure:
    """How many examples of each class were taken for which; the true classes are the rows.

    A cell's shade is its share of its row, on a square-root scale that lets rare mistakes be
    seen. Its count is written where there are at most 20 classes and it isn't 0.

    Args:
        y_true: the class of each example, `int (examples,)`.
        y_pred: the probabilities, `(examples, classes)`; an answer that is not a number is wrong
            and stands in no column.
        classes: the name of each class.
        title: the picture's title.
    """
    counts = metrics.confusion(y_true, y_pred)
    side = float(np.clip(2.6 + 0.42 * len(classes), 5, 13))
    figure = Figure(figsize=(side + 1, side))
    axes = figure.subplots()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, 0, 1))
    for row, column in np.argwhere(counts) if len(classes) <= MOST_COUNTS else ():
        colour = "white" if shares[row, column] > 0.4 else INK
        axes.text(column, row, f"{counts[row, column]:,}", c=colour, ha="center", va="center")
    _name_classes(axes, [short(name, 24) for name in classes], side)
    right = np.trace(counts)
    axes.set_title(f"accuracy {right / len(y_true):.1%}: {right:,} of {len(y_true):,} right")
    bar = figure.colorbar(image, shrink=0.7, aspect=30, ticks=[0, 0.01, 0.05, 0.2, 0.5, 1])
    bar.set_label("share of the true class")
    bar.ax.yaxis.set_major_formatter(PercentFormatter(1))
    bar.outline.set_visible(False)
    return finished(figure, title)


def _name_classes(axes: Axes, names: list[str], inches: float) -> None:
    """Every class on both axes, or every second, third, … where they are too many."""
    places = range(0, len(names), -(-len(names) // MOST_NAMES))
    shown = [names[place] for place in places]
    size = 10 if len(names) <= MOST_COUNTS else 8
    turned = 90 if max(map(len, shown)) * len(shown) > 6 * inches else 0
    axes.set_xticks(places, shown, fontsize=size, rotation=turned)
    axes.set_yticks(places, shown, fontsize=size)
    axes.set(xlabel="answered class", ylabel="true class")
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


@styled
def by_step_figure(*, lines: Mapping[str, Sequence[float]], metric: str, title: str) -> Figure:
    """A score at each step; the first line is the model's, the others are dashed.

    Args:
        lines: the scores `(steps,)`, by the name of who answered.
        metric: the score's name.
        title: the picture's title.
    """
    figure = Figure(figsize=(9, 4.4))
    axes = figure.subplots()
    for place, (name, values) in enumerate(lines.items()):
        look = {"c": (BLUE, ORANGE, GREY)[place % 3], "ls": "--" if place else "-"}
        axes.plot(np.arange(1, len(values) + 1), values, label=name, lw=1.8, **look)
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(whole_numbers())
    axes.set(xlabel="step", ylabel=metric)
    return finished(figure, title, axes)


@styled
def answers_figure(*, y_true: np.ndarray, y_pred: np.ndarray, title: str) -> Figure:
    """Each answer over the value that it should have been; on the line it is right.

    Args:
        y_true: the values, `(examples, values)`.
        y_pred: the answers, `(examples, values)`.
        title: the picture's title.
    """
    figure = Figure(figsize=(6.5, 6))
    axes = figure.subplots()
    ends = [float(y_true.min()), float(y_true.max())]
    axes.plot(ends, ends, color=GREY, linewidth=1, linestyle="--", zorder=1)
    axes.scatter(y_true, y_pred, s=6, color=BLUE, alpha=0.4, linewidths=0)
    axes.set_xlabel("true value")
    axes.set_ylabel("answer")
    axes.set_title(f"mean squared error {number(metrics.mse(y_true, y_pred))}")
    return finished(figure, title)


@styled
def forecast_figure(
    *,
    actual: np.ndarray,
    train: tuple[np.ndarray | range, np.ndarray] | None,
    test: tuple[np.ndarray | range, np.ndarray],
    last_value: np.ndarray,
    column: str,
    title: str,
    dates: np.ndarray | None = None,
    ahead: int = 1,
) -> Figure:
    """A series, the model's forecasts of its training and test part, and the last value's.

    Above stands the whole series, below the last 100 points of the test part: a forecast of one
    step can't be told from the truth in a long series. Each RMSE is that of the forecasts given,
    all of them.

    Args:
        actual: the series, `(rows,)`, in its unit.
        train: the rows that the training part's forecasts are for, rising, and the forecasts:
            `(examples,)` each; None leaves them out.
        test: the same for the test part.
        last_value: the last known value, the forecast to beat, at the rows of the test part.
        column: the series' name, with its unit where that is known.
        title: the picture's title.
        dates: the date of each row, `datetime64 (rows,)`; None where there are none.
        ahead: how many steps ahead these forecasts look.
    """
    model = {"lw": 2.6, "alpha": 0.75}
    drawn = {
        "model, training part": (train, {"c": RED, **model}),
        "model, test part": (test, {"c": GREEN, **model}),
        "last value, test part": (
            (test[0], last_value),
            {"c": GREY, "lw": 1.1, "ls": (0, (3, 1.5)), "zorder": 4},
        ),
    }
    series = {"c": BLUE, "lw": 1.1, "zorder": 3}
    lines, errors = [(range(len(actual)), actual, "actual values", series)], []
    for name, (forecasts, look) in drawn.items():
        if forecasts:
            rows, values = forecasts
            errors.append(metrics.rmse(disk.at(actual, rows), values))
            lines.append((rows, values, f"{name} (RMSE {number(errors[-1])})", look))
    figure = Figure(figsize=(10, 7.4))
    whole, zoom = figure.subplots(2, 1)
    zoomed = test[0][-ZOOM:]
    for axes, first in ((whole, 0), (zoom, zoomed[0])):
        _series(axes, dates, lines, first)
        axes.set_ylabel(short(column, 28))
    shaded = _places(dates, np.array([test[0][0], test[0][-1]]))
    whole.axvspan(*shaded, color=PALE, alpha=0.6, zorder=0)
    whole.set_title(_verdict(*errors[-2:], ahead))
    zoom.set_title(f"Test part, enlarged: the last {len(zoomed)} of {len(test[0]):,} points")
    return finished(figure, title, whole)


def _series(axes: Axes, dates: np.ndarray | None, lines: list[tuple], first: int) -> None:
    """The lines from row `first` on; a few points are marked as such."""
    points = len(lines[0][0]) - first
    marker = "o" if points <= 40 else None
    for rows, values, label, look in lines:
        seen = bisect_left(rows, first)
        rows, values = _thinned(rows[seen:], values[seen:])
        axes.plot(_places(dates, rows), values, label=label, marker=marker, ms=4, **look)
    axes.margins(x=0.015)
    axes.xaxis.set_major_locator(whole_numbers())
    name_rows(axes, dates, points)


def name_rows(axes: Axes, dates: np.ndarray | None, points: int) -> None:
    """The axis of rows tells their dates, where there are some, or else their numbers."""
    axes.set_xlabel("row" if dates is None else "date")
    if dates is None:
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        return
    locator = AutoDateLocator(minticks=min(5, points - 1), maxticks=10)
    corner = ["", "%Y", "%Y", "%Y", "%Y-%m-%d", "%Y-%m-%d"]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, offset_formats=corner))


def _places(dates: np.ndarray | None, rows: np.ndarray) -> np.ndarray:
    """Where rows stand on the axis."""
    return rows if dates is None else dates[rows]


def _thinned(rows: np.ndarray | range, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A line's rows and values; of a long line, the least and the largest value of each stretch.

    The picture stays the same: a stretch is narrower than a pixel.
    """
    if len(rows) <= MOST_POINTS:
        return np.array(rows, int), values
    kept, ends = [], []
    for stretch in disk.stretches(len(rows), 2 * -(-len(rows) // MOST_POINTS)):
        some = values[stretch]
        for place in sorted({some.argmin(), some.argmax()}):
            kept.append(rows[stretch.start + place])
            ends.append(some[place])
    return np.array(kept), np.array(ends)


def _verdict(model: float, last_value: float, ahead: int) -> str:
    """How the model's RMSE on the test part stands to the last value's."""
    steps = "One step ahead" if ahead == 1 else f"The last of {ahead} steps ahead alone"
    if last_value == 0:
        return f"{steps}. The test part is shaded"
    times = f"{model / last_value:.3f} times the last value's"
    return f"{steps}. On the test part (shaded) the model's RMSE is {times}"


def finished(figure: Figure, title: str, explained: Axes | None = None) -> Figure:
    """The figure with its title, and below it a legend of the lines in `explained`."""
    width = int(7.5 * figure.get_figwidth())
    lines = textwrap.wrap(literal(title), width, max_lines=3, break_on_hyphens=False)
    figure.suptitle("\n".join(lines), x=0.012, ha="left")
    if explained:
        figure.legend(*explained.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def whole_numbers() -> MaxNLocator:
    """Ticks for an axis that counts."""
    return MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10])


def short(name: str, most: int) -> str:
    """A name of at most `most` characters: a longer one loses its middle."""
    text = literal(name)
    return text if len(text) <= most else f"{text[: most // 2]}…{text[1 - most // 2 :]}"


def literal(text: str) -> str:
    """The text with escapes for characters that can't be printed."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
