"""How long trainings will take, told before they start."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from lstm_zoo.runs import Run

RECORDING = 1.5  # seconds of a run: evaluation's own start, pictures, the saved model


def together(trainings: Iterable[float], jobs: int, under_way: Iterable[float] = ()) -> float:
    """The seconds until the last training ends, where so many go on at a time.

    Args:
        trainings: the seconds of each, in the order that they begin in.
        jobs: how many go on at a time.
        under_way: the seconds that those begun already still take.
    """
    ends = sorted([0.0] * jobs + list(under_way))[-jobs:]
    for seconds in trainings:
        heapq.heapreplace(ends, ends[0] + seconds)
    return max(ends)


def of_run(run: Run) -> float:
    """The seconds that a finished run took, its record included."""
    return run.metrics["train_seconds"] + RECORDING


def words(seconds: float) -> str:
    """`about 40 s`, `about 12 min`, `about 3.5 h`."""
    if seconds < 90:
        return f"about {max(1, round(seconds)):.0f} s"
    if seconds < 90 * 60:
        return f"about {seconds / 60:.0f} min"
    return f"about {seconds / 3600:.1f} h"
