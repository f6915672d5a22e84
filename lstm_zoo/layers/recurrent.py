"""Keras' recurrent layers with a faster loop over the steps; in all else they are Keras' own."""

from __future__ import annotations

import keras
from keras import ops

from lstm_zoo.layers.cells import FUNCTIONS, Cell, GRUCell, LSTMCell, SimpleCell, Tensor
from lstm_zoo.layers.products import PRODUCTS
from lstm_zoo.layers.recurrence import recur


def slow_option(layer: keras.Layer) -> str | None:
    """The option of a Keras layer for which there is no faster loop; None where there is one."""
    functions = (layer.activation, getattr(layer, "recurrent_activation", None))
    unknown = next((each for each in functions if each and each not in FUNCTIONS), None)
    name = getattr(unknown, "__name__", type(unknown).__name__)
    options = {
        f"activation={name}": unknown is not None,
        "recurrent_dropout": layer.recurrent_dropout > 0,
        "unroll": layer.unroll,
        "implementation=1": getattr(layer.cell, "implementation", 2) == 1,
        "reset_after=false": not getattr(layer, "reset_after", True),
    }
    return next((option for option, slow in options.items() if slow), None)


class Fast:
    """Takes the place of a Keras layer's loop over the steps."""

    precision = "float32"  # of `PRODUCTS`

    def inner_loop(
        self, sequences: Tensor, initial_state: list, mask: Tensor | None, training: bool = False
    ) -> tuple[Tensor, Tensor, list]:
        """Keras' own hook: `(batch, units)`, `(batch, steps, units)`, and the last states."""
        cell = self.cell
        states = initial_state if isinstance(initial_state, list | tuple) else [initial_state]
        states = [ops.copy(state) for state in states]
        if training and self.dropout:
            sequences = sequences * ops.expand_dims(cell.get_dropout_mask(sequences[:, 0]), 1)
        x = self._in_order(sequences)
        if mask is not None:
            mask = self._in_order(ops.cast(mask[0] if isinstance(mask, list) else mask, x.dtype))
            mask = ops.expand_dims(mask, -1)
        outputs, last = recur(
            self._equations(),
            x,
            states,
            ops.copy(cell.kernel),
            ops.copy(cell.recurrent_kernel),
            self._biases(),
            mask,
            PRODUCTS[self.precision],
        )
        shown = None if mask is None else self._shown(mask)
        if shown is None:
            return last[0], ops.swapaxes(outputs, 0, 1), last
        outputs = outputs * shown
        return outputs[-1], ops.swapaxes(outputs, 0, 1), last

    def _shown(self, mask: Tensor) -> Tensor | None:
        """1 where a step's output is the state, and 0 where it is 0; None if it never is."""
        if self.zero_output_for_mask:
            return mask
        if keras.backend.backend() == "tensorflow":  # until the first step that the mask lets in
            return ops.minimum(ops.cumsum(mask, axis=0), 1)
        return None

    def _in_order(self, sequences: Tensor) -> Tensor:
        """`(batch, steps, …)` as `(steps, batch, …)`, in the order in which they are read."""
        swapped = ops.swapaxes(sequences, 0, 1)
        return ops.flip(swapped, axis=0) if self.go_backwards else swapped

    def _biases(self) -> list:
        if self.cell.bias is None:
            return []
        bias = ops.copy(self.cell.bias)
        return [bias[0], bias[1]] if len(bias.shape) == 2 else [bias]

    def _equations(self) -> Cell:
        functions = [FUNCTIONS[self.activation]]
        if self.CELL is not SimpleCell:
            functions.append(FUNCTIONS[self.recurrent_activation])
        return self.CELL(*functions)


class SimpleRNN(Fast, keras.layers.SimpleRNN):
    """`keras.layers.SimpleRNN`, faster."""

    CELL = SimpleCell


class LSTM(Fast, keras.layers.LSTM):
    """`keras.layers.LSTM`, faster."""

    CELL = LSTMCell


class GRU(Fast, keras.layers.GRU):
    """`keras.layers.GRU`, faster."""

    CELL = GRUCell
