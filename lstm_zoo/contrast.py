"""Runs side by side: the settings in which they differ, and their scores."""

from __future__ import annotations

from pathlib import Path

from lstm_zoo.runs import Run

_COSTS = ("parameters", "epochs", "train_seconds")

_FOLLOWING = {  # settings that differ wherever another one does
    "model": "variant",
    "builder": "model",
    "loader": "dataset",
    "data_sha256": "dataset",
}


def contrast(lines: list[dict]) -> dict:
    """What `runs --compare` tells.

    Args:
        lines: the runs, as `runs.line` gives them, none damaged.

    Returns:
        `runs`, these lines; `settings`, of each that is not the same in all of them the values, run
        by run; `scores`, likewise of every number of a test part, of its floor and of what it cost.
        A run without one has None.
    """
    runs = [Run(Path(line["run"])) for line in lines]
    settings = _columns([run.config.flat() for run in runs])
    scores = _columns([_scores(run) if run.finished else {} for run in runs])
    differing = {name: values for name, values in settings.items() if not _same(values)}
    told = {name for name, other in _FOLLOWING.items() if other in differing}
    shown = {name: values for name, values in differing.items() if name not in told}
    return {"runs": lines, "settings": shown, "scores": scores}


def _scores(run: Run) -> dict:
    record = run.metrics
    floor = {f"floor {record['metric']['name']}": record["floor"]["value"]}
    return record["test"] | floor | {name: record.get(name) for name in _COSTS}


def _columns(rows: list[dict]) -> dict[str, list]:
    """Of each name its values, row by row."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _same(values: list) -> bool:
    return all(value == values[0] for value in values)
