"""Where a run's numbers come from, and whether a finished run's are those asked for."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from datetime import datetime
from functools import cache
from pathlib import Path

import lstm_zoo
from lstm_zoo import backend
from lstm_zoo.config import RunConfig
from lstm_zoo.errors import RunError
from lstm_zoo.parameters import source_file
from lstm_zoo.runs import Run, list_runs

_SAME = ("lstm-zoo", "python", "backend", "versions", "devices", "code")


def environment(config: RunConfig) -> dict:
    """Where a run runs: versions, machine, and the command."""
    return {
        "started": datetime.now().astimezone().isoformat(timespec="seconds"),
        "command": " ".join(["lstm-zoo", *sys.argv[1:]]),
        "lstm-zoo": lstm_zoo.__version__,
        "code": code(config.builder, config.loader),
        "python": platform.python_version(),
        "backend": config.backend,
        "versions": backend.versions(),
        "devices": backend.devices(),
        "platform": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "cpus": os.cpu_count(),
    }


@cache
def code(*references: str) -> str:
    """The SHA-256 of the Python files that a run's numbers come from.

    These are lstm-zoo's own, and those beside a stranger's builder or loader, as they are when this
    process first asks.
    """
    home = Path(lstm_zoo.__file__).parent
    files = set(home.rglob("*.py"))
    for reference in references:
        files |= set(source_file(reference).parent.glob("*.py"))
    sha = hashlib.sha256()
    for file in sorted(files, key=lambda path: (path.name, path)):
        sha.update(file.read_bytes())
    return sha.hexdigest()


class Finished:
    """The finished runs of a folder, to be found by what determines them."""

    def __init__(self, folder: Path):
        self._runs: dict[str, Run] = {}
        self._likely: dict[str, Run] = {}
        for run in list_runs(folder):
            try:
                if run.finished:
                    config = run.config
                    self._runs[config.identity] = run
                    self._likely[config.with_seed(0).identity] = run
            except RunError:  # a damaged run is no finished one
                continue

    def find(self, config: RunConfig) -> Run | None:
        """The run of this configuration and its data, by the same code and versions."""
        run = self._runs.get(config.identity)
        if run is None:
            return None
        try:
            then, now = run.read("environment.json"), environment(config)
            run.read("metrics.json")
        except RunError:
            return None
        whole = (run.folder / "predictions.npz").is_file()
        return run if whole and all(then.get(key) == now[key] for key in _SAME) else None

    def like(self, config: RunConfig) -> Run | None:
        """A run that differs in its seed at most, whatever made it: it tells how long one takes."""
        return self._likely.get(config.with_seed(0).identity)

    def add(self, config: RunConfig, run: Run) -> None:
        """A run that has just finished."""
        self._runs[config.identity] = run
