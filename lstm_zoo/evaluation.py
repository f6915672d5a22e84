"""A model's answers to a dataset, and everything that metrics.json says of them."""

from __future__ import annotations

import keras
import numpy as np

from lstm_zoo import data
from lstm_zoo.config import RunConfig
from lstm_zoo.metrics import METRICS
from lstm_zoo.results import LEVEL
from lstm_zoo.tasks import Task, task_of


def outputs(model: keras.Model, part: data.Part, size: int) -> np.ndarray:
    """The model's outputs for a part, after the last step: `(examples, outputs)`."""
    pieces = []
    for start in range(0, len(part), size):
        x, _ = part.take(slice(start, start + size))
        piece = np.asarray(model.predict_on_batch(x))
        pieces.append(piece[:, -1] if piece.ndim == 3 else piece)
    return np.concatenate(pieces)


def answers(
    model: keras.Model, dataset: data.Dataset, part: data.Part, config: RunConfig
) -> np.ndarray:
    """The model's answers to a part, as its task reads them."""
    return task_of(dataset).answers(outputs(model, part, batch_size(config)), part)


def part_answers(
    model: keras.Model, dataset: data.Dataset, config: RunConfig
) -> dict[str, np.ndarray]:
    """The model's answers to each part that has examples, by its name."""
    return {
        name: answers(model, dataset, part, config)
        for name, part in dataset.parts.items()
        if len(part)
    }


def batch_size(config: RunConfig) -> int:
    """The batch that evaluation and prediction work on."""
    return max(256, config.train["batch_size"])


def floor_scores(task: Task, floors: dict[str, np.ndarray]) -> dict[str, float]:
    """The trivial answers' scores on the test part, in the main metric; the floor comes first."""
    test = task.dataset.test
    return {name: task.scores(answer, test)[task.metric] for name, answer in floors.items()}


def evaluate(dataset: data.Dataset, answered: dict[str, np.ndarray]) -> dict[str, object]:
    """All of metrics.json that follows from the answers to each part."""
    task = task_of(dataset)
    scores = {name: task.scores(one, dataset.parts[name]) for name, one in answered.items()}
    trivial = task.floors()
    floors = floor_scores(task, trivial)
    p_value = task.p_beats(answered["test"], trivial[task.floor])
    learned = bool(p_value < LEVEL)
    return {
        "schema": 1,
        "task": task.name,
        "metric": {"name": task.metric, "better": METRICS[task.metric].better},
        "test": scores["test"],
        "validation": scores.get("validation", {}),
        "train": scores.get("train", {}),
        "per_class": task.per_class(answered["test"], dataset.test),
        "floor": {"name": task.floor, "value": floors[task.floor]},
        "floors": floors,
        "learned": learned,
        "learned_p_value": p_value,
        "learned_test": f"{task.test}, one-sided, {len(dataset.test):,} test examples",
        "lag": task.lag(answered["test"], learned),
    }
