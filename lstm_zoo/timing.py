"""How long trainings will take, told before they start."""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterable

import keras

from lstm_zoo import assembly, backend, data, sources, training
from lstm_zoo.batches import Batches
from lstm_zoo.config import RunConfig
from lstm_zoo.layers import core
from lstm_zoo.runs import Run

_FORWARD = 1 / 3  # of a training step's arithmetic, and what evaluation takes an example
_RECORDING = 1.5  # seconds: evaluation's own start, pictures, the saved model
_BATCHES = 20


def estimated(config: RunConfig, raw: data.Raw, progress: object = None) -> float:
    """A task: the seconds of one training, from a few batches."""
    dataset = sources.prepare(config, raw)
    try:
        return measured(assembly.build(config, dataset), config, dataset)
    finally:
        keras.utils.clear_session()


def together(trainings: Iterable[float], jobs: int, under_way: Iterable[float] = ()) -> float:
    """The seconds until the last training ends, where so many go on at a time.

    Args:
        trainings: the seconds of each, in the order that they begin in.
        jobs: how many go on at a time.
        under_way: the seconds that those begun already still take.
    """
    ends = sorted([0.0] * jobs + list(under_way))[-jobs:]
    for seconds in trainings:
        heapq.heapreplace(ends, ends[0] + seconds)
    return max(ends)


def measured(model: keras.Model, config: RunConfig, dataset: data.Dataset) -> float:
    """The seconds of one training of all its epochs, from a few batches of `model`.

    The model is trained a little, and of no more use.
    """
    dataset, _ = training.fitted_to(model, config, dataset)
    kernel = training.planned(model, config, dataset)
    with core.applied(model, kernel):
        batches = training.prepared(model, config, dataset, kernel)
        count = min(_BATCHES, len(batches))
        start = _seconds(model, batches, 1)  # the tracing
        one, several = (_seconds(model, batches, steps) for steps in (1, count))
    example = max(several - one, several / 10) / max(1, count - 1) / config.train["batch_size"]
    parts = {name: len(part) for name, part in dataset.parts.items()}
    epoch = parts["train"] + parts.get("validation", 0) * _FORWARD
    once = sum(map(len, dataset.scored.values())) * _FORWARD
    return start + example * (config.train["epochs"] * epoch + once) + _RECORDING


def _seconds(model: keras.Model, batches: Batches, steps: int) -> float:
    start = time.perf_counter()
    model.fit(backend.feed(batches), steps_per_epoch=steps, epochs=1, shuffle=False, verbose=0)
    return time.perf_counter() - start


def of_run(run: Run) -> float:
    """The seconds that a finished run took, its record included."""
    return run.metrics["train_seconds"] + _RECORDING


def words(seconds: float) -> str:
    """`about 40 s`, `about 12 min`, `about 3.5 h`."""
    if seconds < 90:
        return f"about {max(1, round(seconds)):.0f} s"
    if seconds < 90 * 60:
        return f"about {seconds / 60:.0f} min"
    return f"about {seconds / 3600:.1f} h"
