"""The parts of the speed measurements: measured, kept, and told on one page."""

from __future__ import annotations

import json
from pathlib import Path

import goals
import machine
from parts import accuracy, at_once, comparison, overhead, precision, run, start

from lstm_zoo.records import write_json

HERE = Path(__file__).parent
PARTS = {
    "comparison": comparison,
    "run": run,
    "precision": precision,
    "at_once": at_once,
    "accuracy": accuracy,
    "overhead": overhead,
    "start": start,
}


def measured(name: str, images: int | None, rounds: int | None) -> dict:
    """What a part measures, with its sizes and the machine."""
    part = PARTS[name]
    images, rounds = images or part.IMAGES, rounds or part.ROUNDS
    found = part.measure(rounds, images)
    return {"machine": machine.described(), "images": images, "rounds": rounds} | found


def keep(folder: Path, name: str, numbers: dict) -> None:
    """Write a part's numbers down."""
    (folder / "speed").mkdir(parents=True, exist_ok=True)
    write_json(folder / "speed" / f"{name}.json", numbers)


def kept(folder: Path = HERE) -> dict[str, dict]:
    """The parts measured so far."""
    files = {name: folder / "speed" / f"{name}.json" for name in PARTS}
    return {
        name: json.loads(file.read_text(encoding="utf-8"))
        for name, file in files.items()
        if file.exists()
    }


def page(parts: dict[str, dict]) -> str:
    """Every goal beside its figure, and then part by part what was measured."""
    every = [goal for name, numbers in parts.items() for goal in PARTS[name].goals(numbers)]
    told = [PARTS[name].section(numbers) for name, numbers in parts.items()]
    return "\n\n".join([introduction(parts), goals.table(every), *told])


def introduction(parts: dict[str, dict]) -> str:
    """What was run, and where."""
    return f"""# Speed

Written by `python -m benchmarks`, with the numbers that `speed/` keeps; nothing here is typed by
hand but the reasons. All sides of a table ran in turn, round after round, each in a fresh process.
A figure is the median of the rounds, beside the least and the greatest where there are several.

{machines(parts)}"""


def machines(parts: dict[str, dict]) -> str:
    """Each machine, and the parts that were measured on it."""
    places: dict[str, list[str]] = {}
    for name, numbers in parts.items():
        places.setdefault(machine.sentence(numbers["machine"]), []).append(name)
    if len(places) == 1:
        return f"The machine: {next(iter(places))}."
    return "\n".join(f"- {', '.join(names)}: {place}." for place, names in places.items())
