"""What is told of models tested at other lengths than the one that they were trained at."""

from __future__ import annotations

from lstm_zoo.errors import listed
from lstm_zoo.reporting.sentences import number, span, words


def tested(results: dict) -> list[dict]:
    """The lengths in order, the trained one among them; none where no other was tested.

    Each has its `steps`, its `floor` and its `models`.
    """
    others = results.get("test_steps")
    if not others:
        return []
    steps = results["dataset"]["params"]["steps"]
    trained = {"steps": steps, "floor": results["floor"], "models": results["models"]}
    return sorted([trained, *others], key=lambda length: length["steps"])


def rows(results: dict) -> tuple[list[str], list[list[str]]]:
    """The columns of the scores by length, and a row a model and length."""
    header = ["model", "tested at", words(results["metric"]["name"]), "95 % interval", "floor"]
    trained = results["dataset"]["params"]["steps"]
    return header, [
        [
            model["name"],
            f"{length['steps']:,} steps{' (trained)' if length['steps'] == trained else ''}",
            number(model["mean"]),
            span(model["ci95"]),
            number(length["floor"]["value"]),
        ]
        for place in range(len(results["models"]))
        for length in tested(results)
        for model in [length["models"][place]]
    ]


def lines(results: dict) -> list[str]:
    """Which models do no better than the floor, and at which lengths."""
    sign = 1 if results["metric"]["better"] == "higher" else -1
    weak: dict[str, list[str]] = {}
    for length in tested(results):
        floor = length["floor"]["value"]
        for model in length["models"]:
            if model["mean"] is not None and sign * (model["mean"] - floor) <= 0:
                weak.setdefault(model["name"], []).append(f"{length['steps']:,}")
    told = [f"{name} (at {listed(steps)} steps)" for name, steps in weak.items()]
    return [f"In the mean no better than the floor: {listed(told)}."] if told else []
