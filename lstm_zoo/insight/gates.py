"""What the gates of a trained layer do: their values over the steps, and how many are saturated.

A gate below 0.1 is shut and one above 0.9 open, whatever the input: both are called saturated, as
in Andrej Karpathy, Justin Johnson and Li Fei-Fei (2015): Visualizing and understanding recurrent
networks. arXiv 1506.02078.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lstm_zoo import backend
from lstm_zoo.errors import UsageError
from lstm_zoo.insight.opened import OpenModel
from lstm_zoo.insight.subject import Subject

SHUT, OPEN = 0.1, 0.9


def explain(subject: Subject, examples: tuple[int, ...] = (0,)) -> list[dict]:
    """The gates of each recurrent layer and direction that has any.

    Args:
        subject: the run.
        examples: the test examples to show, by their number from 0.

    Returns:
        For each layer a dictionary with `gates`, by name the `mean` of the gate and the shares
        `shut` (below 0.1) and `open` (above 0.9) over examples, steps and units; and `shown`, for
        each chosen example its `input (steps, …)`, and in the order of time each gate, the
        candidate, the cell and the state, `(steps, units)`. Padding, which a layer passes over, is
        in none of it.

    Raises:
        UsageError: no layer has gates, or the test part has no such example.
    """
    chosen, _ = subject.chosen(examples)
    with backend.double_precision():
        model = OpenModel(subject.loaded.model)
        gated = [place for place, layer in enumerate(model.layers) if layer.gates]
        if not gated:
            raise UsageError(
                f"{subject.loaded.run.name} ({subject.loaded.config.variant}) has no gates: an "
                "LSTM and a GRU have. Ask for its gradients."
            )
        seen, sampled = model.observe(chosen), model.observe(subject.sample[0])
    return [
        subject.entry(model.layers[place])
        | {
            "gates": {
                name: _shares(sampled[place][name], sampled[place].get("mask"))
                for name in model.layers[place].gates
                if name.endswith("_gate")
            },
            "shown": [
                _shown(subject, number, chosen[row], model.layers[place].names, row, seen[place])
                for row, number in enumerate(examples)
            ],
        }
        for place in gated
    ]


def _shown(
    subject: Subject, number: int, x: np.ndarray, names: Sequence[str], row: int, seen: dict
) -> dict:
    """A chosen example, at the steps that are no padding."""
    kept = seen["mask"][row] if "mask" in seen else slice(None)
    values = {name: seen[name][row][kept].tolist() for name in names}
    return {"example": number, "input": subject.input(x[kept])} | values


def _shares(gate: np.ndarray, mask: np.ndarray | None) -> dict[str, float]:
    """Mean and shares of a gate, over the steps that are not masked."""
    values = gate if mask is None else gate[mask]
    return {
        "mean": float(values.mean()),
        "shut": float(np.mean(values < SHUT)),
        "open": float(np.mean(values > OPEN)),
    }
