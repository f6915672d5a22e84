"""Sides of a comparison, each in fresh processes: one after the other, round after round."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent


@dataclass(frozen=True)
class Side:
    """One side: Python's arguments, and what its environment has besides."""

    arguments: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)

    def run(self) -> subprocess.CompletedProcess:
        """Run it once, with nothing compiled before; stderr is shown only where it fails."""
        environment = {"TF_CPP_MIN_LOG_LEVEL": "3"} | os.environ | self.environment
        environment["PYTHONPATH"] = os.pathsep.join(
            filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])
        )
        command = [sys.executable, *self.arguments]
        with tempfile.TemporaryDirectory() as empty:
            environment["XDG_CACHE_HOME"] = _without_programs(Path(empty))
            done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-4000:]}")
        return done

    def clocked(self) -> tuple[float, str]:
        """The wall time of the whole process, and what it prints."""
        start = time.perf_counter()
        printed = self.run().stdout
        return time.perf_counter() - start, printed

    def seconds(self) -> float:
        """The wall time alone."""
        return self.clocked()[0]

    def told(self) -> Any:
        """What it prints as its last line."""
        return last(self.run().stdout)


def _without_programs(folder: Path) -> str:
    """`folder` as a cache without what JAX compiled before, but with Matplotlib's fonts."""
    usual = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "matplotlib"
    usual.mkdir(parents=True, exist_ok=True)
    (folder / "matplotlib").symlink_to(usual)
    return str(folder)


def last(printed: str) -> Any:
    """The last line, read as JSON."""
    return json.loads(printed.splitlines()[-1])


def script(name: str, *arguments: object, **environment: str) -> Side:
    """A script of this folder."""
    return Side((str(HERE / name), *map(str, arguments)), environment)


def zoo(*arguments: object, **environment: str) -> Side:
    """`lstm-zoo` with those arguments."""
    return Side(("-m", "lstm_zoo", *map(str, arguments)), environment)


def interleaved(
    sides: dict[str, Side], rounds: int, measure: Callable[[Side], Any]
) -> dict[str, list]:
    """What `measure` says of each side, round after round: A B C A B C …"""
    found: dict[str, list] = {name: [] for name in sides}
    for number in range(1, rounds + 1):
        for name, side in sides.items():
            print(f"round {number} of {rounds}: {name}", file=sys.stderr, flush=True)
            found[name].append(measure(side))
    return found
