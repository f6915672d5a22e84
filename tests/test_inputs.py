"""Tokens and images: what every model makes of inputs that are no plain numbers."""

import keras
import numpy as np
import pytest

from lstm_zoo import catalog, cost
from lstm_zoo.data import Examples, Outputs, Splits, Tokens, digest
from lstm_zoo.errors import UsageError
from lstm_zoo.models import cnn_lstm
from lstm_zoo.preparation import prepare

pytestmark = pytest.mark.tensorflow

BUILDERS = {
    name: catalog.resolve(entry.builder) for name, entry in catalog.load().of("model").items()
}
CLASSES = Outputs(5, "classes")
IMAGES = (3, 4, 4, 1)

every_model = pytest.mark.parametrize("name", sorted(BUILDERS))


def answers(model, x):
    return keras.ops.convert_to_numpy(model(x))


@every_model
def test_a_vocabulary_becomes_an_embedding_of_the_length_asked_for(name):
    model = BUILDERS[name](Tokens(6, 11, padded=False), CLASSES, embedding=3)
    assert model.input_shape == (None, 6)
    assert model.get_layer("embedding").embeddings.shape == (11, 3)
    assert answers(model, np.ones((2, 6), "int32")).shape == (2, 5)


@every_model
def test_an_embedding_is_a_weight_matrix_of_one_hot_inputs(name):
    """The same model on plain numbers, given each token's vector, answers the same."""
    tokens = BUILDERS[name](Tokens(6, 11, padded=False), CLASSES, embedding=3)
    plain = BUILDERS[name]((6, 3), CLASSES)
    vectors, *others = tokens.get_weights()
    plain.set_weights(others)
    x = np.random.default_rng(0).integers(11, size=(4, 6)).astype("int32")
    np.testing.assert_allclose(answers(tokens, x), answers(plain, vectors[x]), atol=1e-6)
    assert cost.multiply_adds(tokens) == cost.multiply_adds(plain)


@pytest.mark.parametrize("name", sorted(BUILDERS.keys() - {"cnn-lstm"}))
def test_padding_changes_no_answer(name):
    padded = BUILDERS[name](Tokens(7, 11, padded=True), CLASSES)
    exact = BUILDERS[name](Tokens(3, 11, padded=True), CLASSES)
    exact.set_weights(padded.get_weights())
    x = np.array([[4, 2, 9]], "int32")
    with_padding = np.pad(x, ((0, 0), (0, 4)))
    np.testing.assert_allclose(answers(padded, with_padding), answers(exact, x), atol=1e-6)


@pytest.mark.slow
@every_model
def test_a_model_of_padded_tokens_is_saved_and_trains(name, tmp_path):
    model = BUILDERS[name](Tokens(7, 11, padded=True), CLASSES)
    x = np.array([[4, 2, 9, 0, 0, 0, 0], [1, 2, 3, 4, 5, 6, 7]], "int32")
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, np.array([0, 1]), verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_allclose(loaded.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6)


@pytest.mark.parametrize("name", sorted(BUILDERS.keys() - {"cnn-lstm"}))
def test_of_images_the_pixels_become_features(name):
    images, rows = BUILDERS[name](IMAGES, CLASSES), BUILDERS[name]((3, 16), CLASSES)
    rows.set_weights(images.get_weights())
    x = np.random.default_rng(0).normal(size=(2, *IMAGES)).astype("float32")
    np.testing.assert_allclose(answers(images, x), answers(rows, x.reshape(2, 3, 16)), atol=1e-6)


@pytest.mark.parametrize("wrap", ["once", "each"])
def test_a_cnn_sees_each_image_whole(wrap):
    model = cnn_lstm.build(IMAGES, CLASSES, filters=2, wrap=wrap)
    x = np.random.default_rng(0).normal(size=(2, *IMAGES)).astype("float32")
    kernel, bias, *_ = model.get_weights()
    assert kernel.shape == (3, 3, 1, 2)
    frames = x.reshape(6, 4, 4, 1)
    convolved = keras.ops.relu(keras.ops.conv(frames, kernel, padding="same") + bias)
    pooled = keras.ops.reshape(keras.ops.max_pool(convolved, 2, 2), (2, 3, 8))
    read = keras.Model(model.get_layer("lstm").input, model.output)
    np.testing.assert_allclose(answers(model, x), answers(read, pooled), atol=1e-6)
    # 3 images of 16 places, 9 · 2 products each; an LSTM of 64 units on 8 numbers; 5 classes.
    assert cost.multiply_adds(model) == 3 * 16 * 18 + 3 * 4 * (8 + 64) * 64 + 64 * 5


def test_at_every_image_a_cnn_answers():
    model = cnn_lstm.build(IMAGES, Outputs(5, "classes", every_step=True))
    assert model.output_shape == (None, 3, 5)


def test_images_are_not_cut_into_subsequences():
    with pytest.raises(UsageError, match="each of the 3 images by itself"):
        cnn_lstm.build(IMAGES, CLASSES, subsequences=1)


def test_a_dataset_of_tokens_tells_its_vocabulary():
    part = Examples(
        np.array([[1, 0], [2, 1]], "int32"), np.array([0, 1]), ("a", "b"), ("", "x", "y")
    )
    dataset = prepare(Splits(part, part, part), np.random.default_rng(0))
    assert dataset.input_shape == Tokens(2, 3, padded=True)
    told = dataset.preprocessing()
    assert (told["input_shape"], told["vocabulary"]) == ([2], ["", "x", "y"])


def test_the_vocabulary_is_a_part_of_the_datas_digest():
    x, y = np.array([[1, 0]], "int32"), np.array([0])
    one, other = (Examples(x, y, ("a", "b"), ("", word)) for word in ("x", "y"))
    assert digest(one) != digest(other)
