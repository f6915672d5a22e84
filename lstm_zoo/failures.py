"""What is kept of a training that failed: `failure.json` in its run's folder."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from lstm_zoo.errors import ZooError, reason
from lstm_zoo.records import write_json
from lstm_zoo.runs import Run

FILE = "failure.json"


def record(run: Run, error: Exception, log: str) -> None:
    """Write down why a training failed, and where; a disk that is full is no other failure."""
    why = str(error) if isinstance(error, ZooError) else reason(error)
    ended = datetime.now().astimezone().isoformat(timespec="seconds")
    with suppress(OSError):
        write_json(run.folder / FILE, {"schema": 1, "error": why, "log": log, "ended": ended})


def forget(run: Run) -> None:
    """It is trained once more."""
    (run.folder / FILE).unlink(missing_ok=True)
