"""Where data files are looked for, and how a foreign one is read: the first found is the one used.

The places are --data-dir, LSTM_ZOO_DATA and Keras' own cache, in this order. A damaged file is an
error that names it, never a step to the next place.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import TextIO

from lstm_zoo.errors import DataError, UsageError, listed
from lstm_zoo.files import size_on_disk
from lstm_zoo.quiet import quiet_imports

STALLED = 30  # seconds without a byte


def search_folders(data_dir: str | None) -> list[Path]:
    """The folders to search, in order. Those that the user named must exist."""
    named = []
    for source, folder in (
        ("--data-dir", data_dir),
        ("LSTM_ZOO_DATA", os.environ.get("LSTM_ZOO_DATA")),
    ):
        if folder:
            named.append(_path(folder))
            if not (exists(named[-1]) and named[-1].is_dir()):
                raise DataError(f"{source} names {folder}, which is not a folder.")
    cache = _path(os.environ.get("KERAS_HOME") or "~/.keras") / "datasets"
    return [*named, cache]


def _path(folder: str) -> Path:
    return Path(os.path.expanduser(folder))  # noqa: PTH111, leaves a ~stranger as it is


def exists(path: Path) -> bool:
    """Whether there is such a file, be it a dead link; a folder that hides it is an error."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise DataError(
            f"The folder {path.parent} can't be searched for data: {error.strerror}."
        ) from error
    return True


@contextlib.contextmanager
def opened(path: Path, encoding: str) -> Iterator[TextIO]:
    """A text file, for the block to read.

    Raises:
        DataError: it can't be read, is no regular file, or is of another encoding.
        UsageError: there is no such encoding.
    """
    try:
        size_on_disk(path)
        with path.open(encoding=encoding) as handle:
            yield handle
    except LookupError:
        raise UsageError(
            f"There is no encoding '{encoding}': utf-8, utf-16, cp1252 and latin-1 are some."
        ) from None
    except UnicodeError as error:
        likely = "utf-16, by its mark" if _marked(path) else "cp1252, say"
        raise DataError(
            f"{path} is no text in {encoding} ({_place(error)}): say which one it is in with "
            f"--data encoding=… ({likely})."
        ) from None
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror}.") from None


def _marked(path: Path) -> bool:
    """Whether a file begins as UTF-16 does."""
    with path.open("rb") as file:
        return file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def _place(error: UnicodeError) -> str:
    known = isinstance(error, UnicodeDecodeError)
    return f"{error.reason} at byte {error.start:,}" if known else str(error)


@contextlib.contextmanager
def reading(path: Path, name: str) -> Iterator[None]:
    """Whatever a foreign file makes its reader raise becomes one sentence that names it.

    Args:
        path: the file.
        name: what it should be: MNIST.
    """
    try:
        yield
    except Exception as error:
        reason = _reason(error)
        raise DataError(
            f"{path} can't be read as {name} ({reason}): replace it, or remove it."
        ) from error


@contextlib.contextmanager
def downloading(name: str, folders: list[Path], instead: str) -> Iterator[None]:
    """A download through Keras: its progress goes to stderr, and it ends where it stalls.

    Args:
        name: what is downloaded.
        folders: where it was looked for.
        instead: what to do where there is no network, as the sentence's end.
    """
    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(STALLED)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    except Exception as error:
        raise DataError(
            f"There is no {name} in {listed(folders)}, and the download failed ({_reason(error)}): "
            f"{instead}."
        ) from error
    finally:
        socket.setdefaulttimeout(patience)


def keras_imported() -> ModuleType:
    """Keras, which downloads, and may not be there yet."""
    with quiet_imports():
        import keras
    return keras


def _reason(error: Exception) -> str:
    return str(error).split("\n")[0].rstrip(".") or type(error).__name__
