"""What the page shows of a comparison, and of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from lstm_zoo import results as results_files
from lstm_zoo import runs
from lstm_zoo.errors import counted, listed
from lstm_zoo.reporting import backtest, lengths, markdown, sentences, tables
from lstm_zoo.reporting.markdown import paragraphs, table
from lstm_zoo.reporting.page.chart import Chart, Grid, shown
from lstm_zoo.reporting.page.classes import CONFUSION, calibration_chart, confusion_chart
from lstm_zoo.reporting.page.curves import learning_curves
from lstm_zoo.reporting.page.folds import folds_chart, scores_grid
from lstm_zoo.reporting.page.lengths import lengths_chart
from lstm_zoo.reporting.page.material import Group, intact, read_groups, read_run
from lstm_zoo.reporting.page.scores import cost_charts, differences_chart, scores_chart
from lstm_zoo.reporting.page.series import forecast_chart
from lstm_zoo.reporting.page.steps import steps_chart
from lstm_zoo.reporting.page.values import answers_chart


@dataclass(frozen=True)
class Part:
    """A heading, and what stands below it."""

    heading: str
    charts: Sequence[Chart] = ()
    grids: Sequence[Grid] = ()
    note: str = ""


@dataclass(frozen=True)
class Report:
    """All that is told of one comparison or run.

    Args:
        lead: what is to be said of it, the verdict first.
        summary: its scores.
        environment: where it ran, as its JSON file has it.
        markdown: the sentences and the scores as Markdown.
        remarks: what could not be shown, and why.
        command_does: what `command` is to it.
    """

    title: str
    lead: Sequence[str]
    summary: Grid
    parts: Sequence[Part]
    environment: dict
    markdown: str
    remarks: Sequence[str] = ()
    command_does: str = "repeats it"

    @property
    def command(self) -> str:
        """What it came from; empty where that was not recorded."""
        return str(self.environment.get("command") or "")

    @property
    def machine(self) -> str:
        """Where it ran, in a line."""
        names = ("lstm-zoo", "python", "backend", "versions", "platform", "cpus", "started")
        known = {name: self.environment[name] for name in names if name in self.environment}
        return f"Environment: {_text(known)}."

    @property
    def setting(self) -> Grid:
        """Where it ran, as a table."""
        return _pairs("Where it ran", self.environment)


def report(source: str, folder: Path) -> Report:
    """The report of a run or of a comparison.

    Args:
        source: a results.json, or a run: a path, a name under the runs folder, or `last`.
        folder: the runs folder.

    Raises:
        RunError: it is not there, is unfinished, or is damaged.
    """
    path = Path(source)
    if path.is_file() or (path.suffix == ".json" and not path.is_dir()):
        return comparison(results_files.read(path), path, folder)
    return _run(runs.find(source, folder))


def comparison(results: dict, path: Path, folder: Path) -> Report:
    """The report of a comparison.

    Args:
        results: what results.json holds.
        path: where it lies, or would.
        folder: the runs folder.

    Raises:
        RunError: it, or a run of it that is here, is damaged.
    """
    groups = read_groups(results, path, folder)
    with intact(path):
        return Report(
            title=f"{listed(group.name for group in groups)} on {results['dataset']['name']}",
            lead=sentences.told(results),
            summary=_grid("Every model on the test part", tables.results_table(results)),
            parts=[
                Part("Scores", _score_charts(results)),
                *_other_lengths(results),
                *_backtest(results),
                *_insights([group for group in groups if group.runs], results["metric"]["name"]),
                Part("Configuration", grids=_configuration(results)),
            ],
            environment=results["environment"],
            markdown=markdown.results(results),
            remarks=_absent(results, groups),
        )


def _score_charts(results: dict) -> list[Chart]:
    pairs = [differences_chart(results)] if results["pairs"] else []
    return [scores_chart(results), *pairs, *cost_charts(results)]


def _other_lengths(results: dict) -> list[Part]:
    if not lengths.tested(results):
        return []
    return [Part("Other lengths than the one trained at", [lengths_chart(results)])]


def _backtest(results: dict) -> list[Part]:
    if not backtest.folds(results):
        return []
    return [Part("Walk-forward backtest", [folds_chart(results)], [scores_grid(results)])]


def _absent(results: dict, groups: list[Group]) -> list[str]:
    """A sentence where the folders of runs are elsewhere."""
    trials = sum(len(results_files.finished(model)) for model in results["models"])
    missing = trials - sum(len(group.runs) for group in groups)
    if not missing:
        return []
    return [
        f"The run folders of {missing:,} of {counted(trials, 'trial')} are not here, so that their "
        "learning curves and answers can't be shown: --runs DIR says where runs are."
    ]


def _run(run: runs.Run) -> Report:
    trained = read_run(run)
    config, record = trained.config, trained.metrics
    with intact(run.folder / "metrics.json"):
        lead = sentences.run_told(record)
        summary = _grid("Scores by part", tables.scores_table(record))
        return Report(
            title=f"{config.variant} on {config.dataset}, seed {config.seed}",
            lead=lead,
            summary=summary,
            parts=[
                *_insights([Group(config.variant, 0, [trained])], record["metric"]["name"]),
                Part("In detail", grids=[*_per_class(record), _floors(record), _cost(record)]),
                Part("Configuration", grids=[_pairs("What determines the run", config.to_dict())]),
            ],
            environment=run.read("environment.json"),
            markdown=f"{paragraphs(lead)}\n\n{table(summary.header, summary.rows)}",
            command_does="made it",
        )


def _insights(groups: list[Group], metric: str) -> list[Part]:
    """What the run folders show: learning curves, and the answers to the test part."""
    if not groups:
        return []
    parts = [Part("Learning curves", learning_curves(groups))]
    answers = groups[0].runs[0].answers
    if answers["y_pred"].ndim == 3:
        parts.append(Part("Step by step", [steps_chart(groups, metric)]))
    elif answers["y_pred"].ndim > answers["y_true"].ndim:
        taken = [confusion_chart(group) for group in groups]
        parts.append(Part("Confusion matrix", taken, note=CONFUSION))
        parts.append(Part("Calibration", [calibration_chart(groups)]))
    elif "last" in answers:
        parts.append(Part("Forecast", [forecast_chart(groups, metric)]))
    else:
        parts.append(Part("Answers", [answers_chart(groups, metric)]))
    return parts


def _per_class(record: dict) -> list[Grid]:
    """Precision, recall and F1 of each class, where there are classes."""
    classes = record["per_class"]
    rows = [[_text(value) for value in row.values()] for row in classes]
    return [Grid("The test part by class", list(classes[0]), rows)] if classes else []


def _floors(record: dict) -> Grid:
    rows = [
        [sentences.words(name), sentences.number(value)] for name, value in record["floors"].items()
    ]
    metric = sentences.words(record["metric"]["name"])
    return Grid("Trivial answers to the test part", ["floor", metric], rows)


def _cost(record: dict) -> Grid:
    names = ("parameters", "multiply_adds", "epochs", "best_epoch", "train_seconds")
    rows = [[sentences.words(name), shown(record[name])] for name in names if name in record]
    return Grid("What it cost", ["what", "number"], rows)


def _configuration(results: dict) -> list[Grid]:
    """What each model was built and trained with, and on what."""
    models = results["models"]
    settings = [model["params"] | (model.get("train") or {}) for model in models]
    names = dict.fromkeys(name for own in settings for name in own)
    rows = [[sentences.words(name), *(_text(own.get(name)) for own in settings)] for name in names]
    header = ["parameter", *(model["name"] for model in models)]
    known = {name: results[name] for name in ("seeds", "threads", "devices") if name in results}
    known |= {name: value for name, value in results["dataset"].items() if name != "params"}
    return [
        Grid("Models and their training", header, rows),
        _pairs("Data", known | results["dataset"]["params"]),
    ]


def _pairs(caption: str, values: dict) -> Grid:
    """A row for each entry, and for each entry of an entry."""
    return Grid(caption, ["what", "value"], list(_rows(values)), prose=True)


def _rows(values: dict, owner: str = "") -> Iterator[list[str]]:
    for name, value in values.items():
        title = f"{owner} {sentences.words(name)}".strip()
        if isinstance(value, dict):
            yield from _rows(value, title)
        else:
            yield [title, _text(value)]


def _text(value: object) -> str:
    """A value of a JSON file, as it is read."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(item)}" for name, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "–"
    return sentences.number(value) if isinstance(value, float) else str(value)


def _grid(caption: str, table: Table) -> Grid:
    """A table of the terminal."""
    columns = [[str(cell) for cell in column.cells] for column in table.columns]
    rows = [list(row) for row in zip(*columns, strict=True)]
    return Grid(caption, [str(column.header) for column in table.columns], rows)
