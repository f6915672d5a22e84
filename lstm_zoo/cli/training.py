"""`train`, `compare` and `reproduce`: the commands that train."""

from __future__ import annotations

import shlex
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lstm_zoo.cli.executors import Executor, executor_options
from lstm_zoo.cli.names import Name, RunName, Value
from lstm_zoo.cli.options import DEFAULT_DATASET, Plan, given, plan, spelled, training_options
from lstm_zoo.cli.settings import (
    Settings,
    append_summary,
    command,
    json_option,
    pass_settings,
    print_json,
)
from lstm_zoo.entries import Dataset as Entry
from lstm_zoo.errors import TrainingError, UnknownName, UsageError, listed
from lstm_zoo.parameters import Parameter
from lstm_zoo.records import check_writable, write_json
from lstm_zoo.runs import Run, find_unfinished, prepare_folder, runs_folder, unfinished

if TYPE_CHECKING:
    from lstm_zoo.cluster import Cluster
    from lstm_zoo.data import Dataset
    from lstm_zoo.tracking import Trackers
    from lstm_zoo.workers import Crew

MOST_SEEDS = 1000
_SEEDS = Parameter("seeds", "PositiveInt", 5, "Seeds for each model")
_MARGIN = Parameter("margin", "PositiveFloat", None, "the difference that does not matter")
_TUNE = Parameter("tune-lr", "PositiveInt", None, "learning rates to try")
_LENGTH = Parameter("test-steps", "PositiveInt", None, "steps")
_FOLDS = Parameter("folds", "PositiveInt", None, "folds")
_CALIBRATION = "0.1"  # of a backtest, unless another is asked for
_BUDGET = Parameter("time-budget", "PositiveFloat", None, "minutes")
fresh_option = click.option("--fresh", is_flag=True, help="Train anyway what is finished already.")
_PLACES = ("runs_dir", "data_dir", "track")
_EXTRAS = (
    "against",
    "margin",
    "match",
    "tune_lr",
    "fresh",
    "time_budget",
    "test_steps",
    "executor",
)


@command("lstm-zoo train lstm --dataset mnist --epochs 3\nlstm-zoo train --resume last")
@click.argument("model", type=Name("model"), required=False)
@training_options
@click.option(
    "--resume",
    type=RunName(),
    metavar="RUN",
    help="Go on with an interrupted run instead, from its last epoch that was kept.",
)
@json_option
@pass_settings
def train(
    settings: Settings, model: str | None, resume: str | None, as_json: bool, **options: object
) -> None:
    """Train MODEL once: load, build, fit, evaluate, record."""
    run = trained(settings, model, resume, **options)
    from lstm_zoo.reporting import tables

    if as_json:
        print_json(run.metrics | {"run": str(run.folder)})
    else:
        following = _following(settings, run.config.variant, given(options))
        if resume:
            following = shlex.join(
                ["lstm-zoo", "evaluate", str(run.folder), *spelled(settings, {})]
            )
        tables.print_run(run, following)


def trained(settings: Settings, model: str | None, resume: str | None, **options: object) -> Run:
    """The finished run that `train` is asked for."""
    begun = None
    if resume:
        begun, asked = _resumed(settings, resume, model, given(options))
    elif model:
        asked = plan(settings, (model,), given(options))
    else:
        raise UsageError("A MODEL to train is missing, or the --resume RUN to go on with.")
    with tracked(asked) as trackers:
        return _trained(settings, asked, begun, trackers)


def _trained(settings: Settings, asked: Plan, begun: Run | None, trackers: Trackers) -> Run:
    """The run that was asked for, trained in this process."""
    start(settings, asked)
    from lstm_zoo import sources, training
    from lstm_zoo.reporting.progress import progress

    config = asked.configs[0]
    raw = sources.read(config, asked.data_dir)
    tell(settings, sources.prepare(config, raw))
    teller = trackers.watching(progress(settings.console, settings.quiet))
    run = training.train(config, raw, asked.folder, teller, begun, asked.metrics)
    teller.ended(config, run)
    return run


def _resumed(settings: Settings, name: str, model: str | None, options: dict) -> tuple[Run, Plan]:
    """The interrupted run, and what it was asked for.

    Raises:
        UsageError: something else is asked for too, which the run itself determines.
        RunError: there is no such run.
    """
    own = [model] * bool(model)
    own += [f"--{option.replace('_', '-')}" for option in options if option not in _PLACES]
    if own:
        raise UsageError(f"--resume takes all from the run: leave out {listed(own)}.")
    folder = runs_folder(options.get("runs_dir"))
    run = find_unfinished(name, folder)
    config = settings.config_of(run)
    if settings.backend not in (None, config.backend):
        raise UsageError(f"The run was begun on {config.backend}, not on {settings.backend}.")
    places = options.get("data_dir"), folder
    return run, Plan([config], *places, settings.zoo.metrics, options.get("track", ()))


@command(
    "lstm-zoo compare simple-rnn lstm gru\n"
    "lstm-zoo compare lstm:units=32 lstm:units=128 --seeds 3 -o results.json"
)
@click.argument("models", type=Name("model"), nargs=-1, required=True, metavar="MODEL…")
@training_options
@click.option(
    "--seeds",
    type=Value(_SEEDS),
    metavar="N",
    default=5,
    help="Seeds for each model; 5 by default.",
)
@click.option("--against", metavar="MODEL", help="Set every other model against this one alone.")
@click.option(
    "--margin",
    type=Value(_MARGIN),
    metavar="M",
    help="Ask too whether two models are equal within M, in the metric's unit.",
)
@click.option(
    "--match",
    metavar="params=N|MODEL",
    help="Give every model the units that come nearest to so many parameters (or macs=…).",
)
@click.option(
    "--tune-lr",
    type=Value(_TUNE),
    metavar="K",
    help="Try K learning rates for every model first, chosen on the validation part.",
)
@fresh_option
@click.option(
    "--time-budget",
    type=Value(_BUDGET),
    metavar="MINUTES",
    help="Begin no seed that would not end in time.",
)
@click.option(
    "--test-steps",
    type=Value(_LENGTH),
    multiple=True,
    metavar="N",
    help="Test every run at N steps too, whatever it was trained at; may be given several times.",
)
@click.option(
    "--folds",
    type=Value(_FOLDS),
    metavar="K",
    help="Walk forward over the test part of a series in K folds, each trained anew.",
)
@executor_options
@click.option("-o", "--output", metavar="RESULTS.json", help="Write the results there.")
@click.option("--markdown", is_flag=True, help="Print the table as Markdown.")
@json_option
@pass_settings
def compare(
    settings: Settings, output: str | None, markdown: bool, as_json: bool, **options: object
) -> None:
    """Train every MODEL from every seed, and set them side by side."""
    results = compared(settings, output=output, **options)
    from lstm_zoo.reporting import markdown as rendering
    from lstm_zoo.reporting import tables

    if as_json:
        print_json(results)
    elif markdown:
        click.echo(rendering.results(results))
    else:
        tables.print_results(results, output)
    complain(results)


def compared(
    settings: Settings,
    models: tuple[str, ...],
    seeds: int,
    output: str | None,
    **options: object,
) -> dict:
    """The results that `compare` is asked for, in its file and in a CI job's summary too."""
    check_variants(models)
    typed = given(options)
    asked = plan(settings, models, typed | _backtested(settings, options["folds"], typed))
    _check_against(options["against"], models)
    results = _compare(settings, asked, seeds, output, **{name: options[name] for name in _EXTRAS})
    from lstm_zoo.reporting import markdown

    append_summary(markdown.results(results))
    return results


def _backtested(settings: Settings, folds: int | None, options: dict) -> dict:
    """What --folds says of the data.

    Raises:
        UsageError: the data is no series, or there is nothing to walk over.
    """
    if folds is None:
        return {}
    if folds == 1:
        raise UsageError("--folds 1 is the ordinary test part: leave it out, or give 2 or more.")
    name = options.get("dataset") or ("prices" if options.get("csv") else DEFAULT_DATASET)
    if not _is_series(settings.zoo.find(name, "dataset")):
        series = [d.name for d in settings.zoo.of("dataset").values() if _is_series(d)]
        raise UsageError(f"--folds is for a series, and {name} is none; {listed(series)} are.")
    datas = options.get("datas", ())
    calibrated = any(data.startswith("calibration=") for data in datas)
    given = () if calibrated else (f"calibration={_CALIBRATION}",)
    return {"datas": (*datas, f"folds={folds}", *given)}


def _is_series(dataset: Entry) -> bool:
    return "folds" in (parameter.name for parameter in dataset.parameters)


def _compare(
    settings: Settings,
    asked: Plan,
    seeds: int,
    output: str | None,
    *,
    executor: Executor,
    tune_lr: int | None = None,
    fresh: bool = False,
    time_budget: float | None = None,
    test_steps: tuple[int, ...] = (),
    **terms: object,
) -> dict:
    """Train all that is asked for, and write results.json before anything can go wrong."""
    end = None if time_budget is None else time.monotonic() + 60 * time_budget
    check_seeds(asked.configs[0].seed, seeds, "--tune-lr" if tune_lr else None)
    if output:
        check_writable(Path(output))  # now, and not after hours of training
    _check_search(asked, tune_lr)
    lengths = _other_lengths(settings, asked, test_steps)
    from lstm_zoo import backend

    trainings = _trainings(asked, seeds, tune_lr, fresh)
    with tracked(asked) as trackers, executor.crew(asked, trainings) as crew:
        prepare(settings, asked)
        backend.choose(asked.configs[0].backend)  # a download imports Keras
        wanted = _Wanted(asked, seeds, tune_lr, end, lengths, executor.may_leave_out, **terms)
        results = _compared(settings, wanted, fresh, crew, trackers)
    if output:
        write_json(Path(output), results)
    return results


def _trainings(asked: Plan, seeds: int, tune_lr: int | None, fresh: bool) -> int:
    """How many trainings may go on at a time, as far as can be told now."""
    first = asked.configs[0].seed
    every = [c.with_seed(seed) for c in asked.configs for seed in range(first, first + seeds)]
    new = len(every) if fresh else unfinished(asked.folder, every)
    return max(new, len(asked.configs) * (tune_lr or 0))


@dataclass(frozen=True)
class _Wanted:
    """What a comparison is to answer."""

    asked: Plan
    seeds: int
    tune_lr: int | None
    end: float | None
    lengths: list[int]
    alone: bool
    against: str | None = None
    margin: float | None = None
    match: str | None = None


def _compared(
    settings: Settings,
    wanted: _Wanted,
    fresh: bool,
    crew: Crew | Cluster | None,
    trackers: Trackers,
) -> dict:
    """The results of all trainings, here or by a crew."""
    from lstm_zoo import sources, trials
    from lstm_zoo.reporting.progress import progress
    from lstm_zoo.trainer import Trainer

    asked, end = wanted.asked, wanted.end
    raw = sources.read(asked.configs[0], asked.data_dir)
    tell(settings, sources.prepare(asked.configs[0], raw))
    crew = useful(settings, crew, asked, wanted.alone, keras=bool(wanted.lengths))
    if wanted.lengths:
        from lstm_zoo import lengths as testing

        testing.check(asked.configs, wanted.lengths, asked.data_dir)  # before anything is trained
    first = asked.configs[0].seed
    teller = trackers.watching(progress(settings.console, settings.quiet))
    trainer = Trainer(raw, asked.folder, teller, fresh, crew, asked.metrics)
    variants = [config.variant for config in asked.configs]
    fair = {"match": wanted.match, "tune_lr": wanted.tune_lr}
    configs, notes = trials.fair(asked.configs, settings.zoo, trainer, **fair, end=end)
    against = wanted.against
    comparison = trials.Comparison(
        configs,
        list(range(first, first + wanted.seeds)),
        against=None if against is None else configs[variants.index(against)].variant,
        margin=wanted.margin,
        end=end,
        **fair,
        notes=notes,
    )
    results = trials.compare(comparison, trainer)
    if wanted.lengths:
        scores = testing.scores(results, configs, wanted.lengths, asked.data_dir)
        results["test_steps"] = scores
    return results


def tracked(asked: Plan) -> AbstractContextManager[Trackers]:
    """Those that the trainings of the block are logged by; none but where they are asked for."""
    from lstm_zoo import tracking

    return tracking.opened(asked.track, asked.folder, asked.configs[0].dataset)


def useful(
    settings: Settings,
    crew: Crew | Cluster | None,
    asked: Plan,
    alone: bool,
    keras: bool = False,
) -> Crew | Cluster | None:
    """The crew, unless its processes would share a GPU; Keras where this process needs it.

    Args:
        settings: who is told of a cluster.
        crew: the processes that there are.
        asked: what they are to train.
        alone: whether this process may train instead.
        keras: whether it needs Keras in any case.
    """
    from lstm_zoo import backend

    if crew and crew.remote:
        settings.say(crew.words)
    if crew and alone and not backend.processors(crew.devices()):
        crew.end()
        crew = None
    if crew is None or keras:
        _start_keras(asked)
    return crew


@command("lstm-zoo reproduce rnn-mnist --quick")
@click.argument("recipe", type=Name("recipe"))
@click.option("--seeds", type=Value(_SEEDS), metavar="N", help="Seeds; the recipe's by default.")
@click.option("--quick", is_flag=True, help="The recipe's smaller version.")
@training_options
@fresh_option
@executor_options
@json_option
@pass_settings
def reproduce(settings: Settings, as_json: bool, **options: object) -> None:
    """Run RECIPE and set the result beside the published number."""
    outcome, told, results = reproduced(settings, **options)
    from lstm_zoo.reporting import tables

    if as_json:
        print_json(outcome)
    else:
        tables.print_outcome(outcome, told)
    complain(results)


def reproduced(
    settings: Settings,
    recipe: str,
    seeds: int | None,
    quick: bool,
    fresh: bool,
    executor: Executor,
    **options: object,
) -> tuple[dict, str, dict]:
    """What came of RECIPE, what it is in words, and the results of its trainings."""
    full = settings.zoo.find(recipe, "recipe")
    chosen = full.smaller() if quick else full
    asked = plan(settings, (full.model,), given(options), chosen)
    protocol = plan(settings, (full.model,), {}, full)
    count = seeds or chosen.seeds
    results = _compare(settings, asked, count, None, fresh=fresh, executor=executor)
    from lstm_zoo import reproduction

    outcome = reproduction.outcome(full, results, asked.configs[0], protocol.configs[0])
    told = chosen if _same_work(asked, plan(settings, (full.model,), {}, chosen)) else full
    return outcome, told.summary, results


def _same_work(asked: Plan, other: Plan) -> bool:
    """Whether two plans train the same model on the same data in the same way."""
    names = ("params", "dataset", "data", "train")
    return all(getattr(asked.configs[0], n) == getattr(other.configs[0], n) for n in names)


def _following(settings: Settings, variant: str, options: dict) -> str:
    """The command that sets the trained model beside a simpler one, or a better."""
    rivals = ["simple-rnn", variant]
    if variant.partition(":")[0] == "simple-rnn":
        rivals = [variant, "lstm"]
    return shlex.join(["lstm-zoo", "compare", *rivals, *spelled(settings, options)])


def complain(results: dict) -> None:
    """A failed training is the user's to mend, once the results are safe."""
    if complaint := failed(results):
        raise TrainingError(complaint)


def failed(results: dict) -> str | None:
    """A sentence where trainings failed."""
    trials = [trial for model in results["models"] for trial in model["trials"]]
    failures = [trial for trial in trials if trial["status"] == "failed"]
    if not failures:
        return None
    return f"{len(failures)} of {len(trials)} trainings failed: {failures[0]['error']}"


def start(settings: Settings, asked: Plan) -> None:
    """Import Keras on the backend asked for, and make sure that runs can be written."""
    prepare(settings, asked)
    _start_keras(asked)


def _start_keras(asked: Plan) -> None:
    from lstm_zoo import backend

    first = asked.configs[0]
    backend.start(first.backend, first.threads)
    if first.devices > 1:
        from lstm_zoo import distribution

        distribution.check(first.devices)  # before any data is read


def prepare(settings: Settings, asked: Plan) -> None:
    """Make sure that runs can be written, and say what they are where more words are asked for."""
    prepare_folder(asked.folder)
    for config in asked.configs:
        settings.show(config)


def check_variants(models: tuple[str, ...]) -> None:
    """No variant stands twice."""
    double = {model for model in models if models.count(model) > 1}
    if double:
        raise UsageError(f"'{double.pop()}' stands twice; a variant is written lstm:units=64, say.")


def check_seeds(first: int, seeds: int, search: str | None) -> None:
    """There are not too many seeds, and none is the one that `search` trains from."""
    from lstm_zoo.tuning import TUNING_SEED

    if seeds > MOST_SEEDS:
        raise UsageError(f"--seeds takes at most {MOST_SEEDS:,}, not {seeds:,}.")
    if search and first <= TUNING_SEED < first + seeds:
        raise UsageError(f"The seed {TUNING_SEED} is the one that {search} searches with.")


def _check_search(asked: Plan, tune_lr: int | None) -> None:
    """A search for learning rates can be meant."""
    if tune_lr is None:
        return
    from lstm_zoo import tuning

    for config in asked.configs:
        tuning.rates(config.train["learning_rate"], tune_lr)


def _other_lengths(settings: Settings, asked: Plan, test_steps: tuple[int, ...]) -> list[int]:
    """The lengths to test at, but for the one that is trained at, in order."""
    data = asked.configs[0].data
    if test_steps and "steps" not in data:
        datasets = settings.zoo.of("dataset").values()
        known = [d.name for d in datasets if any(p.name == "steps" for p in d.parameters)]
        raise UsageError(
            f"--test-steps is for datasets of any length ({listed(known)}), and "
            f"{asked.configs[0].dataset} is none."
        )
    return sorted(set(test_steps) - {data.get("steps")})


def _check_against(against: str | None, models: tuple[str, ...]) -> None:
    if against is None:
        return
    if against not in models:
        raise UnknownName("model in this comparison called", against, models)
    if len(models) == 1:
        raise UsageError(f"--against {against} needs another model to set against it.")


def tell(settings: Settings, dataset: Dataset) -> None:
    """What is trained on, and what the loader noted of the source."""
    from lstm_zoo.sources import describe

    for sentence in (*dataset.notes, describe(dataset)):
        settings.say(sentence)


COMMANDS = [train, compare, reproduce]
