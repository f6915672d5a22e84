"""Arrays that are too long for memory: in a file without a name, looked at a stretch at a time.

A long array is mapped from its file: what is looked at of it takes memory, until that is let go.
"""

from __future__ import annotations

import mmap
import tempfile
import weakref
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

import numpy as np

LARGE = 1 << 23  # bytes from which an array goes to a file
STRETCH = 1 << 18  # rows that are looked at at once
_maps: weakref.WeakSet[mmap.mmap] = weakref.WeakSet()


class Growing:
    """An array that is put together piece by piece, in a file once it is large."""

    def __init__(self):
        self._held: list[np.ndarray] = []
        self._file: IO[bytes] | None = None

    def append(self, piece: np.ndarray) -> None:
        """Some rows more, of the same shape and kind."""
        self._held.append(piece)
        if self._file is None and sum(held.nbytes for held in self._held) >= LARGE:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115, `array` closes it
        if self._file is not None:
            for held in self._held:
                self._file.write(np.ascontiguousarray(held).reshape(-1).view(np.uint8).data)
            self._held = [piece[:0]]

    def array(self) -> np.ndarray:
        """All the rows; nothing can be appended any more. One in a file is read-only."""
        last = self._held[-1]
        if self._file is None:
            return last if len(self._held) == 1 else np.concatenate(self._held)
        with self._file as file:
            file.flush()
            memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        _maps.add(memory)
        return np.frombuffer(memory, last.dtype).reshape(-1, *last.shape[1:])


def gathered(pieces: Iterable[np.ndarray]) -> np.ndarray:
    """The pieces, one after the other, as one array; a large one is read-only, and in a file."""
    growing = Growing()
    for piece in pieces:
        growing.append(piece)
    return growing.array()


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


def later(places: np.ndarray | range, rows: int) -> np.ndarray | range:
    """The places so many rows on."""
    if isinstance(places, range):
        return range(places.start + rows, places.stop + rows)
    return places + rows


def at(values: np.ndarray, places: np.ndarray | range) -> np.ndarray:
    """The values at these places; nothing is copied where these are a range."""
    return values[places.start : places.stop] if isinstance(places, range) else values[places]


def save(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write an archive as `np.savez_compressed` does, a stretch at a time."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            header = np.lib.format.header_data_from_array_1_0(array) | {"fortran_order": False}
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array_header_1_0(file, header)
                for rows in stretches(len(array)):
                    file.write(array[rows].tobytes())
