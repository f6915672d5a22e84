"""What a finished run says of its test part, of other data, and of the steps to come."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np

from lstm_zoo import data, evaluation, interrupts, preparation, saved, sources
from lstm_zoo.config import RunConfig
from lstm_zoo.entries import Metric
from lstm_zoo.errors import DataError, RunError, UsageError, ZooError, printable, reason
from lstm_zoo.framing import Framing
from lstm_zoo.layers import core
from lstm_zoo.records import write_text
from lstm_zoo.reporting.rows import named
from lstm_zoo.runs import Run
from lstm_zoo.tasks import Forecasting


@dataclass(frozen=True)
class Loaded:
    """A finished run with its model."""

    run: Run
    config: RunConfig
    model: keras.Model


def load(run: Run, config: RunConfig) -> Loaded:
    """The run with its saved model; nothing in it may be code.

    Args:
        run: a finished run.
        config: what determined it, as `config.trusted` has it.

    Raises:
        RunError: model.keras is missing or damaged.
        OSError: model.keras can't be read.
    """
    path = run.folder / "model.keras"
    if not path.is_file():
        raise RunError(f"The run {run.folder} has no model.keras.")
    if not config.built_in:
        sources.function(config.builder, config)  # whose module registers what it made itself
    return Loaded(run, config, saved.load(path))


def own_data(loaded: Loaded, data_dir: str | None) -> data.Dataset:
    """The dataset that the run trained on, read again.

    Raises:
        DataError: it is no longer the same data.
    """
    raw = sources.read(loaded.config, data_dir)
    if data.digest(raw) != loaded.config.data_sha256:
        other = isinstance(raw, data.Series | data.Texts)
        hint = ": give it as other data, with --csv" if other else ""
        raise DataError(
            f"The data of {loaded.config.data.get('csv') or loaded.config.dataset} has changed "
            f"since {loaded.run.name} was trained (its digest is another){hint}."
        )
    return _answerable(loaded, sources.prepare(loaded.config, raw))


def other_data(loaded: Loaded, params: dict, scored: bool = True) -> data.Dataset:
    """Another CSV, read as the run's was, its numbers scaled or its words numbered as they were.

    All of it is test part. Texts need no column of classes to be predicted, and a series no more
    than a window where nothing of it is scored.

    Raises:
        UsageError: no CSV is named, or it is the run's own.
        DataError: what is in it does not fit.
    """
    config = loaded.config
    if "csv" not in params:
        raise UsageError("--data, --column, --where and the like go with --csv.")
    forecasts = loaded.run.metrics.get("task") == Forecasting.name
    fixed = (
        {} if forecasts else {"classes": _names(loaded, "classes", loaded.model.output_shape[-1])}
    )
    raw = sources.read(replace(config, data=config.data | fixed | params))
    if data.digest(raw) == config.data_sha256:
        raise UsageError(
            "This is the data that the run was trained on: leave --csv out, and its test part is "
            "used."
        )
    if isinstance(raw, data.Series):
        own = framing(loaded)
        dataset = preparation.all_test(raw, own, config.data["period"], scored)
        dataset = preparation.one_step(dataset) if sources.recursive(config) else dataset
        dataset = replace(dataset, notes=(*dataset.notes, *_other_columns(raw, own)))
    else:
        dataset = preparation.texts_to_test(raw, vocabulary(loaded))
    return _answerable(loaded, dataset)


def _other_columns(raw: data.Series, framing: Framing) -> Iterator[str]:
    """A sentence for each column that is called otherwise than the one trained on."""
    for ours, theirs in zip(framing.columns, raw.columns, strict=True):
        if ours != theirs:
            yield f"'{printable(theirs)}' is read as '{printable(ours)}', which was trained on."


def vocabulary(loaded: Loaded) -> list[str]:
    """The name of each token that the run knows.

    Raises:
        RunError: preprocessing.json is damaged.
    """
    embeddings = (keras.layers.Embedding,)
    sizes = [layer.input_dim for layer in loaded.model.layers if isinstance(layer, embeddings)]
    return _names(loaded, "vocabulary", *sizes)


def _names(loaded: Loaded, key: str, *sizes: int) -> list[str]:
    """The names that preprocessing.json lists, as many as the model has."""
    names = loaded.run.read("preprocessing.json").get(key)
    known = isinstance(names, list) and all(isinstance(name, str) for name in names)
    if not known or set(sizes) - {len(names)}:
        path = loaded.run.folder / "preprocessing.json"
        raise RunError(f"{path} is damaged: its {key} is not that of the model.")
    return names


def seen_before(loaded: Loaded, dataset: data.Dataset) -> str | None:
    """A sentence where other data reach back into the time that the run was trained on."""
    until = loaded.run.read("preprocessing.json").get("seen_until")
    if until is None or dataset.series is None or dataset.series.dates is None:
        return None
    try:
        last = np.datetime64(until)
    except (ValueError, TypeError):
        path = loaded.run.folder / "preprocessing.json"
        raise RunError(f"{path} is damaged: 'seen_until' is no date.") from None
    task = Forecasting(dataset)
    seen = int(np.sum(dataset.series.dates[task.starts(dataset.test) + 1] <= last))
    if not seen:
        return None
    return (
        f"{seen:,} of the {len(dataset.test):,} windows ask for a day up to {until[:10]}, until "
        "when the model was trained: the scores are no test of it where the series is the same."
    )


def framing(loaded: Loaded) -> Framing:
    """How the run's model reads a series.

    Raises:
        UsageError: it reads none.
        RunError: preprocessing.json is damaged.
    """
    series = loaded.run.read("preprocessing.json").get("series")
    if series is None:
        if loaded.run.metrics.get("task") == Forecasting.name:
            path = loaded.run.folder / "preprocessing.json"
            raise RunError(f"{path} is damaged: it has lost its series.")
        raise UsageError(
            f"The run {loaded.run.name} is of {loaded.config.dataset}, which is not a series: "
            "--horizon and --anomalies are for one."
        )
    with loaded.run.named():
        return Framing.from_dict(series)


def _answerable(loaded: Loaded, dataset: data.Dataset) -> data.Dataset:
    example = dataset.train.x.shape[1:]
    if loaded.model.input_shape[1:] != example:
        raise DataError(
            f"The model of {loaded.run.name} takes examples of {loaded.model.input_shape[1:]}, "
            f"and the data has {example}."
        )
    if loaded.model.output_shape[-1] != dataset.outputs.size:
        raise DataError(
            f"The model of {loaded.run.name} gives {loaded.model.output_shape[-1]} outputs, and "
            f"the data asks for {dataset.outputs.size}."
        )
    return dataset


def evaluate(loaded: Loaded, dataset: data.Dataset, metrics: Sequence[Metric] = ()) -> dict:
    """The scores that metrics.json holds, computed again.

    Args:
        loaded: the run.
        dataset: what it is to answer.
        metrics: those of zoo files, to be scored beside the task's own.

    Raises:
        DataError: nobody has said which classes the texts are of.
    """
    if not dataset.labelled:
        nameless = int(np.sum(dataset.test.y == data.NO_CLASS))
        raise DataError(
            f"{nameless:,} of the {len(dataset.test):,} texts have no class to score the answers "
            "by: predict gives the answers alone."
        )
    with applied(loaded):
        answers = evaluation.part_answers(loaded.model, dataset, loaded.config)
    return evaluation.evaluate(dataset, answers, metrics)


@contextmanager
def applied(loaded: Loaded) -> Iterator[None]:
    """The model's layers run what they ran when it was trained, so that its answers are the same.

    On another backend, or where the record does not say, they run Keras' own loops.
    """
    recorded = loaded.run.metrics.get("kernel")
    loops = nullcontext()
    if keras.backend.backend() == loaded.config.backend and isinstance(recorded, dict):
        loops = core.applied(loaded.model, core.Kernel.from_dict(recorded))
    with asked(loaded), loops:
        yield


@contextmanager
def asked(loaded: Loaded, failure: str = "The model of {} failed") -> Iterator[None]:
    """Whatever a model raises, whose layers may be anybody's, is a sentence.

    Args:
        loaded: the run whose model it is.
        failure: how the sentence begins; {} is the run's name.

    Raises:
        RunError: it has raised something.
    """
    try:
        yield
    except (ZooError, OSError, MemoryError):
        raise
    except Exception as error:
        if interrupts.seen():
            raise KeyboardInterrupt from error
        raise RunError(f"{failure.format(loaded.run.name)}: {reason(error)}.") from error


def predictions(loaded: Loaded, dataset: data.Dataset) -> tuple[list[str], list[tuple]]:
    """The test part's predictions as a table: its columns, and its rows."""
    with applied(loaded):
        answers = evaluation.answers(loaded.model, dataset, dataset.test, loaded.config)
    if dataset.framing:
        return _series_rows(Forecasting(dataset), answers)
    if not dataset.classes:
        return _value_rows(dataset.test, answers)
    if dataset.outputs.every_step:
        return _step_rows(dataset, answers)
    classes = dataset.classes
    chosen = answers.argmax(axis=1)
    _, labels = dataset.test.take(slice(None))
    rows = [
        (
            place,
            None if label == data.NO_CLASS else classes[label],
            classes[choice],
            float(row[choice]),
        )
        for place, label, choice, row in zip(
            dataset.test.index.tolist(), labels, chosen, answers, strict=True
        )
    ]
    return ["index", "actual", "predicted", "probability"], rows


def _step_rows(dataset: data.Dataset, answers: np.ndarray) -> tuple[list[str], list[tuple]]:
    """A row a step, counted from 1."""
    classes, (_, truth) = dataset.classes, dataset.test.take(slice(None))
    rows = [
        (place, step, classes[label], classes[choice], float(row[choice]))
        for place, labels, choices, table in zip(
            dataset.test.index.tolist(), truth, answers.argmax(axis=-1), answers, strict=True
        )
        for step, (label, choice, row) in enumerate(
            zip(labels, choices, table, strict=True), start=1
        )
    ]
    return ["index", "step", "actual", "predicted", "probability"], rows


def _value_rows(test: data.Part, answers: np.ndarray) -> tuple[list[str], list[tuple]]:
    """A row a value; where an example has several, `value` says which."""
    _, truth = test.take(slice(None))
    rows = [
        (place, float(actual), float(answer), number)
        for place, actuals, row in zip(test.index.tolist(), truth, answers, strict=True)
        for number, (actual, answer) in enumerate(zip(actuals, row, strict=True))
    ]
    if truth.shape[1] == 1:
        return ["index", "actual", "predicted"], [row[:3] for row in rows]
    return ["index", "actual", "predicted", "value"], rows


def _series_rows(task: Forecasting, answers: np.ndarray) -> tuple[list[str], list[tuple]]:
    """A row a target; where there are several steps ahead, `step` says which."""
    test, dates = task.dataset.test, task.dataset.series.dates
    steps, name = range(1, task.framing.horizon + 1), named(dates)
    columns = ["index" if dates is None else "date", "actual", "predicted"]
    rows = [
        (name(start + step), truth, answer, step)
        for start, truths, row in zip(task.starts(test), task.truth(test), answers, strict=True)
        for step, truth, answer in zip(steps, truths.tolist(), row.tolist(), strict=True)
    ]
    if len(steps) == 1:
        return columns, [row[:3] for row in rows]
    return [*columns, "step"], rows


def save(columns: list[str], rows: list[tuple], path: Path) -> None:
    """Write a table as a CSV, atomically."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    write_text(path, text.getvalue())
