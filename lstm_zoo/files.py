"""Files that a stranger may have made: none is waited for, and none fills the memory."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

TEXT = 30_000_000  # bytes of a text that is read whole


def size_on_disk(path: Path) -> int:
    """The bytes that a file takes, without the holes in it where the disk tells of them.

    Raises:
        OSError: it is not there, or is a folder, a pipe or a device.
    """
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    return min(status.st_size, 512 * getattr(status, "st_blocks", 0) or status.st_size)


def opened(path: Path) -> BinaryIO:
    """A file to read bytes from.

    Raises:
        OSError: it is not there, can't be read, or is no regular file.
    """
    size_on_disk(path)
    return path.open("rb")


def contents(path: Path, most: int = TEXT) -> bytes:
    """What is in a file.

    Raises:
        OSError: it is not there, can't be read, is no regular file, or holds more than `most`.
    """
    with opened(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        told = f"it holds more than {most / 1e6:,.0f} MB"
        raise OSError(errno.EFBIG, told, str(path))
    return content
