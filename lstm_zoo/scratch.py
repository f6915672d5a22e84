"""A temporary folder of a process' own; one that a killed process left goes with the next one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lstm_zoo import locks

_PREFIX = "lstm-zoo-"


@contextmanager
def folder() -> Iterator[Path]:
    """A folder that is there for the block, and locked, so that others see that it is in use."""
    _sweep()
    made = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}"))
    with locks.folder(made):  # before it has the name by which others find it
        found = made.rename(made.with_name(made.name[1:]))
        try:
            yield found
        finally:
            shutil.rmtree(found, ignore_errors=True)


def _sweep() -> None:
    """Remove the folders of this user's processes that were killed."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*") if locks.THERE else ():
        with suppress(OSError):
            if left.lstat().st_uid == os.getuid() and left.is_dir() and not left.is_symlink():
                with locks.folder(left) as free:
                    if free:
                        shutil.rmtree(left, ignore_errors=True)
