"""How long the commands take that only print: beside Python with the two libraries they need."""

from __future__ import annotations

import sections
from goals import Goal, ratios, spread
from processes import Side, interleaved, zoo

ROUNDS, IMAGES = 10, None
BARE = "python -c 'import click, yaml'"
COMMANDS = {
    "lstm-zoo --help": ("--help",),
    "lstm-zoo list": ("list",),
    "lstm-zoo show lstm": ("show", "lstm"),
}


def measure(rounds: int, images: int | None) -> dict:
    """The seconds of each command, and of Python alone."""
    sides = {BARE: Side(("-c", "import click, yaml"))}
    sides |= {name: zoo(*arguments) for name, arguments in COMMANDS.items()}
    for side in sides.values():
        side.run()  # its compiled files are there then, for all rounds alike
    return {"seconds": interleaved(sides, rounds, Side.seconds)}


def goals(measured: dict) -> list[Goal]:
    """Each command beside Python alone."""
    seconds = measured["seconds"]
    return [
        Goal(f"`{name}` beside `{BARE}`", 3, ratios(seconds[name], seconds[BARE]), most=True)
        for name in COMMANDS
    ]


def section(measured: dict) -> str:
    """The seconds of each."""
    rows = [[f"`{name}`", spread(seconds)] for name, seconds in measured["seconds"].items()]
    return f"""## Start

{sections.table(["command", "seconds"], rows)}"""
