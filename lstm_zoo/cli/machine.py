"""`doctor`: what is here, and what is missing."""

from __future__ import annotations

import shutil
import sys

import click

from lstm_zoo.cli.options import data_dir_option, runs_option
from lstm_zoo.cli.settings import Settings, command, json_option, pass_settings, print_json, tell

_NOWHERE_CUT = 10_000  # letters


@command("lstm-zoo doctor")
@data_dir_option
@runs_option
@json_option
@pass_settings
def doctor(settings: Settings, data_dir: str | None, runs_dir: str | None, as_json: bool) -> None:
    """Versions, backends, devices, the data found, and what is missing."""
    found = diagnosed(settings, data_dir, runs_dir)
    if as_json:
        print_json(found)
    else:
        tell(told(found, shutil.get_terminal_size().columns if sys.stdout.isatty() else None))


def diagnosed(settings: Settings, data_dir: str | None, runs_dir: str | None) -> dict:
    """What `doctor` finds."""
    from lstm_zoo import diagnosis

    return diagnosis.diagnose(settings.backend, data_dir, runs_dir)


def told(found: dict, width: int | None = None) -> str:
    """The same for a person, a line each; what is too wide for a terminal goes on below."""
    lines = click.HelpFormatter(width=width or _NOWHERE_CUT)
    for title, subject in found.items():
        with lines.section(title.capitalize()):
            lines.write_dl([(name, str(value)) for name, value in subject.items()])
    return lines.getvalue().strip()


COMMANDS = [doctor]
