"""LSTM on LSTM, to any depth.

    h^0_t = x_t
    h^k_t = LSTM_k(h^(k-1)_t, h^k_(t-1))        k = 1 … depth

with `x_t (features,)` and `h^k_t (units[k-1],)`; LSTM_k is the layer whose equations are in
`lstm_zoo/models/lstm.py`. The outputs come from the last layer's states.

Alex Graves, Abdel-rahman Mohamed and Geoffrey Hinton (2013): Speech recognition with deep recurrent
neural networks. ICASSP.

Good at sequences with structure on several scales, given much data. On little data it overfits
before a single layer does, and time and memory grow with the depth.
"""

from __future__ import annotations

import keras
from keras import layers

from lstm_zoo.data import Outputs, Shape
from lstm_zoo.models.entrance import entrance
from lstm_zoo.models.head import dropped, head
from lstm_zoo.models.starts import set_forget_bias
from lstm_zoo.parameters import Activation, PositiveInt, Rate


def build(
    input_shape: Shape,
    outputs: Outputs,
    *,
    units: list[PositiveInt] = (64, 64),
    activation: Activation = "tanh",
    dropout: Rate = 0.0,
    recurrent_dropout: Rate = 0.0,
    forget_bias: float = 1.0,
    embedding: PositiveInt = 64,
    dense: PositiveInt | None = None,
    dense_activation: Activation = "relu",
) -> keras.Model:
    """LSTM layers one on the other, and the outputs from the last one's states.

    Args:
        input_shape: of one example: `(steps, features)`, images, whose pixels become the features,
            or tokens.
        outputs: what the model answers: `(size,)`, or `(steps, size)` at every step.
        units: the length of the state of each layer, from the input up.
        activation: the function φ, of the candidates and of the cells.
        dropout: the fraction of the states that training drops at random, after each LSTM layer and
            after the dense layer.
        recurrent_dropout: the fraction of h_{t-1} that training drops at random, in every layer.
        forget_bias: where the bias b_f of the forget gate of each layer starts.
        embedding: the length of the vector that stands for a token, where the input is tokens.
        dense: the units of a dense layer before the outputs; null for none.
        dense_activation: the function φ of that dense layer.
    """
    inputs, x = entrance(input_shape, embedding)
    for depth, size in enumerate(units, start=1):
        last = depth == len(units)
        x = layers.LSTM(
            size,
            activation=activation,
            recurrent_dropout=recurrent_dropout,
            return_sequences=outputs.every_step or not last,
            name=f"lstm_{depth}",
        )(x)
        x = x if last else dropped(x, dropout, f"dropout_{depth}")
    answers = head(x, outputs, dropout, dense, dense_activation)
    model = keras.Model(inputs, answers, name="stacked")
    set_forget_bias(model, forget_bias)
    return model
