"""A goal beside the figure that was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import sections

# Why a goal is missed, by the goal's name; a missed one without a reason says so.
_THREADS = "{} computes on both processors, a run of ours on one; on one thread each, see below, {}"
REASONS: dict[str, str] = {
    "Eight runs: ours on JAX beside eight scripts": "four fifths of ours is the LSTMs' training, "
    "at the share of the peak below; with products in bfloat16, see below, it is reached",
    "Eight runs: ours on TensorFlow beside eight scripts": "as on JAX",
    "LSTMs: arithmetic of the machine's peak": "of 11 ms an update, matrix products take 7.6, most "
    "of them of 32 rows; the rest are the gates, the arrays that XLA fills and copies before each "
    "loop, and Keras' loop over batches",
    "LSTM, 2 × 128 units: ours beside bare Keras on TensorFlow": _THREADS.format(
        "bare Keras", "it is missed too"
    ),
    "GRU, 128 units: ours beside bare Keras on TensorFlow": _THREADS.format(
        "bare Keras", "it is reached"
    ),
    "simple RNN, 128 units: ours beside bare Keras on TensorFlow": "on one "
    "thread each too; probably Keras' own loop over batches, which both run, takes much of 3 ms",
    "GRU, 128 units: ours beside bare Keras on JAX": "by less than the rounds differ",
    "simple RNN, 128 units: ours beside bare Keras on JAX": "on one thread each "
    "too; probably Keras' own loop over batches, which both run, takes much of 1.5 ms",
    "`mnist-fast --quick`: wall time of the tutorials' script": "6 of its 14 seconds are training; "
    "the rest is importing, building, compiling and answering, with nothing compiled before",
    "`mnist-fast`: wall time of the tutorials' script": "after four epochs the validation "
    "accuracy is below 99 % (docs/recipes.md); with products in bfloat16 it is reached",
    "LSTM, 2 × 128 units: ours beside PyTorch": _THREADS.format("PyTorch", "it is missed too"),
}


@dataclass(frozen=True)
class Goal:
    """What was to be reached, and what was.

    Args:
        name: what is measured, in words.
        bound: what it should be.
        figures: what it was, a figure a round; their median counts.
        most: the bound is the largest allowed, and not the smallest.
        unit: of bound and figures.
    """

    name: str
    bound: float
    figures: Sequence[float]
    most: bool = False
    unit: str = "×"

    @property
    def reached(self) -> bool:
        """Whether the median is within the bound."""
        middle = median(self.figures)
        return middle <= self.bound if self.most else middle >= self.bound

    def row(self) -> list[str]:
        """Its line in the table."""
        sign = "at most" if self.most else "at least"
        bound, measured = f"{sign} {self.bound:.3g}{self.unit}", spread(self.figures, self.unit)
        verdict = "reached" if self.reached else f"**missed**: {self.reason}"
        return [self.name, bound, measured, verdict]

    @property
    def reason(self) -> str:
        """Why it was missed."""
        return REASONS.get(self.name, "no reason is known yet")


def spread(figures: Sequence[float], unit: str = "") -> str:
    """The median, and the least and the greatest where there are several."""
    middle = f"{short(median(figures))}{unit}"
    if len(figures) == 1:
        return middle
    return f"{middle} ({short(min(figures))} to {short(max(figures))})"


def short(number: float) -> str:
    """Three digits that count."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def ratios(slow: Sequence[float], fast: Sequence[float]) -> list[float]:
    """How many times as long the one took as the other, round by round."""
    return [a / b for a, b in zip(slow, fast, strict=True)]


def table(goals: Sequence[Goal]) -> str:
    """Every goal, its figure, and whether it was reached."""
    return sections.table(["what", "goal", "measured", ""], [goal.row() for goal in goals])
