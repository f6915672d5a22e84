"""Where a run's numbers come from: code, versions, machine."""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import sys
from datetime import datetime
from functools import cache
from pathlib import Path

import lstm_zoo
from lstm_zoo import backend
from lstm_zoo.config import RunConfig
from lstm_zoo.errors import RunError, listed
from lstm_zoo.parameters import package_folder, source_file
from lstm_zoo.records import write_json
from lstm_zoo.runs import Run

_OTHERS = {".venv", "venv", "site-packages", "node_modules", ".git"}  # no part of a zoo
_SAME = ("lstm-zoo", "python", "backend", "versions", "devices", "code")


def now() -> str:
    """The local time, to the second, with its zone."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def environment(config: RunConfig, devices: list[str]) -> dict:
    """Where a run runs: versions, machine with the backend's devices, and the command."""
    return {
        "started": now(),
        "command": shlex.join(["lstm-zoo", *sys.argv[1:]]),
        "lstm-zoo": lstm_zoo.__version__,
        "code": code(config.builder, config.loader),
        "python": platform.python_version(),
        "backend": config.backend,
        "versions": backend.versions(),
        "plugins": config.plugins,
        "devices": devices,
        "platform": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "cpus": os.cpu_count(),
    }


@cache
def code(*references: str) -> str:
    """The SHA-256 of the Python files that a run's numbers come from.

    These are lstm-zoo's own, and those of the package that a stranger's builder or loader is in, as
    they are when this process first asks.
    """
    home = Path(lstm_zoo.__file__).parent
    places = {home, *map(_place, references)}
    sha = hashlib.sha256()
    for place in sorted(places, key=lambda path: (path != home, path.name)):
        for file in code_files(place):
            sha.update(file.read_bytes())
    return sha.hexdigest()


def _place(reference: str) -> Path:
    """The folder of a function's package or module; its file, in a folder of other packages."""
    file = source_file(reference)
    folder = package_folder(reference) or file.parent
    return file if folder.name in _OTHERS else folder


def code_files(place: Path) -> list[Path]:
    """The Python files in and below a folder, but for those of other packages."""
    every = sorted(place.rglob("*.py")) if place.is_dir() else [place]
    return [file for file in every if _OTHERS.isdisjoint(file.relative_to(place).parts)]


def begin(run: Run, config: RunConfig, devices: list[str]) -> None:
    """Write down what determines a run, and where it runs; of one that goes on, that it does."""
    here = environment(config, devices)
    file = run.folder / "environment.json"
    if file.exists():
        begun = run.read(file.name)
        again = {name: here[name] for name in ("started", "command")}
        before = begun.get("resumed")
        here = begun | {"resumed": [*(before if isinstance(before, list) else []), again]}
    write_json(run.folder / "config.json", config.to_dict())
    write_json(file, here)


def changed(run: Run, config: RunConfig, devices: list[str]) -> list[str]:
    """What of the code, the versions and the devices a run had otherwise, by their names.

    Raises:
        RunError: its environment.json is missing or damaged.
    """
    then, now = run.read("environment.json"), environment(config, devices)
    return [name for name in _SAME if then.get(name) != now[name]]


def check_unchanged(run: Run, config: RunConfig, digest: str, devices: list[str]) -> None:
    """Make sure that going on with a run gives what it would have given without interruption.

    Raises:
        RunError: its data, the code or a version has changed.
    """
    other = changed(run, config, devices)
    if config.data_sha256 != digest:
        other.append("data")
    if other:
        raise RunError(
            f"The run {run.folder} can't go on: {listed(other)} changed since it was begun. "
            "Train it anew."
        )
