"""The first images of MNIST, as a dataset of `zoo.yaml` beside this file."""

from __future__ import annotations

from dataclasses import replace

from lstm_zoo.data import Parts
from lstm_zoo.datasets import mnist
from lstm_zoo.parameters import PositiveInt


def load(*, images: PositiveInt = 60000, data_dir: str | None = None) -> Parts:
    """MNIST with fewer images to train on.

    Args:
        images: how many.
        data_dir: the folder searched first.
    """
    parts = mnist.load(data_dir=data_dir)
    fewer = replace(parts.train, x=parts.train.x[:images], y=parts.train.y[:images])
    return replace(parts, train=fewer)
