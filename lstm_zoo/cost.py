"""What a model costs: the multiply-adds of one example's forward pass.

Counted are the multiply-adds of matrix products, convolutions and the scores and sums of
attention. Biases, activations, gates' elementwise products, pooling and softmax are not: they grow
with the units, the products with their square. Zeros at a convolution's edges are multiplied like
other numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import keras
from keras import layers

Shape = tuple[int, ...]


def multiply_adds(model: keras.Model) -> int | None:
    """The multiply-adds of one example through `model`.

    Returns:
        The count; None where it can't be told: a layer with weights of a kind not counted here, a
        layer used more than once, an open number of steps, or a model that is neither functional
        nor sequential.
    """
    if not _is_plain(model):
        return None
    return _sum(_layer(layer, _input_shapes(layer)) for layer in model.layers)


def _is_plain(model: keras.Model) -> bool:
    """Whether `model` lists its layers, and calls each of them once."""
    entries = model.get_config().get("layers")
    return entries is not None and all(len(e.get("inbound_nodes", ())) <= 1 for e in entries)


def _input_shapes(layer: keras.Layer) -> list[Shape]:
    """The shapes of a layer's inputs, less the batch; a mask is none."""
    given = layer.input
    tensors = given if isinstance(given, list) else [given]
    return [tensor.shape[1:] for tensor in tensors if tensor.dtype != "bool"]


def _layer(layer: keras.Layer, shapes: list[Shape]) -> int | None:
    """The multiply-adds of one call of `layer` on inputs of `shapes`."""
    if isinstance(layer, keras.Model):
        return multiply_adds(layer)
    if type(layer) not in _COUNTS:
        return None if layer.weights or isinstance(layer, _UNCOUNTED) else 0
    if None in sum(shapes, ()):
        return None
    return _COUNTS[type(layer)](layer, *shapes)


def _sum(counts: Iterable[int | None]) -> int | None:
    counts = list(counts)
    return None if None in counts else sum(counts)


def _dense(layer: layers.Dense, given: Shape) -> int:
    return math.prod(given) * layer.units


def _recurrent(layer: layers.RNN, given: Shape, *states: Shape) -> int:
    steps, features = given
    products = {layers.SimpleRNN: 1, layers.GRU: 3, layers.LSTM: 4}[type(layer)]
    return steps * products * (features + layer.units) * layer.units


def _both_directions(layer: layers.Bidirectional, given: Shape, *states: Shape) -> int | None:
    return _sum(_layer(part, [given]) for part in (layer.forward_layer, layer.backward_layer))


def _each_step(layer: layers.TimeDistributed, given: Shape) -> int | None:
    once = _layer(layer.layer, [given[1:]])
    return None if once is None else given[0] * once


def _convolution(layer: layers.Conv1D | layers.Conv2D, given: Shape) -> int:
    made = layer.compute_output_shape((None, *given))[1:]
    return math.prod(made) // layer.filters * math.prod(layer.kernel.shape)


def _none(layer: layers.Embedding, given: Shape) -> int:
    """A token's vector is looked up."""
    return 0


def _attention(layer: layers.AdditiveAttention, query: Shape, value: Shape, key: Shape = ()) -> int:
    return query[0] * value[0] * (query[1] + value[1])


_COUNTS = {
    layers.Dense: _dense,
    layers.SimpleRNN: _recurrent,
    layers.GRU: _recurrent,
    layers.LSTM: _recurrent,
    layers.Bidirectional: _both_directions,
    layers.TimeDistributed: _each_step,
    layers.Conv1D: _convolution,
    layers.Conv2D: _convolution,
    layers.Embedding: _none,
    layers.AdditiveAttention: _attention,
}
# Without weights, yet with matrix products.
_UNCOUNTED = (layers.Attention, layers.Dot)
