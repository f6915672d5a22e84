"""`longest-lag`: how far each model remembers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lstm_zoo.cli.names import Name, Value
from lstm_zoo.cli.options import check_png, given, plan, task_options
from lstm_zoo.cli.settings import Settings, command, json_option, pass_settings, print_json
from lstm_zoo.cli.training import check_variants, fresh_option, start
from lstm_zoo.errors import UsageError, listed
from lstm_zoo.parameters import Parameter
from lstm_zoo.records import check_writable, write_json

if TYPE_CHECKING:
    from lstm_zoo.longest import Rule

_MOST = Parameter("up-to", "PositiveInt", None, "steps")
_SEEDS = Parameter("seeds", "PositiveInt", None, "seeds")
_RATES = Parameter("tune-lr", "PositiveInt", None, "learning rates to try")


@command("lstm-zoo longest-lag simple-rnn lstm gru --task adding --match params=16000 --quick")
@click.argument("models", type=Name("model"), nargs=-1, required=True, metavar="MODEL…")
@click.option("--task", required=True, metavar="adding|copy", help="The task of memory.")
@click.option(
    "--match",
    metavar="params=N|MODEL",
    help="Give every model the units that come nearest to so many parameters (or macs=…).",
)
@click.option("--quick", is_flag=True, help="Up to 100 steps, 3,000 updates and 3 seeds.")
@click.option(
    "--up-to", type=Value(_MOST), metavar="N", help="The longest lag to try; 1,000, quick 100."
)
@click.option(
    "--seeds", type=Value(_SEEDS), metavar="N", help="Seeds at each lag; 5, or 3 with --quick."
)
@click.option(
    "--tune-lr", type=Value(_RATES), metavar="K", help="Learning rates for each seed; 3 by default."
)
@task_options
@fresh_option
@click.option("-o", "--output", metavar="FILE.json", help="Write the result there.")
@click.option("--picture", metavar="FILE.png", help="Draw it there, as curves over the lag.")
@json_option
@pass_settings
def longest_lag(settings: Settings, as_json: bool, **options: object) -> None:
    """The longest lag that each MODEL still solves, under one budget of parameters, updates and
    learning rates.
    """
    result = measured(settings, **options)
    if as_json:
        print_json(result)
    else:
        from lstm_zoo.reporting import tables

        tables.print_lags(result)


def measured(
    settings: Settings,
    models: tuple[str, ...],
    task: str,
    output: str | None,
    picture: str | None,
    **options: object,
) -> dict:
    """The lags that `longest-lag` is asked for, in its files too."""
    check_variants(models)
    _check_files(output, picture)
    result = _measure(settings, models, task, options)
    if output:
        write_json(Path(output), result)
    if picture:
        from lstm_zoo.reporting import lag_chart

        lag_chart.longest_lags(Path(picture), result)
    return result


def _check_files(output: str | None, picture: str | None) -> None:
    check_png("picture", picture)
    for file in (output, picture):
        if file:
            check_writable(Path(file))


def _measure(settings: Settings, models: tuple[str, ...], task: str, options: dict) -> dict:
    """Every training that the search asks for."""
    from lstm_zoo import longest, tuning

    quick, typed = options["quick"], given(options)
    budget = longest.budget(task).smaller() if quick else longest.budget(task)
    asked = plan(settings, models, typed | {"dataset": task}, budget)
    most = options["up_to"] or (longest.MOST_QUICK if quick else longest.MOST)
    _check(typed, most, longest.rule(task))
    first, seeds = asked.configs[0], options["seeds"] or budget.seeds
    rates = tuning.rates(first.train["learning_rate"], options["tune_lr"] or longest.RATES)
    start(settings, asked)
    from lstm_zoo import lag_search
    from lstm_zoo.reporting.progress import progress

    search = lag_search.Asked(
        rule=longest.rule(task),
        rates=rates[::-1],  # a large one learns fast where it learns
        seeds=range(first.seed, first.seed + seeds),
        most=most,
        folder=asked.folder,
        fresh=options["fresh"],
    )
    teller = progress(settings.console, settings.quiet)
    configs = lag_search.matched(asked.configs, options["match"], settings.zoo, teller)
    return lag_search.measure(configs, search, teller) | {"match": options["match"]}


def _check(typed: dict, most: int, rule: Rule) -> None:
    """What makes a lag, and what solves one, is not to be chosen; and there is a lag to try."""
    named = {setting.partition("=")[0] for setting in typed.get("datas", ())}
    if "steps" in named:
        raise UsageError("The steps are what longest-lag searches: leave --data steps=… out.")
    if fixed := sorted(named & set(rule.data)):
        raise UsageError(f"longest-lag sets {listed(fixed)} itself: leave --data {fixed[0]}=… out.")
    if "target_loss" in typed:
        raise UsageError("longest-lag stops where a lag is solved: leave --target-loss out.")
    if most < rule.least:
        raise UsageError(f"--up-to is at least {rule.least} for this task, not {most}.")


COMMANDS = [longest_lag]
