"""`tune`: a search for good parameters."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lstm_zoo import recipe, space
from lstm_zoo.cli.executors import Executor, executor_options
from lstm_zoo.cli.names import Name, Value
from lstm_zoo.cli.options import Plan, given, plan, spelled, training_options
from lstm_zoo.cli.settings import Settings, command, json_option, pass_settings, print_json
from lstm_zoo.cli.training import (
    check_seeds,
    complain,
    fresh_option,
    prepare,
    tell,
    tracked,
    useful,
)
from lstm_zoo.config import TRAINING, parse_variant
from lstm_zoo.entries import Model
from lstm_zoo.errors import UsageError
from lstm_zoo.parameters import Parameter
from lstm_zoo.records import check_writable, write_text

if TYPE_CHECKING:
    from lstm_zoo.cluster import Cluster
    from lstm_zoo.search import Asked
    from lstm_zoo.tracking import Trackers
    from lstm_zoo.workers import Crew

_TRIALS = Parameter("trials", "PositiveInt", None, "trials in all")
_SAME = ("threads", "data_dir", "runs_dir")  # options that a recipe does not say
_SEEDS = Parameter("seeds", "PositiveInt", 5, "seeds of the winner")


@command(
    "lstm-zoo tune lstm --dataset digits --trials 30 -o best.yaml\n"
    "lstm-zoo --zoo best.yaml reproduce lstm-digits-tuned"
)
@click.argument("model", type=Name("model"))
@click.option(
    "--trials",
    type=Value(_TRIALS),
    metavar="N",
    required=True,
    help="Trials in all; the same command with more goes on.",
)
@training_options
@click.option(
    "--study",
    metavar="FILE",
    help="Where the trials are kept; by default a file in the runs folder.",
)
@click.option(
    "--seeds",
    type=Value(_SEEDS),
    metavar="N",
    default=5,
    help="Seeds that the winner is scored over; 5 by default.",
)
@fresh_option
@executor_options
@click.option("-o", "--output", metavar="FILE.yaml", help="Write the winner there, as a zoo file.")
@json_option
@pass_settings
def tune(settings: Settings, output: str | None, as_json: bool, **options: object) -> None:
    """Search good parameters for MODEL, chosen on the validation part alone."""
    found = tuned(settings, output=output, **options)
    if as_json:
        print_json(found)
    else:
        following = _following(settings, found, output, given(options)) if output else []
        _print(found, following)
    complain(found["test"])


def tuned(
    settings: Settings,
    model: str,
    trials: int,
    study: str | None,
    seeds: int,
    fresh: bool,
    executor: Executor,
    output: str | None,
    **options: object,
) -> dict:
    """What came of the search that `tune` is asked for, its winner in a file too."""
    typed = given(options)
    given({"study": study, "output": output})  # neither is empty
    asked = plan(settings, (model,), typed)
    _check(settings, asked, seeds, output)
    chosen = space.searched(*_entry(settings, model, typed))
    from lstm_zoo import backend, search

    wanted = search.Asked(asked.configs[0], chosen, trials)
    with tracked(asked) as trackers, executor.crew(asked, max(trials, seeds)) as crew:
        prepare(settings, asked)
        backend.choose(wanted.config.backend)  # a download imports Keras
        terms = {"seeds": seeds, "file": study, "fresh": fresh, "alone": executor.may_leave_out}
        found = _searched(settings, asked, wanted, crew, trackers, **terms)
    if output:
        write_text(Path(output), written(found))
    return found


def written(found: dict) -> str:
    """The winner as a zoo file has it."""
    return recipe.text(found["winner"]["zoo"])


def _entry(settings: Settings, model: str, typed: dict) -> tuple[Model, set[str]]:
    """The model's entry, and the parameters that the command line fixes."""
    name, own = parse_variant(settings.zoo, model)
    fixed = {setting.partition("=")[0] for setting in typed.get("sets", ())} | set(own)
    fixed |= {parameter.name for parameter in TRAINING if parameter.name in typed}
    entry = settings.zoo.find(name, "model")
    if not entry.space:
        settings.say(
            f"{name} declares no `space:` in its zoo file: its learning rate alone is searched."
        )
    return entry, fixed


def _check(settings: Settings, asked: Plan, seeds: int, output: str | None) -> None:
    """A search can be meant, and its outcome can be written."""
    config = asked.configs[0]
    check_seeds(config.seed, seeds, "tune")
    if config.data.get("validation") == 0:
        raise UsageError("tune chooses on the validation part, and validation=0 leaves none.")
    if output:
        check_writable(Path(output))  # now, and not after hours of training
        recipe.check_target(Path(output), config, settings.zoo)


def _searched(
    settings: Settings,
    asked: Plan,
    wanted: Asked,
    crew: Crew | Cluster | None,
    trackers: Trackers,
    *,
    seeds: int,
    file: str | None,
    fresh: bool,
    alone: bool,
) -> dict:
    """The search, and what came of it."""
    from lstm_zoo import search, sources, study
    from lstm_zoo.reporting.progress import progress
    from lstm_zoo.trainer import Trainer

    raw = sources.read(wanted.config, asked.data_dir)
    tell(settings, sources.prepare(wanted.config, raw))
    crew = useful(settings, crew, asked, alone)
    wanted = wanted.on(raw)
    path = Path(file) if file else asked.folder / wanted.file
    terms = {"seed": wanted.config.seed, "warm_up": wanted.warm_up}
    with study.opened(path, wanted.terms, wanted.space, **terms) as own:
        teller = trackers.watching(progress(settings.console, settings.quiet))
        hunt = search.Search(wanted, own, settings.zoo, teller)
        trainer = Trainer(raw, asked.folder, hunt.progress, fresh, crew, asked.metrics)
        hunt.run(trainer)
        found = search.outcome(wanted, own, settings.zoo, seeds, trainer)
    return found | {"study": {"file": str(path)} | found["study"]}


def _following(settings: Settings, found: dict, output: str, typed: dict) -> list[str]:
    """The command that gives the winner's numbers again."""
    same = {name: typed[name] for name in _SAME if name in typed}
    seed = ["--seed", str(typed["seed"])] if "seed" in typed else []
    options = [*spelled(replace(settings, zoo_file=output), same), *seed]
    return ["lstm-zoo", "reproduce", found["winner"]["name"], *options]


def _print(found: dict, following: list[str]) -> None:
    """The same for a person, the winner as a zoo file has it, and the command that runs that."""
    from lstm_zoo.reporting import tables

    tables.print_search(found)
    click.echo(f"\n{written(found)}")
    if following:
        click.echo(f"Next: {shlex.join(following)}")


COMMANDS = [tune]
