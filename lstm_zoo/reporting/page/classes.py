"""Charts of class answers: who is taken for whom, and whether a probability can be believed."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import numpy as np
import plotly.graph_objects as go

from lstm_zoo import metrics
from lstm_zoo.errors import counted, listed
from lstm_zoo.reporting.page.chart import DASHED, GREY, Chart, Grid, Key, blank, label, style
from lstm_zoo.reporting.page.material import Group
from lstm_zoo.reporting.sentences import number

BINS = 10
CONFUSION = (
    "Answers to the test part: a row is a true class, a column an answered one. A stronger colour "
    "is a larger share of its row, on a square-root scale that lets rare mistakes be seen."
)
_MOST_COUNTS = 20  # classes, beyond which the cells are too small for a count
_MOST_NAMES = 25


def pooled(group: Group) -> tuple[np.ndarray, np.ndarray]:
    """The true classes and the probabilities of all of a model's runs.

    Returns: `int (answers,)` and `float (answers, classes)`. A step counts as an answer where every
    step has one; an answer that is not a number is left out.
    """
    truths = [run.answers["y_true"].reshape(-1) for run in group.runs]
    answers = [run.answers["y_pred"] for run in group.runs]
    answers = [answer.reshape(-1, answer.shape[-1]) for answer in answers]
    truth, answer = np.concatenate(truths), np.concatenate(answers)
    known = ~np.isnan(answer).any(axis=1)
    return truth[known], answer[known]


def confusion_chart(group: Group) -> Chart:
    """How many examples of each class were taken for which, over all seeds."""
    truth, answer = pooled(group)
    counts = metrics.confusion(truth, answer)
    names = _names(group, len(counts))
    figure = blank("answered class", "true class", height=380)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure.add_heatmap(
        z=np.sqrt(shares).tolist(),
        text=_counts_text(counts),
        texttemplate="%{text}",
        colorscale=[[0, "rgba(0,114,178,0)"], [1, "rgba(0,114,178,0.7)"]],
        zmin=0,
        zmax=1,
        xgap=1,
        ygap=1,
        showscale=False,
        hoverinfo="text",
        hovertext=_cells_text(counts, shares, names),
    )
    places = list(range(0, len(names), -(-len(names) // _MOST_NAMES)))
    ticks = {"tickvals": places, "ticktext": [label(names[place], 14) for place in places]}
    figure.update_xaxes(**ticks, showgrid=False)
    figure.update_yaxes(**ticks, showgrid=False, autorange="reversed")
    right, total = int(np.trace(counts)), int(counts.sum())
    return Chart(
        title=group.name,
        caption=f"{right:,} of {total:,} answers right, from {counted(len(group.runs), 'seed')}.",
        figure=figure,
        grid=Grid(
            f"{group.name}: the true class by row, the answered class by column",
            ["true class", *names],
            [[name, *map(str, row)] for name, row in zip(names, counts.tolist(), strict=True)],
        ),
    )


def _names(group: Group, size: int) -> list[str]:
    known = group.runs[0].names
    return known if len(known) == size else [str(place) for place in range(size)]


def _counts_text(counts: np.ndarray) -> list[list[str]]:
    shown = len(counts) <= _MOST_COUNTS
    return [[f"{count:,}" if count and shown else "" for count in row] for row in counts.tolist()]


def _cells_text(counts: np.ndarray, shares: np.ndarray, names: list[str]) -> list[list[str]]:
    return [
        [
            f"{escape(true)} taken for {escape(answered)}: {count:,} ({share:.1%})"
            for answered, count, share in zip(names, row, row_shares, strict=True)
        ]
        for true, row, row_shares in zip(names, counts.tolist(), shares.tolist(), strict=True)
    ]


@dataclass(frozen=True)
class Calibration:
    """How sure a model is, and how often it is right then: `(bins,)` each, NaN in an empty bin."""

    counts: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray

    @property
    def error(self) -> float:
        """The expected calibration error: the mean gap between the two, weighted by counts."""
        gaps = np.abs(self.accuracy - self.confidence)
        return float(np.nansum(self.counts * gaps) / self.counts.sum())


def calibration(truth: np.ndarray, answer: np.ndarray) -> Calibration:
    """The answers in ten equally wide bins of the most probable class' probability.

    Guo et al. 2017, "On calibration of modern neural networks", equations 2 to 5.

    Args:
        truth: the true classes, `int (answers,)`.
        answer: the probabilities, `float (answers, classes)`.
    """
    confidence = answer.max(axis=1).astype(float)
    right = answer.argmax(axis=1) == truth
    bins = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    size = np.where(counts, counts, np.nan)
    sums = [np.bincount(bins, weights=values, minlength=BINS) for values in (confidence, right)]
    return Calibration(counts, sums[0] / size, sums[1] / size)


def calibration_chart(groups: list[Group]) -> Chart:
    """The reliability diagram: the share of right answers against the probability given."""
    found = {group.name: calibration(*pooled(group)) for group in groups}
    figure = blank("probability given to the answer", "share of right answers", height=420)
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": GREY, "dash": "dash"}, hoverinfo="skip"
    )
    for group in groups:
        _add_calibration(figure, group, found[group.name])
    figure.update_xaxes(range=[-0.03, 1.03])
    figure.update_yaxes(range=[-0.05, 1.05])
    perfect = Key("as sure as right", GREY, DASHED)
    return Chart(
        title="Reliability diagram",
        caption=(
            "Below the dashed line a model is surer than it is right, above it is too modest. Over "
            f"all answers to the test part, the probability is {_off_by(found)}: the expected "
            f"calibration error, in {BINS} bins."
        ),
        figure=figure,
        grid=_calibration_grid(found),
        keys=[*(style(group.place).key(group.name) for group in groups), perfect],
        wide=True,
    )


def _off_by(found: dict[str, Calibration]) -> str:
    alone = len(found) == 1
    errors = [f"{100 * c.error:.1f}{'' if alone else f' ({name})'}" for name, c in found.items()]
    return f"off by {listed(errors)} percentage points on average"


def _add_calibration(figure: go.Figure, group: Group, found: Calibration) -> None:
    look, filled = style(group.place), found.counts > 0
    rows = list(zip(*(_[filled].tolist() for _ in _columns(found)), strict=True))
    figure.add_scatter(
        x=[confidence for _, confidence, _ in rows],
        y=[accuracy for _, _, accuracy in rows],
        mode="lines+markers",
        line={"color": look.colour, "width": 1.6},
        marker={"symbol": look.symbol, "size": 9},
        hoverinfo="text",
        hovertext=[
            f"{escape(group.name)}: {counted(count, 'answer')}<br>"
            f"probability {number(confidence)}, right {number(accuracy)}"
            for count, confidence, accuracy in rows
        ],
    )


def _columns(found: Calibration) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return found.counts, found.confidence, found.accuracy


def _calibration_grid(found: dict[str, Calibration]) -> Grid:
    rows = [
        [
            name,
            f"{bin_ / BINS:g} to {(bin_ + 1) / BINS:g}",
            f"{count:,}",
            number(sure),
            number(share),
        ]
        for name, one in found.items()
        for bin_, (count, sure, share) in enumerate(zip(*_columns(one), strict=True))
        if count
    ]
    header = ["model", "probability", "answers", "mean probability", "share right"]
    return Grid("Answers by the probability given to them", header, rows)
