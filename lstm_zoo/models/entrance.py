"""What every model begins with: its input, as numbers that a recurrent layer can read."""

from __future__ import annotations

import math

import keras
from keras import layers

from lstm_zoo.data import Shape, Tokens
from lstm_zoo.errors import UsageError

EMBEDDING = 64  # of every model, unless another is asked for


def entrance(
    input_shape: Shape, embedding: int, *, mask: bool = True
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """The input, and what the model reads of it, `(steps, features)`.

    A token becomes a vector that is learned, and the padding after the last token is masked; of an
    image, the pixels become a row.

    Args:
        input_shape: the shape of one example.
        embedding: the length of a token's vector.
        mask: whether the layers that follow can be told which steps are padding.

    Raises:
        UsageError: a length is asked for where there are no tokens.
    """
    if isinstance(input_shape, Tokens):
        inputs = keras.Input((input_shape.steps,), dtype="int32", name="steps")
        embed = layers.Embedding(
            input_shape.vocabulary,
            embedding,
            mask_zero=mask and input_shape.padded,
            name="embedding",
        )
        return inputs, embed(inputs)
    refuse_embedding(embedding)
    inputs = keras.Input(input_shape, name="steps")
    if len(input_shape) == 2:
        return inputs, inputs
    pixels = math.prod(input_shape[1:])
    return inputs, layers.Reshape((-1, pixels), name="pixels")(inputs)


def refuse_embedding(embedding: int) -> None:
    """An embedding is of tokens: asked for elsewhere, it would be passed over in silence."""
    if embedding != EMBEDDING:
        raise UsageError(
            "'embedding' is the length of a token's vector, and this dataset has numbers: leave it "
            "out."
        )
