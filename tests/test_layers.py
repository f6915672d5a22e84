"""The faster loops against Keras' own: outputs, gradients, options, and what is saved."""

import itertools

import keras
import numpy as np
import pytest
from keras import layers, ops

from lstm_zoo import backend
from lstm_zoo.layers import core
from lstm_zoo.layers.core import Kernel

KINDS = [layers.SimpleRNN, layers.LSTM, layers.GRU]
SHAPES = [(1, 1, 1, 1), (3, 7, 5, 4), (32, 28, 28, 8), (5, 40, 1, 16)]  # batch, steps, features
OPTIONS = [
    {},
    {"return_sequences": True},
    {"return_sequences": True, "return_state": True},
    {"go_backwards": True, "return_sequences": True},
    {"use_bias": False},
    {"activation": "relu", "return_sequences": True},
    {"activation": "linear", "return_state": True},
    {"activation": "sigmoid"},
]
SLOW = [
    ({"activation": "elu"}, "activation=elu"),
    ({"recurrent_dropout": 0.3}, "recurrent_dropout"),
    ({"unroll": True}, "unroll"),
]

every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def model_of(kind, shape, masked=False, **options):
    """The layer as a model, all its weights drawn, and inputs for it."""
    batch, steps, features, units = shape
    inputs = x = keras.Input((steps, features), batch_size=batch)
    if masked:
        x = layers.Masking()(x)
    model = keras.Model(inputs, kind(units, **options)(x))
    model.set_weights([0.4 * numbers(*w.shape, seed=i) for i, w in enumerate(model.get_weights())])
    x = numbers(batch, steps, features, seed=9)
    if masked:  # at the end, at the start, in the middle, everywhere
        x[0, steps // 2 :] = x[1, : steps // 3] = x[2, steps // 3 : steps // 2] = x[-1] = 0
    return model, x


def outputs_and_gradients(model, x, dtype="float32"):
    """Every output, and the gradients of a weighted sum of them by the input and every weight."""
    variables = model.trainable_variables
    weights = [numbers(*o.shape, seed=5 + i).astype(dtype) for i, o in enumerate(model.outputs)]

    def loss(arrays):
        given, *values = arrays
        with keras.StatelessScope(list(zip(variables, values, strict=True))):
            outputs = model(given)
        outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
        return sum(ops.sum(w * o) for w, o in zip(weights, outputs, strict=True))

    outputs = model(x)
    outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
    arrays = [x.astype(dtype), *(ops.convert_to_numpy(v) for v in variables)]
    return [ops.convert_to_numpy(o) for o in outputs], backend.gradients(loss, arrays)


def fast(model):
    return core.applied(model, Kernel(("fast",) * len(core.recurrent_layers(model))))


def assert_same(model, x):
    known = outputs_and_gradients(model, x)
    with fast(model):
        found = outputs_and_gradients(model, x)
    for a, b in zip(itertools.chain(*found), itertools.chain(*known), strict=True):
        assert np.abs(a - b).max() <= 1e-5 * max(1, np.abs(b).max())


@every_kind
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_outputs_and_gradients_are_keras_own(kind, shape, options):
    assert_same(*model_of(kind, shape, **options))


@every_kind
@pytest.mark.parametrize("options", OPTIONS[:4], ids=str)
def test_masked_steps_change_nothing(kind, options):
    assert_same(*model_of(kind, SHAPES[1], masked=True, **options))
