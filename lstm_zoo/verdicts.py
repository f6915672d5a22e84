"""What the scores of a comparison say: of each model, of its floor, and of every pair.

A trial, a model and a pair are plain values here, as results.json has them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np

from lstm_zoo import archives, looks, metrics, statistics
from lstm_zoo.results import LEVEL, verdict


@dataclass(frozen=True)
class Terms:
    """What a comparison measures, and what is asked of its pairs.

    Args:
        task: the task's name.
        metric: the main metric's name.
        better: its direction, `higher` or `lower`.
        examples: the number of test examples.
        against: the model that every other one is set against; None sets each pair.
        margin: the difference that does not matter, in the metric's unit; None asks no equality.
    """

    task: str
    metric: str
    better: str
    examples: int
    against: str | None = None
    margin: float | None = None

    @property
    def resolution(self) -> float:
        """The smallest step of the metric: one test example for an accuracy."""
        return 1 / self.examples if self.metric == "accuracy" else 0.0


def summary(trials: list[dict], terms: Terms) -> dict:
    """A model's scores in short; what no trial has is None."""
    scores = [trial["score"] for trial in trials if trial["score"] is not None]
    first, last = (max, min) if terms.better == "higher" else (min, max)
    return {
        "mean": float(np.mean(scores)) if scores else None,
        "std": float(np.std(scores, ddof=1)) if len(scores) > 1 else None,
        "ci95": possible(statistics.interval(scores, resolution=terms.resolution), terms.metric),
        "best": first(scores, default=None),
        "worst": last(scores, default=None),
        "failures": sum(trial["status"] == "failed" for trial in trials),
        "diverged": sum(trial["diverged"] for trial in trials),
        "at_floor": sum(trial["diverged"] or trial["learned"] is False for trial in trials),
    }


def possible(
    ci95: tuple[float, float] | None, metric: str, difference: bool = False
) -> tuple[float, float] | None:
    """An interval without the values that the metric can't have; None where there is none.

    Args:
        ci95: the interval.
        metric: the name of the metric.
        difference: whether it is of the difference of two scores.
    """
    if ci95 is None:
        return None
    known = metrics.METRICS.get(metric)  # of a zoo file's it is not known
    low, high = known.range if known else (-math.inf, math.inf)
    if difference:
        low, high = low - high, high - low
    return min(max(ci95[0], low), high), max(min(ci95[1], high), low)


def floor_tests(models: list[dict]) -> list[dict]:
    """For each model, whether most of its seeds beat the floor, Holm-adjusted over the models.

    A diverged seed beats nothing; a seed that failed otherwise says nothing.
    """
    p_values = [_beats_floor(model["trials"]) for model in models]
    adjusted = statistics.holm(p_values)
    return [
        {"p_value": p, "p_adjusted": q, "beaten": q is not None and q < LEVEL}
        for p, q in zip(p_values, adjusted, strict=True)
    ]


def _beats_floor(trials: list[dict]) -> float | None:
    scored = [trial for trial in trials if trial["score"] is not None]
    p_values = [1.0 if trial["diverged"] else trial["learned_p_value"] for trial in scored]
    return statistics.majority(p_values) if p_values else None


@dataclass(frozen=True)
class _Pair:
    """Two models over the seeds that both have a score of."""

    a: dict
    b: dict
    test: statistics.PairedTest
    seeds: int
    examples: dict | None
    looks: int = 1

    @property
    def p_value(self) -> float | None:
        """What the verdict rests on: of a series, the weaker of the two tests."""
        p = self.test.p_value
        if p is None:
            return None
        if self.examples:
            p = max(p, self.examples["p_value"] if self._agree() else 1.0)
        return min(1.0, p * looks.factor(self.looks))

    def _agree(self) -> bool:
        """Whether the scores and the losses by example point the same way."""
        return self.test.difference * self.examples["difference"] >= 0


def pairs(models: list[dict], terms: Terms, counts: dict[tuple[str, str], int]) -> list[dict]:
    """The tests of each pair of models, over the seeds that both have a score of.

    `counts` says how many times the pair of that name has been looked at by now, each time with
    more seeds, or others.
    """
    drafts = [
        replace(_draft(a, b, terms), looks=counts.get((a["name"], b["name"]), 1))
        for a, b in chosen(models, terms.against, [model["name"] for model in models])
    ]
    adjusted = statistics.holm([draft.p_value for draft in drafts])
    tests = sum(p is not None for p in adjusted)
    equal = [_equal(draft, terms.margin) for draft in drafts]
    return [
        {
            "a": draft.a["name"],
            "b": draft.b["name"],
            "difference": draft.test.difference,
            "ci95": possible(draft.test.ci95, terms.metric, difference=True),
            "p_value": draft.test.p_value,
            "p_adjusted": p,
            "verdict": verdict(draft.test.difference, p, terms.better),
            "seeds_needed": _needed(draft, tests),
            "seeds": draft.seeds,
            "looks": draft.looks,
            "examples_test": draft.examples,
            "p_equal": p_equal,
            "p_equal_adjusted": q_equal,
            "equal": None if q_equal is None else q_equal < LEVEL,
        }
        for draft, p, p_equal, q_equal in zip(
            drafts, adjusted, equal, statistics.holm(equal), strict=True
        )
    ]


def chosen(models: list, against: str | None, names: list[str]) -> list[tuple]:
    """Every pair of models, or each with the one that is called `against`."""
    if against is None:
        return list(combinations(models, 2))
    base = models[names.index(against)]
    return [(model, base) for model in models if model is not base]


def _draft(a: dict, b: dict, terms: Terms) -> _Pair:
    both = [
        (x, y)
        for x, y in zip(a["trials"], b["trials"], strict=True)
        if x["score"] is not None and y["score"] is not None
    ]
    scores = [[x["score"] for x, _ in both], [y["score"] for _, y in both]]
    test = statistics.paired_t(*scores, terms.resolution)
    needed = both and (terms.task == "forecasting" or len(both) == 1)
    return _Pair(a, b, test, len(both), _examples_test(both, terms) if needed else None)


def _examples_test(both: list[tuple[dict, dict]], terms: Terms) -> dict | None:
    """Are the two told apart on these test examples, whatever other seeds would say?"""
    series = terms.task == "forecasting"
    if not series and any(trial["diverged"] for trial in both[0]):
        return None
    if terms.task != "classification":
        losses, horizon = _losses(both)
        _, p_value = statistics.diebold_mariano(*losses, horizon=horizon if series else 1)
        name = "Diebold–Mariano" if series else "paired t over the test examples"
        difference = float(np.mean(losses[0]) - np.mean(losses[1]))
    else:
        right = [metrics.right(**_predictions(trial)) for trial in both[0]]
        name, p_value = "exact McNemar", statistics.mcnemar(*right)
        difference = float(np.mean(right[0]) - np.mean(right[1]))
    return {
        "test": name,
        "p_value": p_value,
        "examples": terms.examples,
        "difference": difference,
    }


def _losses(both: list[tuple[dict, dict]]) -> tuple[list[np.ndarray], int]:
    """Each side's loss by test example, the mean over its seeds, and the horizon.

    A diverged trial answers what the floor does: the last value.
    """
    sides, horizon = ([], []), 1
    for trials in both:
        known = next((_arrays(trial) for trial in trials if trial["run"]), None)
        for side, trial in zip(sides, trials, strict=True):
            if known is None:  # both diverged, and answer the same
                continue
            horizon = known["y_true"].shape[1]
            answers = _arrays(trial)["y_pred"] if trial["run"] else known["last"][:, None]
            side.append(metrics.losses(known["y_true"], answers))
    return [np.mean(side, axis=0) if side else np.zeros(1) for side in sides], horizon


def _predictions(trial: dict) -> dict[str, np.ndarray]:
    arrays = _arrays(trial)
    return {name: arrays[name] for name in ("y_true", "y_pred")}


def _arrays(trial: dict) -> dict[str, np.ndarray]:
    return archives.arrays(Path(trial["run"]) / "predictions.npz")


def _equal(draft: _Pair, margin: float | None) -> float | None:
    if margin is None:
        return None
    p_value = statistics.equivalence(draft.test, draft.seeds, margin)
    return None if p_value is None else min(1.0, p_value * looks.factor(draft.looks))


def _needed(draft: _Pair, tests: int) -> int | None:
    """The seeds that would do; after a second look, at the price of one more."""
    test, price = draft.test, 1 if draft.looks == 1 else looks.factor(draft.looks + 1)
    if test.p_value is None or not test.difference:
        return None
    return statistics.seeds_needed(test.difference, test.std, tests * price)
