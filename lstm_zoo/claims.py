"""Who trains what in a runs folder, where several processes train there at the same time.

A claim is a lock on one byte of a file, at the place that the configuration's digest says. It ends
with the process, in whatever way that ends.
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


class Claims:
    """This process' claims in a runs folder."""

    def __init__(self, folder: Path):
        self._path = folder / FILE

    def take(self, identity: str) -> bool:
        """Whether the configuration is this process' to train now, and no other's."""
        return locks.take(self._file, _place(identity))

    def give_up(self, identity: str) -> None:
        """It is trained, or has failed."""
        locks.give_back(self._file, _place(identity))

    @cached_property
    def _file(self) -> int:
        """The open file, made with the first claim; closed with this object."""
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
        weakref.finalize(self, os.close, file)
        return file


def _place(identity: str) -> int:
    return int.from_bytes(hashlib.sha256(identity.encode()).digest()[:8], "big") % _PLACES
