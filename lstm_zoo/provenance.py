"""Where a run's numbers come from, and whether a finished run's are those asked for."""

from __future__ import annotations

import csv
import hashlib
import math
import os
import platform
import shlex
import sys
import zipfile
import zlib
from datetime import datetime
from functools import cache
from pathlib import Path

import numpy as np

import lstm_zoo
from lstm_zoo import backend
from lstm_zoo.config import RunConfig
from lstm_zoo.errors import RunError
from lstm_zoo.metrics import METRICS
from lstm_zoo.parameters import source_file
from lstm_zoo.runs import Run, list_runs

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
        "devices": devices,
        "platform": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "cpus": os.cpu_count(),
    }


@cache
def code(*references: str) -> str:
    """The SHA-256 of the Python files that a run's numbers come from.

    These are lstm-zoo's own, and those beside and below a stranger's builder or loader, as they are
    when this process first asks.
    """
    home = Path(lstm_zoo.__file__).parent
    folders = {home, *(source_file(reference).parent for reference in references)}
    sha = hashlib.sha256()
    for folder in sorted(folders, key=lambda path: path.name):
        for file in sorted(folder.rglob("*.py")):
            if _OTHERS.isdisjoint(file.relative_to(folder).parts):
                sha.update(file.read_bytes())
    return sha.hexdigest()


_TAKEN = {  # of metrics.json, by a comparison
    "learned": bool,
    "lag": dict | None,
    "epochs": int,
    "best_epoch": int,
    "train_seconds": float,
    "examples_per_second": float,
    "kernel": dict,
    "notes": list,
}


class Finished:
    """The finished runs of a folder, to be found by what determines them.

    Args:
        folder: the runs folder.
        devices: those that a new run would be computed on.
    """

    def __init__(self, folder: Path, devices: list[str]):
        self._devices = devices
        self._runs: dict[str, Run] = {}
        self._likely: dict[str, Run] = {}
        self._found: dict[str, Run | None] = {}
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
        identity = config.identity
        if identity not in self._found:
            self._found[identity] = self._checked(config, self._runs.get(identity))
        return self._found[identity]

    def _checked(self, config: RunConfig, run: Run | None) -> Run | None:
        if run is None:
            return None
        try:
            then, now = run.read("environment.json"), environment(config, self._devices)
        except RunError:
            return None
        same = all(then.get(key) == now[key] for key in _SAME)
        return run if same and sound(run, config) else None

    def like(self, config: RunConfig) -> Run | None:
        """A run that differs in its seed at most, whatever made it: it tells how long one takes."""
        run = self._likely.get(config.with_seed(0).identity)
        return run if run and sound(run, config) else None

    def add(self, config: RunConfig, run: Run) -> None:
        """A run that has just finished."""
        self._found[config.identity] = self._likely[config.with_seed(0).identity] = run


def sound(run: Run, config: RunConfig) -> bool:
    """Whether a finished run's files are whole, and its score is that of its predictions."""
    try:
        record = run.metrics
        name, score = record["metric"]["name"], record["test"][record["metric"]["name"]]
        path = run.folder / "predictions.npz"
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            known = METRICS[name].score(arrays["y_true"], arrays["y_pred"])
        with (run.folder / "history.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        validated = config.data.get("validation") != 0 and "val_loss" in rows[0]
        losses = [float(row["val_loss" if validated else "loss"]) for row in rows]
        return (
            math.isclose(known, score, rel_tol=1e-9)
            and len(losses) == record["epochs"] + validated
            and _fits(record)
        )
    except (RunError, OSError, EOFError, zipfile.BadZipFile, zlib.error, csv.Error):
        return False
    except (LookupError, TypeError, ValueError):
        return False


def _fits(record: dict) -> bool:
    """Whether metrics.json has what a comparison takes from it."""
    return (
        record["schema"] == 1
        and 0 <= record["learned_p_value"] <= 1
        and all(isinstance(record[name], kind) for name, kind in _TAKEN.items())
        and all(isinstance(note, str) for note in record["notes"])
    )
