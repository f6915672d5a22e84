"""`doctor`: what is here, and what is missing."""

from __future__ import annotations

from lstm_zoo.cli.options import data_dir_option, runs_option
from lstm_zoo.cli.settings import Settings, command, json_option, pass_settings, print_json, tell


@command("lstm-zoo doctor")
@data_dir_option
@runs_option
@json_option
@pass_settings
def doctor(settings: Settings, data_dir: str | None, runs_dir: str | None, as_json: bool) -> None:
    """Versions, backends, devices, the data found, and what is missing."""
    from lstm_zoo import diagnosis

    found = diagnosis.diagnose(settings.backend, data_dir, runs_dir)
    if as_json:
        print_json(found)
        return
    for title, lines in found.items():
        tell(f"{title.replace('_', ' ').capitalize()}")
        for name, value in lines.items():
            tell(f"  {name:<14} {value}")


COMMANDS = [doctor]
