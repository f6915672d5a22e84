"""The runs of a folder that need no training any more, or less of it."""

from __future__ import annotations

import math
from contextlib import suppress
from pathlib import Path

from lstm_zoo import archives, provenance
from lstm_zoo.config import RunConfig
from lstm_zoo.errors import RunError
from lstm_zoo.metrics import METRICS
from lstm_zoo.runs import Run, list_runs, read_history

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


class Earlier:
    """The runs of a folder, to be found by what determines them.

    Args:
        folder: the runs folder.
        devices: those that a new run would be computed on.
    """

    def __init__(self, folder: Path, devices: list[str]):
        self._folder, self._devices = folder, devices
        self._read: set[str] = set()
        self._configs: dict[str, RunConfig] = {}
        self._runs: dict[str, Run] = {}
        self._likely: dict[str, Run] = {}
        self._begun: dict[str, Run] = {}
        self._found: dict[str, Run | None] = {}
        self.look()

    def look(self) -> None:
        """Take in what has come into the folder."""
        for run in list_runs(self._folder, self._read):
            with suppress(RunError):  # a damaged run is none
                self._take(run, self._config(run))

    def _config(self, run: Run) -> RunConfig:
        """A run's configuration, read once where it stays unfinished."""
        name = run.folder.name
        if name not in self._configs:
            self._configs[name] = run.config
        return self._configs[name]

    def _take(self, run: Run, config: RunConfig) -> None:
        identity = config.identity
        if not run.finished:
            self._begun[identity] = run
            return
        self._read.add(run.folder.name)
        del self._configs[run.folder.name]
        self._runs[identity] = self._likely[config.with_seed(0).identity] = run
        self._found.pop(identity, None)

    def find(self, config: RunConfig) -> Run | None:
        """The run of this configuration and its data, by the same code and versions."""
        identity = config.identity
        if identity not in self._found:
            self._found[identity] = self._checked(config, self._runs.get(identity))
        return self._found[identity]

    def _checked(self, config: RunConfig, run: Run | None) -> Run | None:
        if run is None:
            return None
        return run if self._unchanged(run, config) and sound(run, config) else None

    def _unchanged(self, run: Run, config: RunConfig) -> bool:
        try:
            return not provenance.changed(run, config, self._devices)
        except RunError:
            return False

    def unfinished(self, config: RunConfig) -> Run | None:
        """The newest run of this configuration, if it has not finished."""
        run = self._begun.get(config.identity)
        return None if run is None or run.finished else run

    def begun(self, config: RunConfig) -> Run | None:
        """The run of this configuration that was interrupted, and can be gone on with."""
        run = self.unfinished(config)
        if run is None or not run.begun or run.running:
            return None
        return run if self._unchanged(run, config) else None

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
        arrays = archives.arrays(run.folder / "predictions.npz", ("y_true", "y_pred"))
        known = METRICS[name].score(arrays["y_true"], arrays["y_pred"])
        rows = read_history(run)
        validated = config.data.get("validation") != 0 and "val_loss" in rows[0]
        losses = [row["val_loss" if validated else "loss"] for row in rows]
        return (
            math.isclose(known, score, rel_tol=1e-9)
            and len(losses) == record["epochs"] + validated
            and None not in losses
            and _fits(record)
        )
    except (RunError, OSError, LookupError, TypeError, ValueError, ArithmeticError):
        return False


def _fits(record: dict) -> bool:
    """Whether metrics.json has what a comparison takes from it."""
    return (
        record["schema"] == 1
        and 0 <= record["learned_p_value"] <= 1
        and all(isinstance(record[name], kind) for name, kind in _TAKEN.items())
        and all(isinstance(note, str) for note in record["notes"])
        and isinstance(record.get("own_metrics", {}), dict)
    )
