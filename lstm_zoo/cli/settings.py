"""What every command accepts: the global options, and how its result is printed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lstm_zoo import catalog
from lstm_zoo.config import BACKENDS, RunConfig, trusted
from lstm_zoo.errors import harmless, printable

if TYPE_CHECKING:
    from rich.console import Console

    from lstm_zoo.runs import Run


@dataclass
class Settings:
    """The global options of one call."""

    zoo_file: str | None = None
    backend: str | None = None
    quiet: bool = False
    verbose: bool = False

    @cached_property
    def zoo(self) -> catalog.Zoo:
        """The built-in zoo, and the user's file on top; which plugins are at fault is told."""
        zoo = catalog.load(catalog.user_file(self.zoo_file))
        if context := click.get_current_context(silent=True):
            context.call_on_close(lambda: self._tell_left_out(zoo))
        return zoo

    def _tell_left_out(self, zoo: catalog.Zoo) -> None:
        for found in zoo.left_out:
            self.say(f"The plugin {found.plugin.name} is left out: {found.fault}")

    def config_of(self, run: Run) -> RunConfig:
        """What determined a run, whose code is in this zoo."""
        config = run.config
        with run.named():
            return trusted(config, self.zoo)

    @cached_property
    def console(self) -> Console:
        """Where progress and remarks go: stderr, of a notebook too, which is no terminal."""
        from rich.console import Console

        console = Console(stderr=True)
        if console.is_jupyter:
            return Console(stderr=True, force_jupyter=False, force_terminal=False)
        return console

    def say(self, sentence: str) -> None:
        """How it goes on and what follows, unless quiet was asked for."""
        if not self.quiet:
            self.warn(sentence)

    def warn(self, sentence: str) -> None:
        """What a number can't be read without."""
        click.echo(harmless(sentence), err=True)

    def show(self, config: RunConfig) -> None:
        """A whole configuration, where more words were asked for."""
        if self.verbose:
            click.echo(json.dumps(config.to_dict(), indent=2), err=True)


pass_settings = click.make_pass_decorator(Settings, ensure=True)


def _set(name: str) -> Callable:
    def callback(ctx: click.Context, parameter: click.Parameter, value: object) -> None:
        settings = ctx.ensure_object(Settings)
        if value:
            setattr(settings, name, value)

    return callback


def global_options(hidden: bool = True) -> Callable:
    """The options accepted before and after the command; shown in the help of `lstm-zoo` alone."""
    shared = {"expose_value": False, "hidden": hidden}
    options = [
        click.option(
            "--zoo",
            metavar="FILE",
            callback=_set("zoo_file"),
            help="Your own zoo.yaml, on top of the built-in one.",
            **shared,
        ),
        click.option(
            "--backend",
            type=click.Choice(BACKENDS),
            callback=_set("backend"),
            help="Keras' backend; KERAS_BACKEND otherwise, tensorflow by default.",
            **shared,
        ),
        click.option(
            "-q",
            "--quiet",
            is_flag=True,
            callback=_set("quiet"),
            help="Only results, and warnings.",
            **shared,
        ),
        click.option(
            "-v",
            "--verbose",
            is_flag=True,
            callback=_set("verbose"),
            help="The whole configuration, too.",
            **shared,
        ),
    ]

    def decorate(function: Callable) -> Callable:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def command(example: str, **attributes: object) -> Callable:
    """A click command with the global options and, at the end of its help, an example."""

    def decorate(function: Callable) -> click.Command:
        epilog = "\b\nExample:\n" + "\n".join(f"  {line}" for line in example.splitlines())
        return click.command(epilog=epilog, **attributes)(global_options()(function))

    return decorate


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def append_summary(text: str) -> None:
    """Add Markdown to the summary of a CI job, where there is one, as a paragraph of its own."""
    file = os.environ.get("GITHUB_STEP_SUMMARY")
    if not file:
        return
    try:
        with Path(file).open("a", encoding="utf-8") as summary:
            summary.write(f"\n\n{text}\n\n")
    except OSError as error:
        sentence = f"The job's summary {file} can't be written: {error.strerror}."
        click.echo(printable(sentence), err=True)


def tell(text: str = "") -> None:
    """Print what is for a person, whatever a stranger has named in it."""
    click.echo(harmless(text))


def print_json(value: object) -> None:
    """A result as one strict JSON document on stdout."""
    from lstm_zoo.records import dumps

    click.echo(dumps(value))
