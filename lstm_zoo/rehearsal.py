"""A few batches of a training, to tell how long the whole of it will take."""

from __future__ import annotations

import time

import keras

from lstm_zoo import assembly, backend, data, distribution, fitting, sources, training
from lstm_zoo.batches import Batches
from lstm_zoo.config import RunConfig
from lstm_zoo.layers import core
from lstm_zoo.timing import RECORDING

_FORWARD = 1 / 3  # of a training step's arithmetic, and what evaluation takes an example
_BATCHES = 20


def seconds(config: RunConfig, raw: data.Raw) -> float:
    """The seconds of one training, of all its folds if it has some, from a few batches."""
    dataset = sources.prepare(config, raw)
    try:
        with distribution.over(config.devices):
            once = measured(assembly.build(config, dataset), config, dataset)
            return once * max(1, len(dataset.folds))
    finally:
        keras.utils.clear_session()


def measured(model: keras.Model, config: RunConfig, dataset: data.Dataset) -> float:
    """The seconds of one training of all its epochs, from a few batches of `model`.

    The model is trained a little, and of no more use.
    """
    dataset, _ = training.fitted_to(model, config, dataset)
    kernel = training.planned(model, config, dataset)
    with core.applied(model, kernel):
        batches = fitting.prepared(model, config, dataset, kernel)
        count = min(_BATCHES, len(batches))
        start = _seconds(model, batches, 1)  # the tracing
        one, several = (_seconds(model, batches, steps) for steps in (1, count))
    example = max(several - one, several / 10) / max(1, count - 1) / config.train["batch_size"]
    parts = {name: len(part) for name, part in dataset.parts.items()}
    epoch = parts["train"] + parts.get("validation", 0) * _FORWARD
    once = sum(map(len, dataset.scored.values())) * _FORWARD
    return start + example * (config.train["epochs"] * epoch + once) + RECORDING


def _seconds(model: keras.Model, batches: Batches, steps: int) -> float:
    start = time.perf_counter()
    model.fit(backend.feed(batches), steps_per_epoch=steps, epochs=1, shuffle=False, verbose=0)
    return time.perf_counter() - start
