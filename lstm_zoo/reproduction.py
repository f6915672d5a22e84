"""A recipe's outcome: our numbers beside the published one, and every difference of protocol."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from lstm_zoo import statistics
from lstm_zoo.catalog import Recipe
from lstm_zoo.config import RunConfig
from lstm_zoo.errors import counted
from lstm_zoo.results import finished
from lstm_zoo.runs import Run


def outcome(recipe: Recipe, results: dict, used: RunConfig, fixed: RunConfig) -> dict:
    """What `reproduce` prints.

    Args:
        recipe: the recipe, its numbers to set beside ours.
        results: the comparison that ran it, one model from several seeds.
        used: the configuration that ran.
        fixed: the configuration that the recipe asks for.
    """
    runs = [Run(Path(trial["run"])) for trial in finished(results["models"][0])]
    scores = _scores([run.metrics for run in runs])
    comparable = used.dataset == fixed.dataset
    published = [
        _beside(number, scores.get(number["metric"], []) if comparable else [])
        for number in recipe.expected
    ]
    decided = [number["agrees"] for number in published if number["agrees"] is not None]
    return {
        "recipe": recipe.name,
        "metric": results["metric"],
        "ours": {name: _summary(values) for name, values in scores.items()},
        "published": published,
        "floor": results["floor"],
        "seeds_beating_floor": sum(run.metrics["learned"] for run in runs),
        "agrees": all(decided) if decided else None,
        "differences": _differences(recipe, used, fixed, len(runs)),
        "runs": [str(run.folder) for run in runs],
    }


def _scores(records: list[dict]) -> dict[str, list[float]]:
    """Each metric's scores on the test part, and the main one's on the training part."""
    if not records:
        return {}
    main = records[0]["metric"]["name"]
    scores = {name: [record["test"][name] for record in records] for name in records[0]["test"]}
    scores[f"train_{main}"] = [record["train"][main] for record in records]
    return {name: values for name, values in scores.items() if None not in values}


def _summary(scores: list[float]) -> dict:
    return {
        "mean": float(np.mean(scores)),
        "ci95": statistics.interval(scores),
        "seeds": len(scores),
    }


def _beside(number: dict, scores: list[float]) -> dict:
    """A published number, and how it stands to ours.

    `agrees` where it is within the tolerance of our mean; `relation` to the 95 % prediction
    interval for one more seed of ours.
    """
    agrees = (
        abs(float(np.mean(scores)) - number["value"]) <= number["tolerance"] if scores else None
    )
    interval = statistics.prediction_interval(scores)
    keys = ("metric", "value", "tolerance", "source")
    return {key: number[key] for key in keys} | {
        "agrees": agrees,
        "prediction_interval": interval,
        "relation": _relation(number["value"], interval),
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
