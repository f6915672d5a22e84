"""What is trained, as every side is told it on the command line, and what each prints of it."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

CLASSES = 10


@dataclass(frozen=True)
class Work:
    """A network of recurrent layers with a softmax on the last state, and the data's shape.

    Args:
        network: `lstm`, `gru` or `simple-rnn`.
        units: of each layer, from the input up.
        batch: examples in one update.
        images: examples in an epoch.
        steps: of one example.
        features: of one step.
    """

    network: str = "lstm"
    units: tuple[int, ...] = (128, 128)
    batch: int = 32
    images: int = 1600
    steps: int = 28
    features: int = 28

    @property
    def spelled(self) -> str:
        """As the command line takes it."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> Work:
        """The work that `spelled` wrote."""
        values = json.loads(text)
        return cls(**values | {"units": tuple(values["units"])})


def parser(description: str) -> argparse.ArgumentParser:
    """The options that all sides have."""
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--work", type=Work.read, action="append", default=[])
    options.add_argument("--threads", type=int, help="the library's own choice by default")
    return options


def drawn(work: Work) -> tuple[np.ndarray, np.ndarray]:
    """Numbers between 0 and 1 in the work's shape, and their classes, from one stream."""
    rng = np.random.default_rng(0)
    x = rng.random((work.images, work.steps, work.features), dtype=np.float32)
    return x, rng.integers(CLASSES, size=work.images)


def mnist() -> tuple[np.ndarray, ...]:
    """MNIST from where `LSTM_ZOO_DATA` says: x and y to train on, x and y to test on."""
    folder = os.environ.get("LSTM_ZOO_DATA")
    if not folder:
        raise SystemExit("LSTM_ZOO_DATA has to name the folder with mnist.npz.")
    with np.load(Path(folder) / "mnist.npz") as file:
        x_train, y_train, x_test, y_test = (
            file[name] for name in ("x_train", "y_train", "x_test", "y_test")
        )
    return x_train.astype("float32") / 255, y_train, x_test.astype("float32") / 255, y_test


def pin(threads: int | None) -> None:
    """Keep the process to so many processors: XLA takes as many threads as it may use."""
    if threads and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def tell(works: list[Work], timed: Callable[[Work], dict]) -> None:
    """Do each work, and print what `timed` says of it as the last line."""
    print(json.dumps([timed(work) for work in works]))
