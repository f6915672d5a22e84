"""A value whose arrays lie in a file, so that many processes have them in memory once."""

from __future__ import annotations

import mmap
import pickle
from dataclasses import dataclass
from pathlib import Path

_ALIGNED = 64  # bytes, as NumPy and XLA like them


@dataclass(frozen=True)
class Shared:
    """A value to be sent to other processes, small without its arrays.

    Args:
        file: where its arrays lie.
        spans: where each begins and ends in it.
        rest: all else of it, pickled.
    """

    file: Path
    spans: tuple[tuple[int, int], ...]
    rest: bytes

    def load(self) -> object:
        """The value; its arrays are read as they are needed, and a change to one stays here."""
        with self.file.open("rb") as file:
            mapped = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
        return pickle.loads(self.rest, buffers=[mapped[start:end] for start, end in self.spans])


def share(value: object, file: Path) -> Shared:
    """Write the arrays of a value to `file`, which stays as long as others are to load it."""
    buffers: list[pickle.PickleBuffer] = []
    rest = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    spans = []
    with file.open("wb") as out:
        for buffer in buffers:
            start = out.tell()
            out.write(buffer.raw())
            spans.append((start, out.tell()))
            out.write(bytes(-out.tell() % _ALIGNED))
        out.write(bytes(1))  # an empty file can't be mapped
    return Shared(file, tuple(spans), rest)
