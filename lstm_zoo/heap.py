"""Memory that a process keeps, instead of giving it back and asking for it anew.

glibc gives large blocks back to the system as soon as they are free, and each update of a training
then waits for thousands of new pages. (`man 3 mallopt`)
"""

from __future__ import annotations

import ctypes
import gc
import platform

_ARENA_MAX, _MMAP_THRESHOLD, _TRIM_THRESHOLD = -8, -3, -1  # of malloc.h
_LARGEST = (1 << 30, 1 << 25)  # bytes; the second before glibc 2.35, which takes no more


def join() -> None:
    """Have all threads use one heap; for a process that has no threads yet.

    Another heap can't grow beyond 64 MiB, so that nothing large is kept in it.
    """
    _set(_ARENA_MAX, 1)


def keep() -> None:
    """Have glibc keep what is freed from now on, but for the largest blocks."""
    if any(_set(_MMAP_THRESHOLD, size) for size in _LARGEST):
        _set(_TRIM_THRESHOLD, (1 << 31) - 1)


def settle() -> None:
    """Have the collector of garbage look no more at what is there: modules, that stay.

    Keras collects after every run, which with those takes as long as a small model's epoch.
    """
    gc.freeze()


def _set(option: int, value: int) -> bool:
    """Whether glibc is there, and takes the option."""
    if platform.libc_ver()[0] != "glibc":
        return False
    return bool(ctypes.CDLL(None).mallopt(option, value))
