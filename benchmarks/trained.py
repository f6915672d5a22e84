"""The commands of ours that the parts time, and what they left in their runs' folders."""

from __future__ import annotations

import json
from pathlib import Path

from processes import HERE

ALL = 60_000  # images of MNIST to train on


def on(images: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The options before a command and after it that train on the first images of MNIST."""
    if images == ALL:
        return (), ("--dataset", "mnist")
    file = ("--zoo", str(HERE / "zoo.yaml"))
    return file, ("--dataset", "mnist-part", "--data", f"images={images}")


def metrics(runs: Path) -> list[dict]:
    """What every finished run below `runs` says of itself."""
    files = sorted(runs.glob("*/metrics.json"))
    return [json.loads(file.read_text(encoding="utf-8")) for file in files]
