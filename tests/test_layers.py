"""The faster loops against Keras' own: outputs, gradients, options, and what is saved."""

import itertools
from contextlib import nullcontext

import keras
import numpy as np
import pytest
from keras import layers, ops

from lstm_zoo import backend
from lstm_zoo.layers import core
from lstm_zoo.layers.core import Kernel

pytestmark = pytest.mark.tensorflow

KINDS = [layers.SimpleRNN, layers.LSTM, layers.GRU]
SHAPES = [(3, 7, 5, 4), (1, 1, 1, 1), (5, 12, 1, 16)]  # batch, steps, features, units
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


def relu(x):
    """A stranger's, of a name that Keras has too."""
    return ops.minimum(ops.relu(x), 0.5)


SLOW = [
    ({"activation": "elu"}, "activation=elu"),
    ({"activation": relu}, "activation=relu"),
    ({"activation": layers.LeakyReLU()}, "activation=LeakyReLU"),
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


@pytest.mark.slow
@every_kind
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_outputs_and_gradients_are_keras_own(kind, shape, options):
    assert_same(*model_of(kind, shape, **options))


@pytest.mark.slow
@every_kind
@pytest.mark.parametrize(
    "options",
    [*OPTIONS[:4], {"zero_output_for_mask": True}, {"zero_output_for_mask": True} | OPTIONS[2]],
    ids=str,
)
def test_masked_steps_change_nothing(kind, options):
    assert_same(*model_of(kind, SHAPES[0], masked=True, **options))


@every_kind
def test_what_a_mask_leaves_out_is_not_read_and_answered_as_by_keras(kind):
    """Before the first step TensorFlow's Keras answers 0, JAX' the first state."""
    states = [keras.Input((4,), batch_size=3) for _ in range(1 + (kind is layers.LSTM))]
    x = keras.Input((5, 2), batch_size=3)
    there = keras.Input((5,), batch_size=3, dtype="bool")
    layer = kind(4, return_sequences=True, return_state=True)
    model = keras.Model([x, there, *states], layer(x, mask=there, initial_state=states))
    mask = np.array([[0, 0, 1, 1, 0], [1, 0, 1, 0, 1], [0, 0, 0, 0, 0]], bool)
    given = [numbers(3, 5, 2), mask, *(numbers(3, 4, seed=i) for i in range(len(states)))]
    given[0][~mask] = np.nan
    known = [ops.convert_to_numpy(output) for output in model(given)]
    with fast(model):
        found = [ops.convert_to_numpy(output) for output in model(given)]
    for a, b in zip(found, known, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    assert (known[0][0, 0] == 0).all() == (keras.backend.backend() == "tensorflow")


@pytest.mark.slow
@every_kind
def test_the_error_is_no_worse_than_twice_keras_own(kind):
    """Both in float32, measured against float64: the norm of the whole error of each tensor."""
    shape = (8, 28, 16, 32)
    model, x = model_of(kind, shape, return_sequences=True)
    with backend.double_precision():
        exact, _ = model_of(kind, shape, return_sequences=True, dtype="float64")
        exact.set_weights([w.astype("float64") for w in model.get_weights()])
        truth = outputs_and_gradients(exact, x.astype("float64"), "float64")
    keras_own = outputs_and_gradients(model, x)
    with fast(model):
        ours = outputs_and_gradients(model, x)
    for true, known, found in zip(*map(chained, (truth, keras_own, ours)), strict=True):
        rounding = np.finfo("float32").eps * np.linalg.norm(true)
        assert np.linalg.norm(found - true) <= 2 * max(np.linalg.norm(known - true), rounding / 2)


def chained(outputs_and_gradients):
    return list(itertools.chain(*outputs_and_gradients))


@every_kind
def test_the_first_states_are_taken_and_their_gradients_are_keras_own(kind):
    states = [keras.Input((4,), batch_size=3) for _ in range(1 + (kind is layers.LSTM))]
    x = keras.Input((5, 2), batch_size=3)
    model = keras.Model([x, *states], kind(4, return_state=True)(x, initial_state=states))
    given = [numbers(3, 5, 2), *(numbers(3, 4, seed=i) for i in range(len(states)))]

    def gradients():
        return backend.gradients(lambda arrays: ops.sum(ops.square(model(arrays)[0])), given)

    known = gradients()
    with fast(model):
        found = gradients()
    for a, b in zip(found, known, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


@every_kind
def test_the_state_is_kept_between_batches(kind):
    model, x = model_of(kind, SHAPES[0], stateful=True)
    known = [ops.convert_to_numpy(model(x)) for _ in range(3)]
    model.layers[-1].reset_state()
    with fast(model):
        found = [ops.convert_to_numpy(model(x)) for _ in range(3)]
    np.testing.assert_allclose(found, known, atol=1e-5)
    assert (known[0] != known[1]).all()


@every_kind
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="of eager TensorFlow")
def test_eager_gradients_are_those_from_the_state_before_the_batch(kind):
    import tensorflow as tf

    model, x = model_of(kind, SHAPES[0], stateful=True)
    found = []
    for loop in (nullcontext(), fast(model)):
        model.layers[-1].reset_state()
        with loop, tf.GradientTape() as tape:
            model(x)
            loss = tf.reduce_sum(model(x) ** 2)
        found.append(tape.gradient(loss, model.trainable_variables))
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_dropout_of_the_inputs_drops_and_scales():
    """Of a relu layer that sums its one input over the steps: each is 0 or twice its value."""
    model = keras.Sequential([keras.Input((3, 1)), layers.SimpleRNN(1, "relu", dropout=0.5)])
    model.set_weights([np.ones((1, 1)), np.ones((1, 1)), np.zeros(1)])
    x = np.ones((200, 3, 1), "float32")
    with fast(model):
        sums = ops.convert_to_numpy(model(x, training=True))
        assert set(np.unique(sums)) == {0.0, 6.0}
        np.testing.assert_array_equal(ops.convert_to_numpy(model(x)), np.full((200, 1), 3.0))


def whole_model():
    keras.utils.set_random_seed(0)
    both = layers.Bidirectional(layers.LSTM(5, return_sequences=True))
    stack = [both, layers.GRU(4, return_sequences=True), layers.SimpleRNN(3), layers.Dense(2)]
    return keras.Sequential([keras.Input((6, 2)), *stack])


@pytest.mark.slow
def test_a_whole_training_is_that_of_bare_keras():
    """Batches of 16 and a last one of 8, both directions, three kinds, compiled."""
    x, y = numbers(40, 6, 2), numbers(40, 2, seed=1)
    weights = []
    for loop in ("keras", "fast"):
        model = whole_model()
        kernel = core.plan(model, loop, steps=9, own=True)
        assert set(kernel.loops) == ({"fast"} if loop == "fast" else {"as asked"})
        with core.applied(model, kernel):
            model.compile("adam", "mse", jit_compile=kernel.compiled or "auto")
            model.fit(x, y, batch_size=16, epochs=3, shuffle=False, verbose=0)
        weights.append(model.get_weights())
    for a, b in zip(*weights, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_the_saved_model_is_plain_keras(tmp_path):
    model = whole_model()
    before = model.to_json()
    with fast(model):
        model.predict_on_batch(numbers(2, 6, 2))
    model.save(tmp_path / "model.keras")
    assert model.to_json() == before
    assert "lstm_zoo" not in before
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert [type(layer) for layer in core.recurrent_layers(loaded)] == [
        *([layers.LSTM] * 2),
        layers.GRU,
        layers.SimpleRNN,
    ]


@every_kind
@pytest.mark.parametrize(("options", "named"), SLOW, ids=[named for _, named in SLOW])
def test_an_option_without_a_faster_loop_runs_keras_own_and_is_told(kind, options, named):
    model, _ = model_of(kind, SHAPES[0], **options)
    assert core.plan(model, "fast", 10**6, own=True) == Kernel((named,))
    kernel = core.plan(model, "auto", 10**6, own=True)
    (note,) = core.notes(model, kernel, {"core": "auto", "precision": "float32"})
    assert note.endswith(f"runs Keras' own loop, which takes longer: {named} has no faster one.")


def test_gru_without_a_reset_after_the_product_runs_keras_own():
    model, _ = model_of(layers.GRU, SHAPES[0], reset_after=False)
    assert core.plan(model, "fast", 10**6, own=True).loops == ("reset_after=false",)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="XLA is JAX' only way")
def test_tensorflow_compiles_where_that_is_worth_it():
    model, _ = model_of(layers.LSTM, SHAPES[0])
    assert core.plan(model, "auto", 30_000, own=True) == Kernel(("fast",), compiled=True)
    (short,) = core.plan(model, "auto", 29_999, own=True).loops
    assert short == "too short a training to be worth compiling"
    assert core.plan(model, "fast", 1, own=False) == Kernel(("fast",), compiled=True)
    (own,) = core.plan(model, "auto", 30_000, own=False).loops
    assert own == "a model of your own, which XLA may not compile"
