"""A convolutional network on each subsequence, an LSTM over the results.

    s_k = x_((k-1)·length + 1) … x_(k·length)         subsequence, k = 1 … subsequences
    c_k = relu(K * s_k + b)                           convolution over its steps, zeros at the edges
    p_k = flatten(max over each pool_size of c_k)     pooling
    h_k = LSTM(p_k, h_(k-1))                          equations: `lstm-zoo show lstm`

with `x_t (features,)`, `s_k (length, features)`, `K (kernel_size, features, filters)`,
`b (filters,)`, `c_k (length, filters)`, `p_k (⌈length / pool_size⌉ · filters,)` and `h_k (units,)`.
Where the subsequences don't divide the steps, zeros stand before the first step. Of images each is
a subsequence of its own, and K `(kernel_size, kernel_size, channels, filters)` goes over its height
and width. Of tokens the padding is read like any other token: a convolution takes no mask.

Where an answer is due at every step, step t is answered from h_k of the last subsequence that is
complete at t (the one ending at t counts), and before any is, from zeros.

Jeff Donahue, Lisa Anne Hendricks, Sergio Guadarrama, Marcus Rohrbach, Subhashini Venugopalan, Kate
Saenko and Trevor Darrell (2015): Long-term recurrent convolutional networks for visual recognition
and description. CVPR.

Good at long sequences with local patterns: the LSTM has about the square root of the steps to go.
Bad where the place of a pattern within its subsequence matters finely (pooling blurs it), and at
every step, where its answers wait for a subsequence to end.
"""

from __future__ import annotations

import itertools
import math
from typing import Literal

import keras
from keras import layers

from lstm_zoo.data import Outputs, Shape
from lstm_zoo.errors import UsageError
from lstm_zoo.models.entrance import entrance, refuse_embedding
from lstm_zoo.models.head import head
from lstm_zoo.models.starts import set_forget_bias
from lstm_zoo.parameters import Activation, PositiveInt, Rate


def build(
    input_shape: Shape,
    outputs: Outputs,
    *,
    subsequences: PositiveInt | None = None,
    filters: PositiveInt = 32,
    kernel_size: PositiveInt = 3,
    pool_size: PositiveInt = 2,
    wrap: Literal["once", "each"] = "once",
    units: PositiveInt = 64,
    activation: Activation = "tanh",
    dropout: Rate = 0.0,
    recurrent_dropout: Rate = 0.0,
    forget_bias: float = 1.0,
    embedding: PositiveInt = 64,
    dense: PositiveInt | None = None,
    dense_activation: Activation = "relu",
) -> keras.Model:
    """A CNN on each subsequence, an LSTM over the results, and the outputs from its states.

    Args:
        input_shape: of one example: `(steps, features)`, images, or tokens.
        outputs: what the model answers: `(size,)`, or `(steps, size)` at every step.
        subsequences: how many the steps are cut into; null for the largest divisor of the steps up
            to their square root, a prime number of steps counting as the next that is none. Of
            images each is one, and it stays null.
        filters: the patterns that the convolution looks for.
        kernel_size: the steps that a pattern spans; of images, its height and width.
        pool_size: the steps of which pooling keeps the largest answer; of images, the side of a
            square.
        wrap: the whole CNN in one TimeDistributed (once), or each of its layers (each); the weights
            and the answers are the same.
        units: the length of the state h_k.
        activation: the function φ, of the LSTM's candidate and of its cell.
        dropout: the fraction of the states that training drops at random, before the outputs and
            after the dense layer.
        recurrent_dropout: the fraction of h_{t-1} that training drops at random.
        forget_bias: where the bias b_f of the forget gate starts.
        embedding: the length of the vector that stands for a token, where the input is tokens.
        dense: the units of a dense layer before the outputs; null for none.
        dense_activation: the function φ of that dense layer.

    Raises:
        UsageError: there are more subsequences than steps, or any of images.
    """
    count, length = _cut(input_shape, subsequences)
    missing = count * length - input_shape[0]
    if len(input_shape) == 4:
        refuse_embedding(embedding)
        inputs = x = keras.Input(input_shape, name="steps")
        convolution, pooling = layers.Conv2D, layers.MaxPooling2D
    else:
        inputs, x = entrance(input_shape, embedding, mask=False)
        features = x.shape[-1]
        x = layers.ZeroPadding1D((missing, 0), name="fill")(x)
        x = layers.Reshape((count, length, features), name="subsequences")(x)
        convolution, pooling = layers.Conv1D, layers.MaxPooling1D
    cnn = [
        convolution(filters, kernel_size, padding="same", activation="relu", name="convolution"),
        pooling(pool_size, padding="same", name="pooling"),
        layers.Flatten(name="flatten"),
    ]
    if wrap == "once":
        cnn = [keras.Sequential([keras.Input(x.shape[2:]), *cnn], name="cnn")]
    for layer in cnn:
        x = layers.TimeDistributed(layer, name=f"each_{layer.name}")(x)
    x = layers.LSTM(
        units,
        activation=activation,
        recurrent_dropout=recurrent_dropout,
        return_sequences=outputs.every_step,
        name="lstm",
    )(x)
    if outputs.every_step and length > 1:
        x = layers.UpSampling1D(length, name="repeat")(x)
        x = layers.ZeroPadding1D((length - 1, 0), name="wait_until_complete")(x)
        x = layers.Cropping1D((missing, length - 1), name="crop")(x)
    answers = head(x, outputs, dropout, dense, dense_activation)
    model = keras.Model(inputs, answers, name="cnn_lstm")
    set_forget_bias(model, forget_bias)
    return model


def _cut(input_shape: Shape, subsequences: int | None) -> tuple[int, int]:
    """The number of subsequences and their length; their product is at least the steps."""
    steps = input_shape[0]
    if len(input_shape) == 4:
        if subsequences is not None:
            raise UsageError(
                f"cnn-lstm reads each of the {steps} images by itself, and does not cut them into "
                f"{subsequences} subsequences: leave subsequences out."
            )
        return steps, 1
    if subsequences is None:
        divisors = map(_largest_divisor_to_root, itertools.count(steps))
        subsequences = 1 if steps == 1 else next(divisor for divisor in divisors if divisor > 1)
    if subsequences > steps:
        raise UsageError(
            f"cnn-lstm can't cut {steps} steps into {subsequences} subsequences: "
            f"set subsequences to at most {steps}."
        )
    return subsequences, math.ceil(steps / subsequences)


def _largest_divisor_to_root(number: int) -> int:
    return max(d for d in range(1, math.isqrt(number) + 1) if number % d == 0)
