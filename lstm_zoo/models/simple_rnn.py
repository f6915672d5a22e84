"""The simple recurrent network of Elman.

    h_t = φ(W x_t + U h_{t-1} + b)

with `x_t (features,)`, the state `h_t (units,)`, `h_0 = 0`, `W (units, features)`,
`U (units, units)`, `b (units,)` and φ = tanh.

Jeffrey L. Elman (1990): Finding structure in time. Cognitive Science 14(2).

Good at short sequences, for few parameters and little time. Bad at long ones: the gradient is
multiplied by U and φ' at each step back, and so it fades or explodes. With φ = relu, states are
unbounded and training is less even from seed to seed.
"""

from __future__ import annotations

from typing import Literal

import keras
from keras import layers

from lstm_zoo.data import Outputs, Shape
from lstm_zoo.models.entrance import entrance
from lstm_zoo.models.head import head
from lstm_zoo.parameters import Activation, PositiveInt, Rate


def build(
    input_shape: Shape,
    outputs: Outputs,
    *,
    units: PositiveInt = 64,
    activation: Activation = "tanh",
    dropout: Rate = 0.0,
    recurrent_dropout: Rate = 0.0,
    recurrent_initializer: Literal["orthogonal", "identity"] = "orthogonal",
    embedding: PositiveInt = 64,
    dense: PositiveInt | None = None,
    dense_activation: Activation = "relu",
) -> keras.Model:
    """A simple recurrent layer, and the outputs from its states.

    Args:
        input_shape: of one example: `(steps, features)`, images, whose pixels become the features,
            or tokens.
        outputs: what the model answers: `(size,)`, or `(steps, size)` at every step.
        units: the length of the state h_t.
        activation: the function φ.
        dropout: the fraction of the states that training drops at random, before the outputs and
            after the dense layer.
        recurrent_dropout: the fraction of h_{t-1} that training drops at random.
        recurrent_initializer: where the matrix U starts.
        embedding: the length of the vector that stands for a token, where the input is tokens.
        dense: the units of a dense layer before the outputs; null for none.
        dense_activation: the function φ of that dense layer.
    """
    inputs, x = entrance(input_shape, embedding)
    states = layers.SimpleRNN(
        units,
        activation=activation,
        recurrent_dropout=recurrent_dropout,
        recurrent_initializer=recurrent_initializer,
        return_sequences=outputs.every_step,
        name="simple_rnn",
    )(x)
    answers = head(states, outputs, dropout, dense, dense_activation)
    return keras.Model(inputs, answers, name="simple_rnn")
