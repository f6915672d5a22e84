"""A verb is asked as its command is: spelled as the shell has it, and read by the same parser.

So the checks and their sentences are the command's own, and what is recorded of a run is the
command that repeats it.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

import click

from lstm_zoo import interrupts
from lstm_zoo.cli import cli
from lstm_zoo.cli.executors import with_executor
from lstm_zoo.cli.names import Value
from lstm_zoo.cli.settings import Settings
from lstm_zoo.errors import UnknownName, UsageError

if TYPE_CHECKING:
    Verb = TypeVar("Verb", bound=Callable)

SHELLS = ("as_json", "markdown", "remove", "yes")  # options about what is printed and asked
_BACKEND = "KERAS_BACKEND"


def keywords(command: str) -> dict[str, click.Option]:
    """The options of a command by their names in Python."""
    every = [one for one in cli.commands[command].params if isinstance(one, click.Option)]
    return {_keyword(option): option for option in every if option.name not in SHELLS}


def _keyword(option: click.Option) -> str:
    name = option.opts[-1].removeprefix("--").replace("-", "_")
    return {"set": "params"}.get(name, name)


class _Left:
    """An option that is not given, as a signature shows it."""

    def __repr__(self) -> str:
        return "…"


def verb(command: str, options: type) -> Callable[[Verb], Verb]:
    """A function that does what a command does; its keywords are shown and described as its own.

    Args:
        command: the command's name.
        options: those of its keywords that the function does not name itself.
    """

    def decorate(function: Verb) -> Verb:
        signature, known = inspect.signature(function), keywords(command)
        *named, _ = signature.parameters.values()
        kind = inspect.Parameter.KEYWORD_ONLY
        names = list(get_type_hints(options))
        others = [inspect.Parameter(name, kind, default=_Left()) for name in names]
        lines = [f"    {name}: {known[name].help}" for name in names]
        lines = [f"\n\nKeywords, as `lstm-zoo {command}` has them:", *lines]
        told: Any = function
        told.__signature__ = signature.replace(parameters=[*named, *others])
        told.__doc__ = inspect.cleandoc(function.__doc__ or "") + "\n".join(lines)
        return function

    return decorate


@contextmanager
def asked(
    command: str, arguments: Sequence[object], options: Mapping[str, object]
) -> Iterator[tuple[Settings, dict]]:
    """The settings and parameters of a command, which is under way for as long as the block.

    Args:
        command: its name.
        arguments: its arguments, in their order.
        options: its options by their names in Python.

    Raises:
        UsageError: they can't be meant.
        KeyboardInterrupt: by a Ctrl-C in the block, whatever a library has made of it.
    """
    names = [_text(argument) for argument in arguments]
    dashes = ["--"] * any(name.startswith("-") for name in names)
    words = [*_spelled(command, options), *dashes, *names]
    with interrupts.heeded(), _as_command(command, words):
        try:
            with cli.commands[command].make_context(f"lstm-zoo {command}", words) as context:
                yield context.ensure_object(Settings), _params(context)
        except click.UsageError as error:
            raise UsageError(f"{error.format_message().rstrip('.')}.") from None
        except BaseException as error:
            if interrupts.seen():
                raise KeyboardInterrupt(interrupts.told()) from error
            raise


def _params(context: click.Context) -> dict:
    own = {name: value for name, value in context.params.items() if name not in SHELLS}
    return with_executor(own) if "executor" in own else own


def _spelled(command: str, options: Mapping[str, object]) -> list[str]:
    """The options as they are typed.

    Raises:
        UnknownName: the command has no such option.
    """
    known, words = keywords(command), []
    for name, value in options.items():
        if name not in known:
            raise UnknownName(f"option of {command} called", name, known)
        words += _words(known[name], value)
    return words


def _words(option: click.Option, value: object) -> list[str]:
    """An option as it is typed, as often as it has values."""
    name = option.opts[-1]
    if option.is_flag:
        return [name] * bool(value)
    if value is None and not _nullable(option):
        return []
    if not option.multiple:
        values = [_text(value)]
    elif isinstance(value, Mapping):
        values = [f"{key}={_text(one)}" for key, one in value.items()]
    elif isinstance(value, Sequence) and not isinstance(value, str):
        values = [_text(one) for one in value]
    else:
        values = [_text(value)]
    return [f"{name}={one}" for one in values]


def _nullable(option: click.Option) -> bool:
    """Whether None is a value of the option, and not just the lack of one."""
    return isinstance(option.type, Value) and "None" in option.type.parameter.annotation


def _text(value: object) -> str:
    """A value as it is typed.

    Raises:
        UsageError: it can't be.
    """
    if isinstance(value, str | os.PathLike):
        return os.fspath(value)
    plain = getattr(value, "tolist", lambda: value)()  # NumPy's
    try:
        return json.dumps(plain, ensure_ascii=False)
    except (TypeError, ValueError):
        kind = type(value).__name__
        hint = " Write it to a file, and give that: csv='FILE.csv'." * hasattr(value, "to_csv")
        raise UsageError(
            f"Values are numbers, texts, booleans and lists of them, and not a {kind}.{hint}"
        ) from None


@contextmanager
def _as_command(command: str, words: list[str]) -> Iterator[None]:
    """What the block records of its process is the command; Keras stays on what it runs on."""
    before, name = sys.argv, os.environ.get(_BACKEND)
    sys.argv = ["lstm-zoo", command, *words]
    if "keras" in sys.modules:
        from lstm_zoo import backend

        os.environ[_BACKEND] = backend.running() or ""
    try:
        yield
    finally:
        sys.argv = before
        os.environ.pop(_BACKEND, None)
        if name is not None:
            os.environ[_BACKEND] = name
