"""`train`, `compare` and `reproduce`: the commands that train."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lstm_zoo.cli.names import Name, Value
from lstm_zoo.cli.options import Plan, given, plan, spelled, training_options
from lstm_zoo.cli.settings import Settings, command, json_option, pass_settings, print_json
from lstm_zoo.errors import TrainingError, UsageError
from lstm_zoo.parameters import Parameter
from lstm_zoo.runs import check_writable, prepare_folder, write_json

if TYPE_CHECKING:
    from lstm_zoo.data import Dataset

MOST_SEEDS = 1000
_SEEDS = Parameter("seeds", "PositiveInt", 5, "Seeds for each model")


@command("lstm-zoo train lstm --dataset mnist --epochs 3")
@click.argument("model", type=Name("model"))
@training_options
@json_option
@pass_settings
def train(settings: Settings, model: str, as_json: bool, **options: object) -> None:
    """Train MODEL once: load, build, fit, evaluate, record."""
    asked = plan(settings, (model,), given(options))
    _start(settings, asked)
    from lstm_zoo import assembly, training
    from lstm_zoo.reporting import tables
    from lstm_zoo.reporting.progress import progress

    config = asked.configs[0]
    raw = assembly.read(config, asked.data_dir)
    _tell(settings, assembly.prepare(config, raw))
    run = training.train(config, raw, asked.folder, progress(settings.console, settings.quiet))
    if as_json:
        print_json(run.metrics | {"run": str(run.folder)})
    else:
        tables.print_run(run, _following(settings, config.variant, given(options)))


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
@click.option("-o", "--output", metavar="RESULTS.json", help="Write the results there.")
@click.option("--markdown", is_flag=True, help="Print the table as Markdown.")
@json_option
@pass_settings
def compare(
    settings: Settings,
    models: tuple[str, ...],
    seeds: int,
    output: str | None,
    markdown: bool,
    as_json: bool,
    **options: object,
) -> None:
    """Train every MODEL from every seed, and set them side by side."""
    _check_variants(models)
    asked = plan(settings, models, given(options))
    results = _compare(settings, asked, seeds, output)
    from lstm_zoo.reporting import tables

    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(tables.results_markdown(results) + "\n")
    if as_json:
        print_json(results)
    elif markdown:
        click.echo(tables.results_markdown(results))
    else:
        tables.print_results(results, output)
    _complain(results)


def _compare(settings: Settings, asked: Plan, seeds: int, output: str | None) -> dict:
    """Train all that is asked for, and write results.json before anything can go wrong."""
    if seeds > MOST_SEEDS:
        raise UsageError(f"--seeds takes at most {MOST_SEEDS:,}, not {seeds:,}.")
    if output:
        check_writable(Path(output))  # now, and not after hours of training
    _start(settings, asked)
    from lstm_zoo import assembly, trials
    from lstm_zoo.reporting.progress import progress

    raw = assembly.read(asked.configs[0], asked.data_dir)
    _tell(settings, assembly.prepare(asked.configs[0], raw))
    first = asked.configs[0].seed
    shown = progress(settings.console, settings.quiet, total=len(asked.configs) * seeds)
    results = trials.compare(
        asked.configs, list(range(first, first + seeds)), raw, asked.folder, shown
    )
    if output:
        write_json(Path(output), results)
    return results


@command("lstm-zoo reproduce rnn-mnist --quick")
@click.argument("recipe", type=Name("recipe"))
@click.option("--seeds", type=Value(_SEEDS), metavar="N", help="Seeds; the recipe's by default.")
@click.option("--quick", is_flag=True, help="The recipe's smaller version.")
@training_options
@json_option
@pass_settings
def reproduce(
    settings: Settings,
    recipe: str,
    seeds: int | None,
    quick: bool,
    as_json: bool,
    **options: object,
) -> None:
    """Run RECIPE and set the result beside the published number."""
    full = settings.zoo.find(recipe, "recipe")
    chosen = full.smaller() if quick else full
    asked = plan(settings, (full.model,), given(options), chosen)
    protocol = plan(settings, (full.model,), {}, full)
    count = seeds or chosen.seeds
    results = _compare(settings, asked, count, None)
    from lstm_zoo import reproduction
    from lstm_zoo.reporting import tables

    outcome = reproduction.outcome(full, results, asked.configs[0], protocol.configs[0])
    if as_json:
        print_json(outcome)
    else:
        tables.print_outcome(outcome)
    _complain(results)


def _following(settings: Settings, variant: str, options: dict) -> str:
    """The command that sets the trained model beside a simpler one, or a better."""
    rivals = ["simple-rnn", variant]
    if variant.partition(":")[0] == "simple-rnn":
        rivals = [variant, "lstm"]
    return shlex.join(["lstm-zoo", "compare", *rivals, *spelled(settings, options)])


def _complain(results: dict) -> None:
    """A failed training is the user's to mend, once the results are safe."""
    trials = [trial for model in results["models"] for trial in model["trials"]]
    failures = [trial for trial in trials if trial["status"] == "failed"]
    if failures:
        raise TrainingError(
            f"{len(failures)} of {len(trials)} trainings failed: {failures[0]['error']}"
        )


def _start(settings: Settings, asked: Plan) -> None:
    """Import Keras on the backend asked for, and make sure that runs can be written."""
    from lstm_zoo import backend

    prepare_folder(asked.folder)
    backend.start(asked.configs[0].backend, asked.configs[0].threads)
    if settings.verbose:
        for config in asked.configs:
            click.echo(json.dumps(config.to_dict(), indent=2), err=True)


def _check_variants(models: tuple[str, ...]) -> None:
    double = {model for model in models if models.count(model) > 1}
    if double:
        raise UsageError(f"'{double.pop()}' stands twice; a variant is written lstm:units=64, say.")


def _tell(settings: Settings, dataset: Dataset) -> None:
    """What is trained on, and what the loader noted of the source."""
    from lstm_zoo.assembly import describe

    for sentence in (*dataset.notes, describe(dataset)):
        settings.say(sentence)


COMMANDS = [train, compare, reproduce]
