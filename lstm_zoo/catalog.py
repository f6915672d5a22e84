"""The zoo: names, and the functions they stand for.

Reading a zoo file imports nothing, and neither does looking for plugins, whose zoo files are read
where a name is not found without them, and where everything is listed. `resolve` is the one place
where a name becomes code.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from lstm_zoo import plugins, zoofile
from lstm_zoo.entries import Entry, Metric
from lstm_zoo.errors import UnknownName, UsageError, ZooError, listed, reason, why
from lstm_zoo.plugins import Plugin

BUILT_IN = Path(__file__).with_name("zoo.yaml")


@dataclass(frozen=True)
class Found:
    """An installed plugin: the entries of its file by their names, or what is wrong with it."""

    plugin: Plugin
    entries: dict[str, Entry] = field(default_factory=dict)
    fault: str | None = None


@dataclass(frozen=True)
class Zoo:
    """Every entry by its name; names are unique across the kinds.

    `entries` are the built-in ones and those of the user's `file`.
    """

    entries: dict[str, Entry]
    file: str | None = None

    @cached_property
    def plugins(self) -> list[Found]:
        """The installed plugins, looked for when this is first asked for.

        Each adds names to the built-in ones and to those of the plugins before it. One that names
        anything again, or is at fault otherwise, adds nothing.
        """
        taken, found = load().entries if self.file else self.entries, []
        for plugin in plugins.installed():
            found.append(_brought(plugin, taken))
            taken = taken | found[-1].entries
        return found

    @cached_property
    def everything(self) -> dict[str, Entry]:
        """All entries, those of plugins last; what the user's file names is none of theirs."""
        brought = {name: one for found in self.plugins for name, one in found.entries.items()}
        return self.entries | {k: v for k, v in brought.items() if k not in self.entries}

    @property
    def left_out(self) -> list[Found]:
        """The plugins that were looked for and are at fault."""
        return [found for found in vars(self).get("plugins", ()) if found.fault]

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Those that score a task beside its own."""
        return tuple(self.of("metric").values())

    def of(self, kind: str) -> dict[str, Entry]:
        """The entries of a kind: `model`, `dataset`, `recipe` or `metric`."""
        return {name: entry for name, entry in self.everything.items() if entry.kind == kind}

    def find(self, name: str, kind: str | None = None) -> Entry:
        """The entry called `name`.

        Raises:
            UnknownName: there is none of that kind.
        """
        entry = self.entries.get(name) or self.everything.get(name)
        if entry is None:
            known = self.of(kind) if kind else self.everything
            raise UnknownName(kind or "model, dataset or recipe", name, known, _not_looked_at())
        if kind not in (None, entry.kind):
            recipe = entry.kind == "recipe"
            hint = f" Run it with: lstm-zoo reproduce {name}" if recipe else ""
            raise UsageError(f"'{name}' is a {entry.kind}, not a {kind}.{hint}")
        return entry


def _not_looked_at() -> str:
    """What is to be said of plugins that are installed and switched off."""
    off = plugins.installed(switched=False) if plugins.switched_off() else []
    names = listed(dict.fromkeys(plugin.name for plugin in off))
    return f"{plugins.SWITCH} switches off the plugins installed here: {names}." if off else ""


def _brought(plugin: Plugin, taken: dict[str, Entry]) -> Found:
    """What a plugin adds to the names that are taken; whatever is wrong with it is a sentence."""
    try:
        entries = zoofile.read(plugin.file(), taken, plugin=plugin)
        for entry in entries.values():
            entry.check()
    except Exception as error:
        return Found(plugin, fault=why(error))
    return Found(plugin, entries)


def load(file: str | Path | None = None) -> Zoo:
    """The built-in zoo and, where one is named, the user's `file` on top of it.

    The user's file puts its own folder on the import path, last.

    Raises:
        ZooError: the file is missing, or not a zoo.
    """
    entries = zoofile.read(BUILT_IN, {})
    if not file:
        return Zoo(entries)
    path = Path(file).resolve()
    entries |= zoofile.read(path, entries, zoo=str(path))
    import_beside(str(path))
    return Zoo(entries, str(path))


def import_beside(file: str) -> None:
    """Put the folder of a user's zoo file on the import path, last."""
    folder = str(Path(file).parent)
    if folder not in sys.path:
        sys.path.append(folder)


def resolve(reference: str) -> Callable:
    """The function `module:name`, imported: the airlock between names and code.

    Raises:
        ZooError: the module can't be imported, whatever it raises, or has no such function.
    """
    module, _, name = reference.partition(":")
    try:
        function = getattr(importlib.import_module(module), name, None)
    except ZooError:
        raise
    except (Exception, SystemExit) as error:
        raise ZooError(f"The module {module} can't be imported: {reason(error)}") from error
    if not callable(function):
        raise ZooError(f"The module {module} has no function '{name}'.")
    return function


def user_file(option: str | None) -> str | None:
    """The zoo file that the user names: the option, or LSTM_ZOO_FILE."""
    return option or os.environ.get("LSTM_ZOO_FILE") or None
