"""Multiply-adds, each expected number worked out by hand in the test."""

import keras
import pytest
from keras import layers

from lstm_zoo.cost import multiply_adds
from lstm_zoo.data import Outputs
from lstm_zoo.models import attention_lstm, bilstm, cnn_lstm, gru, lstm, simple_rnn, stacked

VALUE = Outputs(1, "values")
EVERY_STEP = Outputs(1, "values", every_step=True)


def sequential(shape, *stack):
    return keras.Sequential([keras.Input(shape), *stack])


@pytest.mark.parametrize(
    ("builder", "products"),
    [(simple_rnn, 1), (gru, 3), (lstm, 4)],
    ids=["simple_rnn", "gru", "lstm"],
)
def test_recurrent_layers_multiply_input_and_state_at_every_step(builder, products):
    model = builder.build((5, 2), VALUE, units=3)
    assert multiply_adds(model) == 5 * products * (2 * 3 + 3 * 3) + 3


def test_answers_at_every_step_cost_a_head_each():
    model = lstm.build((5, 2), EVERY_STEP, units=3, dense=4)
    assert multiply_adds(model) == 5 * 4 * (2 + 3) * 3 + 5 * (3 * 4) + 5 * 4


def test_stacked_layers_add_up():
    model = stacked.build((5, 2), VALUE, units=[3, 4], dropout=0.5)
    assert multiply_adds(model) == 5 * 4 * (2 + 3) * 3 + 5 * 4 * (3 + 4) * 4 + 4


def test_both_directions_cost_twice_one():
    model = bilstm.build((5, 2), VALUE, units=3)
    assert multiply_adds(model) == 2 * (5 * 4 * (2 + 3) * 3) + 6


@pytest.mark.parametrize("wrap", ["once", "each"])
def test_a_cnn_costs_as_much_as_its_subsequences(wrap):
    model = cnn_lstm.build((12, 2), VALUE, filters=5, kernel_size=3, units=6, wrap=wrap)
    convolutions = 3 * (4 * 5 * 3 * 2)  # subsequences x (length x filters x kernel x features)
    recurrent = 3 * 4 * (2 * 5 + 6) * 6  # each subsequence gives 2 pooled steps of 5 filters
    assert multiply_adds(model) == convolutions + recurrent + 6


def test_attention_asked_once_and_at_every_step():
    recurrent = 5 * 4 * (2 + 3) * 3
    projections, scores_and_context = 3 * 4, 4 + 3  # a query, or a key; a query's look at one state
    once = attention_lstm.build((5, 2), VALUE, units=3, attention_units=4)
    assert multiply_adds(once) == recurrent + 6 * projections + 5 * scores_and_context + 6
    always = attention_lstm.build((5, 2), EVERY_STEP, units=3, attention_units=4)
    assert multiply_adds(always) == recurrent + 10 * projections + 25 * scores_and_context + 5 * 6


def test_a_first_state_is_no_input_to_multiply():
    x, h, c = keras.Input((5, 2)), keras.Input((4,)), keras.Input((4,))
    model = keras.Model([x, h, c], layers.LSTM(4)(x, initial_state=[h, c]))
    assert multiply_adds(model) == 5 * 4 * (2 + 4) * 4
    both = layers.Bidirectional(layers.GRU(4))(x, initial_state=[h, c])
    assert multiply_adds(keras.Model([x, h, c], both)) == 2 * 5 * 3 * (2 + 4) * 4


def test_a_nested_model_counts_once():
    inner = sequential((4,), layers.Dense(3), layers.Dense(2))
    inputs = keras.Input((4,))
    outer = keras.Model(inputs, layers.Dense(5)(inner(inputs)))
    assert multiply_adds(outer) == 4 * 3 + 3 * 2 + 2 * 5


def test_a_strided_convolution_counts_its_outputs():
    model = sequential((9, 2), layers.Conv1D(4, kernel_size=3, strides=2, padding="valid"))
    assert multiply_adds(model) == 4 * (3 * 2 * 4)


def test_a_loaded_model_costs_the_same(tmp_path):
    model = cnn_lstm.build((7, 2), EVERY_STEP)
    model.save(tmp_path / "model.keras")
    assert multiply_adds(keras.saving.load_model(tmp_path / "model.keras")) == multiply_adds(model)


def shared_layer():
    inputs = keras.Input((4,))
    dense = layers.Dense(4)
    return keras.Model(inputs, dense(dense(inputs)))


def shared_model():
    inputs = keras.Input((4,))
    inner = sequential((4,), layers.Dense(4))
    return keras.Model(inputs, inner(inner(inputs)))


def subclassed():
    class Own(keras.Model):
        def call(self, x):
            return x

    return Own()


def own_dense():
    class Own(layers.Dense):
        pass

    return sequential((4,), Own(2))


def dot_product_attention():
    inputs = keras.Input((4, 2))
    return keras.Model(inputs, layers.Attention()([inputs, inputs]))


def layer_of_another_kind():
    return sequential((4, 2), layers.EinsumDense("abc,cd->abd", (4, 3)), layers.LSTM(3))


def layer_of_another_kind_at_each_step():
    return sequential((4, 2), layers.TimeDistributed(layers.EinsumDense("ab,bc->ac", 3)))


def open_number_of_steps():
    return sequential((None, 2), layers.LSTM(3))


@pytest.mark.parametrize(
    "model",
    [
        shared_layer,
        shared_model,
        subclassed,
        own_dense,
        dot_product_attention,
        layer_of_another_kind,
        layer_of_another_kind_at_each_step,
        open_number_of_steps,
    ],
)
def test_what_it_does_not_know_is_none_rather_than_wrong(model):
    assert multiply_adds(model()) is None
