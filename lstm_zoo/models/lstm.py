"""Long short-term memory, with a forget gate.

    f_t = σ(W_f x_t + U_f h_{t-1} + b_f)          forget gate
    i_t = σ(W_i x_t + U_i h_{t-1} + b_i)          input gate
    o_t = σ(W_o x_t + U_o h_{t-1} + b_o)          output gate
    Ĉ_t = φ(W_C x_t + U_C h_{t-1} + b_C)          candidate
    C_t = f_t ⊙ C_{t-1} + i_t ⊙ Ĉ_t               cell
    h_t = o_t ⊙ φ(C_t)                            state

with `x_t (features,)`, gates, candidate, cell and state `(units,)`, `C_0 = h_0 = 0`, each
`W (units, features)`, `U (units, units)`, `b (units,)`, and φ = tanh. b_f starts at
`forget_bias`, by default 1, so that the cell remembers from the start.

Sepp Hochreiter and Jürgen Schmidhuber (1997): Long short-term memory. Neural Computation 9(8).
Felix A. Gers, Jürgen Schmidhuber and Fred Cummins (2000): Learning to forget: continual prediction
with LSTM. Neural Computation 12(10).

Good at keeping something over many steps: along C the gradient is only multiplied by f. Costs four
times a simple recurrent layer of the same units, and can't be computed in parallel over the steps.
"""

from __future__ import annotations

from typing import Literal

import keras
from keras import layers

from lstm_zoo.data import Outputs, Shape
from lstm_zoo.models.entrance import entrance
from lstm_zoo.models.head import head
from lstm_zoo.models.starts import set_forget_bias, set_identity
from lstm_zoo.parameters import Activation, PositiveInt, Rate


def build(
    input_shape: Shape,
    outputs: Outputs,
    *,
    units: PositiveInt = 64,
    activation: Activation = "tanh",
    dropout: Rate = 0.0,
    recurrent_dropout: Rate = 0.0,
    forget_bias: float = 1.0,
    recurrent_initializer: Literal["orthogonal", "identity"] = "orthogonal",
    embedding: PositiveInt = 64,
    dense: PositiveInt | None = None,
    dense_activation: Activation = "relu",
) -> keras.Model:
    """An LSTM layer, and the outputs from its states.

    Args:
        input_shape: of one example: `(steps, features)`, images, whose pixels become the features,
            or tokens.
        outputs: what the model answers: `(size,)`, or `(steps, size)` at every step.
        units: the length of the state h_t and of the cell C_t.
        activation: the function φ, of the candidate and of the cell.
        dropout: the fraction of the states that training drops at random, before the outputs and
            after the dense layer.
        recurrent_dropout: the fraction of h_{t-1} that training drops at random.
        forget_bias: where the bias b_f of the forget gate starts.
        recurrent_initializer: where the matrices U start: orthogonal as one matrix, or each of them
            the identity.
        embedding: the length of the vector that stands for a token, where the input is tokens.
        dense: the units of a dense layer before the outputs; null for none.
        dense_activation: the function φ of that dense layer.
    """
    inputs, x = entrance(input_shape, embedding)
    recurrent = layers.LSTM(
        units,
        activation=activation,
        recurrent_dropout=recurrent_dropout,
        return_sequences=outputs.every_step,
        name="lstm",
    )
    states = recurrent(x)
    if recurrent_initializer == "identity":
        set_identity(recurrent)
    answers = head(states, outputs, dropout, dense, dense_activation)
    model = keras.Model(inputs, answers, name="lstm")
    set_forget_bias(model, forget_bias)
    return model
