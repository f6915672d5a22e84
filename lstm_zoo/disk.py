"""Arrays that are too long for memory: in a file without a name, looked at a stretch at a time.

A long array is mapped from its file: what is looked at of it takes memory, until that is let go.
"""

from __future__ import annotations

import mmap
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator

import numpy as np

LARGE = 1 << 23  # bytes from which an array goes to a file
STRETCH = 1 << 18  # rows that are looked at at once
_maps: weakref.WeakSet[mmap.mmap] = weakref.WeakSet()


def gathered(pieces: Iterable[np.ndarray]) -> np.ndarray:
    """The pieces, one after the other, as one array; a large one is read-only, and in a file."""
    held, size = [], 0
    pieces = iter(pieces)
    for piece in pieces:
        held.append(piece)
        size += piece.nbytes
        if size >= LARGE:
            return _on_disk(held, pieces)
    return held[0] if len(held) == 1 else np.concatenate(held)


def _on_disk(held: list[np.ndarray], pieces: Iterator[np.ndarray]) -> np.ndarray:
    dtype, shape, rows = held[0].dtype, held[0].shape[1:], 0
    with tempfile.TemporaryFile(buffering=0) as file:
        for some in (held, pieces):
            for piece in some:
                file.write(_bytes(piece))
                rows += len(piece)
        held.clear()
        memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    _maps.add(memory)
    return np.frombuffer(memory, dtype).reshape(rows, *shape)


def _bytes(array: np.ndarray) -> memoryview:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def stretches(rows: int, size: int | None = None) -> Iterator[slice]:
    """The places of `rows` rows, `size` at a time; at least one stretch, if an empty one.

    After each, the memory of all arrays in files is let go.
    """
    size = size or STRETCH
    for start in range(0, max(rows, 1), size):
        yield slice(start, min(start + size, rows))
        if rows > size:
            forget()


def forget() -> None:
    """Let the memory go in which arrays in files were looked at; the next look fills it again."""
    for memory in list(_maps):
        if hasattr(mmap, "MADV_DONTNEED"):
            memory.madvise(mmap.MADV_DONTNEED)


def mean(
    terms: Callable[[slice], np.ndarray], rows: int, axis: int | None = None
) -> np.floating | np.ndarray:
    """The mean of `terms(stretch)` over all stretches of `rows` rows; over all axes by default."""
    total, count = 0, 0
    for stretch in stretches(rows):
        some = terms(stretch)
        total = total + some.sum(axis=axis)
        count += some.size if axis is None else some.shape[axis]
    return total / count


def largest(values: np.ndarray) -> np.ndarray:
    """The largest absolute value of each column of `values (rows, …)`."""
    found = 0
    for rows in stretches(len(values)):
        some = values[rows]
        found = np.maximum(found, np.maximum(np.abs(some.max(axis=0)), np.abs(some.min(axis=0))))
    return found
