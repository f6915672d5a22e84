"""The mean over the steps, and a dense layer: the answer of a model that can't see their order.

    h = relu(W mean_t x_t + b)

with `x_t (features,)`, `W (units, features)` and `h (units,)`.
"""

import keras
from keras import layers

from lstm_zoo.data import Outputs
from lstm_zoo.parameters import PositiveInt, Rate


def build(
    input_shape: tuple[int, int], outputs: Outputs, *, units: PositiveInt = 64, dropout: Rate = 0.0
) -> keras.Model:
    """The steps' mean, a dense layer, and the outputs; where every step is due, the last alone.

    Args:
        input_shape: `(steps, features)` of one example.
        outputs: what the model answers.
        units: the width of the dense layer.
        dropout: the fraction of it that training drops at random.
    """
    inputs = keras.Input(input_shape, name="steps")
    x = layers.GlobalAveragePooling1D(name="mean")(inputs)
    x = layers.Dense(units, activation="relu", name="hidden")(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    activation = "softmax" if outputs.kind == "classes" else None
    answer = layers.Dense(outputs.size, activation=activation, name="output")(x)
    return keras.Model(inputs, answer, name="pool")
