"""A model's answers to a dataset, and everything that metrics.json says of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lstm_zoo import data, disk, distribution, interrupts
from lstm_zoo.config import RunConfig
from lstm_zoo.entries import Metric
from lstm_zoo.framing import Framing
from lstm_zoo.metrics import METRICS
from lstm_zoo.results import LEVEL
from lstm_zoo.scoring import Scorer
from lstm_zoo.tasks import task_of

if TYPE_CHECKING:
    import keras


def outputs(model: keras.Model, part: data.Part, size: int, every_step: bool) -> np.ndarray:
    """The model's outputs for a part: `(examples, outputs)`, those after the last step.

    With `every_step` `(examples, steps, outputs)`. The last batch is filled up with its last
    example, since for every new shape a model is compiled anew.
    """
    pieces = []
    for start in range(0, len(part), size):
        interrupts.go_on()
        x, _ = part.take(slice(start, start + size))
        filled = np.concatenate([x, np.repeat(x[-1:], size - len(x), axis=0)])
        piece = np.asarray(model.predict_on_batch(distribution.shares(filled)))[: len(x)]
        pieces.append(piece if every_step or piece.ndim == 2 else piece[:, -1])
        disk.forget()  # a share's examples may lie far apart, and few then look at all of a file
    return np.concatenate(pieces)


def answers(
    model: keras.Model, dataset: data.Dataset, part: data.Part, config: RunConfig
) -> np.ndarray:
    """The model's answers to a part, as its task reads them."""
    task, size = task_of(dataset), batch_size(config)
    pieces = map(part.piece, disk.stretches(len(part), size * math.ceil(disk.STRETCH / size)))
    return disk.gathered(
        task.answers(_steps(model, piece, size, dataset), piece) for piece in pieces
    )


def _steps(model: keras.Model, part: data.Part, size: int, dataset: data.Dataset) -> np.ndarray:
    """The model's outputs; one that answers a single step of several is fed its answers."""
    framing = dataset.framing
    if framing is None or dataset.outputs.size == framing.horizon:
        return outputs(model, part, size, task_of(dataset).every_step)
    x, _ = part.take(slice(None))
    windows = framing.value(x[:, :, 0])
    future = fed(model, framing.up_to(dataset.outputs.size), windows, framing.horizon, size)
    return framing.to_scale(future, windows[:, -1])


def fed(
    model: keras.Model, framing: Framing, windows: np.ndarray, steps: int, size: int
) -> np.ndarray:
    """The next values after windows of a single column: `(windows, steps)`, in the series' unit.

    The model answers as many steps as its framing has; where there are more, its answers are taken
    for the truth and fed back.

    Args:
        model: the model.
        framing: its own.
        windows: the values that it sees, `(windows, window)`, in the series' unit.
        steps: how many.
        size: of a batch.
    """
    found: list[np.ndarray] = []
    while framing.horizon * len(found) < steps:
        x = framing.scaled(windows)[..., None]
        answers = outputs(model, data.Part(x, x, range(len(x))), size, every_step=False)
        found.append(framing.to_units(answers.astype(np.float64), windows[:, -1]))
        windows = np.concatenate([windows, found[-1]], axis=1)[:, -framing.window :]
    return np.concatenate(found, axis=1)[:, :steps]


def part_answers(
    model: keras.Model, dataset: data.Dataset, config: RunConfig
) -> dict[str, np.ndarray]:
    """The model's answers to each scored part that has examples, by its name."""
    return {
        name: answers(model, dataset, part, config)
        for name, part in dataset.scored.items()
        if len(part)
    }


def batch_size(config: RunConfig) -> int:
    """The batch that evaluation and prediction work on, with equal shares for all devices."""
    least = max(256, config.train["batch_size"])
    return config.devices * math.ceil(least / config.devices)


def evaluate(
    dataset: data.Dataset, answered: dict[str, np.ndarray], metrics: Sequence[Metric] = ()
) -> dict[str, object]:
    """All of metrics.json that follows from the answers to each part.

    Args:
        dataset: what was answered.
        answered: the answers to each part.
        metrics: those of zoo files, to be scored beside the task's own.
    """
    scorer, parts = Scorer(task_of(dataset), metrics), dataset.scored
    task = scorer.task
    scores = {name: scorer.scores(one, parts[name]) for name, one in answered.items()}
    trivial = task.floors()
    floors = scorer.floors(trivial)
    p_value = task.p_beats(answered["test"], trivial[task.floor])
    learned = bool(p_value < LEVEL)
    return {
        "schema": 1,
        "task": task.name,
        "metric": {"name": task.metric, "better": METRICS[task.metric].better},
        "test": scores["test"],
        "validation": scores.get("validation", {}),
        "train": scores.get("train", {}),
        "train_scored": {"examples": len(parts["train"]), "of": len(dataset.train)},
        "per_class": task.per_class(answered["test"], dataset.test),
        "floor": {
            "name": task.floor,
            "value": floors[task.floor][task.metric],
            "scores": floors[task.floor],
        },
        "floors": {name: scores[task.metric] for name, scores in floors.items()},
        "learned": learned,
        "learned_p_value": p_value,
        "intervals": task.intervals(answered),
        "learned_test": f"{task.test}, one-sided, {len(dataset.test):,} test examples",
        "lag": task.lag(answered["test"], learned),
        "own_metrics": scorer.own.to_dict(),
    }
