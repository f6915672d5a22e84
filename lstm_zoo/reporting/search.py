"""What is said of a search: its best trials, the winner, its scores, and what it cost."""

from __future__ import annotations

import json

from lstm_zoo.errors import counted, listed
from lstm_zoo.reporting.sentences import floor_lines, number, remarks, span, words

_BEST = 5  # trials that are shown


def rows(found: dict) -> tuple[list[str], list[list[str]]]:
    """The columns of a table of the best trials, and a row for each."""
    names = list(found["study"]["space"])
    finished = [trial for trial in found["trials"] if trial["state"] == "finished"]
    finished.sort(key=lambda trial: (trial["loss"], trial["number"]))
    return ["trial", "validation loss", *names, "epochs", "seconds"], [
        [
            str(trial["number"]),
            number(trial["loss"]),
            *(_value(trial["values"][name]) for name in names),
            str(trial["epochs"]),
            f"{trial['seconds']:.1f}",
        ]
        for trial in finished[:_BEST]
    ]


def _value(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def lines(found: dict) -> list[str]:
    """The winner's scores on the test part, and the cost."""
    winner, results, cost = found["winner"], found["test"], found["cost"]
    (model,) = results["models"]
    seeds, metric = results["seeds"], words(results["metric"]["name"])
    several = model["ci95"] is not None
    interval = f" on average, 95 % interval {span(model['ci95'])}" if several else ""
    over = f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]} to {seeds[-1]}"
    kinds = [f"{cost[kind]:,} {kind}" for kind in ("finished", "pruned", "failed") if cost[kind]]
    return [
        f"Trial {winner['number']} has the least validation loss. Trained from {over}: test "
        f"{metric} {number(model['mean'])}{interval}.",
        *floor_lines(results),
        *remarks(results),
        f"The search took {counted(cost['trials'], 'trial')} ({listed(kinds)}), and "
        f"{cost['seconds']:,.1f} s of training.",
    ]
