"""That JAX trains faster is said to those who train on TensorFlow, as it was measured."""

import keras
import pytest

from lstm_zoo import advice, backend

pytestmark = [pytest.mark.tensorflow, pytest.mark.usefixtures("undrawn")]

on_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="of TensorFlow's users"
)


def test_the_layers_at_hand_are_named(monkeypatch):
    monkeypatch.setitem(advice.JAX_FASTER, "LSTM", 1.25)
    monkeypatch.setitem(advice.JAX_FASTER, "SimpleRNN", 2.0)
    known = {"LSTM", "SimpleRNN", "ConvLSTM2D"}
    for there, what in (
        (True, "--backend jax."),
        (False, "jax, after pip install 'lstm-zoo[jax]'"),
    ):
        monkeypatch.setattr(backend, "installed", lambda name, there=there: there)
        sentence = advice.faster_backend("tensorflow", known)
        assert sentence.startswith("JAX trains an LSTM 1.2 times and a simple RNN 2 times as fast")
        assert what in sentence
    assert advice.faster_backend("jax", known) is None
    assert advice.faster_backend("tensorflow", {"ConvLSTM2D"}) is None


@pytest.mark.slow
@on_tensorflow
def test_a_comparison_says_so_before_it_trains_and_not_where_nothing_is_left_to_train(zoo):
    asked = ("compare", "gru:units=2", "simple-rnn:units=2", "--seeds", 1, "--epochs", 1)
    first, again = (zoo(*asked, "--dataset", "digits") for _ in range(2))
    bare = zoo(*asked, "--dataset", "digits", "--core", "keras")
    assert first.code == again.code == 0, first.err
    assert "JAX trains a GRU" in first.err
    assert "JAX trains" not in first.out + again.out + again.err + bare.err


@on_tensorflow
@pytest.mark.skipif(not backend.installed("jax"), reason="JAX is not installed")
def test_doctor_says_so(zoo_json):
    assert advice.times_as_fast() in zoo_json("doctor")["backends"]["jax"]
