"""Where recurrent weights start, where Keras has no name for it: written into a model just built.

The saved model is plain Keras all the same, for only the numbers differ.
"""

from __future__ import annotations

import keras
from keras import layers, ops


def set_forget_bias(model: keras.Model, bias: float) -> None:
    """Start b_f of every LSTM layer at `bias`, the other biases at 0; Keras starts b_f at 1."""
    for layer in model.layers:
        for lstm in directions(layer):
            if isinstance(lstm, layers.LSTM):
                parts = [ops.full((lstm.units,), value) for value in (0.0, bias, 0.0, 0.0)]
                lstm.cell.bias.assign(ops.concatenate(parts))


def set_identity(layer: layers.RNN) -> None:
    """Start each gate's recurrent matrix at the identity."""
    kernel = layer.cell.recurrent_kernel
    gates = kernel.shape[1] // kernel.shape[0]
    kernel.assign(ops.tile(ops.eye(layer.units), (1, gates)))


def directions(layer: keras.Layer) -> list[keras.Layer]:
    """The two layers of a Bidirectional, the forward one first; of any other, itself."""
    if isinstance(layer, layers.Bidirectional):
        return [layer.forward_layer, layer.backward_layer]
    return [layer]
