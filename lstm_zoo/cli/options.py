"""The options of the commands that train, and the runs that they ask for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from lstm_zoo import runs
from lstm_zoo.cli.names import Name, RunName, Value
from lstm_zoo.cli.settings import Settings
from lstm_zoo.config import (
    TRAINING,
    RunConfig,
    available_threads,
    choose_backend,
    parse_settings,
    parse_variant,
    run_config,
    shared_settings,
)
from lstm_zoo.entries import Metric, Recipe
from lstm_zoo.errors import UsageError, counted
from lstm_zoo.parameters import Parameter, check_names, whole_path

DEFAULT_DATASET = "digits"
_SEED = Parameter("seed", "NonNegativeInt", 0, "the seed, or the first of several; 0 by default")
_THREADS = Parameter("threads", "PositiveInt", None, "CPU threads of a run; 1 by default")
_DEVICES = Parameter(
    "devices", "PositiveInt", 1, "devices that share each batch, with JAX; 1 by default"
)

runs_option = click.option(
    "--runs", "runs_dir", metavar="DIR", help="Where runs are; LSTM_ZOO_RUNS, or runs/."
)
data_dir_option = click.option(
    "--data-dir", metavar="DIR", help="Where data files are looked for first; LSTM_ZOO_DATA next."
)
track_option = click.option(
    "--track",
    type=click.Choice(["tensorboard", "mlflow"]),
    multiple=True,
    help="Log the trainings there too; may be given several times.",
)
run_argument = click.argument("run", type=RunName())

_SERIES = [
    click.option("--csv", metavar="FILE", help="A CSV of a series, or of texts (--dataset text)."),
    click.option("--column", metavar="NAME", help="The column to forecast."),
    click.option("--date-column", metavar="NAME", help="The column of dates."),
    click.option("--date-format", metavar="FORMAT", help="How dates are written: %d/%m/%Y."),
    click.option("--where", metavar="COLUMN=VALUE", help="Only the rows with that text."),
]


def series_options(function: Callable) -> Callable:
    """The options of the `prices` dataset, in short."""
    return _with(function, _SERIES)


def series_params(options: dict) -> dict:
    """Those of the series options that were given, as parameters of the loader."""
    names = ("csv", "column", "date_column", "date_format", "where")
    given = {name: options[name] for name in names if options.get(name) is not None}
    if given.get("csv"):
        given["csv"] = whole_path(given["csv"])
    return given


def check_png(option: str, file: str | None) -> None:
    """A picture's file, where one is named, is a PNG.

    Raises:
        UsageError: it is none.
    """
    if file is not None and Path(file).suffix.lower() != ".png":
        raise UsageError(f"--{option} is a .png file, and '{file}' is none.")


def training_options(function: Callable) -> Callable:
    """The options of the commands that train on a dataset of the user's choice."""
    places = [data_dir_option, runs_option, track_option]
    return _with(function, [_DATASET, *_OWN, *_SERIES, *_TRAINED, *places])


def task_options(function: Callable) -> Callable:
    """Those of a command that trains on a task of its own, which is generated."""
    return _with(function, [*_OWN, *_TRAINED, runs_option])


def _with(function: Callable, options: list[Callable]) -> Callable:
    for option in reversed(options):
        function = option(function)
    return function


def _option(parameter: Parameter) -> Callable:
    """A click option for a parameter; None where it was not given."""
    return click.option(
        f"--{parameter.name.replace('_', '-')}",
        type=Value(parameter),
        metavar="N" if "Int" in parameter.annotation else "VALUE",
        help=f"{parameter.doc[0].upper()}{parameter.doc[1:]} ({parameter.words}).",
    )


_DATASET = click.option(
    "--dataset",
    type=Name("dataset"),
    help="What to learn; by default digits, or the recipe's, or prices with --csv.",
)
_OWN = [
    click.option(
        "--set", "sets", multiple=True, metavar="KEY=VALUE", help="A parameter of the model."
    ),
    click.option("--data", "datas", multiple=True, metavar="KEY=VALUE", help="One of the dataset."),
]
_TRAINED = [_option(parameter) for parameter in (*TRAINING, _SEED, _THREADS, _DEVICES)]


@dataclass(frozen=True)
class Plan:
    """What a training command was asked for: its configurations, all for one dataset.

    `metrics` are those of zoo files, scored beside the task's own; `track` names trackers.
    """

    configs: list[RunConfig]
    data_dir: str | None
    folder: Path
    metrics: tuple[Metric, ...] = ()
    track: tuple[str, ...] = ()


def plan(
    settings: Settings, variants: tuple[str, ...], options: dict, recipe: Recipe | None = None
) -> Plan:
    """The runs that a command line means: its `given` options beat what `recipe` fixes.

    Raises:
        UsageError: a name or a value in it can't be meant.
    """
    zoo = settings.zoo
    fixed = recipe or Recipe("none", summary="", dataset=DEFAULT_DATASET)
    dataset = options.get("dataset") or ("prices" if options.get("csv") else fixed.dataset)
    source = zoo.find(dataset, "dataset")
    data = fixed.data | dataset_params(source.name, source.parameters, options)
    train = fixed.train | {
        parameter.name: options[parameter.name]
        for parameter in TRAINING
        if parameter.name in options
    }
    _check_threads(options.get("threads"))
    models = [zoo.find(parse_variant(zoo, variant)[0], "model") for variant in variants]
    params = shared_settings(models, list(options.get("sets", ())))
    configs = [
        run_config(
            zoo,
            variant,
            fixed.params | own,
            dataset,
            data,
            train,
            seed=options.get("seed", 0),
            threads=options.get("threads"),
            backend=choose_backend(settings.backend),
            devices=options.get("devices", 1),
        )
        for variant, own in zip(variants, params, strict=True)
    ]
    folder = runs.runs_folder(options.get("runs_dir"))
    track = options.get("track", ())
    return Plan(configs, options.get("data_dir"), folder, zoo.metrics, track)


def _check_threads(threads: int | None) -> None:
    if threads and threads > available_threads():
        there = counted(available_threads(), "processor")
        raise UsageError(f"--threads {threads:,} is too many: this process may use {there}.")


def dataset_params(name: str, parameters: Sequence[Parameter], options: dict) -> dict:
    """The parameters of the dataset `name` on the command line, short and long."""
    owner = f"the dataset {name}"
    short = series_params(options)
    if short and "csv" not in (parameter.name for parameter in parameters):
        option = next(iter(short)).replace("_", "-")
        file = next((p.name for p in parameters if p.annotation.startswith("File")), None)
        instead = f" (--data {file}=… names its file)" if file else ""
        raise UsageError(
            f"--{option} is for what a CSV holds, and {owner} is read from none{instead}."
        )
    check_names(parameters, short, owner)
    long = parse_settings(parameters, list(options.get("datas", ())), owner)
    if both := set(short) & set(long):
        raise UsageError(f"'{both.pop()}' is given twice, as an option and with --data.")
    return short | long


def spelled(settings: Settings, options: dict) -> list[str]:
    """The given options as they are typed, to name the same work again."""
    words = [("--zoo", settings.zoo_file), ("--backend", settings.backend)]
    for parameter in click.get_current_context().command.params:
        if parameter.name in options and parameter.name not in ("seed", "as_json", "output"):
            value = options[parameter.name]
            values = value if isinstance(value, tuple) else [value]
            words += [(parameter.opts[-1], each) for each in values]
    return [word for option, value in words if value is not None for word in (option, str(value))]


def given(options: dict) -> dict:
    """The options of the running command that were given: `--patience null` was, and is None."""
    source = click.get_current_context().get_parameter_source
    default = click.core.ParameterSource.DEFAULT
    named = {name: value for name, value in options.items() if source(name) is not default}
    if empty := [name for name, value in named.items() if value == ""]:
        raise UsageError(f"--{empty[0].replace('_', '-')} is empty.")
    return named
