"""`explain`: a look inside finished runs."""

from __future__ import annotations

from pathlib import Path

import click
from click.shell_completion import CompletionItem

from lstm_zoo import records
from lstm_zoo import runs as run_folders
from lstm_zoo.cli.finished import loaded_run, start
from lstm_zoo.cli.names import RunName, Value
from lstm_zoo.cli.options import check_png, data_dir_option, runs_option
from lstm_zoo.cli.settings import Settings, command, json_option, pass_settings, print_json, tell
from lstm_zoo.errors import UnknownName, UsageError, listed
from lstm_zoo.parameters import Parameter

_QUESTIONS = ("gradients", "gates", "attention")
_EXAMPLE = Parameter("example", "NonNegativeInt", None, "a test example")


class _Asked(RunName):
    """The runs, and at the end the question."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The questions, and the runs there are."""
        questions = [CompletionItem(name) for name in _QUESTIONS if name.startswith(incomplete)]
        return questions + super().shell_complete(ctx, param, incomplete)


@command(
    "lstm-zoo explain last gradients -o gradients.png\n"
    "lstm-zoo explain last gates --example 0 --example 7 -o gates.png"
)
@click.argument("asked", nargs=-1, type=_Asked(), metavar="RUN… gradients|gates|attention")
@click.option(
    "-o", "--output", metavar="FILE.png", help="Draw it there; without it there is no picture."
)
@click.option(
    "--example",
    "examples",
    type=Value(_EXAMPLE),
    multiple=True,
    metavar="N",
    help="For gates and attention: show the test example N, from 0; may be repeated.",
)
@data_dir_option
@runs_option
@json_option
@pass_settings
def explain(settings: Settings, as_json: bool, **options: object) -> None:
    """A look inside each RUN: how far back its gradients reach, what its gates do, or where its
    attention looks. Several runs stand side by side.
    """
    question, records = explained(settings, **options)
    if as_json:
        print_json(records if len(records) > 1 else records[0])
    else:
        _print(question, records)


def explained(
    settings: Settings,
    asked: tuple[str, ...],
    output: str | None,
    examples: tuple[int, ...],
    **options: object,
) -> tuple[str, list[dict]]:
    """The question, and what is found in each run; drawn too, where that is asked for."""
    names, question = _understood(asked)
    _check(question, output, examples)
    folder = run_folders.runs_folder(options["runs_dir"])
    runs = [run_folders.find(name, folder) for name in names]
    records = _records(settings, runs, question, examples, options["data_dir"])
    if output:
        from lstm_zoo.reporting import charts, insight_charts

        charts.save(getattr(insight_charts, question)(records), Path(output))
        settings.say(f"Picture: {output}")
    return question, records


def _understood(asked: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """The names of the runs, and the question."""
    *names, question = asked or ("",)
    if names and question not in _QUESTIONS:
        raise UnknownName("question", question, _QUESTIONS)
    if not names:
        raise UsageError(
            "Name one or more runs, and then what to look at: lstm-zoo explain last gradients "
            f"(or {listed(_QUESTIONS[1:], 'or')})."
        )
    return tuple(names), question


def _check(question: str, output: str | None, examples: tuple[int, ...]) -> None:
    """Make sure that the options fit, before anything is computed."""
    check_png("output", output)
    if output is not None:
        records.check_writable(Path(output))
    if examples and question == "gradients":
        raise UsageError("--example is for gates and attention: gradients are means over examples.")


def _records(
    settings: Settings,
    runs: list[run_folders.Run],
    question: str,
    examples: tuple[int, ...],
    data_dir: str | None,
) -> list[dict]:
    """What is found in each run; a record a layer and direction."""
    configs = [settings.config_of(run) for run in runs]
    running = start(settings, configs[0])
    from lstm_zoo import forecasting, insight
    from lstm_zoo.insight.subject import Subject

    records = []
    for run, config in zip(runs, configs, strict=True):
        loaded = loaded_run(settings, run, config)
        if question == "gradients" and config.backend != running:
            settings.warn(
                f"{run.name} was trained on {config.backend}: on {running} its seed draws other "
                f"weights, so what it was before training is another draw. --backend "
                f"{config.backend} builds its own again."
            )
        subject = Subject(loaded, forecasting.own_data(loaded, data_dir))
        with forecasting.asked(loaded):
            records += insight.explain(question, subject, examples or (0,))
    return records


def _print(question: str, records: list[dict]) -> None:
    from lstm_zoo.reporting import insight, tables

    columns, rows, lines = getattr(insight, question)(records)
    tables.print_rows(columns, rows, insight.TEXTS)
    for line in lines:
        tell(line)


COMMANDS = [explain]
