"""Processors for a process of its own: none that another process of lstm-zoo has, while there are.

A process takes a processor by a lock on one byte of a file, at the place of the processor's number.
The lock ends with the process.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from lstm_zoo import locks


def keep_to(count: int, among: Sequence[int], place: int = 0) -> None:
    """Have this process compute on `count` of the processors alone, where the system can.

    Args:
        count: how many; fewer where there are not so many.
        among: the processors that may be taken, by their numbers.
        place: of this process among those begun together, whose processors differ even where
            others have all of them.
    """
    if hasattr(os, "sched_setaffinity"):
        own = [among[(place * count + number) % len(among)] for number in range(count)]
        os.sched_setaffinity(0, _free(count, among) or own)


def _free(count: int, among: Sequence[int]) -> list[int]:
    """Processors that no other process has, and that are now this one's; none if too few are."""
    if not locks.THERE:
        return []
    path = Path(tempfile.gettempdir()) / f".lstm-zoo-cores-{os.getuid()}"
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError:
        return []
    taken: list[int] = []
    for core in among:
        if len(taken) < count and locks.take(file, core):
            taken.append(core)
    if len(taken) < count:
        os.close(file)  # which gives back those taken
        return []
    return taken
