"""A temporary folder of a process' own; one that a killed process left goes with the next one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_PREFIX = "lstm-zoo-"


@contextmanager
def folder() -> Iterator[Path]:
    """A folder that is there for the block, and locked, so that others see that it is in use."""
    _sweep()
    made = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}"))
    lock = _lock(made)  # before it has the name by which others find it
    found = made.rename(made.with_name(made.name[1:]))
    try:
        yield found
    finally:
        shutil.rmtree(found, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _sweep() -> None:
    """Remove the folders of this user's processes that were killed."""
    if fcntl is None:
        return
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            lock = _lock(left) if left.stat().st_uid == os.getuid() else None
        except OSError:
            continue
        if lock is not None:
            shutil.rmtree(left, ignore_errors=True)
            os.close(lock)


def _lock(folder: Path) -> int | None:
    """A lock on the folder, which ends with the process; None where another has it."""
    if fcntl is None:
        return None
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle
