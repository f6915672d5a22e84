"""`export`: a trained model for other programs."""

from __future__ import annotations

import click

from lstm_zoo.cli.finished import data_of, load_run, other_data_options
from lstm_zoo.cli.options import data_dir_option, run_argument, runs_option
from lstm_zoo.cli.settings import Settings, command, json_option, pass_settings, print_json, tell
from lstm_zoo.errors import CheckFailed, UsageError

FORMATS = ("keras", "onnx", "saved-model", "litert")


@command(
    "lstm-zoo export last --format onnx -o model\n"
    "lstm-zoo export last --format litert -o phone --replace"
)
@run_argument
@click.option(
    "--format", "form", type=click.Choice(FORMATS), required=True, help="What it is written as."
)
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FOLDER",
    help="Write it there: the model, its scaling, and an example of use.",
)
@click.option("--replace", is_flag=True, help="Replace an earlier export in that folder.")
@other_data_options
@data_dir_option
@runs_option
@json_option
@pass_settings
def export(settings: Settings, as_json: bool, **options: object) -> None:
    """The model of RUN for other programs, once their runtime answers as the original does.

    The exit code is 3 where it answers otherwise, and then nothing is written.
    """
    try:
        record, told = exported(settings, **options)
    except CheckFailed as failed:
        if as_json:
            print_json(failed.record)
        raise
    if as_json:
        print_json(record)
        return
    for line in told:
        tell(line)


def exported(
    settings: Settings, run: str, form: str, output: str, replace: bool, **options: object
) -> tuple[dict, list[str]]:
    """What `export` wrote, for a program and in sentences.

    Raises:
        CheckFailed: it answers otherwise than the original, and nothing is written.
    """
    from lstm_zoo.exporting import folder, formats

    chosen = formats.FORMATS[form]
    chosen.check_installed()
    if chosen.backend and settings.backend not in (None, chosen.backend):
        raise UsageError(
            f"{chosen.words} is written on {chosen.backend}, whatever the run was trained on: "
            f"leave --backend {settings.backend} out."
        )
    target = folder.target(output, replace)
    loaded = load_run(settings, run, options, chosen.backend)
    from lstm_zoo.exporting import card, exporter

    dataset = data_of(settings, loaded, options)
    record = exporter.export(loaded, dataset, chosen, target)
    there = f"{chosen.words}: {output}/{chosen.file}"
    use = f"{there}, and how to use it: python {output}/example.py"
    return record, [card.compared(record), card.shapes(record), *record["notes"], use]


COMMANDS = [export]
