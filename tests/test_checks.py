"""What strangers hand over: each fault of a loader or builder is named before any training."""

import keras
import numpy as np
import pytest
from keras import layers

from lstm_zoo.checks import check_model, check_raw
from lstm_zoo.data import Examples, Parts, Series
from lstm_zoo.errors import DataError, TrainingError
from lstm_zoo.preparation import prepare

X = np.zeros((20, 4, 3), np.float32)
Y = np.arange(20) % 2
GOOD = Examples(X, Y, ("a", "b"))
DAYS = np.datetime64("2020-01-01", "ns") + np.arange(20).astype("timedelta64[D]")
TOKENS = np.arange(80).reshape(20, 4) % 2
VALUES = np.arange(20.0)[:, None]


def test_what_is_promised_and_right_passes():
    check_raw(GOOD, "Examples", "own:load")
    check_raw(Parts(GOOD, GOOD), "lstm_zoo.data.Parts", "own:load")
    check_raw(Series(VALUES, ("a",), 0, DAYS), "Series", "own:load")
    check_raw(Series(VALUES, ("a",)), "Series", "own:load")


def examples(x=X, y=Y, classes=("a", "b")):
    return Examples(x, y, classes)


def with_value(array, value):
    changed = array.copy()
    changed.flat[5] = value
    return changed


@pytest.mark.parametrize(
    ("raw", "promised", "fault"),
    [
        (None, "Examples", "returned a NoneType"),
        (GOOD, "Series", "returned a Examples, and its annotation says Series"),
        (examples(x=X.tolist()), "Examples", "x is no array"),
        (examples(x=X.astype(str)), "Examples", "x is no array of numbers"),
        (examples(x=X[:, :, 0]), "Examples", "not (examples, steps, features)"),
        (examples(x=X[:10]), "Examples", "x has 10 rows and y 20"),
        (examples(y=Y[:10]), "Examples", "x has 20 rows and y 10"),
        (examples(x=X[:0], y=Y[:0]), "Examples", "there is no example"),
        (examples(y=Y * 0.5), "Examples", "not whole numbers"),
        (examples(y=Y - 1), "Examples", "y goes from -1 to 0, of 2 classes"),
        (examples(y=Y + 1), "Examples", "y goes from 1 to 2, of 2 classes"),
        (examples(classes=("a",), y=Y * 0), "Examples", "fewer than two classes"),
        (examples(classes=(0, 1)), "Examples", "class' name is no text"),
        (examples(x=with_value(X, np.nan)), "Examples", "NaN"),
        (examples(x=with_value(X, np.inf)), "Examples", "beyond"),
        (Examples(X[:, :, 0], Y, ("a", "b"), ("", "c")), "Examples", "not whole numbers"),
        (Examples(X.astype(int), Y, ("a", "b"), ("", "c")), "Examples", "as tokens have"),
        (Examples(TOKENS + 1, Y, ("a", "b"), ("", "c")), "Examples", "to 2, of 2 tokens"),
        (Examples(TOKENS, Y, ("a", "b"), ("", 3)), "Examples", "token's name is no text"),
        (examples(y=np.zeros((20, 3), int)), "Examples", "not (20,) or (20, 4)"),
        (Examples(X, Y, ("a", "b"), recall=5), "Examples", "to recall 5 of 4 steps"),
        (Parts(GOOD, Examples(X, Y, ("a", "b"), recall=1)), "Parts", "targets or tokens"),
        (Parts(GOOD, examples(x=X[:, :, :2])), "Parts", "to train and"),
        (Series(VALUES[:, 0], ("a",)), "Series", "not (rows, 1)"),
        (Series(VALUES, ("a", "b")), "Series", "not (rows, 2)"),
        (Series(VALUES, ("a",), 1), "Series", "the target is column 1, of 1"),
        (Series(VALUES, ("a",), 0, DAYS[:5]), "Series", "one a row"),
        (Series(VALUES, ("a",), 0, np.arange(20)), "Series", "datetime64"),
        (Series(with_value(VALUES, -np.inf), ("a",)), "Series", "beyond"),
        (Series(with_value(VALUES, np.nan), ("a",)), "Series", "NaN"),
        (Series(with_value(VALUES, 1e300), ("a",)), "Series", "beyond"),
    ],
)
def test_a_loaders_fault_is_named(raw, promised, fault):
    with pytest.raises(DataError, match="The loader own:load is at fault") as caught:
        check_raw(raw, promised, "own:load")
    assert fault in str(caught.value)


DATASET = prepare(GOOD, np.random.default_rng(0), test=0.5, validation=0.2)


def network(*parts, shape=(4, 3)):
    inputs = x = keras.Input(shape)
    for part in parts:
        x = part(x)
    return keras.Model(inputs, x)


def test_a_model_that_fits_passes():
    check_model(network(layers.LSTM(4), layers.Dense(2, "softmax")), DATASET, "own:build")
    check_model(
        network(layers.LSTM(4), layers.Dense(2, "softmax"), shape=(None, 3)), DATASET, "own:build"
    )


@pytest.mark.parametrize(
    ("build", "fault"),
    [
        (lambda: None, "returned a NoneType"),
        (lambda: network(layers.LSTM(4), layers.Dense(3, "softmax")), "answers (3,), and (2,)"),
        (lambda: network(layers.Dense(2, "softmax")), "answers (4, 2)"),
        (lambda: network(layers.LSTM(4), layers.Dense(2)), "softmax"),
        (
            lambda: network(layers.LSTM(4), layers.Dense(2, "softmax"), shape=(4, 5)),
            "takes (4, 5), and an example is (4, 3)",
        ),
        (
            lambda: network(layers.LSTM(4), layers.Dense(2, "softmax"), layers.Lambda(abs)),
            "Lambda",
        ),
        (
            lambda: keras.Model([a := keras.Input((4, 3)), keras.Input((4, 3))], layers.LSTM(2)(a)),
            "one input and one output",
        ),
    ],
)
def test_a_builders_fault_is_named(build, fault):
    with pytest.raises(TrainingError, match="The builder own:build is at fault") as caught:
        check_model(build(), DATASET, "own:build")
    assert fault in str(caught.value)


def test_a_builder_that_knows_no_tokens_is_told_of_the_entrance():
    part = Examples(TOKENS.astype("int32"), Y, ("a", "b"), ("", "c"))
    dataset = prepare(Parts(part, part), np.random.default_rng(0), validation=0.0)
    inputs = keras.Input((4, 2))
    model = keras.Model(inputs, layers.Dense(2, activation="softmax")(layers.Flatten()(inputs)))
    with pytest.raises(TrainingError, match=r"takes \(4, 2\), and an example is \(4,\), token num"):
        check_model(model, dataset, "own:build")
