"""Compile and fit: the epochs of a training, from the first or from where it was interrupted."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import keras
import numpy as np
from keras.callbacks import LambdaCallback

from lstm_zoo import backend, compiled, data, disk, evaluation, heap, runs
from lstm_zoo.batches import Batches
from lstm_zoo.checkpoint import Checkpoints, State
from lstm_zoo.config import RunConfig
from lstm_zoo.layers import core
from lstm_zoo.recorder import Callbacks, End, Recorder, Ticker
from lstm_zoo.sources import Streams
from lstm_zoo.tasks import task_of

if TYPE_CHECKING:
    from lstm_zoo.telling import Progress

_EXPLOSION = 1e6  # times the loss of always answering 0
_METRICS = {"accuracy": keras.metrics.SparseCategoricalAccuracy}


def fit(
    model: keras.Model,
    config: RunConfig,
    dataset: data.Dataset,
    run: runs.Run,
    progress: Progress,
    kernel: core.Kernel,
) -> State:
    """The epochs that the run lacks, and what all of them came to.

    The model is left with its best weights where there is a validation part.
    """
    batches = prepared(model, config, dataset, kernel)
    validation = dataset.validation and backend.feed(
        Batches(dataset.validation, evaluation.batch_size(config))
    )
    checkpoints = Checkpoints(run, model)
    state = checkpoints.resume()
    history = runs.History(run.folder / "history.csv", state.rows)
    settings = config.train
    early = settings["patience"], settings["target_loss"]
    end = End(settings["epochs"], *early, most=_exploded(dataset.train))
    if not end.come(state):
        progress.begin(config, len(batches), state.epochs)  # which is no part of its seconds
        recorder = Recorder(state, history, end, validation, task_of(dataset).watched, progress)
        hooks = [
            LambdaCallback(on_epoch_begin=lambda epoch, _: batches.shuffle(epoch)),
            recorder,
            LambdaCallback(on_epoch_end=lambda *_: checkpoints.keep(state)),
        ]
        _epochs(model, config, batches, validation, hooks, state.epochs, progress)
    if validation is not None:
        model.set_weights(state.weights)
    return state


def _epochs(
    model: keras.Model,
    config: RunConfig,
    batches: Batches,
    validation: object | None,
    hooks: list[keras.callbacks.Callback],
    done: int,
    progress: Progress,
) -> None:
    """Keras' fit, from the epoch after those done, until which `progress` has heard of it."""
    ticker = [Ticker(progress)] if sys.stderr.isatty() else []
    try:
        model.fit(
            backend.feed(batches),
            validation_data=validation,
            initial_epoch=done,
            epochs=config.train["epochs"],
            shuffle=False,  # Batches does, from its own stream
            callbacks=Callbacks([*hooks, *ticker], add_history=True, model=model),
            verbose=0,
        )
    finally:
        progress.end()


def prepared(
    model: keras.Model, config: RunConfig, dataset: data.Dataset, kernel: core.Kernel
) -> Batches:
    """Compile the model, whose kernel is applied, unless it is, and give it its batches."""
    heap.keep()  # not before: what reading the data frees goes back to the system
    task, settings = task_of(dataset), config.train
    batches = Batches(dataset.train, settings["batch_size"], Streams.of(config.seed).batches)
    optimizer = _optimizer(settings, updates=settings["epochs"] * len(batches))
    # Variables that fit makes itself have TensorFlow trace every step twice.
    optimizer.build(model.trainable_variables)
    if model.compiled:
        compiled.copy(optimizer.variables, model.optimizer.variables)
        return batches
    metrics = [_METRICS[name](name=name) for name in task.watched]
    jit = kernel.compiled or "auto"
    model.compile(optimizer, loss=task.loss, metrics=metrics, jit_compile=jit)
    return batches


def _optimizer(settings: dict, updates: int) -> keras.optimizers.Optimizer:
    """The optimizer; a schedule goes over all the updates of all the epochs."""
    rate, schedules = settings["learning_rate"], keras.optimizers.schedules
    if settings["schedule"] == "cosine":
        rate = schedules.CosineDecay(rate, updates)
    elif settings["schedule"] == "linear":
        rate = schedules.PolynomialDecay(rate, updates, end_learning_rate=0.0)
    named = {"class_name": settings["optimizer"], "config": {"learning_rate": rate}}
    named["config"]["global_clipnorm"] = settings["clip_norm"]
    if settings["momentum"]:
        named["config"]["momentum"] = settings["momentum"]
    return keras.optimizers.deserialize(named)


def _exploded(train: data.Part) -> float:
    """The loss beyond which a training has exploded, on the scale of its targets."""
    squares = disk.mean(lambda rows: np.square(train.targets(rows), dtype=float), len(train))
    return _EXPLOSION * max(1.0, float(squares))
