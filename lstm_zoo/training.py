"""The runner: one configuration in, one run folder out. Every model trains here and only here."""

from __future__ import annotations

import math
import shlex
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from lstm_zoo import (
    backend,
    backtest,
    compiled,
    cost,
    data,
    disk,
    distribution,
    evaluation,
    failures,
    fitting,
    interrupts,
    provenance,
    records,
    runs,
)
from lstm_zoo.assembly import build
from lstm_zoo.checkpoint import State
from lstm_zoo.config import RunConfig
from lstm_zoo.earlier import Earlier
from lstm_zoo.entries import Metric
from lstm_zoo.errors import Pruned, TrainingError, ZooError, reason
from lstm_zoo.layers import core
from lstm_zoo.reporting import charts
from lstm_zoo.sources import prepare
from lstm_zoo.tasks import task_of
from lstm_zoo.telling import Progress

_AGAIN = ("lstm-zoo", "train", "--resume")


def train(
    config: RunConfig,
    raw: data.Raw,
    folder: Path,
    progress: Progress,
    begun: runs.Run | None = None,
    metrics: Sequence[Metric] = (),
) -> runs.Run:
    """Train, evaluate once on the test part, and record: one finished run below `folder`.

    Args:
        config: all that determines the run.
        raw: what its loader read.
        folder: the runs folder.
        progress: who wants to know how it goes on.
        begun: an unfinished run of this configuration, to go on with; None begins one.
        metrics: those of zoo files, to be scored beside the task's own.

    Raises:
        RunError: the run that was begun can't go on: its data, the code or the versions are
            others now, another process trains it, or its checkpoint is damaged.
        Diverged: the loss is no longer a number, or has exploded.
        Pruned: the progress had it end; the run stays as one that was interrupted.
        TrainingError: the training failed in another way.
        DataError: the data does not fit the configuration.
        UsageError: the model can't be built so, or there are not so many devices.
    """
    if begun:
        provenance.check_unchanged(begun, config, data.digest(raw), backend.devices())
    config = replace(config, data_sha256=config.data_sha256 or data.digest(raw))
    if backtest.whole(config):
        return _walk_forward(config, raw, folder, progress, begun, metrics)
    with distribution.over(config.devices), redirect_stdout(sys.stderr):
        return _train(config, prepare(config, raw), folder, progress, begun, metrics)


def _walk_forward(
    config: RunConfig,
    raw: data.Raw,
    folder: Path,
    progress: Progress,
    begun: runs.Run | None,
    metrics: Sequence[Metric],
) -> runs.Run:
    """The run of several folds, from the first that is not done yet."""
    dataset = prepare(config, raw)
    run = begun or runs.create(folder, config)
    with _recording(run, config, begun is None):
        known = Earlier(backtest.folder(run), backend.devices())
        terms = raw, backtest.folder(run), progress
        folds = [
            known.find(fold) or train(fold, *terms, known.begun(fold), metrics)
            for fold in backtest.configs(config)
        ]
        answers = backtest.answers(folds)
        backtest.take_last(run, folds[-1])
        disk.save(run.folder / "predictions.npz", task_of(dataset).record(answers["test"]))
        _draw(run, config, dataset, answers)
        with redirect_stdout(sys.stderr):  # of a metric, whoever wrote it
            record = backtest.record(dataset, answers, folds, metrics)
        runs.finish(run, f"{records.dumps(record)}\n".encode())
    return run


@contextmanager
def _recording(run: runs.Run, config: RunConfig, new: bool) -> Iterator[None]:
    """The run is held and has a record of what determines it; a failure leaves its reason."""
    named = ["--zoo", config.zoo] if config.zoo else []
    interrupts.advise(f"To go on: {shlex.join([*_AGAIN, str(run.folder), *named])}")
    with runs.held(run), _recorded(run), _one_sentence(config, new):
        failures.forget(run)
        provenance.begin(run, config, backend.devices())
        yield


def _train(
    config: RunConfig,
    dataset: data.Dataset,
    folder: Path,
    progress: Progress,
    begun: runs.Run | None,
    metrics: Sequence[Metric],
) -> runs.Run:
    """The run, from the model that is built to the record of it."""
    model = build(config, dataset)
    dataset, of_model = fitted_to(model, config, dataset)
    notes = [*dataset.notes, *of_model]
    kernel = planned(model, config, dataset)
    same = (config.with_seed(0).identity, kernel, len(dataset.train))
    model = compiled.taken(model, same)
    run = begun or runs.create(folder, config)
    with _recording(run, config, begun is None):
        notes += core.notes(model, kernel, config.train)
        with core.applied(model, kernel):
            state = fitting.fit(model, config, dataset, run, progress, kernel)
            answers = evaluation.part_answers(model, dataset, config)
        model.save(run.folder / "model.keras")
        records.write_json(run.folder / "preprocessing.json", dataset.preprocessing())
        disk.save(run.folder / "predictions.npz", task_of(dataset).record(answers["test"]))
        _draw(run, config, dataset, answers)
        _draw_training(run, config, dataset, state)
        trained = _of_training(model, dataset, state, kernel)
        scored = evaluation.evaluate(dataset, answers, metrics)
        record = scored | trained | {"notes": notes}
        runs.finish(run, f"{records.dumps(record)}\n".encode())
        run.checkpoint.unlink(missing_ok=True)
    if config.built_in:  # a stranger's may have a state elsewhere than in its variables
        compiled.keep(model, same)
    return run


def planned(model: keras.Model, config: RunConfig, dataset: data.Dataset) -> core.Kernel:
    """What the model's recurrent layers run in this training."""
    updates = config.train["epochs"] * math.ceil(len(dataset.train) / config.train["batch_size"])
    steps = updates * dataset.train.x.shape[1]
    settings = config.train
    return core.plan(model, settings["core"], steps, config.built_in, settings["precision"])


@contextmanager
def _recorded(run: runs.Run) -> Iterator[None]:
    """A failure leaves its reason and its traceback in the run's folder."""
    try:
        yield
    except Pruned:
        raise
    except Exception as error:
        failures.record(run, error, traceback.format_exc())
        raise


@contextmanager
def _one_sentence(config: RunConfig, new: bool) -> Iterator[None]:
    """An interrupt stays one, and a stranger's bug, or too large a model, is a sentence.

    So is whatever comes of a run that is not `new`: what was begun may be a stranger's too.
    """
    try:
        yield
    except (ZooError, OSError, MemoryError):
        raise
    except BaseException as error:
        if interrupts.seen():
            raise KeyboardInterrupt from error
        if "ResourceExhausted" in type(error).__name__ or "RESOURCE_EXHAUSTED" in str(error):
            raise TrainingError("The model is too large for the memory of this machine.") from error
        if config.built_in and new:
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


def _of_training(
    model: keras.Model, dataset: data.Dataset, state: State, kernel: core.Kernel
) -> dict:
    """What metrics.json says of the training itself."""
    return {
        "parameters": model.count_params(),
        "multiply_adds": cost.multiply_adds(model),
        "epochs": state.epochs,
        "best_epoch": state.best_epoch,
        "train_seconds": state.seconds,
        "compile_seconds": state.compile_seconds,
        "examples_per_second": state.epochs * len(dataset.train) / state.seconds,
        "kernel": kernel.to_dict(),
    }


def _draw(
    run: runs.Run,
    config: RunConfig,
    dataset: data.Dataset,
    answers: dict[str, np.ndarray],
) -> None:
    """The pictures of the answers, in the run's plots folder."""
    folder = run.folder / "plots"
    folder.mkdir(exist_ok=True)
    task_of(dataset).draw(folder, answers, _title(config))


def _draw_training(run: runs.Run, config: RunConfig, dataset: data.Dataset, state: State) -> None:
    """The picture of how the training went, in the run's plots folder."""
    task = task_of(dataset)
    charts.training_curves(
        run.folder / "plots" / "training.png",
        history=state.columns,
        best_epoch=state.best_epoch,
        metric=task.watched[0] if task.watched else None,
        loss=f"loss ({task.loss_words})",
        title=_title(config),
    )


def _title(config: RunConfig) -> str:
    return f"{config.variant} on {config.dataset}, seed {config.seed}"
