"""The equations of one step, and their derivatives, of each kind of recurrent cell.

A step reads its share of the input, `projected (batch, gates · units)` = x_t W + b, and of the
state, `inner (batch, gates · units)` = h_{t-1} U + c. Gates stand side by side, in Keras' order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from keras import KerasTensor, activations, ops

Tensor = KerasTensor


class Function(NamedTuple):
    """An activation, and its derivative in terms of its own value."""

    value: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor], Tensor]


FUNCTIONS = {  # whose derivative follows from the value alone
    activations.tanh: Function(ops.tanh, lambda y: 1 - y * y),
    activations.sigmoid: Function(ops.sigmoid, lambda y: y * (1 - y)),
    activations.relu: Function(ops.relu, lambda y: ops.cast(y > 0, y.dtype)),
    activations.linear: Function(lambda x: x, ops.ones_like),
}


class SimpleCell(NamedTuple):
    """h_t = φ(projected + inner)."""

    activation: Function

    def step(self, projected: Tensor, inner: Tensor, states: list) -> tuple[list, list]:
        """The new states, and what of the step its derivative needs besides them."""
        return [self.activation.value(projected + inner)], []

    def back(self, states: list, before: list, kept: list, up: list) -> tuple[list, list]:
        """The derivatives by `inner`, and what else `outer` needs; and by the states before.

        Args:
            states: after the step.
            before: before the step.
            kept: what `step` kept.
            up: the derivatives of the loss by `states`.

        Returns:
            What by the states before does not go through `inner` is None where there is nothing.
        """
        return [up[0] * self.activation.slope(states[0])], [None]

    def outer(self, inner: Tensor) -> Tensor:
        """The derivative by `projected`, from all that `back` gave."""
        return inner


class LSTMCell(NamedTuple):
    """C_t = f ⊙ C_{t-1} + i ⊙ Ĉ, h_t = o ⊙ φ(C_t); gates in the order i, f, Ĉ, o."""

    activation: Function
    gate: Function

    def step(self, projected: Tensor, inner: Tensor, states: list) -> tuple[list, list]:
        """The new state and cell; the gates are kept."""
        i, f, candidate, o = ops.split(projected + inner, 4, axis=-1)
        i, f, o = self.gate.value(i), self.gate.value(f), self.gate.value(o)
        candidate = self.activation.value(candidate)
        cell = f * states[1] + i * candidate
        return [o * self.activation.value(cell), cell], [i, f, candidate, o]

    def back(self, states: list, before: list, kept: list, up: list) -> tuple[list, list]:
        """As `SimpleCell.back`; by the cell before, f more."""
        i, f, candidate, o = kept
        shown = self.activation.value(states[1])
        cell = up[1] + up[0] * o * self.activation.slope(shown)
        inner = [
            cell * candidate * self.gate.slope(i),
            cell * before[1] * self.gate.slope(f),
            cell * i * self.activation.slope(candidate),
            up[0] * shown * self.gate.slope(o),
        ]
        return [ops.concatenate(inner, axis=-1)], [None, cell * f]

    def outer(self, inner: Tensor) -> Tensor:
        """The derivative by `projected` is that by `inner`."""
        return inner


class GRUCell(NamedTuple):
    """h_t = z ⊙ h_{t-1} + (1 - z) ⊙ φ(x_h + r ⊙ inner_h); gates in the order z, r, h."""

    activation: Function
    gate: Function

    def step(self, projected: Tensor, inner: Tensor, states: list) -> tuple[list, list]:
        """The new state; the gates and the state's share of the candidate are kept."""
        x_z, x_r, x_h = ops.split(projected, 3, axis=-1)
        inner_z, inner_r, inner_h = ops.split(inner, 3, axis=-1)
        z, r = self.gate.value(x_z + inner_z), self.gate.value(x_r + inner_r)
        candidate = self.activation.value(x_h + r * inner_h)
        return [z * states[0] + (1 - z) * candidate], [z, r, candidate, inner_h]

    def back(self, states: list, before: list, kept: list, up: list) -> tuple[list, list]:
        """As `SimpleCell.back`; by the candidate's argument apart, and by the state before z."""
        z, r, candidate, inner_h = kept
        argument = up[0] * (1 - z) * self.activation.slope(candidate)
        by_z = up[0] * (before[0] - candidate) * self.gate.slope(z)
        by_r = argument * inner_h * self.gate.slope(r)
        inner = ops.concatenate([by_z, by_r, argument * r], axis=-1)
        return [inner, argument], [up[0] * z]

    def outer(self, inner: Tensor, argument: Tensor) -> Tensor:
        """The derivative by `projected`: without the reset gate."""
        gates = inner[..., : 2 * argument.shape[-1]]
        return ops.concatenate([gates, argument], axis=-1)


Cell = SimpleCell | LSTMCell | GRUCell
