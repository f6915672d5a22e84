"""An LSTM, and additive attention over all its states, asked by the last one.

    h_1 … h_T = LSTM(x_1 … x_T)                      equations: `lstm-zoo show lstm`
    e_tj = v · tanh(W h_t + U h_j)                   score
    α_tj = exp(e_tj) / Σ_k exp(e_tk)                 weight
    c_t  = Σ_j α_tj h_j                              context
    state = [c_t, h_t]                               t = T

with `x_t (features,)`, `h_t` and `c_t (units,)`, `W` and `U (attention_units, units)`,
`v (attention_units,)`, and `state (2 · units,)`. Where an answer is due at every step, each step t
asks, and its sums run over the states up to its own (j, k ≤ t); that takes memory for
`(batch, T, T, attention_units)` numbers.

Dzmitry Bahdanau, Kyunghyun Cho and Yoshua Bengio (2015): Neural machine translation by jointly
learning to align and translate. ICLR.

Good where single, far steps matter, and at showing which (`attention_weights`). It adds little on
short sequences, and weights are a hint, not an explanation: each h_j has read all steps before j.
"""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

from lstm_zoo.data import Outputs, Shape
from lstm_zoo.models.entrance import entrance
from lstm_zoo.models.head import head
from lstm_zoo.models.starts import set_forget_bias
from lstm_zoo.parameters import Activation, PositiveInt, Rate


def build(
    input_shape: Shape,
    outputs: Outputs,
    *,
    units: PositiveInt = 64,
    attention_units: PositiveInt = 32,
    activation: Activation = "tanh",
    dropout: Rate = 0.0,
    recurrent_dropout: Rate = 0.0,
    forget_bias: float = 1.0,
    embedding: PositiveInt = 64,
    dense: PositiveInt | None = None,
    dense_activation: Activation = "relu",
) -> keras.Model:
    """An LSTM layer, attention over its states, and the outputs from context and state.

    Args:
        input_shape: of one example: `(steps, features)`, images, whose pixels become the features,
            or tokens.
        outputs: what the model answers: `(size,)`, or `(steps, size)` at every step.
        units: the length of the state h_t and of the cell C_t.
        attention_units: the length of v, in which states are compared.
        activation: the function φ, of the LSTM's candidate and of its cell.
        dropout: the fraction of context and state that training drops at random, before the outputs
            and after the dense layer.
        recurrent_dropout: the fraction of h_{t-1} that training drops at random.
        forget_bias: where the bias b_f of the forget gate starts.
        embedding: the length of the vector that stands for a token, where the input is tokens.
        dense: the units of a dense layer before the outputs; null for none.
        dense_activation: the function φ of that dense layer.
    """
    inputs, x = entrance(input_shape, embedding)
    states, last, _ = layers.LSTM(
        units,
        activation=activation,
        recurrent_dropout=recurrent_dropout,
        return_sequences=True,
        return_state=True,
        name="lstm",
    )(x)
    asking = states
    if not outputs.every_step:
        asking = layers.Reshape((1, units), name="last_state")(last)
    query = layers.Dense(attention_units, use_bias=False, name="query")(asking)
    key = layers.Dense(attention_units, use_bias=False, name="key")(states)
    context, _ = layers.AdditiveAttention(name="attention")(
        [query, states, key], use_causal_mask=outputs.every_step, return_attention_scores=True
    )
    x = layers.Concatenate(name="context_and_state")([context, asking])
    if not outputs.every_step:
        x = layers.Flatten(name="flatten")(x)
    answers = head(x, outputs, dropout, dense, dense_activation)
    model = keras.Model(inputs, answers, name="attention_lstm")
    set_forget_bias(model, forget_bias)
    return model


def attention_weights(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """The weights α by which a model of this file, built or loaded, attends to each step.

    Args:
        model: a model of `build`, or one that Keras loaded from its file.
        x: inputs of `(examples, steps, features)`.

    Returns:
        `(examples, steps)`: the weights of the last step; or `(examples, steps, steps)`: those of
        every step, each in a row. Each row sums to 1.

    Raises:
        ValueError: the model has no layer called `attention` (Keras' own error).
    """
    weights = keras.Model(model.inputs, model.get_layer("attention").output[1])
    alpha = weights.predict(x, verbose=0)
    return alpha if len(model.output_shape) == 3 else alpha[:, 0]
