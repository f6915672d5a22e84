"""Locks that end with the process that has them, in whatever way it ends. Windows has none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

THERE = fcntl is not None


@contextmanager
def folder(path: Path) -> Iterator[bool]:
    """Have the lock on a folder or file for the block; False where another process has it."""
    if not THERE:
        yield True
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        yield _flocked(handle)
    finally:
        os.close(handle)


def _flocked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def take(file: int, place: int) -> bool:
    """Lock one byte of an open file for this process; False where that can't be."""
    if not THERE:
        return True
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
    except OSError:
        return False
    return True


def share(file: int, place: int) -> bool:
    """Lock one byte together with others; whether this process is the only one that has it now."""
    first = THERE and take(file, place)
    if THERE:
        fcntl.lockf(file, fcntl.LOCK_SH, 1, place)
    return first


def give_back(file: int, place: int) -> None:
    """Unlock one byte."""
    if THERE:
        fcntl.lockf(file, fcntl.LOCK_UN, 1, place)
