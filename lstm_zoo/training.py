"""The runner: one configuration in, one run folder out. Every model trains here and only here."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import keras
import numpy as np

from lstm_zoo import (
    backend,
    compiled,
    cost,
    data,
    disk,
    evaluation,
    heap,
    interrupts,
    provenance,
    runs,
)
from lstm_zoo.assembly import build
from lstm_zoo.batches import Batches
from lstm_zoo.config import RunConfig
from lstm_zoo.errors import Diverged, TrainingError, ZooError, reason
from lstm_zoo.layers import core
from lstm_zoo.reporting import charts
from lstm_zoo.sources import Streams, prepare
from lstm_zoo.tasks import task_of

_EXPLOSION = 1e6  # times the loss of always answering 0
_METRICS = {"accuracy": keras.metrics.SparseCategoricalAccuracy}


class Progress(Protocol):
    """Who wants to know how a training goes on."""

    def beside(self) -> Progress:
        """Another one, for a training that goes on at the same time."""

    def expect(self, trainings: int) -> None:
        """So many trainings follow."""

    def begin(self, config: RunConfig, batches: int) -> None:
        """A training starts; an epoch has that many batches."""

    def batch(self, count: int = 1) -> None:
        """Batches are done."""

    def epoch(self, row: dict) -> None:
        """An epoch is done; `row` is its line of history.csv."""

    def end(self) -> None:
        """The training is over, in whatever way."""

    def say(self, sentence: str) -> None:
        """Something that the user should know."""


def train(
    config: RunConfig,
    raw: data.Raw,
    folder: Path,
    progress: Progress,
) -> runs.Run:
    """Train, evaluate once on the test part, and record: one finished run below `folder`.

    Raises:
        Diverged: the loss is no longer a number, or has exploded.
        TrainingError: the training failed in another way.
        DataError: the data does not fit the configuration.
        UsageError: the model can't be built so.
    """
    config = replace(config, data_sha256=config.data_sha256 or data.digest(raw))
    dataset = prepare(config, raw)
    model = build(config, dataset)
    dataset, notes = fitted_to(model, config, dataset)
    kernel = planned(model, config, dataset)
    same = (config.with_seed(0).identity, kernel, len(dataset.train))
    model = compiled.taken(model, same)
    run = runs.create(folder, config)
    with runs.held(run), _one_sentence(config):
        runs.write_json(run.folder / "config.json", config.to_dict())
        runs.write_json(
            run.folder / "environment.json", provenance.environment(config, backend.devices())
        )
        history = runs.History(run.folder / "history.csv")
        notes += core.notes(model, kernel, config.train)
        with core.applied(model, kernel):
            fit = _fit(model, config, dataset, history, progress, kernel)
            answers = evaluation.part_answers(model, dataset, config)
        _record(run, config, model, dataset, history, fit, answers, notes)
    if config.zoo is None:  # a stranger's may have a state elsewhere than in its variables
        compiled.keep(model, same)
    return run


def planned(model: keras.Model, config: RunConfig, dataset: data.Dataset) -> core.Kernel:
    """What the model's recurrent layers run in this training."""
    updates = config.train["epochs"] * math.ceil(len(dataset.train) / config.train["batch_size"])
    steps = updates * dataset.train.x.shape[1]
    own, settings = config.zoo is None, config.train
    return core.plan(model, settings["core"], steps, own, settings["precision"])


@contextmanager
def _one_sentence(config: RunConfig) -> Iterator[None]:
    """An interrupt stays one, and a stranger's bug, or too large a model, is a sentence."""
    try:
        yield
    except (ZooError, OSError, MemoryError):
        raise
    except Exception as error:
        if interrupts.seen():
            raise KeyboardInterrupt from error
        if "ResourceExhausted" in type(error).__name__ or "RESOURCE_EXHAUSTED" in str(error):
            raise TrainingError("The model is too large for the memory of this machine.") from error
        if config.zoo is None:
            raise
        raise TrainingError(f"The training of {config.variant} failed: {reason(error)}") from error


def fitted_to(
    model: keras.Model, config: RunConfig, dataset: data.Dataset
) -> tuple[data.Dataset, list[str]]:
    """The dataset with the targets that the model answers, and what is to be said of it."""
    if not dataset.outputs.every_step or task_of(dataset).every_step:
        return dataset, []
    if len(model.output_shape) == 3:
        return dataset, [f"{config.model} trains on every step, and is scored on the last one."]
    parts = {name: replace(part, y=part.y[:, -1]) for name, part in dataset.parts.items()}
    outputs = replace(dataset.outputs, every_step=False)
    return replace(dataset, outputs=outputs, **parts), [
        f"{config.model} sees the whole window at once, and can't answer at every step: it trains "
        "and is scored on the last step alone."
    ]


@dataclass(frozen=True)
class _Fit:
    epochs: int
    best_epoch: int
    seconds: float
    compile_seconds: float
    kernel: core.Kernel


def _fit(
    model: keras.Model,
    config: RunConfig,
    dataset: data.Dataset,
    history: runs.History,
    progress: Progress,
    kernel: core.Kernel,
) -> _Fit:
    """Compile and fit; the model is left with its best weights where there is a validation part."""
    settings, watched = config.train, task_of(dataset).watched
    batches = prepared(model, config, dataset, kernel)
    shuffle = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, _: batches.shuffle(epoch))
    validation = dataset.validation and backend.feed(
        Batches(dataset.validation, evaluation.batch_size(config))
    )
    early = (settings["patience"], settings["target_loss"])
    record = _Recorder(history, progress, early, validation, watched, _exploded(dataset.train))
    ticker = [_Ticker(progress)] if sys.stderr.isatty() else []
    progress.begin(config, len(batches))
    start = time.perf_counter()
    try:
        model.fit(
            backend.feed(batches),
            validation_data=validation,
            epochs=settings["epochs"],
            shuffle=False,  # Batches does, from its own stream
            callbacks=Callbacks([shuffle, record, *ticker], add_history=True, model=model),
            verbose=0,
        )
    finally:
        progress.end()
    seconds = time.perf_counter() - start
    record.restore()
    return _Fit(record.epochs, record.best_epoch, seconds, record.compile_seconds, kernel)


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


class Callbacks(keras.callbacks.CallbackList):
    """Callbacks that need no batch's logs.

    Keras hands them over in a thread, for each batch, which takes as long as a small model's step.
    """

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Tell every callback."""
        for callback in self.callbacks:
            callback.on_train_batch_begin(batch)

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Tell every callback."""
        for callback in self.callbacks:
            callback.on_train_batch_end(batch)


class _Recorder(keras.callbacks.Callback):
    """Writes history.csv, keeps the weights with the least validation loss, and stops early.

    The untrained weights are a candidate too: epoch 0.
    """

    def __init__(
        self,
        history: runs.History,
        progress: Progress,
        early: tuple[int | None, float | None],
        validation: object | None,
        watched: tuple[str, ...],
        most: float,
    ):
        super().__init__()
        self._history, self._progress = history, progress
        self._columns = ["loss", *watched]
        if validation is not None:
            self._columns += [f"val_{name}" for name in self._columns]
        self._patience, self._target = early
        self._validation, self._most = validation, most
        self._best, self._weights = math.inf, None
        self.epochs = self.best_epoch = 0
        self._began: list[float] = []

    @property
    def compile_seconds(self) -> float:
        """What the first batch took, in which the step is traced and compiled."""
        return self._began[1] - self._began[0] if len(self._began) > 1 else 0.0

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """The times of the first two batches."""
        if batch == len(self._began) < 2:
            self._began.append(time.perf_counter())

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Epoch 0: what the untrained weights score on the validation part."""
        if self._validation is not None:
            scores = self.model.evaluate(self._validation, verbose=0, return_dict=True)
            self._append(0, {f"val_{name}": value for name, value in scores.items()})

    def on_epoch_end(self, epoch: int, logs: dict) -> None:
        """Record the epoch, keep its weights if they are the best, or stop."""
        if interrupts.seen():
            raise KeyboardInterrupt
        self.epochs = epoch + 1
        self._append(self.epochs, logs)
        self._check(logs)
        late = self._patience is not None and self.epochs - self.best_epoch > self._patience
        if late or (self._target is not None and self._best <= self._target):
            self.model.stop_training = True

    def _check(self, logs: dict) -> None:
        """A loss that is no number, or beyond `most`, is a diverged training's."""
        finite = all(math.isfinite(value) for value in logs.values())
        if finite and logs["loss"] <= self._most:
            return
        what = f"exploded to {logs['loss']:.3g}" if finite else "is not a number"
        raise Diverged(
            f"The training diverged: the loss of epoch {self.epochs} {what}. "
            "A smaller --learning-rate may help."
        )

    def restore(self) -> None:
        """Give the model its best weights back."""
        if self._validation is None:
            self.best_epoch = self.epochs
        else:
            self.model.set_weights(self._weights)

    def _append(self, epoch: int, logs: dict) -> None:
        row = {"epoch": epoch} | {name: logs.get(name) for name in self._columns}
        self._history.append(row)
        self._progress.epoch(row)
        if self._validation is not None and logs["val_loss"] < self._best:
            self._best, self.best_epoch = logs["val_loss"], epoch
            self._weights = self.model.get_weights()


class _Ticker(keras.callbacks.Callback):
    """Tells a progress bar of every batch."""

    def __init__(self, progress: Progress):
        super().__init__()
        self._progress = progress

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """One step on."""
        self._progress.batch()


def _record(
    run: runs.Run,
    config: RunConfig,
    model: keras.Model,
    dataset: data.Dataset,
    history: runs.History,
    fit: _Fit,
    answers: dict[str, np.ndarray],
    notes: list[str],
) -> None:
    """Leave the whole record in the run's folder; metrics.json is the last of it."""
    metrics = evaluation.evaluate(dataset, answers) | {
        "parameters": model.count_params(),
        "multiply_adds": cost.multiply_adds(model),
        "epochs": fit.epochs,
        "best_epoch": fit.best_epoch,
        "train_seconds": fit.seconds,
        "compile_seconds": fit.compile_seconds,
        "examples_per_second": fit.epochs * len(dataset.train) / fit.seconds,
        "kernel": fit.kernel.to_dict(),
        "notes": notes,
    }
    model.save(run.folder / "model.keras")
    runs.write_json(run.folder / "preprocessing.json", dataset.preprocessing())
    disk.save(run.folder / "predictions.npz", task_of(dataset).record(answers["test"]))
    _draw(run, config, dataset, answers, history, fit.best_epoch)
    runs.write_json(run.folder / "metrics.json", metrics)


def _draw(
    run: runs.Run,
    config: RunConfig,
    dataset: data.Dataset,
    answers: dict[str, np.ndarray],
    history: runs.History,
    best_epoch: int,
) -> None:
    """The pictures of the run's plots folder."""
    folder, task = run.folder / "plots", task_of(dataset)
    folder.mkdir()
    title = f"{config.variant} on {config.dataset}, seed {config.seed}"
    charts.training_curves(
        folder / "training.png",
        history=history.columns,
        best_epoch=best_epoch,
        metric=task.watched[0] if task.watched else None,
        loss=f"loss ({task.loss_words})",
        title=title,
    )
    task.draw(folder, answers, title)
