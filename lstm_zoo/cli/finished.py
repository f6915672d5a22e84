"""`evaluate` and `predict`: what is done with finished runs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lstm_zoo import records
from lstm_zoo import runs as run_folders
from lstm_zoo.cli.names import Value
from lstm_zoo.cli.options import (
    check_png,
    data_dir_option,
    dataset_params,
    run_argument,
    runs_option,
    series_options,
    series_params,
)
from lstm_zoo.cli.settings import Settings, command, json_option, pass_settings, print_json, tell
from lstm_zoo.config import RunConfig, available_threads
from lstm_zoo.errors import UsageError, counted
from lstm_zoo.parameters import Parameter, read_function

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lstm_zoo.anomalies import Points, Threshold
    from lstm_zoo.data import Dataset
    from lstm_zoo.forecasting import Loaded
    from lstm_zoo.horizon import Outlook

_HORIZON = Parameter("horizon", "PositiveInt", None, "steps past the end")
_LEVEL = Parameter("level", "PositiveFloat", 0.9, "nominal coverage")
_FALSE_ALARMS = Parameter("false-alarms", "Rate", 0.01, "share of points")
_AHEAD = ("level", "intervals")  # options of --horizon
_GENERATE = Parameter("generate", "PositiveInt", None, "characters to write")
_TEMPERATURE = Parameter("temperature", "PositiveFloat", 1.0, "how daring the text is")
_SEED = Parameter("seed", "NonNegativeInt", 0, "draws the characters")
_WRITING = ("temperature", "prompt", "seed")


def other_data_options(function: Callable) -> Callable:
    """The options that name another CSV, and how it is to be read."""
    data = click.option(
        "--data", "datas", multiple=True, metavar="KEY=VALUE", help="Of --csv: how to read it."
    )
    return series_options(data(function))


@command("lstm-zoo evaluate last\nlstm-zoo evaluate last --csv newer.csv")
@run_argument
@other_data_options
@data_dir_option
@runs_option
@json_option
@pass_settings
def evaluate(settings: Settings, run: str, as_json: bool, **options: object) -> None:
    """The metrics of a finished RUN again, on its dataset or on other data."""
    record = evaluated(settings, run, **options)
    from lstm_zoo.reporting import tables

    if as_json:
        print_json(record)
    else:
        tables.print_evaluation(record)


def evaluated(settings: Settings, run: str, **options: object) -> dict:
    """What `evaluate` is asked for, with the run's folder."""
    loaded = load_run(settings, run, options)
    from lstm_zoo import forecasting

    dataset = data_of(settings, loaded, options)
    record = forecasting.evaluate(loaded, dataset, settings.zoo.metrics)
    return record | {"run": str(loaded.run.folder)}


@command(
    "lstm-zoo predict last -o predictions.csv\nlstm-zoo predict last --horizon 5\n"
    "lstm-zoo predict last --generate 300 --temperature 0.7"
)
@run_argument
@click.option("-o", "--output", metavar="FILE.csv", help="Write them there.")
@click.option(
    "--horizon", type=Value(_HORIZON), metavar="N", help="N steps past the end of the series."
)
@click.option(
    "--level",
    type=Value(_LEVEL),
    metavar="P",
    help="Of --horizon: what share its intervals should hold; 0.9 by default.",
)
@click.option(
    "--intervals",
    type=click.Choice(["split", "adaptive"]),
    help="Of --horizon: as wide as the calibration part says (split), or following their failures.",
)
@click.option("--picture", metavar="FILE.png", help="Of --horizon or --anomalies: draw it there.")
@click.option(
    "--anomalies", is_flag=True, help="Mark the points that are too far from their forecast."
)
@click.option(
    "--false-alarms",
    type=Value(_FALSE_ALARMS),
    metavar="P",
    help="Of --anomalies: the share of faultless points that may be marked; 0.01 by default.",
)
@click.option("--generate", type=Value(_GENERATE), metavar="N", help="Write N characters on.")
@click.option(
    "--temperature",
    type=Value(_TEMPERATURE),
    metavar="T",
    help="Of --generate: below 1 plainer, above 1 wilder; 1 by default.",
)
@click.option("--prompt", metavar="TEXT", help="Of --generate: go on from TEXT, not from the end.")
@click.option("--seed", type=Value(_SEED), metavar="S", help="Of --generate; 0 by default.")
@other_data_options
@data_dir_option
@runs_option
@json_option
@pass_settings
def predict(settings: Settings, as_json: bool, **options: object) -> None:
    """Predictions of RUN: for its test part, for a new CSV, or past the end of series or text."""
    if options["generate"]:
        _tell_text(settings, generated(settings, **options), as_json)
        return
    found = predicted(settings, **options)
    for note in found.notes:
        settings.warn(note)
    from lstm_zoo.reporting import tables

    if as_json:
        print_json(found.record)
    elif not options["output"]:
        tables.print_rows(found.columns, found.rows)


@dataclass(frozen=True)
class Predictions:
    """A table of predictions.

    Args:
        columns: its columns.
        rows: its rows.
        notes: what is to be known of them.
        figure: draws them, where they are past the end of a series, or anomalies.
        about: of anomalies, their threshold and what it came to.
    """

    columns: list[str]
    rows: list[tuple]
    notes: tuple[str, ...] = ()
    figure: Callable[[], Figure] | None = None
    about: dict | None = None

    @property
    def record(self) -> list[dict] | dict:
        """What `--json` prints: the rows, among what else is known of them."""
        rows = [dict(zip(self.columns, row, strict=True)) for row in self.rows]
        return rows if self.about is None else self.about | {"points": rows}


def predicted(
    settings: Settings,
    run: str,
    output: str | None,
    horizon: int | None,
    anomalies: bool,
    **options: object,
) -> Predictions:
    """What `predict` is asked for, in its files too."""
    _check_predict(output, horizon, anomalies, options)
    looking = {name: options[name] for name in _AHEAD}
    picture = options["picture"]
    for file in filter(None, (output, picture)):
        records.check_writable(Path(file))
    loaded = load_run(settings, run, options)
    from lstm_zoo import forecasting

    dataset = data_of(settings, loaded, options, scored=not horizon)
    if horizon:
        found = _ahead(loaded, dataset, horizon, **looking)
    elif anomalies:
        rate = options["false_alarms"] or _FALSE_ALARMS.default
        found = _anomalies(loaded, dataset, rate, options["data_dir"])
    else:
        found = Predictions(*forecasting.predictions(loaded, dataset))
    if output:
        forecasting.save(found.columns, found.rows, Path(output))
        settings.say(f"{len(found.rows):,} predictions: {output}")
    if picture:
        from lstm_zoo.reporting import charts

        charts.save(found.figure(), Path(picture))
        settings.say(f"Picture: {picture}")
    return found


def generated(
    settings: Settings,
    run: str,
    output: str | None,
    horizon: int | None,
    anomalies: bool,
    **options: object,
) -> dict:
    """The text that `predict --generate` is asked for, and what it is of."""
    _check_predict(output, horizon, anomalies, options)
    loaded = load_run(settings, run, options)
    from lstm_zoo import generation

    prompt = options["prompt"]
    if prompt is None:
        prompt = generation.end_of_text(loaded, options["data_dir"])
    elif told := generation.unheard(loaded, prompt):
        settings.warn(told)
    temperature, seed = options["temperature"] or _TEMPERATURE.default, options["seed"] or 0
    text = generation.generate(loaded, prompt, options["generate"], temperature, seed)
    return {"prompt": prompt, "text": text, "temperature": temperature, "seed": seed}


def _check_predict(output: str | None, horizon: int | None, anomalies: bool, options: dict) -> None:
    _check_together(output, horizon, options)
    _check_ahead(horizon, {name: options[name] for name in _AHEAD})
    if options["picture"] and not (horizon or anomalies):
        raise UsageError("--picture goes with --horizon N or --anomalies.")
    check_png("picture", options["picture"])
    _check_anomalies(anomalies, options["false_alarms"], horizon or options["generate"])


def _check_ahead(horizon: int | None, looking: dict) -> None:
    """The options of --horizon go with it, and its level is a share.

    Raises:
        UsageError: one does not.
    """
    given = [name for name, value in looking.items() if value is not None]
    if given and not horizon:
        raise UsageError(f"--{given[0]} goes with --horizon N, the steps past the end.")
    if looking["level"] and looking["level"] >= 1:
        raise UsageError(f"--level is a share below 1, such as 0.9, not {looking['level']:g}.")


def _check_anomalies(anomalies: bool, false_alarms: float | None, other: int | None) -> None:
    """Anomalies are marked, or something else is predicted.

    Raises:
        UsageError: both are asked for, or a rate for nothing.
    """
    if anomalies and other:
        raise UsageError("--anomalies marks known points: it goes with no --horizon or --generate.")
    if false_alarms is not None and not anomalies:
        raise UsageError("--false-alarms goes with --anomalies.")
    if false_alarms is not None and 1 - false_alarms == 1:
        raise UsageError("--false-alarms is a share above 0, such as 0.01.")


def _anomalies(
    loaded: Loaded, dataset: Dataset, false_alarms: float, data_dir: str | None
) -> Predictions:
    """The points, and what their threshold is worth."""
    from lstm_zoo import anomalies, forecasting

    forecasting.framing(loaded)  # of a series
    own = dataset if len(dataset.train) else forecasting.own_data(loaded, data_dir)
    limit = anomalies.threshold(loaded, own, false_alarms)
    test = anomalies.points(loaded, own)
    found = test if own is dataset else anomalies.points(loaded, dataset)
    columns, rows = anomalies.table(dataset, found, limit)
    marked = sum(row[-1] for row in rows)
    told = (
        f"Marked: {marked:,} of {counted(len(rows), 'point')}; the point after an anomaly is "
        "forecast from it, and may be marked for that."
    )
    figure = partial(_figure_of_anomalies, loaded, dataset, found, limit)
    return Predictions(columns, rows, (limit.told(test), told), figure, limit.record(test))


def _figure_of_anomalies(
    loaded: Loaded, dataset: Dataset, found: Points, limit: Threshold
) -> Figure:
    """The picture of the points that are marked."""
    from lstm_zoo.reporting import outlook

    framing = dataset.framing
    return outlook.anomalies_figure(
        rows=found.rows,
        values=dataset.series.values[found.rows, framing.target],
        forecasts=found.forecasts,
        marks=limit.marks(found),
        threshold=limit.value,
        dates=dataset.series.dates,
        column=framing.columns[framing.target],
        title=f"{loaded.config.variant} on {loaded.config.dataset}: anomalies",
    )


def _ahead(
    loaded: Loaded, dataset: Dataset, steps: int, *, level: float | None, intervals: str | None
) -> Predictions:
    """The steps past the end."""
    from lstm_zoo import horizon

    terms = {"level": level or _LEVEL.default, "adaptive": intervals == "adaptive"}
    found = horizon.ahead(loaded, dataset, steps, **terms)
    figure = partial(_figure_ahead, loaded, dataset, found)
    return Predictions(*found.table(), found.notes, figure)


def _figure_ahead(loaded: Loaded, dataset: Dataset, found: Outlook) -> Figure:
    """The picture of what comes next."""
    from lstm_zoo.reporting import outlook

    half = found.intervals and found.intervals.half
    return outlook.outlook_figure(
        values=found.values,
        forecasts=found.forecasts,
        dates=found.dates,
        half=half,
        column=dataset.framing.columns[dataset.framing.target],
        title=f"{loaded.config.variant} on {loaded.config.dataset}: what comes next",
        subtitle=found.notes[-1] if half is None else found.told,
    )


def _check_together(output: str | None, horizon: int | None, options: dict) -> None:
    """A text is written on, or predictions are made.

    Raises:
        UsageError: an option of the one is given for the other.
    """
    if not options["generate"]:
        if given := [name for name in _WRITING if options[name] is not None]:
            raise UsageError(f"--{given[0]} goes with --generate N, the characters to write.")
    elif output or horizon or series_params(options) or options["datas"]:
        raise UsageError(
            "--generate writes a text on, and prints it: it takes no --output, --horizon, --csv or "
            "--data."
        )


def _tell_text(settings: Settings, found: dict, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    settings.say(f"After {json.dumps(found['prompt'][-60:], ensure_ascii=False)}:")
    tell(found["text"])


def load_run(settings: Settings, name: str, options: dict, backend: str | None = None) -> Loaded:
    """The run and its model, with the threads that it was trained with; on its own backend too.

    Args:
        settings: may name another backend.
        name: what the command line calls RUN.
        options: those of the command.
        backend: the one that must run, whatever is named.
    """
    run = run_folders.find(name, run_folders.runs_folder(options["runs_dir"]))
    config = settings.config_of(run)
    settings.show(config)
    start(settings, config, backend)
    return loaded_run(settings, run, config)


def loaded_run(settings: Settings, run: run_folders.Run, config: RunConfig) -> Loaded:
    """A run with its model, which of a backtest is that of its last fold."""
    from lstm_zoo import backtest, forecasting

    if backtest.whole(config):
        config = backtest.configs(config)[-1]
        settings.warn(f"A backtest keeps the model of its last fold: this is {config.variant}.")
    return forecasting.load(run, config)


def start(settings: Settings, config: RunConfig, needed: str | None = None) -> str:
    """Start the backend that is needed, was asked for, or is the run's own, with its threads."""
    from lstm_zoo import backend

    chosen = needed or settings.backend or os.environ.get("KERAS_BACKEND") or config.backend
    return backend.start(chosen, min(config.threads, available_threads()))


def _params(config: RunConfig, options: dict) -> dict:
    """How the CSV that the command line names is to be read, where not as the run's own was."""
    return dataset_params(config.dataset, read_function(config.loader).parameters, options)


def data_of(settings: Settings, loaded: Loaded, options: dict, scored: bool = True) -> Dataset:
    """The run's own dataset, or the CSV that the command line names; is it to be scored?"""
    from lstm_zoo import forecasting

    params = _params(loaded.config, options)
    if not params:
        return forecasting.own_data(loaded, options["data_dir"])
    dataset = forecasting.other_data(loaded, params, scored)
    seen = forecasting.seen_before(loaded, dataset) if scored else None
    for note in (*dataset.notes, *filter(None, [seen])):
        settings.warn(note)
    return dataset


COMMANDS = [evaluate, predict]
