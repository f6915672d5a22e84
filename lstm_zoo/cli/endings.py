"""How a call ends: one sentence on stderr, and an exit code."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from lstm_zoo import catalog, interrupts
from lstm_zoo.errors import ZooError, few, printable

LONGEST = 1000


def ending(error: BaseException) -> int:
    """Say what an error comes to; its exit code.

    Raises:
        BaseException: the error itself, where it is a bug of lstm-zoo.
    """
    if isinstance(error, SystemExit):  # click's own: a completion's, or 1 where stdout is closed
        completed = "_LSTM_ZOO_COMPLETE" in os.environ
        return int(error.code or 0) if completed else _closed_pipe()
    if isinstance(error, click.Abort | KeyboardInterrupt) or interrupts.seen():
        return _say(interrupts.told(), interrupts.INTERRUPTED)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return 2
    if isinstance(error, click.UsageError):
        hint = f" See '{error.ctx.command_path} --help'." if error.ctx else ""
        meant = _meant(error) if isinstance(error, click.NoSuchOption) else None
        return _say(f"Error: {meant or _sentence(error.format_message())}{hint}", 2)
    if isinstance(error, ZooError):
        return _say(f"Error: {error}", error.exit_code)
    if isinstance(error, BrokenPipeError):
        return _closed_pipe()
    if isinstance(error, OSError):
        return _say(f"Error: {_os_error(error)}", 1)
    if isinstance(error, MemoryError):
        return _say("Error: There is not enough memory for this.", 1)
    raise error


def _sentence(message: str) -> str:
    """One of click's with its end: `No such option '--epoch'. Did you mean '--epochs'?`"""
    message = " ".join(message.split()).rstrip(".")
    return message if message.endswith(("?", "?)")) else f"{message}."


def _meant(error: click.NoSuchOption) -> str | None:
    """What to say of an option that is a parameter of models or datasets, where one can be set."""
    name = error.option_name.lstrip("-").replace("-", "_")
    options = {opt for one in error.ctx.command.params for opt in one.opts} if error.ctx else set()
    for kind, option in (("dataset", "--data"), ("model", "--set")):
        if option in options and (names := _taking(name, kind)):
            what = f"a parameter of the {kind}{'s' * (len(names) > 1)} {few(names)}"
            return f"{_sentence(error.format_message())} '{name}' is {what}: {option} {name}=…"
    return None


def _taking(name: str, kind: str) -> list[str]:
    """The built-in entries of a kind that have a parameter of that name."""
    entries = catalog.load().entries.values()
    return [
        entry.name
        for entry in entries
        if entry.kind == kind and name in (parameter.name for parameter in entry.parameters)
    ]


@contextmanager
def telling() -> Iterator[None]:
    """The block prints a verdict, and a reader who leaves early does not change its exit code."""
    try:
        yield
    except (BrokenPipeError, SystemExit) as error:  # the latter is rich's
        ending(error)


def _closed_pipe() -> int:
    """Whoever read stdout has enough: no error, and nothing more to write."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _os_error(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return "The disk is full; what is unfinished does not count, and nothing finished is lost."
    if error.filename:
        return f"{error.filename}: {error.strerror}."
    return f"{error}."


def _say(sentence: str, code: int) -> int:
    """Print a sentence with its control characters made harmless."""
    shown = printable(sentence)
    click.echo(shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}…", err=True)
    return code
