"""What `explain` found, as a table and sentences."""

from __future__ import annotations

import numpy as np

from lstm_zoo.errors import counted, listed
from lstm_zoo.reporting.sentences import number, words

Told = tuple[list[str], list[tuple], list[str]]
TEXTS = ("of", "gate")  # columns that hold no numbers
_MOST_STEPS = 5
_FORMS = ("{model}", "{model} on {dataset}", "{model} on {dataset}, seed {seed}", "{run}")


def labels(records: list[dict]) -> list[str]:
    """A name for each record: of its run, and of its layer where the run has several.

    It is as short as tells the runs apart.

    Args:
        records: those of `explain`, in their order.
    """
    runs = {record["run"]: record for record in records}
    for form in _FORMS:
        names = {run: form.format(**record) for run, record in runs.items()}
        if len(set(names.values())) == len(runs):
            break
    return [names[record["run"]] + _layer(record, records) for record in records]


def _layer(record: dict, records: list[dict]) -> str:
    """The layer and direction of a record, where its run has others too."""
    others = {(one["layer"], one["direction"]) for one in records if one["run"] == record["run"]}
    if len(others) == 1:
        return ""
    return f", {' '.join(filter(None, (record['layer'], record['direction'])))}"


def gradients(records: list[dict]) -> Told:
    """Columns, rows and sentences: the decay and half-life of each layer's state and cell."""
    columns = ["model", "of"] + [
        f"{what} {when}" for what in ("decay", "half-life") for when in ("before", "after")
    ]
    rows = [
        (
            label,
            name,
            *map(number, (*found["decay_per_step"].values(), *found["half_life"].values())),
        )
        for label, record in zip(labels(records), records, strict=True)
        for name, found in states(record)
    ]
    silent = [
        f"No gradient reaches {label} before training: the layers after it start at zero."
        for label, record in zip(labels(records), records, strict=True)
        if not any(record["norm_before"])
    ]
    return (
        columns,
        rows,
        [
            "Decay: the factor by which the gradient of the last step's loss goes down with each "
            "step back, before and after training. Half-life: the steps after which half of it is "
            f"left, – where it does not decay. {_means(records)}",
            *silent,
        ],
    )


def states(record: dict) -> list[tuple[str, dict]]:
    """What a record of gradients says of the state and, where there is one, of the cell."""
    return [("state", record), *([("cell", record["cell"])] if "cell" in record else [])]


def gates(records: list[dict]) -> Told:
    """Columns, rows and sentences: the mean of each gate, and how often it is shut or open."""
    rows = [
        (label, words(name), gate["mean"], gate["shut"], gate["open"])
        for label, record in zip(labels(records), records, strict=True)
        for name, gate in record["gates"].items()
    ]
    return (
        ["model", "gate", "mean", "shut", "open"],
        rows,
        [
            "A gate is shut below 0.1 and open above 0.9, and saturated in both: the shares are of "
            f"all steps and units. {_means(records)}"
        ],
    )


def attention(records: list[dict]) -> Told:
    """Columns, rows and sentences: how far attention and gradient agree on the steps."""
    rows = [
        (label, *map(number, record["agreement"].values()))
        for label, record in zip(labels(records), records, strict=True)
    ]
    shown = [
        f"{label}, example {one['example']}: most attention to the steps {_most(one, 'weights')}; "
        f"most gradient at {_most(one, 'gradient')}."
        for label, record in zip(labels(records), records, strict=True)
        for one in record["shown"]
    ]
    return (
        ["model", "rank correlation", "same step first"],
        rows,
        [
            "The rank correlation (Spearman's) of weights and gradients over an example's steps is "
            "1 where both order the steps alike, and 0 where they have nothing to do with each "
            "other; 'same step first' is the share of examples in which both give one step the "
            f"most. {_means(records)} Steps and examples are counted from 0.",
            *shown,
        ],
    )


def largest(shares: list[float]) -> list[int]:
    """The steps with the largest shares, these first."""
    return np.argsort(shares)[::-1][:_MOST_STEPS].tolist()


def _most(shown: dict, name: str) -> str:
    """Those steps of an example, with their words where it has any, and their shares."""
    words = [f" '{one}'" if isinstance(one, str) else "" for one in shown["input"]]
    shares = shown[name]
    return listed(f"{step}{words[step]} ({number(shares[step])})" for step in largest(shares))


def _means(records: list[dict]) -> str:
    examples = sorted({record["examples"] for record in records})
    *some, last = examples
    told = listed([*(f"{n:,}" for n in some), counted(last, "test example")], "or")
    return f"Means over {told}."
