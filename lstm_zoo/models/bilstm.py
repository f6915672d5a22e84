"""One LSTM forward, one backward.

    →h_t = LSTM→(x_t, →h_(t-1))        t = 1 … steps
    ←h_t = LSTM←(x_t, ←h_(t+1))        t = steps … 1
    state = [→h_steps, ←h_1]

with `x_t (features,)`, `→h_t` and `←h_t (units,)`, and `state (2 · units,)`: what each direction
holds when it has read the whole window. The equations of an LSTM are in `lstm_zoo/models/lstm.py`.
With a `depth` above 1, the next layer's x_t is [→h_t, ←h_t] of the one before.

**It answers the last step alone.** Where a target at every step is asked for, the output is
`(size,)` all the same: at any earlier step the backward LSTM would have read later inputs, the
targets among them.

Mike Schuster and Kuldip K. Paliwal (1997): Bidirectional recurrent neural networks. IEEE
Transactions on Signal Processing 45(11).

Good at whole sequences (an image by its rows, a sentence), where the beginning matters as much as
the end. No use where an answer is due before the sequence ends, and twice the cost of an LSTM.
"""

from __future__ import annotations

import keras
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
    depth: PositiveInt = 1,
    activation: Activation = "tanh",
    dropout: Rate = 0.0,
    recurrent_dropout: Rate = 0.0,
    forget_bias: float = 1.0,
    embedding: PositiveInt = 64,
    dense: PositiveInt | None = None,
    dense_activation: Activation = "relu",
) -> keras.Model:
    """LSTM layers in both directions, and the outputs from the final states of the last.

    Args:
        input_shape: of one example: `(steps, features)`, images, whose pixels become the features,
            or tokens.
        outputs: what the model answers: `(size,)`, at the last step even where `every_step` is set.
        units: the length of the state of each direction.
        depth: the bidirectional layers, one on the other.
        activation: the function φ, of the candidates and of the cells.
        dropout: the fraction of the states that training drops at random, before the outputs and
            after the dense layer.
        recurrent_dropout: the fraction of h_{t-1} that training drops at random, in each direction.
        forget_bias: where the bias b_f of the forget gate of both directions starts.
        embedding: the length of the vector that stands for a token, where the input is tokens.
        dense: the units of a dense layer before the outputs; null for none.
        dense_activation: the function φ of that dense layer.
    """
    inputs, x = entrance(input_shape, embedding)
    for level in range(1, depth + 1):
        lstm = layers.LSTM(
            units,
            activation=activation,
            recurrent_dropout=recurrent_dropout,
            return_sequences=level < depth,
            name="lstm",
        )
        x = layers.Bidirectional(lstm, name=f"both_directions_{level}")(x)
    answers = head(x, outputs, dropout, dense, dense_activation)
    model = keras.Model(inputs, answers, name="bilstm")
    set_forget_bias(model, forget_bias)
    return model
