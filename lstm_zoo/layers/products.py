"""The matrix products of a recurrent layer: of float32, or of bfloat16 that is summed in float32.

With bfloat16 a matrix is rounded just before it is multiplied. Weights, states, gates and sums stay
float32: Keras' policy of that name rounds them all, at every step, which takes a CPU longer than
the products do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from keras import ops

from lstm_zoo import backend
from lstm_zoo.layers.cells import Tensor


class Products(NamedTuple):
    """How matrices are multiplied, and transposed in order to be."""

    product: Callable[[Tensor, Tensor], Tensor]
    transposed: Callable[[Tensor], Tensor]


def _transposed(matrix: Tensor) -> Tensor:
    """The transpose in bfloat16, as it lies in memory.

    XLA takes a transpose for another order of the product's sums, and has no fast product of
    bfloat16 in that order. Into a branch, that hangs on the numbers, it does not look. The other
    branch is taken where a number is none, or infinite; so would the products be.
    """
    return ops.cond(
        matrix[0, 0] < float("inf"),
        lambda: ops.cast(ops.transpose(matrix), "bfloat16"),
        lambda: ops.full(matrix.shape[::-1], float("nan"), "bfloat16"),
    )


PRODUCTS = {
    "float32": Products(ops.matmul, ops.transpose),
    "mixed_bfloat16": Products(backend.bfloat16_product, _transposed),
}
