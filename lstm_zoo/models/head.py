"""What every model ends in: an optional dense layer, then the task's outputs."""

from __future__ import annotations

import keras
from keras import layers

from lstm_zoo.data import Outputs


def head(
    states: keras.KerasTensor,
    outputs: Outputs,
    dropout: float,
    dense: int | None,
    dense_activation: str,
) -> keras.KerasTensor:
    """The answers, from states of `(units,)`, or of `(steps, units)` at every step.

    Returns:
        `(size,)` or `(steps, size)`: probabilities for classes, any number for values.
    """
    x = dropped(states, dropout, "dropout")
    if dense:
        x = layers.Dense(dense, activation=dense_activation, name="dense")(x)
        x = dropped(x, dropout, "dense_dropout")
    return layers.Dense(
        outputs.size,
        activation="softmax" if outputs.kind == "classes" else None,
        kernel_initializer="zeros" if outputs.zero_start else "glorot_uniform",
        name="output",
    )(x)


def dropped(x: keras.KerasTensor, rate: float, name: str) -> keras.KerasTensor:
    """`x` through a dropout layer, where the rate is above 0."""
    return layers.Dropout(rate, name=name)(x) if rate else x
