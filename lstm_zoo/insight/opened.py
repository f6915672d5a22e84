"""A model's recurrent layers laid open, in float64: every gate is seen, every state can be nudged.

Each recurrent layer, and each direction of a Bidirectional, keeps Keras' own loop over the steps,
with its mask and its direction. Only its cell is replaced, by the equations (`lstm-zoo show lstm`,
`gru`, `simple-rnn`) with a nudge ε added to the input, the state and the cell of every step:

    x_t + ε^x_t,    h_t = … + ε^h_t,    C_t = … + ε^C_t

Since h_t + ε^h_t is what every later step and layer reads, d loss / d ε^h_t at ε = 0 is the *total*
derivative of the loss with respect to h_t: through the recurrence, and every other way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import keras
import numpy as np
from keras import layers, ops

from lstm_zoo import backend
from lstm_zoo.errors import UsageError
from lstm_zoo.models.starts import directions

Tensor = keras.KerasTensor
Values = dict[str, Tensor]


def _simple_rnn(cell: keras.Layer, x: Tensor, states: list[Tensor], nudges: Values) -> Values:
    """The equations of `lstm-zoo show simple-rnn`."""
    z = ops.matmul(x, cell.kernel) + ops.matmul(states[0], cell.recurrent_kernel)
    if cell.use_bias:
        z = z + cell.bias
    return {"state": cell.activation(z) + nudges["state"]}


def _lstm(cell: keras.Layer, x: Tensor, states: list[Tensor], nudges: Values) -> Values:
    """The equations of `lstm-zoo show lstm`."""
    z = ops.matmul(x, cell.kernel) + ops.matmul(states[0], cell.recurrent_kernel)
    if cell.use_bias:
        z = z + cell.bias
    i, f, candidate, o = ops.split(z, 4, axis=-1)
    i, f, o = (cell.recurrent_activation(gate) for gate in (i, f, o))
    candidate = cell.activation(candidate)
    c = f * states[1] + i * candidate + nudges["cell"]
    h = o * cell.activation(c) + nudges["state"]
    gates = {"forget_gate": f, "input_gate": i, "output_gate": o, "candidate": candidate}
    return {"state": h, "cell": c} | gates


def _gru(cell: keras.Layer, x: Tensor, states: list[Tensor], nudges: Values) -> Values:
    """The equations of `lstm-zoo show gru`, with the reset gate before or after the product."""
    (h,) = states
    given, kernel = ops.matmul(x, cell.kernel), cell.recurrent_kernel
    b = c = ops.zeros((3 * cell.units,), given.dtype)
    if cell.use_bias:
        b, c = (cell.bias[0], cell.bias[1]) if cell.reset_after else (cell.bias, c)
    x_z, x_r, x_h = ops.split(given + b, 3, axis=-1)
    (u_z, u_r, u_h), (c_z, c_r, c_h) = ops.split(kernel, 3, axis=1), ops.split(c, 3)
    z = cell.recurrent_activation(x_z + ops.matmul(h, u_z) + c_z)
    r = cell.recurrent_activation(x_r + ops.matmul(h, u_r) + c_r)
    inner = r * (ops.matmul(h, u_h) + c_h) if cell.reset_after else ops.matmul(r * h, u_h)
    candidate = cell.activation(x_h + inner)
    h = z * h + (1 - z) * candidate + nudges["state"]
    return {"state": h, "update_gate": z, "reset_gate": r, "candidate": candidate}


@dataclass(frozen=True)
class _Kind:
    """A kind of cell: its equations, and the names of what they give, the states first."""

    equations: Callable[..., Values]
    states: tuple[str, ...]
    gates: tuple[str, ...] = ()


_KINDS = {
    layers.SimpleRNNCell: _Kind(_simple_rnn, ("state",)),
    layers.LSTMCell: _Kind(
        _lstm, ("state", "cell"), ("forget_gate", "input_gate", "output_gate", "candidate")
    ),
    layers.GRUCell: _Kind(_gru, ("state",), ("update_gate", "reset_gate", "candidate")),
}


class OpenLayer:
    """One recurrent layer, or one direction of a Bidirectional, computed by its equations.

    In the eyes of Keras' loop it is a cell with one state, which holds everything that the
    equations give.

    Args:
        name: the layer's name.
        layer: the layer, whose loop over the steps is replaced.
        direction: `forward` or `backward` in a Bidirectional, None elsewhere.
    """

    def __init__(self, name: str, layer: layers.RNN, direction: str | None):
        self.name, self.direction, self.backwards = name, direction, layer.go_backwards
        self._cell, self._kind = layer.cell, _kind(name, layer)
        self.states, self.gates = self._kind.states, self._kind.gates
        self.names = (*self.states, *self.gates)
        self.nudges: Values = {}
        self.calls: list[Values] = []
        self.state_size = len(self.names) * layer.cell.units
        self._loop = layers.RNN(
            self,
            return_sequences=True,
            go_backwards=layer.go_backwards,
            zero_output_for_mask=layer.zero_output_for_mask,
        )
        layer.inner_loop = self._run
        layer.use_cudnn = False  # a fused Bidirectional would pass the loop by

    def __call__(self, inputs: Tensor, states: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """A step: its input and the nudges are one tensor, and so is what it gives."""
        count = len(self.states)
        features = inputs.shape[-1] - count * self._cell.units
        x, nudges = ops.split(inputs, [features], axis=-1)
        nudged = dict(zip(self.states, ops.split(nudges, count, axis=-1), strict=True))
        earlier = ops.split(states[0], len(self.names), axis=-1)
        values = self._kind.equations(self._cell, x, earlier[:count], nudged)
        everything = ops.concatenate([values[name] for name in self.names], axis=-1)
        return everything, [everything]

    call = __call__

    def _run(
        self, sequences: Tensor, initial_state: list[Tensor], mask: object, training: bool = False
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """What `keras.layers.RNN.inner_loop` returns: last output, all outputs, last states."""
        mask = None if mask is None else keras.tree.flatten(mask)[0]
        nudges = self.nudges or self._zeros(sequences)
        given = [sequences + nudges["input"], *(nudges[name] for name in self.states)]
        gates = [ops.zeros_like(initial_state[0])] * len(self.gates)
        last, outputs, (final,) = self._loop.inner_loop(
            ops.concatenate(given, axis=-1),
            [ops.concatenate([*initial_state, *gates], axis=-1)],
            mask,
        )
        self._record(sequences, outputs, mask)
        units, count = self._cell.units, len(self.states)
        states = ops.split(final, len(self.names), axis=-1)[:count]
        return last[:, :units], outputs[..., :units], states

    def _record(self, sequences: Tensor, outputs: Tensor, mask: Tensor) -> None:
        """Keep what was seen in this call, in the order of time."""
        outputs = ops.flip(outputs, axis=1) if self.backwards else outputs
        values = dict(zip(self.names, ops.split(outputs, len(self.names), axis=-1), strict=True))
        if mask is not None:
            values["mask"] = mask
        self.calls.append({"input": sequences} | values)

    def _zeros(self, sequences: Tensor) -> Values:
        states = ops.zeros((*ops.shape(sequences)[:2], self._cell.units), sequences.dtype)
        return {"input": ops.zeros_like(sequences)} | dict.fromkeys(self.states, states)

    @property
    def seen(self) -> Values:
        """What it saw in the last pass of its model.

        Raises:
            UsageError: it was called more than once in it, or not at all.
        """
        if len(self.calls) != 1:
            raise UsageError(
                f"The layer {self.name} is used {len(self.calls)} times in one pass, and explain "
                "knows layers that are used once."
            )
        return self.calls[0]


def _kind(name: str, layer: layers.RNN) -> _Kind:
    """The kind of a layer's cell; a subclass may have equations of its own."""
    kind = _KINDS.get(type(layer.cell))
    if kind is None:
        raise UsageError(
            f"The cell of the layer {name} is a {type(layer.cell).__name__}, and explain knows the "
            "equations of SimpleRNN, LSTM and GRU."
        )
    return kind


class OpenModel:
    """A copy of a model in float64, with its recurrent layers laid open.

    To be made and used within `backend.double_precision()`.

    Args:
        model: a functional or sequential model; it stays as it is.

    Raises:
        UsageError: it has no recurrent layer, or one of a kind that is not known here.
    """

    def __init__(self, model: keras.Model):
        self.model = _in_double(model)
        self.layers = list(_open_layers(self.model))
        if not self.layers:
            raise UsageError(
                f"The model {model.name} has no recurrent layer of Keras' own kinds, and explain "
                "looks into those."
            )

    def observe(self, x: np.ndarray) -> list[dict[str, np.ndarray]]:
        """What each recurrent layer read, and every state and gate it had: a dictionary a layer.

        Args:
            x: inputs of the model, `(examples, …)`.

        Returns:
            Arrays of `(examples, steps, width)` in the order of time, by name: `input`, `state`,
            `cell` and the gates of its kind; and `mask (examples, steps)` where there is one.

        Raises:
            UsageError: a recurrent layer is used more than once.
        """
        try:
            self._forward(x)
            return [
                {name: ops.convert_to_numpy(value) for name, value in layer.seen.items()}
                for layer in self.layers
            ]
        finally:
            self._nudge()

    def gradients(self, x: np.ndarray, loss: Callable[[Tensor], Tensor]) -> list[dict]:
        """The total derivative of the loss with respect to what was read and to each state.

        Args:
            x: inputs of the model, `(examples, …)`.
            loss: from the model's outputs to the sum of the examples' losses, none of which
                depends on another example.

        Returns:
            For each layer the derivatives with respect to `input`, `state` and `cell`, and the
            `mask`, shaped as in `observe`.
        """
        seen = self.observe(x)
        zeros = [
            {name: np.zeros_like(values[name]) for name in ("input", *layer.states)}
            for layer, values in zip(self.layers, seen, strict=True)
        ]
        try:
            found = backend.gradients(lambda nudges: loss(self._forward(x, nudges)), zeros)
        finally:
            self._nudge()
        masks = [{"mask": values["mask"]} if "mask" in values else {} for values in seen]
        return [of | mask for of, mask in zip(found, masks, strict=True)]

    def _forward(self, x: np.ndarray, nudges: list[Values] | None = None) -> Tensor:
        self._nudge(nudges)
        return self.model(x, training=False)

    def _nudge(self, nudges: list[Values] | None = None) -> None:
        """Set the nudges of the next pass, none by default, and forget the last one."""
        for layer, nudge in zip(self.layers, nudges or [{}] * len(self.layers), strict=True):
            layer.nudges, layer.calls = nudge, []


def _in_double(model: keras.Model) -> keras.Model:
    """A copy of a model that computes in float64."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")  # models have one of their own, in no config
    try:
        config = _double(keras.saving.serialize_keras_object(model))
        copy = keras.saving.deserialize_keras_object(config, safe_mode=True)
    finally:
        keras.config.set_dtype_policy(policy)
    copy.set_weights(model.get_weights())
    return copy


def _double(config: object) -> object:
    """A serialised model with float64 wherever it says a floating type."""
    if isinstance(config, list):
        return [_double(item) for item in config]
    if not isinstance(config, dict):
        return config
    return {
        key: "float64" if key == "dtype" and _floating(value) else _double(value)
        for key, value in config.items()
    }


def _floating(dtype: object) -> bool:
    """Whether a serialised type, or policy of types, is of floating numbers."""
    name = dtype["config"].get("name", "") if isinstance(dtype, dict) else str(dtype)
    return "float" in name


def _open_layers(model: keras.Model) -> Iterator[OpenLayer]:
    """The recurrent layers, in the model's order, each direction of a Bidirectional apart."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _open_layers(layer)
        parts = directions(layer)
        names = ("forward", "backward") if len(parts) == 2 else (None,)
        for direction, part in zip(names, parts, strict=True):
            if isinstance(part, layers.RNN):
                yield OpenLayer(layer.name, part, direction)
