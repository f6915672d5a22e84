"""The longest lag that a model still solves: what solved means, the budget, and the search.

From a short lag the search doubles until one is not solved, and then halves the gap, in ratio,
until the two ends are within 10 % of each other. One lag beyond the first failure is tried as well:
a model that solves it breaks the order, and the search says so rather than pass over it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lstm_zoo.entries import Recipe
from lstm_zoo.errors import UnknownName

CLOSE = 1.1  # how far a lag that is not solved may lie above one that is
FIRST = 10  # the lag that a search begins with
MOST, MOST_QUICK = 1000, 100  # the longest that it tries
RATES = 3  # learning rates that each seed may be trained at


@dataclass(frozen=True)
class Rule:
    """When a task of memory counts as solved.

    Args:
        metric: the score of metrics.json that says so.
        limit: the score on the border; an error has to be under it, an accuracy at least it.
        higher: whether more is better.
        words: the rule in words.
        target_loss: the validation loss at which a training of so many steps may stop: a little
            better than the border, so that fresh data seldom say otherwise.
        data: what the task's dataset is given.
        least: the shortest lag that there is.
    """

    metric: str
    limit: float
    higher: bool
    words: str
    target_loss: Callable[[int], float]
    data: Mapping[str, object]
    least: int

    def solved(self, score: float | None) -> bool:
        """Whether a score is good enough; None, of a failed training, is not."""
        if score is None:
            return False
        return score >= self.limit if self.higher else score < self.limit

    def merit(self, score: float | None) -> float:
        """The score where more is better; None is the worst."""
        if score is None:
            return -math.inf
        return score if self.higher else -score


RULES = {
    "adding": Rule(
        metric="mse",
        limit=1 / 600,
        higher=False,
        words="a mean squared error under 1/600",
        target_loss=lambda steps: 1 / 800,
        data={"positions": "early"},
        least=2,
    ),
    "copy": Rule(
        metric="recall_accuracy",
        limit=0.99,
        higher=True,
        words="99 % of the symbols recalled",
        target_loss=lambda steps: 0.2 / (steps + 20),  # 0.02 nats at each of 10 of T + 20 steps
        data={},
        least=1,
    ),
}


def rule(task: str) -> Rule:
    """The rule of a task.

    Raises:
        UnknownName: it is none whose lag can be searched.
    """
    if task not in RULES:
        raise UnknownName("task of memory", task, RULES)
    return RULES[task]


def budget(task: str) -> Recipe:
    """What each training gets: 20,000 updates, or in the smaller version 3,000."""
    data = {"train": 20000, "validation": 1000, "test": 5000}
    return Recipe(
        "longest-lag",
        summary="",
        dataset=task,
        data=rule(task).data | data,
        train={
            "epochs": 50,
            "batch_size": 50,
            "learning_rate": 0.003162,
            "clip_norm": 1.0,
            "patience": None,
        },
        seeds=5,
        quick={"data": {"train": 10000}, "train": {"epochs": 15}, "seeds": 3},
    )


@dataclass(frozen=True)
class Found:
    """The lags that were tried, and whether each was solved."""

    tried: Mapping[int, bool]

    @property
    def failed(self) -> int | None:
        """The shortest lag that was not solved; None where every one was."""
        return min((steps for steps, solved in self.tried.items() if not solved), default=None)

    @property
    def longest(self) -> int | None:
        """The longest lag that was solved below the first that was not; None where none was."""
        end = math.inf if self.failed is None else self.failed
        return max((s for s, solved in self.tried.items() if solved and s < end), default=None)

    @property
    def out_of_order(self) -> list[int]:
        """The lags that were solved although a shorter one was not."""
        end = math.inf if self.failed is None else self.failed
        return sorted(steps for steps, solved in self.tried.items() if solved and steps > end)


def search(solves: Callable[[int], bool], *, least: int, most: int) -> Found:
    """The longest lag from `least` to `most` for which `solves` answers true, within 10 %.

    Args:
        solves: whether a lag is solved; asked once for each lag that is tried.
        least: the shortest lag there is.
        most: the longest that may be tried.
    """
    lag = min(max(FIRST, least), most)
    tried = {lag: solves(lag)}
    while tried[lag] and lag < most:
        lag = min(2 * lag, most)
        tried[lag] = solves(lag)
    while not any(tried.values()) and lag > least:
        lag = max(lag // 2, least)
        tried[lag] = solves(lag)
    failed = Found(tried).failed
    if failed and failed < most and not any(steps > failed for steps in tried):
        beyond = min(2 * failed, most)
        tried[beyond] = solves(beyond)
    while between := _between(Found(tried)):
        tried[between] = solves(between)
    return Found(tried)


def _between(found: Found) -> int | None:
    """The lag in the middle of the gap, in ratio; None where the gap is closed."""
    low, high = found.longest, found.failed
    if low is None or high is None or high <= max(low + 1, CLOSE * low):
        return None
    return round(math.sqrt(low * high))
