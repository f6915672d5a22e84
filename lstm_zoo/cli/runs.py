"""`runs`: those that there are, listed, set side by side and removed."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

import click

from lstm_zoo import contrast, interrupts
from lstm_zoo import runs as folders
from lstm_zoo.cli.names import Name, RunName, Value
from lstm_zoo.cli.options import runs_option
from lstm_zoo.cli.settings import Settings, command, json_option, pass_settings, print_json, tell
from lstm_zoo.errors import UsageError, counted, printable
from lstm_zoo.parameters import Parameter
from lstm_zoo.runs import Run

_OLDER = Parameter("older", "PositiveFloat", None, "days")
_DAY = 24 * 60 * 60  # seconds


@command(
    "lstm-zoo runs --model lstm\nlstm-zoo runs --dataset digits --compare\n"
    "lstm-zoo runs --unfinished --older 30 --remove"
)
@click.argument("names", nargs=-1, type=RunName(), metavar="[RUN]...")
@click.option("--model", type=Name("model"), help="Only those of this model.")
@click.option("--dataset", type=Name("dataset"), help="Only those on this dataset.")
@click.option("--unfinished", is_flag=True, help="Only those that did not finish.")
@click.option(
    "--older", type=Value(_OLDER), metavar="DAYS", help="Only those begun more than DAYS days ago."
)
@click.option("--compare", is_flag=True, help="Set them side by side: what differs, and scores.")
@click.option("--remove", is_flag=True, help="Remove those listed, after a question.")
@click.option("--yes", is_flag=True, help="Remove without a question.")
@runs_option
@json_option
@pass_settings
def runs(
    settings: Settings, compare: bool, remove: bool, yes: bool, as_json: bool, **options: object
) -> None:
    """The runs there are, or the RUNs named, the oldest first."""
    if yes and not remove:
        raise UsageError("--yes goes with --remove.")
    if remove and compare:
        raise UsageError("--remove and --compare do not go together.")
    if compare:
        _print_contrast(contrasted(settings, **options), as_json)
        return
    chosen = those(settings, **options)
    if as_json:
        print_json(chosen)
    else:
        _print_runs(chosen, folders.runs_folder(options["runs_dir"]))
    if remove and chosen:
        _remove(chosen, yes)


def those(
    settings: Settings,
    names: Iterable[str],
    model: str | None,
    dataset: str | None,
    unfinished: bool,
    older: float | None,
    runs_dir: str | None,
) -> list[dict]:
    """The runs that `runs` is asked for, a line each."""
    folder = folders.runs_folder(runs_dir)
    named = {run.folder.resolve(): run for run in (folders.find_any(n, folder) for n in names)}
    every = list(named.values()) or folders.list_runs(folder)
    lines = [folders.line(run) for run in every]
    for kind, name in (("model", model), ("dataset", dataset)):
        if name and name not in (line[kind] for line in lines):
            settings.zoo.find(name, kind)
    since = time.time() - older * _DAY if older else None
    return [
        line
        for line, run in zip(lines, every, strict=True)
        if (not model or line["model"] == model)
        and (not dataset or line["dataset"] == dataset)
        and (not unfinished or line["state"] == "unfinished")
        and (since is None or run.begun_at < since)
    ]


def contrasted(settings: Settings, **options: object) -> dict:
    """The runs that `runs --compare` is asked for, side by side.

    Raises:
        UsageError: there are not two.
    """
    lines = those(settings, **options)
    readable = [line for line in lines if line["state"] != "damaged"]
    if len(readable) < 2:
        raise UsageError(f"--compare takes two runs or more, and this is {len(readable)}.")
    return contrast.contrast(readable)


def _print_contrast(found: dict, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    from lstm_zoo.reporting import tables

    tables.print_contrast(found)
    tell("A run has one seed: lstm-zoo compare trains from several, and gives a verdict.")


def _print_runs(lines: list[dict], folder: Path) -> None:
    from lstm_zoo.reporting import tables

    if lines:
        tables.print_runs(lines)
    else:
        tell(f"No such run in {folder}." if folders.list_runs(folder) else folders.none_yet(folder))


def _remove(lines: list[dict], yes: bool) -> None:
    idle = [line for line in lines if line["state"] != "running"]
    if len(idle) < len(lines):
        click.echo(f"{counted(len(lines) - len(idle), 'run')} in training stay.", err=True)
    if not idle:
        return
    if not yes and not _answered(f"Remove {counted(len(idle), 'run')} for good?"):
        click.echo("Nothing is removed.", err=True)
        return
    chosen = ((Run(Path(line["run"])), line["state"] == "unfinished") for line in idle)
    stay = [run for run, unfinished in chosen if not folders.remove(run, unfinished)]
    click.echo(f"{counted(len(idle) - len(stay), 'run')} removed.", err=True)
    for run in stay:
        click.echo(
            f"{printable(str(run.folder))} stays: it is in training or finished by now, or "
            "lstm-zoo did not write it.",
            err=True,
        )


def _answered(question: str) -> bool:
    """Whether the user says yes.

    Raises:
        UsageError: nobody is there to answer.
    """
    try:
        return click.confirm(question, err=True)
    except click.Abort:
        if interrupts.seen():
            raise
        raise UsageError(
            "No answer came, and nothing is removed: --yes removes without a question."
        ) from None


COMMANDS = [runs]
