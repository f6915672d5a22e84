"""Who trains what in a runs folder, where several processes train there at the same time.

A claim is a lock on one byte of a file, at the place that the configuration's digest says. It ends
with the process, in whatever way that ends. Each process that comes shares one byte more, and makes
the file longer, so that the others know of it without looking through the folder.
"""

from __future__ import annotations

import hashlib
import os
import weakref
from functools import cached_property
from pathlib import Path

from lstm_zoo import locks

FILE = ".claims"
_PLACES = 1 << 62
_PRESENT = _PLACES  # the byte that all share


class Claims:
    """This process' claims in a runs folder."""

    def __init__(self, folder: Path):
        self._path = folder / FILE
        self._first, self._size = False, 0

    def take(self, identity: str) -> bool:
        """Whether the configuration is this process' to train now, and no other's."""
        return locks.take(self._file, _place(identity))

    def give_up(self, identity: str) -> None:
        """It is trained, or has failed."""
        locks.give_back(self._file, _place(identity))

    def alone(self) -> bool:
        """Whether no other process has had claims here since this one had its first."""
        return self._first and os.fstat(self._file).st_size == self._size

    @cached_property
    def _file(self) -> int:
        """The open file, made with the first claim; closed with this object."""
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        weakref.finalize(self, os.close, file)
        self._first = locks.share(file, _PRESENT)
        os.write(file, b".")
        self._size = os.fstat(file).st_size
        return file


def _place(identity: str) -> int:
    return int.from_bytes(hashlib.sha256(identity.encode()).digest()[:8], "big") % _PLACES
