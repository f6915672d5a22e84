"""A whole recurrent layer as two loops: the states forward, their derivatives backward.

What no step waits for is no part of the second: the gradients of W, of U and of the input are one
product each, over all steps. Those are of matrices, `(steps · batch, …)`: XLA takes several times
as long for the same sums over two axes. The first loop multiplies each step's input itself: with
the products of all steps made before, XLA reads slices in the loop and no longer vectorises it.
"""

from __future__ import annotations

from keras import ops, tree

from lstm_zoo import backend, distribution
from lstm_zoo.layers.cells import Cell, Tensor
from lstm_zoo.layers.products import Products


def recur(
    cell: Cell,
    x: Tensor,
    states: list,
    kernel: Tensor,
    recurrent_kernel: Tensor,
    biases: list,
    mask: Tensor | None,
    products: Products,
) -> tuple[Tensor, list]:
    """The states h after every step, and all states after the last.

    Args:
        cell: the equations.
        x: the inputs, `(steps, batch, features)`.
        states: before the first step, each `(batch, units)`; h is the first.
        kernel: W, `(features, gates · units)`.
        recurrent_kernel: U, `(units, gates · units)`.
        biases: b, `(gates · units,)`, of the input's share, and c of the state's; or b alone, or
            none.
        mask: `(steps, batch, 1)`, 1 where there is a step, and 0 where the states stay as they are;
            None where there is one everywhere.
        products: how matrices are multiplied.

    Returns:
        `(steps, batch, units)`, and the states, each `(batch, units)`.
    """
    count = len(states)

    def function(x: Tensor, kernel: Tensor, recurrent_kernel: Tensor, *rest: Tensor) -> tuple:
        states, biases, masks = rest[:count], rest[count : count + len(biased)], rest[end:]
        layer = _Layer(cell, kernel, recurrent_kernel, list(biases), list(masks), products)
        last, every, kept = layer.forward(x, list(states))

        def gradient(*upstream: object) -> tuple:
            by_every, *by_last = tree.flatten(upstream)
            found = layer.backward(x, list(states), every, kept, by_every, by_last)
            return (*found, *(ops.zeros_like(mask) for mask in masks))

        return (every[0], *last), gradient

    biased, end = biases, count + len(biases)
    masks = [] if mask is None else [mask]
    given = (x, kernel, recurrent_kernel, *states, *biases, *masks)
    outputs, *last = ops.custom_gradient(function)(*given)
    return outputs, last


class _Layer:
    """The loops of one layer; the arguments are those of `recur`."""

    def __init__(
        self,
        cell: Cell,
        kernel: Tensor,
        recurrent_kernel: Tensor,
        biases: list,
        masks: list,
        products: Products,
    ):
        self._cell, self._w, self._u = cell, kernel, recurrent_kernel
        self._biases, self._masks = biases, masks
        self._product, self._transposed = products

    def forward(self, x: Tensor, states: list) -> tuple[list, list, list]:
        """The last states, the states after every step, and what every step keeps."""
        last, every = backend.scan(self._step, states, [x, *self._masks])
        return last, every[: len(states)], every[len(states) :]

    def _step(self, states: list, given: list) -> tuple[list, list]:
        given, *mask = given
        projected = self._product(given, self._w)
        if self._biases:
            projected = projected + self._biases[0]
        inner = self._product(states[0], self._u)
        if len(self._biases) > 1:
            inner = inner + self._biases[1]
        new, kept = self._cell.step(projected, inner, states)
        for there in mask:
            new = [ops.where(there > 0, n, old) for n, old in zip(new, states, strict=True)]
        return new, [*new, *kept]

    def backward(
        self, x: Tensor, first: list, every: list, kept: list, by_every: Tensor, by_last: list
    ) -> list:
        """The derivatives by x, W, U, the first states and the biases, in this order."""
        before = [
            ops.concatenate([start[None], states[:-1]])
            for start, states in zip(first, every, strict=True)
        ]
        transposed, count = self._transposed(self._u), len(first)

        def step(carried: list, given: list) -> tuple[list, list]:
            inner, *up = carried
            by_output, given = given[0], given[1:]
            after, past, kept = given[:count], given[count : 2 * count], given[2 * count : last]
            up[0] = up[0] + by_output + self._product(inner, transposed)
            new, past_up = self._back(after, past, kept, up, given[last:])
            return [new[0], *past_up], new

        last = 2 * count + len(kept)
        start = [ops.zeros_like(self._product(first[0], self._u)), *by_last]
        sequences = [by_every, *every, *before, *kept, *self._masks]
        (inner, *up), found = backend.scan(step, start, sequences, reverse=True)
        up[0] = up[0] + self._product(inner, transposed)
        return [*self._by_inputs(x, before[0], found), *up, *self._by_biases(found)]

    def _back(
        self, after: list, before: list, kept: list, up: list, mask: list
    ) -> tuple[list, list]:
        """One step's derivatives; what the mask holds back goes to the states before."""
        stay = [ops.zeros_like(each) for each in up]
        for there in mask:
            stay = [(1 - there) * each for each in up]
            up = [there * each for each in up]
        new, past = self._cell.back(after, before, kept, up)
        return new, [s if p is None else p + s for p, s in zip(past, stay, strict=True)]

    def _by_inputs(self, x: Tensor, before: Tensor, found: list) -> list:
        """The derivatives by x, W and U."""
        outer, inner = _flat(self._cell.outer(*found)), _flat(found[0])
        by_x = _in_steps(self._product(outer, self._transposed(self._w)), x)
        by_w = self._product(self._transposed(_flat(x)), outer)
        return [by_x, by_w, self._product(self._transposed(_flat(before)), inner)]

    def _by_biases(self, found: list) -> list:
        shares = (self._cell.outer(*found), found[0])
        return [ops.sum(_flat(s), axis=0) for s, _ in zip(shares, self._biases, strict=False)]


def _flat(sequence: Tensor) -> Tensor:
    """`(steps, batch, size)` as `(steps · batch, size)`.

    Where devices share the batch, its axis comes first: then the rows can be shared in the same
    way, and a device needs none of another's.
    """
    if distribution.current():
        sequence = ops.swapaxes(sequence, 0, 1)
    return ops.reshape(sequence, (-1, sequence.shape[-1]))


def _in_steps(rows: Tensor, x: Tensor) -> Tensor:
    """What `_flat` made of a sequence of the shape of `x`, as it was."""
    steps, batch, size = ops.shape(x)
    if distribution.current():
        return ops.swapaxes(ops.reshape(rows, (batch, steps, size)), 0, 1)
    return ops.reshape(rows, (steps, batch, size))
