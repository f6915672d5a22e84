"""Gradients by lag, gates and attention, against the calculus, finite differences and bare Keras.

All but the walk through the zoo is run again on the other backends.
"""

import importlib.util
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers

from lstm_zoo import backend, catalog
from lstm_zoo.data import Outputs, Tokens
from lstm_zoo.errors import UsageError
from lstm_zoo.insight.gradients import by_lag, decay_per_step, half_life
from lstm_zoo.insight.opened import OpenModel

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]

OTHER_BACKENDS = [
    name
    for name in ("tensorflow", "jax", "torch")
    if name != keras.backend.backend() and importlib.util.find_spec(name)
]


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def sequential(*stack, shape=(9, 3)):
    """A model whose weights are all drawn, so that a mistake in any of them shows."""
    model = keras.Sequential([keras.Input(shape), *stack])
    drawn = [0.4 * numbers(*w.shape, seed=seed) for seed, w in enumerate(model.get_weights())]
    model.set_weights(drawn)
    return model


def squares(outputs):
    """The sum over examples of a loss of the outputs after the last step."""
    last = outputs[:, -1] if len(outputs.shape) == 3 else outputs
    return keras.ops.sum(keras.ops.square(last - 0.3))


def derivatives(model, x, loss=squares):
    with backend.double_precision():
        opened = OpenModel(model)
        return opened.layers, opened.gradients(x, loss)


def observed(model, x):
    with backend.double_precision():
        return OpenModel(model).observe(x)


# ------------------------------------------------------------------- what is known by the calculus


@pytest.mark.parametrize("rho", [0.5, 0.9, 1.1])
def test_a_linear_rnn_with_a_scaled_rotation_decays_by_the_scale(rho):
    """h_t = ρ Q h_{t-1} + W x_t, so that ‖d L / d h_{T-k}‖ = ρ^k ‖d L / d h_T‖."""
    model = sequential(layers.SimpleRNN(6, activation=None), layers.Dense(1), shape=(15, 2))
    rotation, _ = np.linalg.qr(numbers(6, 6))
    cell = model.layers[0].cell
    with backend.double_precision():
        opened = OpenModel(model)
        opened.model.layers[0].cell.recurrent_kernel.assign(rho * rotation)
        (found,) = opened.gradients(numbers(5, 15, 2), squares)
    assert cell.recurrent_kernel.dtype == "float32"
    lags = by_lag(found, "state", opened.layers[0])
    expected = lags[:, :1] * rho ** np.arange(15)
    np.testing.assert_allclose(lags, expected, rtol=1e-12)
    decay = decay_per_step(lags.mean(axis=0))
    assert decay == pytest.approx(rho, rel=1e-12)
    assert half_life(decay) == (pytest.approx(np.log(2) / -np.log(rho)) if rho < 1 else None)


@pytest.mark.parametrize(("bias", "expected"), [(1, 2.21), (5, 103)])
def test_the_cell_of_an_lstm_without_kernels_decays_by_its_forget_gate(bias, expected):
    """C_t = σ(b_f) C_{t-1} + …, and h_t of no step but the last is read by anything."""
    model = sequential(layers.LSTM(4), layers.Dense(1), shape=(15, 2))
    cell = model.layers[0].cell
    cell.kernel.assign(0 * cell.kernel)
    cell.recurrent_kernel.assign(0 * cell.recurrent_kernel)
    cell.bias.assign(np.repeat([0.3, bias, 0.2, 0.1], 4))
    (layer,), (found,) = derivatives(model, numbers(3, 15, 2))
    of_state, of_cell = (by_lag(found, name, layer).mean(axis=0) for name in ("state", "cell"))
    forget = 1 / (1 + np.exp(-bias))
    np.testing.assert_allclose(of_cell, of_cell[0] * forget ** np.arange(15), rtol=1e-6)
    assert half_life(decay_per_step(of_cell)) == pytest.approx(expected, rel=0.005)
    assert of_state[0] > 0
    assert not of_state[1:].any()


def test_nothing_decays_where_norms_stay_or_grow_and_zeros_have_no_line():
    assert half_life(decay_per_step(np.full(20, 0.7))) is None
    assert decay_per_step(2.0 ** np.arange(20)) == pytest.approx(2)
    assert half_life(2.0) is None
    assert decay_per_step(np.zeros(20)) is None
    assert decay_per_step(np.array([1.0, 0.5])) is None


def test_the_line_begins_at_lag_1_and_ends_where_rounding_does():
    norms = 100 * 0.01 ** np.arange(12.0)
    norms[0] = 1e3  # not counted as a point, but as the largest norm
    norms[8:] = 1e-9  # 1e-12 of the largest, and flat
    assert decay_per_step(norms) == pytest.approx(0.01)


# ------------------------------------------------------------------------------ finite differences


def lstm_loss(x, weights, nudges):
    """The loss of an LSTM and a dense layer, in NumPy, with nudges on input, state and cell."""
    w, u, b, out, offset = weights
    h = c = np.zeros(u.shape[0])
    for x_t, n_x, n_h, n_c in zip(x, *nudges, strict=True):
        i, f, g, o = np.split((x_t + n_x) @ w + h @ u + b, 4)
        i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
        c = f * c + i * np.tanh(g) + n_c
        h = o * np.tanh(c) + n_h
    return np.sum((h @ out + offset - 0.3) ** 2)


def test_an_lstms_derivatives_are_finite_differences():
    x = numbers(1, 5, 3)
    model = sequential(layers.LSTM(2), layers.Dense(2), shape=(5, 3))
    weights = [w.astype(np.float64) for w in model.get_weights()]
    _, (found,) = derivatives(model, x)
    shapes = {"input": (5, 3), "state": (5, 2), "cell": (5, 2)}
    for place, (name, shape) in enumerate(shapes.items()):
        for at in np.ndindex(shape):
            losses = []
            for step in (1e-5, -1e-5):
                nudges = [np.zeros(of) for of in shapes.values()]
                nudges[place][at] = step
                losses.append(lstm_loss(x[0].astype(np.float32), weights, nudges))
            difference = (losses[0] - losses[1]) / 2e-5
            assert found[name][0][at] == pytest.approx(difference, rel=1e-6, abs=1e-9)


STACKS = {
    "simple-rnn": [layers.SimpleRNN(4)],
    "lstm": [layers.LSTM(4)],
    "gru": [layers.GRU(4)],
    "gru-before": [layers.GRU(4, reset_after=False)],
    "backward": [layers.GRU(4, go_backwards=True)],
    "both": [layers.Bidirectional(layers.LSTM(4))],
    "both-on-both": [
        layers.Bidirectional(layers.GRU(4, return_sequences=True)),
        layers.Bidirectional(layers.LSTM(3)),
    ],
    "cell": [layers.RNN(layers.LSTMCell(4))],
    "every-step": [layers.LSTM(4, return_sequences=True)],
}
every_stack = pytest.mark.parametrize("name", STACKS)


def copies(name):
    """New layers of a stack."""
    return [type(layer).from_config(layer.get_config()) for layer in STACKS[name]]


@every_stack
def test_the_derivative_of_the_input_is_that_of_the_model(name):
    """One that missed a way through the recurrence would not be the finite difference."""
    x = numbers(2, 6, 3).astype("float32")
    model = sequential(*copies(name), layers.Dense(1), shape=(6, 3))
    with backend.double_precision():
        opened = OpenModel(model)
        read = [
            found["input"]
            for layer, found in zip(opened.layers, opened.gradients(x, squares), strict=True)
            if layer.name == opened.layers[0].name
        ]
        places = [(0, 0, 0), (0, 5, 2), (1, 3, 1)]
        moved = np.stack([x.astype(float)] * 6)  # up and down at each place, all in one pass
        for number, at in enumerate(places):
            moved[2 * number, *at] += 1e-5
            moved[2 * number + 1, *at] -= 1e-5
        answers = opened.model(keras.ops.convert_to_tensor(moved.reshape(12, 6, 3)))
        losses = [float(squares(answers[start : start + 2])) for start in range(0, 12, 2)]
    for number, at in enumerate(places):
        plus, minus = losses[2 * number : 2 * number + 2]
        assert sum(read)[at] == pytest.approx((plus - minus) / 2e-5, rel=1e-6, abs=1e-10)


# ------------------------------------------------------------------------------ equal to Keras


def variants():
    relu = {"activation": "relu", "recurrent_activation": "hard_sigmoid", "use_bias": False}
    yield "simple-rnn", layers.SimpleRNN(4, activation="relu", use_bias=False)
    yield "lstm", layers.LSTM(4, **relu)
    yield "gru", layers.GRU(4, **relu)
    yield "gru-before", layers.GRU(4, reset_after=False, **relu)
    for name, stack in STACKS.items():
        yield f"plain-{name}", stack[-1]


@pytest.mark.parametrize(("name", "layer"), list(variants()), ids=[name for name, _ in variants()])
@pytest.mark.parametrize("masked", [False, True])
def test_states_and_outputs_are_those_that_keras_computes(name, layer, masked):
    x = numbers(3, 9, 3).astype("float32")
    x[1, 6:] = x[2, :2] = 0  # padding behind, and in front
    config = layer.get_config() | ({} if "both" in name else {"return_sequences": True})
    stack = [layers.Masking(), type(layer).from_config(config)]
    model = sequential(*stack[0 if masked else 1 :])
    expected = keras.ops.convert_to_numpy(model(x))
    seen = observed(model, x)
    if "both" in name:
        last = [seen[0]["state"][:, -1], seen[1]["state"][:, 0]]
        if masked:
            last = [seen[0]["state"][[0, 1, 2], [8, 5, 8]], seen[1]["state"][[0, 1, 2], [0, 0, 2]]]
        np.testing.assert_allclose(np.concatenate(last, -1), expected, atol=1e-6)
    else:
        order = slice(None, None, -1 if config["go_backwards"] else 1)
        np.testing.assert_allclose(seen[0]["state"][:, order], expected, atol=1e-6)
    assert ("mask" in seen[0]) == masked


def test_gates_follow_from_the_equations():
    x = numbers(2, 9, 3)
    model = sequential(layers.LSTM(4))
    w, u, b = (weight.astype(np.float64) for weight in model.get_weights())
    (seen,) = observed(model, x)
    before = {n: np.pad(seen[n], ((0, 0), (1, 0), (0, 0)))[:, :-1] for n in ("state", "cell")}
    i, f, g, o = np.split(x.astype("float32") @ w + before["state"] @ u + b, 4, axis=-1)
    for name, gate in (("input_gate", i), ("forget_gate", f), ("output_gate", o)):
        np.testing.assert_allclose(seen[name], 1 / (1 + np.exp(-gate)), rtol=1e-6)
    np.testing.assert_allclose(seen["candidate"], np.tanh(g), rtol=1e-6)
    cell = seen["forget_gate"] * before["cell"] + seen["input_gate"] * seen["candidate"]
    np.testing.assert_allclose(seen["cell"], cell, rtol=1e-6)
    assert seen["cell"].dtype == np.float64


TASKS = {
    "numbers": ((6, 2), Outputs(3, "classes")),
    "every-step": ((6, 2), Outputs(1, "values", every_step=True)),
    "tokens": (Tokens(6, 11, padded=True), Outputs(3, "classes")),
    "images": ((4, 6, 6, 1), Outputs(3, "classes")),
}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", sorted(catalog.load().of("model")))
def test_a_model_laid_open_answers_as_it_did(name, task):
    shape, outputs = TASKS[task]
    model = catalog.resolve(catalog.load().find(name, "model").builder)(shape, outputs)
    x = np.array([[4, 2, 9, 0, 0, 0], [1, 2, 3, 4, 5, 6]], "int32")
    if task != "tokens":
        x = numbers(2, *shape).astype("float32")
    with backend.double_precision():
        opened = OpenModel(model)
        answers = keras.ops.convert_to_numpy(opened.model(x))
        assert all(layer.calls for layer in opened.layers)
    assert answers.dtype == np.float64
    np.testing.assert_allclose(answers, keras.ops.convert_to_numpy(model(x)), atol=1e-6)


# ---------------------------------------------------------------------------- masks, and failures


def test_padding_is_no_lag():
    """A padded example has the derivatives of the same example without its padding."""
    x = numbers(1, 9, 3).astype("float32")
    padded = np.concatenate([x, np.zeros((1, 4, 3), "float32")], axis=1)
    stack = [layers.Masking(), layers.Bidirectional(layers.LSTM(4)), layers.Dense(1)]
    model = sequential(*stack, shape=(None, 3))
    opened, short = derivatives(model, x)
    _, long = derivatives(model, padded)
    for layer, of_short, of_long in zip(opened, short, long, strict=True):
        lags = by_lag(of_long, "state", layer)
        np.testing.assert_allclose(lags[:, :9], by_lag(of_short, "state", layer), rtol=1e-9)
        assert np.isnan(lags[:, 9:]).all()


def test_tokens_have_a_derivative_at_their_vectors():
    tokens = np.array([[1, 2, 3, 0], [3, 1, 0, 0]])
    stack = [layers.Embedding(4, 5, mask_zero=True), layers.GRU(3), layers.Dense(1)]
    model = keras.Sequential([keras.Input((4,), dtype="int32"), *stack])
    (layer,), (found,) = derivatives(model, tokens)
    assert found["input"].shape == (2, 4, 5)
    assert np.isnan(by_lag(found, "state", layer)).sum(axis=1).tolist() == [1, 2]


def test_the_model_itself_is_left_alone():
    model = sequential(layers.LSTM(4), layers.Dense(1))
    x = numbers(2, 9, 3)
    before = keras.ops.convert_to_numpy(model(x))
    derivatives(model, x)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(model(x)), before)
    assert before.dtype == np.float32


def test_what_is_not_known_is_refused():
    with pytest.raises(UsageError, match="has no recurrent layer"):
        observed(sequential(layers.Dense(2)), numbers(1, 9, 3))
    cells = [layers.LSTMCell(2), layers.LSTMCell(2)]
    with pytest.raises(UsageError, match="StackedRNNCells"):
        observed(sequential(layers.RNN(cells)), numbers(1, 9, 3))
    shared, inputs = layers.GRU(3, return_sequences=True), keras.Input((9, 3))
    with pytest.raises(UsageError, match="used 2 times"):
        observed(keras.Model(inputs, shared(shared(inputs))), numbers(1, 9, 3))


@pytest.mark.skipif(not OTHER_BACKENDS, reason="no other backend is installed")
@pytest.mark.parametrize("name", OTHER_BACKENDS, ids=range(len(OTHER_BACKENDS)))
def test_all_of_this_holds_on_another_backend(name):
    chosen = ["-k", "not laid_open and not another_backend"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", *chosen, __file__],
        env=os.environ | {"KERAS_BACKEND": name, "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout
