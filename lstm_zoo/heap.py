"""Memory that a process keeps, instead of giving it back and asking for it anew.

glibc gives large blocks back to the system as soon as they are free, and each update of a training
then waits for thousands of new pages. (`man 3 mallopt`)
"""

from __future__ import annotations

import ctypes
import platform

_ARENA_MAX, _MMAP_THRESHOLD, _TRIM_THRESHOLD = -8, -3, -1  # of malloc.h
_LARGEST = (1 << 30, 1 << 25)  # bytes; the second before glibc 2.35, which takes no more


def keep() -> None:
    """Have glibc keep what is freed, but for the largest blocks.

    It is for a process that has no threads yet: one may have a heap of its own then, which can't
    grow beyond 64 MiB, and others come to use it.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    mallopt = ctypes.CDLL(None).mallopt
    mallopt(_ARENA_MAX, 1)
    if any(mallopt(_MMAP_THRESHOLD, size) for size in _LARGEST):
        mallopt(_TRIM_THRESHOLD, (1 << 31) - 1)
