"""A recipe's outcome: our numbers beside the published ones, and every difference of protocol.

A published number agrees with ours in one of two ways. One that comes with a tolerance agrees where
our mean is within it. One that comes with the floor of its task is a loss on a task of memory. The
mean over seeds says little there, for a seed finds the way or it does not: verdicts are compared.
One that has neither was published under another protocol, and only stands beside ours.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lstm_zoo import statistics, verdicts
from lstm_zoo.config import RunConfig
from lstm_zoo.entries import Recipe
from lstm_zoo.errors import counted
from lstm_zoo.results import finished
from lstm_zoo.runs import Run

SOLVED, AT_FLOOR, WORSE = 0.01, 0.9, 1.1  # times the floor


def verdict(loss: float, floor: float) -> str:
    """Whether a task of memory is solved.

    Solved is a hundredth of the floor: a mean squared error of 1/600 of the adding problem. What
    knows nothing scores at the floor give or take the draw of the test part, which is a few per
    cent with 1,000 examples. What scores worse has not learned even that, and says nothing of
    memory.

    Args:
        loss: of one run, on its test part.
        floor: of the trivial answer, on the same task.

    Returns:
        `solved` below a hundredth of the floor, `at the floor` from nine tenths of it to eleven,
        `worse than the floor` above that, or `between`.
    """
    if loss > WORSE * floor:
        return "worse than the floor"
    if loss >= AT_FLOOR * floor:
        return "at the floor"
    return "solved" if loss < SOLVED * floor else "between"


def common_verdict(verdicts: Sequence[str]) -> str:
    """What more than half of the seeds got; `between` where nothing has so many."""
    ((most, count),) = Counter(verdicts).most_common(1)
    return most if 2 * count > len(verdicts) else "between"


def outcome(recipe: Recipe, results: dict, used: RunConfig, fixed: RunConfig) -> dict:
    """What `reproduce` prints.

    Args:
        recipe: the recipe, its numbers to set beside ours.
        results: the comparison that ran it, one model from several seeds.
        used: the configuration that ran.
        fixed: the configuration that the recipe asks for.
    """
    trials = results["models"][0]["trials"]
    done = finished(results["models"][0])
    runs = [Run(Path(trial["run"])) for trial in done]
    scores = _scores(done, [run.metrics for run in runs])
    comparable = used.dataset == fixed.dataset
    losses = [trial["score"] for trial in trials if trial["score"] is not None]  # diverged ones too
    judged = [verdict(loss, results["floor"]["value"]) for loss in losses]
    main = results["metric"]["name"]
    published = [
        _beside_verdicts(number, judged if comparable and number["metric"] == main else [])
        if number.get("floor")
        else _beside(number, scores.get(number["metric"], []) if comparable else [])
        for number in recipe.expected
    ]
    decided = [number["agrees"] for number in published if number["agrees"] is not None]
    return {
        "recipe": recipe.name,
        "metric": results["metric"],
        "ours": {name: _summary(name, values) for name, values in scores.items()},
        "published": published,
        "floor": results["floor"],
        "seeds_beating_floor": sum(run.metrics["learned"] for run in runs),
        "agrees": all(decided) if decided else None,
        "differences": [*_differences(recipe, used, fixed, len(runs)), *recipe.protocol],
        "runs": [str(run.folder) for run in runs],
    }


def _scores(trials: list[dict], records: list[dict]) -> dict[str, list[float]]:
    """Each metric's scores on the test part, and the main one's on the training part."""
    if not records:
        return {}
    main = records[0]["metric"]["name"]
    scores = {name: [trial["metrics"][name] for trial in trials] for name in trials[0]["metrics"]}
    scores[f"train_{main}"] = [record["train"][main] for record in records]
    return {name: values for name, values in scores.items() if None not in values}


def _summary(name: str, scores: list[float]) -> dict:
    return {
        "mean": float(np.mean(scores)),
        "ci95": verdicts.possible(statistics.interval(scores), name.removeprefix("train_")),
        "seeds": len(scores),
    }


def _told(number: dict) -> dict:
    """What the recipe says of a published number."""
    keys = ("metric", "value", "std", "tolerance", "floor", "source")
    return {key: number.get(key) for key in keys}


def _beside(number: dict, scores: list[float]) -> dict:
    """A published number, and how it stands to ours.

    `agrees` where it is within the tolerance of our mean; `relation` to the 95 % prediction
    interval for one more seed of ours.
    """
    agrees = None
    if scores and number.get("tolerance") is not None:
        agrees = abs(float(np.mean(scores)) - number["value"]) <= number["tolerance"]
    interval = statistics.prediction_interval(scores)
    return _told(number) | {
        "agrees": agrees,
        "prediction_interval": interval,
        "relation": _relation(number["value"], interval),
        "verdicts": None,
    }


def _beside_verdicts(number: dict, ours: list[str]) -> dict:
    """A published loss on a task of memory; it `agrees` where its verdict is our seeds' own."""
    published = verdict(number["value"], number["floor"])
    common = common_verdict(ours) if ours else None
    return _told(number) | {
        "agrees": common == published if ours else None,
        "prediction_interval": None,
        "relation": None,
        "verdicts": {"published": published, "ours": common, "seeds": ours},
    }


def _relation(value: float, interval: tuple[float, float] | None) -> str | None:
    if interval is None:
        return None
    low, high = interval
    return "below" if value < low else "above" if value > high else "within"


def _differences(recipe: Recipe, used: RunConfig, fixed: RunConfig, seeds: int) -> list[str]:
    """Each way in which what ran is not what the recipe fixes."""
    texts = [f"{counted(seeds, 'seed')} instead of {recipe.seeds}"] if seeds != recipe.seeds else []
    if used.dataset != fixed.dataset:
        texts.append(f"the dataset {used.dataset} instead of {fixed.dataset}")
    for group in ("params", "data", "train"):
        asked, wanted = getattr(used, group), getattr(fixed, group)
        texts += [
            f"{name} {json.dumps(asked[name])} instead of {json.dumps(wanted.get(name))}"
            for name in asked
            if asked[name] != wanted.get(name)
        ]
    return texts
