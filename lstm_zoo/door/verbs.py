"""A function a command: it asks as the command does, and gives what that prints as an object."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Unpack

from lstm_zoo.cli import audit as audit_command
from lstm_zoo.cli import catalog, finished, longest, machine, training
from lstm_zoo.cli import explain as explain_command
from lstm_zoo.cli import export as export_command
from lstm_zoo.cli import gate as gate_command
from lstm_zoo.cli import report as report_command
from lstm_zoo.cli import runs as runs_command
from lstm_zoo.cli import tune as tune_command
from lstm_zoo.door import options as keys
from lstm_zoo.door.answers import Answer, Results, Run
from lstm_zoo.door.asking import asked, verb
from lstm_zoo.errors import UsageError

_SHOWN = 20  # rows of many predictions


@verb("list", keys.Global)
def list_(kind: keys.Kind | None = None, **options: Unpack[keys.Global]) -> Answer:
    """The zoo: models, datasets, recipes, and metrics beside each task's own."""
    with asked("list", _given(kind), options) as (settings, params):
        entries = catalog.listed_entries(settings, **params)
    lines = [catalog.line(entry) for entry in entries]
    return Answer(lines, catalog.told_entries(entries), lines)


@verb("show", keys.Showing)
def show(name: str, dataset: str | None = None, **options: Unpack[keys.Showing]) -> Answer:
    """All about a model, a dataset, a recipe or a metric; `frame` has its parameters."""
    with asked("show", [name], {"dataset": dataset, **options}) as (settings, params):
        about = catalog.shown(settings, **params)
    return Answer(about, ["\n".join(catalog.told(about))], about.get("parameters", ()))


@verb("train", keys.Training)
def train(
    model: str | None = None, dataset: str | None = None, **options: Unpack[keys.Training]
) -> Run:
    """Train a model once: load, build, fit, evaluate, record."""
    with asked("train", _given(model), {"dataset": dataset, **options}) as (settings, params):
        return Run(training.trained(settings, **params).folder)


@verb("compare", keys.Comparing)
def compare(
    models: str | Sequence[str], dataset: str | None = None, **options: Unpack[keys.Comparing]
) -> Results:
    """Train every model from every seed, and set them side by side.

    A training that fails stops no other: it is in the results, and warned of.
    """
    with asked("compare", _several(models), {"dataset": dataset, **options}) as (settings, params):
        results = training.compared(settings, **params)
    _warn(results)
    return Results(results)


@verb("reproduce", keys.Reproducing)
def reproduce(recipe: str, **options: Unpack[keys.Reproducing]) -> Answer:
    """Run a recipe, and set the result beside the published number."""
    with asked("reproduce", [recipe], options) as (settings, params):
        outcome, told, results = training.reproduced(settings, **params)
    _warn(results)
    from lstm_zoo.reporting import tables

    return Answer(outcome, tables.outcome_blocks(outcome, told), _numbers(outcome))


@verb("tune", keys.Tuning)
def tune(
    model: str, dataset: str | None = None, *, trials: int, **options: Unpack[keys.Tuning]
) -> Answer:
    """Search good parameters for a model, chosen on the validation part alone.

    `frame` has a row a trial.
    """
    given = {"dataset": dataset, "trials": trials, **options}
    with asked("tune", [model], given) as (settings, params):
        found = tune_command.tuned(settings, **params)
    _warn(found["test"])
    from lstm_zoo.reporting import tables

    rows = [{**trial, **trial["values"]} for trial in found["trials"]]
    blocks = [*tables.search_blocks(found), tune_command.written(found)]
    return Answer(found, blocks, [_without(row, "values") for row in rows])


@verb("longest-lag", keys.Measuring)
def longest_lag(
    models: str | Sequence[str], *, task: keys.Task, **options: Unpack[keys.Measuring]
) -> Answer:
    """The longest lag that each model still solves, under one budget."""
    with asked("longest-lag", _several(models), {"task": task, **options}) as (settings, params):
        found = longest.measured(settings, **params)
    from lstm_zoo.reporting import charts, lag_chart, tables

    rows = [_without(model, "points") for model in found["longest_lags"]]
    picture = charts.png(lag_chart.lag_figure(found))
    return Answer(found, tables.lags_blocks(found), rows, [picture])


@verb("evaluate", keys.OfRun)
def evaluate(run: keys.File, **options: Unpack[keys.OfRun]) -> Answer:
    """The metrics of a finished run again, on its dataset or on other data.

    `frame` has a row a metric.
    """
    with asked("evaluate", [run], options) as (settings, params):
        record = finished.evaluated(settings, **params)
    from lstm_zoo.reporting import tables

    parts = {name: record[name] for name in ("train", "validation", "test") if record[name]}
    parts["floor"] = record["floor"].get("scores", {})
    rows = [
        {"metric": metric} | {name: scores.get(metric) for name, scores in parts.items()}
        for metric in record["test"]
    ]
    return Answer(record, tables.evaluation_blocks(record), rows)


@verb("predict", keys.Predicting)
def predict(run: keys.File, **options: Unpack[keys.Predicting]) -> Answer:
    """Predictions of a run: for its test part, for a new CSV, or past the end of its series.

    `frame` has a row a prediction.

    Raises:
        UsageError: a text is to be written on, which is another verb's.
    """
    if options.get("generate"):
        raise UsageError("A text is written on by lstm_zoo.generate(run, N), not by predict.")
    with asked("predict", [run], options) as (settings, params):
        found = finished.predicted(settings, **params)
        figure = found.figure and found.figure()
    from lstm_zoo.reporting import charts, tables

    rows = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
    table = tables.rows_table(found.columns, found.rows[:_SHOWN])
    blocks: list[tables.Block] = [*found.notes, table]
    if len(rows) > _SHOWN:
        blocks.append(f"The first {_SHOWN} of {len(rows):,}; `frame` has them all.")
    return Answer(found.record, blocks, rows, [charts.png(figure)] if figure else [])


@verb("predict", keys.Generating)
def generate(run: keys.File, length: int, **options: Unpack[keys.Generating]) -> str:
    """So many characters that go on from a prompt, or from the end of the run's text."""
    with asked("predict", [run], {"generate": length, **options}) as (settings, params):
        return finished.generated(settings, **params)["text"]


@verb("explain", keys.Explaining)
def explain(
    run: keys.File | Sequence[keys.File],
    question: keys.Question,
    **options: Unpack[keys.Explaining],
) -> Answer:
    """A look inside a run, or inside several: how far back gradients reach, what gates do, or where
    attention looks.
    """
    with asked("explain", [*_several(run), question], options) as (settings, params):
        _, records = explain_command.explained(settings, **params)
    from lstm_zoo.reporting import charts, insight, insight_charts, tables

    columns, rows, lines = getattr(insight, question)(records)
    blocks = [tables.rows_table(columns, rows, insight.TEXTS), *lines]
    told = [dict(zip(columns, row, strict=True)) for row in rows]
    picture = charts.png(getattr(insight_charts, question)(records))
    return Answer(records if len(records) > 1 else records[0], blocks, told, [picture])


@verb("export", keys.Exporting)
def export(
    run: keys.File,
    format: keys.Format,
    output: keys.File,
    **options: Unpack[keys.Exporting],
) -> Answer:
    """The model of a run for other programs, once their runtime answers as the original does.

    Raises:
        CheckFailed: it answers otherwise, and nothing is written.
    """
    given = {"format": format, "output": output, **options}
    with asked("export", [run], given) as (settings, params):
        return Answer(*export_command.exported(settings, **params))


@verb("report", keys.Paging)
def report(
    sources: keys.File | Results | Sequence[keys.File | Results],
    output: keys.File,
    **options: Unpack[keys.Paging],
) -> Path:
    """A page of one or more runs and comparisons: .html, or .md."""
    every = [sources] if isinstance(sources, Results) else _several(sources)
    with (
        _files(every) as files,
        asked("report", files, {"output": output, **options}) as (settings, params),
    ):
        return report_command.reported(settings, **params)


@verb("gate", keys.Judging)
def gate(results: keys.File | Results, **options: Unpack[keys.Judging]) -> Answer:
    """Judge results against a baseline or a number: `["verdict"]` is `pass`, `regression`,
    `inconclusive` or `not-comparable`.
    """
    with (
        _files([results]) as files,
        asked("gate", files, options) as (settings, params),
    ):
        outcome = gate_command.judged(settings, **params)
    from lstm_zoo.reporting import gating, tables

    table = tables.rows_table(gating.COLUMNS, gating.rows(outcome), gating.TEXTS)
    told = [*gating.remarks(outcome), *outcome.warnings]
    blocks: list[tables.Block] = [gating.headline(outcome), table, *told]
    return Answer(asdict(outcome), blocks, [asdict(check) for check in outcome.checks])


@verb("audit", keys.Reading)
def audit(dataset: str, **options: Unpack[keys.Reading]) -> Answer:
    """Look for leaks between the parts of a dataset: `["passed"]` says whether there is none."""
    with asked("audit", [dataset], options) as (settings, params):
        record = audit_command.audited(settings, **params)
    from lstm_zoo import auditing

    lines = [*auditing.lines(record), auditing.verdict(record)]
    return Answer(record, ["\n".join(lines)], record["checks"])


@verb("runs", keys.Filtering)
def list_runs(
    names: keys.File | Sequence[keys.File] = (),
    *,
    compare: bool = False,
    **options: Unpack[keys.Filtering],
) -> Answer:
    """The runs there are, or those named, the oldest first; `lstm_zoo.Run(name)` is one of them.

    With `compare` they are set side by side, and `frame` has a column a run.
    """
    with asked("runs", _several(names), {"compare": compare, **options}) as (settings, params):
        del params["compare"]
        if compare:
            return _contrast(runs_command.contrasted(settings, **params))
        lines = runs_command.those(settings, **params)
    from lstm_zoo.reporting import tables

    return Answer(lines, [tables.runs_table(lines)] if lines else ["No such run."], lines)


@verb("doctor", keys.Diagnosing)
def doctor(**options: Unpack[keys.Diagnosing]) -> Answer:
    """Versions, backends, devices, the data found, and what is missing."""
    with asked("doctor", [], options) as (settings, params):
        found = machine.diagnosed(settings, **params)
    rows = [
        {"subject": subject, "name": name, "found": value}
        for subject, lines in found.items()
        for name, value in lines.items()
    ]
    return Answer(found, [machine.told(found)], rows)


def _contrast(found: dict) -> Answer:
    from lstm_zoo.reporting import tables

    names = [Path(line["run"]).name for line in found["runs"]]
    told = found["settings"] | found["scores"]
    rows = [{"name": name} | dict(zip(names, told[name], strict=True)) for name in told]
    return Answer(found, tables.contrast_blocks(found), rows)


def _given(name: str | None) -> list[str]:
    return [] if name is None else [name]


def _several(names: keys.File | Sequence) -> list:
    return [names] if isinstance(names, str | os.PathLike) else list(names)


@contextmanager
def _files(sources: Sequence[keys.File | Results]) -> Iterator[list[keys.File]]:
    """The files that those are; of results, one that is there for as long as the block."""
    with tempfile.TemporaryDirectory() as folder:
        names: list[keys.File] = []
        for number, source in enumerate(sources):
            if isinstance(source, Results):
                name = Path(folder) / f"{number}.json"
                source.save(name)
                names.append(name)
            else:
                names.append(source)
        yield names


def _warn(results: dict) -> None:
    if complaint := training.failed(results):
        warnings.warn(complaint, stacklevel=3)


def _without(row: dict, name: str) -> dict:
    return {key: value for key, value in row.items() if key != name}


def _numbers(outcome: dict) -> list[dict]:
    """Each metric of ours, and the published numbers."""
    rows = []
    for metric, ours in outcome["ours"].items():
        low, high = ours["ci95"] or (None, None)
        mean = {"value": ours["mean"], "ci95_low": low, "ci95_high": high, "seeds": ours["seeds"]}
        rows.append({"metric": metric, "from": "ours", **mean})
    for number in outcome["published"]:
        told = {"metric": number["metric"], "from": number["source"], "value": number["value"]}
        rows.append(told | {"agrees": number["agrees"]})
    return rows
