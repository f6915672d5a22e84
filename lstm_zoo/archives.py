"""Zip archives that a stranger may have packed: what they unpack to is known before it is read."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from lstm_zoo.errors import printable
from lstm_zoo.files import size_on_disk

LEAST = 500_000_000  # bytes that any archive may unpack to
RATIO = 32  # times its size on disk, that a larger one may


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """An archive that is no bomb.

    Raises:
        OSError: it can't be read.
        ValueError: it is no regular file, or unpacks to too much.
        BadZipFile: it is no archive.
    """
    size = size_on_disk(path)
    most = max(LEAST, RATIO * size)
    if path.stat().st_size > most:
        raise ValueError("it is larger than what is in it")
    with path.open("rb") as file, zipfile.ZipFile(file) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > most:
            raise ValueError(
                f"it unpacks to {unpacked / 1e6:,.0f} MB, and at most {most / 1e6:,.0f} MB are read"
            )
        yield archive


def arrays(path: Path, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
    """The arrays of an .npz archive, without a pickle among them.

    Args:
        path: the file.
        names: those to read; None for all.

    Raises:
        OSError: the file is not there, or can't be read.
        ValueError: it is no such archive, is damaged, lacks an array, or unpacks to too much.
    """
    try:
        with opened(path) as archive:
            known = [member.removesuffix(".npy") for member in archive.namelist()]
            return {name: _array(archive, name) for name in (known if names is None else names)}
    except OSError:
        raise
    except (ValueError, KeyError) as error:
        raise ValueError(printable(str(error.args[0]))[:300]) from error
    except Exception as error:  # of any of the methods that zip knows to pack with
        raise ValueError("it is cut short, or holds what lstm-zoo does not write") from error


def _array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    with archive.open(f"{name}.npy") as file:
        return np.lib.format.read_array(file, allow_pickle=False)
