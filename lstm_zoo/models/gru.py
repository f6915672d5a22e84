"""The gated recurrent unit.

    z_t = σ(W_z x_t + U_z h_{t-1} + b_z + c_z)                update gate
    r_t = σ(W_r x_t + U_r h_{t-1} + b_r + c_r)                reset gate
    ĥ_t = φ(W_h x_t + b_h + r_t ⊙ (U_h h_{t-1} + c_h))        candidate
    h_t = z_t ⊙ h_{t-1} + (1 - z_t) ⊙ ĥ_t                     state

with `x_t (features,)`, gates, candidate and state `(units,)`, `h_0 = 0`, each
`W (units, features)`, `U (units, units)`, `b` and `c (units,)`, and φ = tanh. The reset gate works
after the product with U_h, as Keras has it by default; the published equations put it before,
U_h (r_t ⊙ h_{t-1}), with one bias.

Kyunghyun Cho, Bart van Merriënboer, Caglar Gulcehre, Dzmitry Bahdanau, Fethi Bougares, Holger
Schwenk and Yoshua Bengio (2014): Learning phrase representations using RNN encoder-decoder for
statistical machine translation. EMNLP.

Good at most of what an LSTM is good at, for three quarters of the parameters. Worse where something
must be counted or kept exactly: it has no cell apart from the state.
"""

from __future__ import annotations

from typing import Literal

import keras
from keras import layers

from lstm_zoo.data import Outputs, Shape
from lstm_zoo.models.entrance import entrance
from lstm_zoo.models.head import head
from lstm_zoo.models.starts import set_identity
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
    """A GRU layer, and the outputs from its states.

    Args:
        input_shape: of one example: `(steps, features)`, images, whose pixels become the features,
            or tokens.
        outputs: what the model answers: `(size,)`, or `(steps, size)` at every step.
        units: the length of the state h_t.
        activation: the function φ, of the candidate.
        dropout: the fraction of the states that training drops at random, before the outputs and
            after the dense layer.
        recurrent_dropout: the fraction of h_{t-1} that training drops at random.
        recurrent_initializer: where the matrices U start: orthogonal as one matrix, or each of them
            the identity.
        embedding: the length of the vector that stands for a token, where the input is tokens.
        dense: the units of a dense layer before the outputs; null for none.
        dense_activation: the function φ of that dense layer.
    """
    inputs, x = entrance(input_shape, embedding)
    recurrent = layers.GRU(
        units,
        activation=activation,
        recurrent_dropout=recurrent_dropout,
        return_sequences=outputs.every_step,
        name="gru",
    )
    states = recurrent(x)
    if recurrent_initializer == "identity":
        set_identity(recurrent)
    answers = head(states, outputs, dropout, dense, dense_activation)
    return keras.Model(inputs, answers, name="gru")
