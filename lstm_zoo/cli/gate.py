"""`gate`: a verdict for CI, by exit code."""

from __future__ import annotations

import math
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lstm_zoo import results as results_file
from lstm_zoo.cli.endings import telling
from lstm_zoo.cli.settings import (
    Settings,
    append_summary,
    command,
    json_option,
    pass_settings,
    print_json,
)
from lstm_zoo.errors import UsageError, printable
from lstm_zoo.records import check_writable, write_json, write_text

if TYPE_CHECKING:
    from lstm_zoo.judging import Outcome

_REPEATED = "May be repeated."


@command(
    "lstm-zoo gate results.json --baseline baseline.json\n"
    "lstm-zoo gate results.json --at-least accuracy=0.95 --junit gate.xml"
)
@click.argument("results", metavar="RESULTS.json")
@click.option(
    "--baseline", metavar="BASE.json", help="Results that the new ones may not fall behind."
)
@click.option(
    "--margin",
    type=float,
    metavar="M",
    help="How much worse is still a pass, in the metric's unit; by default 0.01, or 5 % of the "
    "baseline's mean error.",
)
@click.option(
    "--update-baseline", is_flag=True, help="On a pass, make the new results the baseline."
)
@click.option(
    "--at-least", multiple=True, metavar="METRIC=V", help=f"The mean must reach V. {_REPEATED}"
)
@click.option(
    "--at-most", multiple=True, metavar="METRIC=V", help=f"The mean must stay within V. {_REPEATED}"
)
@click.option(
    "--model", "models", multiple=True, metavar="NAME", help=f"Judge this model alone. {_REPEATED}"
)
@click.option("--junit", metavar="FILE.xml", help="Write the checks there, as JUnit's XML.")
@json_option
@pass_settings
def gate(settings: Settings, as_json: bool, **options: object) -> None:
    """Judge RESULTS.json, which compare wrote, against a baseline or a number.

    The exit code is the verdict: 0 pass, 3 regression, 4 cannot tell, 5 not comparable.
    """
    outcome = judged(settings, **options)
    from lstm_zoo import judging

    with telling():
        _tell(settings, outcome, as_json)
        if options["update_baseline"]:
            now = "holds these results now" if outcome.verdict == "pass" else "stays as it was"
            settings.say(f"{options['baseline']} {now}.")
    click.get_current_context().exit(judging.EXIT_CODES[outcome.verdict])


def judged(
    settings: Settings,
    results: str,
    baseline: str | None,
    margin: float | None,
    update_baseline: bool,
    at_least: tuple[str, ...],
    at_most: tuple[str, ...],
    models: tuple[str, ...],
    junit: str | None,
) -> Outcome:
    """What `gate` is asked to judge, in its files and in a CI job's summary too."""
    asked = _numbers("at-least", at_least) + _numbers("at-most", at_most)
    _check_files(results, baseline, junit)
    _check_usage(baseline, margin, update_baseline, models, asked)
    _prepare(junit, baseline if update_baseline else None)
    new = results_file.read(Path(results))
    base = results_file.read(Path(baseline)) if baseline else None
    from lstm_zoo import judging

    outcome = judging.judge(
        new,
        base,
        margin=margin,
        conditions=[judging.Condition(*words) for words in asked],
        models=list(dict.fromkeys(models)),
        own_metrics=[metric.name for metric in settings.zoo.metrics] if asked else (),
    )
    _record(outcome, junit)
    if update_baseline and outcome.verdict == "pass":
        write_json(Path(baseline), new)
    return outcome


def _numbers(option: str, pairs: tuple[str, ...]) -> list[tuple[str, str, float]]:
    """`METRIC=V` as the option, the metric and the number.

    Raises:
        UsageError: it is not that.
    """
    return [(option, *_number(option, pair)) for pair in pairs]


def _number(option: str, pair: str) -> tuple[str, float]:
    metric, _, text = pair.partition("=")
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not metric or not math.isfinite(value):
        raise UsageError(f"--{option} takes METRIC=NUMBER, as accuracy=0.95, not '{pair}'.")
    return metric, value


def _check_files(results: str, baseline: str | None, junit: str | None) -> None:
    """Every file has a name, and --junit none of those that are read, by whatever link.

    Raises:
        UsageError: it is not so.
    """
    read = {"RESULTS.json": results, "--baseline": baseline}
    for name, file in (read | {"--junit": junit}).items():
        if file == "":
            raise UsageError(f"{name} is empty.")
    for name, file in read.items():
        if junit and file and os.path.realpath(junit) == os.path.realpath(file):
            raise UsageError(f"--junit {junit} would replace {name}: name another file.")


def _check_usage(
    baseline: str | None,
    margin: float | None,
    update_baseline: bool,
    models: tuple[str, ...],
    asked: list,
) -> None:
    """The options fit together.

    Raises:
        UsageError: they do not.
    """
    if baseline is None and (margin is not None or update_baseline):
        option = "update-baseline" if margin is None else "margin"
        raise UsageError(f"--{option} goes with --baseline BASE.json.")
    if baseline is None and not asked:
        raise UsageError("The gate needs --baseline BASE.json, --at-least or --at-most METRIC=V.")
    if margin is not None and not 0 <= margin < math.inf:
        raise UsageError(f"--margin takes a number, at least 0, not {margin:g}.")
    if update_baseline and models:
        raise UsageError("--update-baseline replaces the whole baseline, and goes without --model.")


def _prepare(junit: str | None, renewed: str | None) -> None:
    """Make sure that files can be written; an earlier verdict is not to be read as this one."""
    for file in filter(None, (junit, renewed)):
        check_writable(Path(file))
    if junit:
        from lstm_zoo.reporting import gating

        write_text(Path(junit), gating.junit_without_verdict())


def _record(outcome: Outcome, junit: str | None) -> None:
    """The verdict, for the machines that wait for it."""
    from lstm_zoo.reporting import gating

    if junit:
        write_text(Path(junit), gating.junit(outcome))
    append_summary(gating.markdown(outcome))


def _tell(settings: Settings, outcome: Outcome, as_json: bool) -> None:
    from lstm_zoo.reporting import gating, tables

    for warning in outcome.warnings:
        settings.warn(printable(warning))
    if as_json:
        print_json(asdict(outcome))
        return
    click.echo(gating.headline(outcome))
    tables.print_rows(gating.COLUMNS, gating.rows(outcome), gating.TEXTS)
    for remark in gating.remarks(outcome):
        click.echo(remark)


COMMANDS = [gate]
