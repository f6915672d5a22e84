"""`doctor`: what is here, and what is missing."""

from __future__ import annotations

from collections.abc import Iterator

from lstm_zoo.cli.options import data_dir_option, runs_option
from lstm_zoo.cli.settings import Settings, command, json_option, pass_settings, print_json, tell


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
        tell("\n".join(told(found)))


def diagnosed(settings: Settings, data_dir: str | None, runs_dir: str | None) -> dict:
    """What `doctor` finds."""
    from lstm_zoo import diagnosis

    return diagnosis.diagnose(settings.backend, data_dir, runs_dir)


def told(found: dict) -> Iterator[str]:
    """The same for a person, a line each."""
    for title, lines in found.items():
        yield title.replace("_", " ").capitalize()
        yield from (f"  {name:<14} {value}" for name, value in lines.items())


COMMANDS = [doctor]
