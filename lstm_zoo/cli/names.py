"""Names on the command line: completed in the shell, and kept as they were typed."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from lstm_zoo import runs
from lstm_zoo.cli.settings import Settings
from lstm_zoo.entries import Entry
from lstm_zoo.errors import UsageError, ZooError
from lstm_zoo.parameters import Parameter


class Name(click.ParamType):
    """An entry of the zoo, of one kind or of any."""

    def __init__(self, kind: str | None = None):
        self.kind = kind
        self.name = kind or "name"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The names that begin so, each with its line."""
        return [
            CompletionItem(entry.name, help=entry.summary)
            for entry in self._entries(ctx)
            if entry.name.startswith(incomplete)
        ]

    def _entries(self, ctx: click.Context) -> list[Entry]:
        try:
            zoo = ctx.ensure_object(Settings).zoo
        except ZooError:
            return []
        return list((zoo.of(self.kind) if self.kind else zoo.everything).values())


class RunName(click.ParamType):
    """A run: a path, a name under the runs folder, or `last`."""

    name = "run"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """`last` and the runs there are."""
        known = [run.name for run in runs.list_runs(runs.runs_folder(ctx.params.get("runs_dir")))]
        return [CompletionItem(name) for name in ["last", *known] if name.startswith(incomplete)]


class Value(click.ParamType):
    """A value of one parameter, read and checked as that parameter's."""

    def __init__(self, parameter: Parameter):
        self.parameter = parameter
        self.name = parameter.name

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> object:
        """The value that was spelt."""
        if not isinstance(value, str):
            return value
        try:
            return self.parameter.parse(value)
        except UsageError as error:
            return self.fail(str(error), param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The words to choose from, where there are any."""
        return [
            CompletionItem(word) for word in self.parameter.choices if word.startswith(incomplete)
        ]
