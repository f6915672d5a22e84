"""The float32 matrix product's peak on so many threads, in GFLOP/s: prints one number.

    python benchmarks/peak.py numpy|jax THREADS

The best of many products of square matrices of several sizes: what is reached at best, and no mean.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
from rivals import work

SIZES = (512, 1024, 1536)
SECONDS = 1.0  # for each size


def main(library: str, threads: int) -> None:
    """Measure the peak of `library`."""
    work.pin(threads)
    print(max(speed(PRODUCTS[library](size), size) for size in SIZES))


def speed(product: Callable[[], object], size: int) -> float:
    """The GFLOP/s of the fastest call, of those within the time."""
    product()
    best, end = float("inf"), time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        start = time.perf_counter()
        product()
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best / 1e9


def matrices(size: int) -> np.ndarray:
    """Two of them."""
    return np.random.default_rng(0).random((2, size, size), dtype=np.float32)


def of_numpy(size: int) -> Callable[[], object]:
    """NumPy's product, into a matrix that is there already."""
    a, b = matrices(size)
    result = np.empty_like(a)
    return lambda: np.matmul(a, b, out=result)


def of_jax(size: int) -> Callable[[], object]:
    """JAX' product, compiled."""
    import jax

    a, b = (jax.numpy.asarray(matrix) for matrix in matrices(size))
    product = jax.jit(jax.numpy.matmul)
    return lambda: product(a, b).block_until_ready()


PRODUCTS = {"numpy": of_numpy, "jax": of_jax}


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
