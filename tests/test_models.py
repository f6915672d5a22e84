"""Every builder against its equations, its tasks, causality, bare Keras and the other backends."""

import importlib
import importlib.util
import inspect
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers

from lstm_zoo import catalog
from lstm_zoo.data import Outputs, Tokens
from lstm_zoo.errors import UsageError
from lstm_zoo.models import attention_lstm, bilstm, cnn_lstm, gru, lstm, simple_rnn, stacked
from lstm_zoo.parameters import fill, read_function

pytestmark = pytest.mark.tensorflow

MODULES = {
    entry.builder.partition(":")[0].rpartition(".")[2]: importlib.import_module(
        entry.builder.partition(":")[0]
    )
    for entry in catalog.load().of("model").values()
}
BUILDERS = {name: module.build for name, module in MODULES.items()}
LAST_STEP_ALONE = {"bilstm"}
CAUSAL = sorted(BUILDERS.keys() - LAST_STEP_ALONE)
SHAPES = [(28, 28), (8, 8), (60, 1), (7, 2), (1, 3)]
VALUE = Outputs(1, "values")
EVERY_STEP = Outputs(1, "values", every_step=True)
TASKS = [Outputs(10, "classes"), VALUE, Outputs(5, "values"), EVERY_STEP]
TASK_NAMES = ["classes", "value", "values", "every_step"]

every_model = pytest.mark.parametrize("name", sorted(BUILDERS))
every_causal_model = pytest.mark.parametrize("name", CAUSAL)


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def with_random_weights(model, seed=1):
    """`model` with biases and zero starts drawn too, so that a mistake in them shows."""
    drawn = [0.2 * numbers(*w.shape, seed=seed + i) for i, w in enumerate(model.get_weights())]
    model.set_weights(drawn)
    return model


def answers(model, x):
    return keras.ops.convert_to_numpy(model(x))


# ------------------------------------------------------------------ the equations, gate by gate


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def simple_rnn_states(x, weights):
    w, u, b = weights
    h, states = np.zeros(u.shape[0]), []
    for x_t in x:
        h = np.tanh(x_t @ w + h @ u + b)
        states.append(h)
    return np.array(states)


def lstm_states(x, weights):
    w, u, b = (np.split(part, 4, axis=-1) for part in weights)  # Keras' order: i, f, C, o
    c = h = np.zeros(u[0].shape[0])
    states = []
    for x_t in x:
        i = sigmoid(x_t @ w[0] + h @ u[0] + b[0])
        f = sigmoid(x_t @ w[1] + h @ u[1] + b[1])
        candidate = np.tanh(x_t @ w[2] + h @ u[2] + b[2])
        o = sigmoid(x_t @ w[3] + h @ u[3] + b[3])
        c = f * c + i * candidate
        h = o * np.tanh(c)
        states.append(h)
    return np.array(states)


def gru_states(x, weights):
    kernel, recurrent, biases = weights
    w, u, b, c = (np.split(a, 3, axis=-1) for a in (kernel, recurrent, *biases))  # z, r, h
    h, states = np.zeros(u[0].shape[0]), []
    for x_t in x:
        z = sigmoid(x_t @ w[0] + h @ u[0] + b[0] + c[0])
        r = sigmoid(x_t @ w[1] + h @ u[1] + b[1] + c[1])
        candidate = np.tanh(x_t @ w[2] + b[2] + r * (h @ u[2] + c[2]))
        h = z * h + (1 - z) * candidate
        states.append(h)
    return np.array(states)


@pytest.mark.parametrize(
    ("module", "states"),
    [(simple_rnn, simple_rnn_states), (lstm, lstm_states), (gru, gru_states)],
    ids=["simple_rnn", "lstm", "gru"],
)
def test_states_follow_from_the_equations(module, states):
    x = numbers(2, 9, 3)
    model = with_random_weights(module.build((9, 3), Outputs(2, "values", True), units=4))
    *weights, kernel, bias = model.get_weights()
    expected = [states(example, weights) @ kernel + bias for example in x]
    np.testing.assert_allclose(answers(model, x), expected, atol=1e-5)


def test_both_directions_follow_from_the_equations():
    x = numbers(2, 9, 3)
    model = with_random_weights(bilstm.build((9, 3), VALUE, units=4))
    *weights, kernel, bias = model.get_weights()
    forward = [lstm_states(example, weights[:3])[-1] for example in x]
    backward = [lstm_states(example[::-1], weights[3:])[-1] for example in x]
    expected = np.concatenate([forward, backward], axis=-1) @ kernel + bias
    np.testing.assert_allclose(answers(model, x), expected, atol=1e-5)


def test_a_second_layer_of_both_directions_reads_the_first():
    x = numbers(2, 9, 3)
    model = with_random_weights(bilstm.build((9, 3), VALUE, units=4, depth=2))
    below = keras.Model(model.inputs[0], model.get_layer("both_directions_1").output)
    one = with_random_weights(bilstm.build((9, 8), VALUE, units=4))
    one.set_weights(model.get_weights()[6:])
    np.testing.assert_allclose(answers(model, x), answers(one, answers(below, x)), atol=1e-6)


def test_kerass_imdb_example_has_as_many_parameters():
    """keras.io/examples/nlp/bidirectional_lstm_imdb: 2,757,761, with one output for two classes."""
    reviews = Tokens(200, 20_000, padded=True)
    settings = {"units": 64, "depth": 2, "embedding": 128}
    model = bilstm.build(reviews, Outputs(2, "classes"), **settings)
    assert model.count_params() == 2_757_761 + 129


@every_model
def test_an_embedding_is_of_tokens_alone(name):
    for shape in ((6, 3), (6, 4, 4, 1)):
        with pytest.raises(UsageError, match="'embedding' is the length of a token's vector"):
            BUILDERS[name](shape, VALUE, embedding=8)


def test_attention_follows_from_the_equations():
    x = numbers(2, 9, 3)
    model = attention_lstm.build((9, 3), VALUE, units=4, attention_units=5)
    *weights, w, u, v, kernel, bias = with_random_weights(model).get_weights()
    for example, answer, alpha in zip(
        x, answers(model, x), attention_lstm.attention_weights(model, x), strict=True
    ):
        h = lstm_states(example, weights)
        scores = np.exp(np.tanh(h[-1] @ w + h @ u) @ v)
        expected = scores / scores.sum()
        state = np.concatenate([expected @ h, h[-1]])
        np.testing.assert_allclose(alpha, expected, atol=1e-5)
        np.testing.assert_allclose(answer, state @ kernel + bias, atol=1e-5)


# ------------------------------------------------------------------------------------ the tasks


@every_model
@pytest.mark.parametrize("task", TASKS, ids=TASK_NAMES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_it_has_the_shape_of_its_task(name, task, shape):
    model = BUILDERS[name](shape, task, units=[4, 3] if name == "stacked" else 4)
    steps = shape[:1] if task.every_step and name not in LAST_STEP_ALONE else ()
    assert model.output_shape == (None, *steps, task.size)


@pytest.mark.slow
@every_model
@pytest.mark.parametrize("shape", SHAPES[1:], ids=str)
def test_it_answers_classes_with_probabilities(name, shape):
    probabilities = answers(BUILDERS[name](shape, TASKS[0], dense=5), numbers(2, *shape))
    assert probabilities.shape == (2, 10)
    assert (probabilities > 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1, atol=1e-6)


@every_model
@pytest.mark.parametrize("every_step", [False, True])
def test_a_head_that_starts_at_zero_answers_zero(name, every_step):
    task = Outputs(3, "values", every_step, zero_start=True)
    assert not answers(BUILDERS[name]((6, 2), task, dense=4), numbers(2, 6, 2)).any()


@pytest.mark.slow
@every_model
def test_dropout_drops_in_training_alone(name):
    model = BUILDERS[name]((6, 2), VALUE, dropout=0.5, recurrent_dropout=0.5, dense=16)
    x = numbers(2, 6, 2)
    np.testing.assert_array_equal(answers(model, x), answers(model, x))
    trained = [keras.ops.convert_to_numpy(model(x, training=True)) for _ in range(2)]
    assert (trained[0] != trained[1]).all()


@pytest.mark.slow
@every_model
@pytest.mark.parametrize("task", [TASKS[2], EVERY_STEP], ids=["values", "every_step"])
def test_every_weight_learns(name, task):
    model = BUILDERS[name]((8, 2), task, dense=4, dense_activation="tanh")
    before = model.get_weights()
    model.compile("sgd", "mse")
    model.fit(numbers(16, 8, 2), numbers(16, *model.output_shape[1:], seed=5), verbose=0)
    for old, new in zip(before, model.get_weights(), strict=True):
        assert (old != new).any()


@every_model
def test_its_parameters_are_read_from_its_source(name):
    function = read_function(f"lstm_zoo.models.{name}:build")
    undescribed = [p.name for p in function.parameters if not p.doc]
    assert undescribed == []
    model = BUILDERS[name]((6, 2), VALUE, **fill(function.parameters, {}, name))
    assert model.name == name


# ------------------------------------------------------------------------------------ causality


@every_causal_model
@pytest.mark.parametrize("shape", [(12, 2), (7, 2)], ids=str)
def test_no_answer_sees_a_later_input(name, shape):
    steps = shape[0]
    model = with_random_weights(BUILDERS[name](shape, EVERY_STEP))
    x, other = numbers(1, *shape), numbers(1, *shape, seed=9)
    changed_from = np.arange(steps)[:, None, None] <= np.arange(steps)[None, :, None]
    future = answers(model, np.where(changed_from, other, x))
    now = answers(model, x)[0]
    for t in range(steps):
        np.testing.assert_allclose(future[t, :t], now[:t], rtol=1e-5, atol=1e-6)
        assert not np.allclose(future[t, -1], now[-1], atol=1e-6)


@every_causal_model
def test_the_last_answer_sees_every_input(name):
    model = with_random_weights(BUILDERS[name]((7, 2), EVERY_STEP))
    x = numbers(1, 7, 2)
    changed = answers(model, x + 2 * np.eye(7, dtype="float32")[:, :, None])
    assert (np.abs(changed[:, -1] - answers(model, x)[:, -1]) > 1e-6).all()


@pytest.mark.parametrize("name", sorted(set(CAUSAL) - {"cnn_lstm"}))
def test_an_answer_sees_the_present_input(name):
    model = with_random_weights(BUILDERS[name]((7, 2), EVERY_STEP))
    x = numbers(1, 7, 2)
    changed = answers(model, x + 2 * np.eye(7, dtype="float32")[:, :, None])
    difference = np.abs(changed - answers(model, x))[..., 0]
    assert (np.diagonal(difference) > 1e-6).all()


@pytest.mark.parametrize("name", sorted(LAST_STEP_ALONE))
def test_a_bidirectional_model_answers_the_last_step_alone(name):
    model = with_random_weights(BUILDERS[name]((7, 2), EVERY_STEP))
    x = numbers(1, 7, 2)
    assert model.output_shape == (None, 1)
    changed = answers(model, x + 2 * np.eye(7, dtype="float32")[:, :, None])
    assert (np.abs(changed - answers(model, x)) > 1e-6).all()


# -------------------------------------------------------------------- what is each model's alone


@pytest.mark.parametrize("task", TASKS, ids=TASK_NAMES)
@pytest.mark.parametrize("shape", [(12, 2), (7, 2), (1, 3)], ids=str)
def test_a_cnn_wrapped_once_or_each_answers_the_same(task, shape):
    once = with_random_weights(cnn_lstm.build(shape, task, wrap="once"))
    each = cnn_lstm.build(shape, task, wrap="each")
    each.set_weights(once.get_weights())
    x = numbers(3, *shape)
    np.testing.assert_allclose(answers(once, x), answers(each, x), atol=1e-6)
    assert len(each.layers) == len(once.layers) + 2


@pytest.mark.parametrize(
    ("steps", "given", "cut"),
    [
        (1, None, (1, 1)),
        (2, None, (2, 1)),
        (3, None, (2, 2)),
        (7, None, (2, 4)),
        (12, None, (3, 4)),
        (28, None, (4, 7)),
        (49, None, (7, 7)),
        (60, None, (6, 10)),
        (10, 4, (4, 3)),
        (10, 10, (10, 1)),
    ],
)
def test_steps_are_cut_into_subsequences_filled_up_in_front(steps, given, cut):
    model = cnn_lstm.build((steps, 2), VALUE, subsequences=given)
    assert model.get_layer("fill").padding == (cut[0] * cut[1] - steps, 0)
    assert model.get_layer("subsequences").output.shape == (None, *cut, 2)


def test_more_subsequences_than_steps_are_refused():
    with pytest.raises(UsageError, match="at most 7"):
        cnn_lstm.build((7, 2), VALUE, subsequences=8)


@pytest.mark.parametrize("kernel_size", [1, 2, 9])
@pytest.mark.parametrize("pool_size", [1, 9])
def test_any_kernel_and_pool_fit_any_subsequence(kernel_size, pool_size):
    for steps in (1, 2, 7):
        model = cnn_lstm.build((steps, 2), VALUE, kernel_size=kernel_size, pool_size=pool_size)
        assert np.isfinite(answers(model, numbers(2, steps, 2))).all()


def test_at_every_step_a_cnn_answers_from_the_last_whole_subsequence():
    model = with_random_weights(cnn_lstm.build((12, 2), EVERY_STEP))  # 3 subsequences of 4
    y = answers(model, numbers(1, 12, 2))[0, :, 0]
    bias = model.get_weights()[-1][0]
    groups = [y[:3], y[3:7], y[7:11], y[11:]]
    assert all(np.ptp(group) < 1e-6 for group in groups)
    assert groups[0][0] == pytest.approx(bias)
    assert len({round(float(group[0]), 4) for group in groups}) == 4


def test_its_last_step_is_what_it_answers_to_the_last_step_alone():
    x = numbers(2, 7, 2)
    always = with_random_weights(cnn_lstm.build((7, 2), EVERY_STEP))
    last = cnn_lstm.build((7, 2), VALUE)
    last.set_weights(always.get_weights())
    np.testing.assert_allclose(answers(always, x)[:, -1], answers(last, x), atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("steps", [1, 7])
@pytest.mark.parametrize("every_step", [False, True])
def test_attention_weights_are_readable_from_a_loaded_model(every_step, steps, tmp_path):
    built = attention_lstm.build((steps, 2), Outputs(1, "values", every_step))
    with_random_weights(built).save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    x = numbers(3, steps, 2)
    alpha = attention_lstm.attention_weights(loaded, x)
    assert alpha.shape == ((3, steps, steps) if every_step else (3, steps))
    np.testing.assert_allclose(alpha.sum(axis=-1), 1, atol=1e-6)
    np.testing.assert_array_equal(alpha, attention_lstm.attention_weights(loaded, x))
    if every_step:
        assert not np.triu(alpha, 1).any()


def test_stacked_is_the_model_that_one_writes_in_bare_keras():
    """The published MNIST model, which the recipe `lstm-mnist` runs."""
    bare = keras.Sequential(
        [
            keras.Input((28, 28)),
            layers.LSTM(128, activation="relu", return_sequences=True),
            layers.Dropout(0.2),
            layers.LSTM(128, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(32, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(10, activation="softmax"),
        ]
    )
    ours = stacked.build(
        (28, 28), TASKS[0], units=[128, 128], activation="relu", dropout=0.2, dense=32
    )
    assert [type(layer) for layer in ours.layers[1:]] == [type(layer) for layer in bare.layers]
    assert [getattr(layer, "rate", None) for layer in ours.layers[1:]] == [
        getattr(layer, "rate", None) for layer in bare.layers
    ]
    ours.set_weights(bare.get_weights())
    x = np.random.default_rng(0).random((2, 28, 28), "float32")
    np.testing.assert_allclose(answers(ours, x), answers(bare, x), atol=1e-6)


# ----------------------------------------------------------------------------- parameter counts


def lstm_parameters(units, features):
    return 4 * (features * units + units**2 + units)


FORMULAE = {
    "simple_rnn": lambda u: 28 * u + u**2 + u + 10 * u + 10,
    "gru": lambda u: 3 * (28 * u + u**2 + 2 * u) + 10 * u + 10,
    "lstm": lambda u: lstm_parameters(u, 28) + 10 * u + 10,
    "bilstm": lambda u: 2 * lstm_parameters(u, 28) + 20 * u + 10,
}


@pytest.mark.parametrize(
    ("name", "units", "count"),
    [
        ("simple_rnn", 267, 81_712),
        ("gru", 149, 81_513),
        ("lstm", 128, 81_674),
        ("bilstm", 87, 82_486),
    ],
)
def test_parameters_are_as_many_as_the_equations_have(name, units, count):
    assert BUILDERS[name]((28, 28), TASKS[0], units=units).count_params() == count
    assert FORMULAE[name](units) == count
    nearest = min(range(1, 400), key=lambda u: abs(FORMULAE[name](u) - 81_674))
    assert nearest == units


# --------------------------------------------------- files that load without us, on any backend

LOAD_AND_COMPARE = """
import sys, pathlib
import keras, numpy as np
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.keras")):
    model = keras.saving.load_model(path, safe_mode=True)
    saved = np.load(path.with_suffix(".npz"))
    ours = keras.ops.convert_to_numpy(model(saved["x"]))
    np.testing.assert_allclose(ours, saved["y"], rtol=0, atol=1e-5, err_msg=path.name)
    print(path.stem)
assert "lstm_zoo" not in sys.modules
assert keras.backend.backend() == sys.argv[2]
"""
OTHER_BACKENDS = [
    name
    for name in ("tensorflow", "jax", "torch")
    if name != keras.backend.backend() and importlib.util.find_spec(name)
]


@pytest.fixture(scope="module")
def saved_models(tmp_path_factory):
    """A folder with every model, for the last step and for every step, and what it answers."""
    folder = tmp_path_factory.mktemp("models")
    x = numbers(3, 7, 2)
    for name, build in BUILDERS.items():
        for task, kind in zip((TASKS[0], EVERY_STEP), ("classes", "every_step"), strict=True):
            model = with_random_weights(build((7, 2), task, dropout=0.2, dense=5))
            model.save(folder / f"{name}-{kind}.keras")
            np.savez(folder / f"{name}-{kind}.npz", x=x, y=answers(model, x))
    return folder


def load_and_compare(folder, backend):
    """The names of the models in `folder` that a bare Keras process loads and agrees with."""
    quick = {"TF_CPP_MIN_LOG_LEVEL": "3", "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", LOAD_AND_COMPARE, str(folder), backend],
        env=os.environ | {"KERAS_BACKEND": backend} | quick,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.slow
def test_models_load_and_answer_the_same_in_bare_keras(saved_models):
    loaded = load_and_compare(saved_models, keras.backend.backend())
    assert len(loaded) == 2 * len(BUILDERS)


@pytest.mark.slow
@pytest.mark.skipif(not OTHER_BACKENDS, reason="no other backend is installed")
@pytest.mark.parametrize("backend", OTHER_BACKENDS, ids=range(len(OTHER_BACKENDS)))
def test_models_answer_the_same_on_another_backend(saved_models, backend):
    assert len(load_and_compare(saved_models, backend)) == 2 * len(BUILDERS)


def takers(parameter):
    """The models whose builder takes a parameter."""
    taken = {name: inspect.signature(build).parameters for name, build in BUILDERS.items()}
    return pytest.mark.parametrize(
        "name", sorted(n for n, own in taken.items() if parameter in own)
    )


@takers("forget_bias")
def test_the_forget_bias_starts_where_it_is_asked_for(name):
    model = BUILDERS[name]((8, 3), Outputs(2, "classes"), forget_bias=3.0)
    paths = [v for v in model.variables if "lstm" in v.path and v.path.endswith("/bias")]
    biases = [v.numpy() for v in paths]
    assert biases
    for bias in biases:
        units = len(bias) // 4
        assert bias.tolist() == [0.0] * units + [3.0] * units + [0.0] * 2 * units


@takers("recurrent_initializer")
def test_each_gate_may_start_at_the_identity(name):
    model = BUILDERS[name]((8, 3), Outputs(2, "classes"), units=4, recurrent_initializer="identity")
    (kernel,) = (v.numpy() for v in model.variables if v.path.endswith("recurrent_kernel"))
    for gate in np.split(kernel, kernel.shape[1] // 4, axis=1):
        np.testing.assert_array_equal(gate, np.eye(4))
