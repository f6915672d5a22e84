"""Files of our own: JSON and others, written whole or not at all, and JSON read again."""

from __future__ import annotations

import json
import math
import os
import re
import stat
import tempfile
from pathlib import Path

from lstm_zoo.errors import RunError
from lstm_zoo.files import contents

_CONTROL = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")  # beside JSON's own


def check_writable(file: Path) -> None:
    """Make sure that `file` can be written, before anything is done for it.

    Raises:
        RunError: its folder is not there or can't be written, or it is no regular file.
    """
    check_folder(_target(file).parent)


def check_folder(folder: Path) -> None:
    """Make sure that files can be written in a folder.

    Raises:
        RunError: they can't.
    """
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except FileNotFoundError as error:
        raise RunError(f"{folder} can't be written: {error.strerror} (make it first).") from None
    except OSError as error:
        raise RunError(f"{folder} can't be written: {error.strerror}.") from None


def _target(file: Path) -> Path:
    """Where a file is really written: what a link points to, and never a device or a pipe."""
    target = file
    try:
        if file.is_symlink():
            target = Path(os.path.realpath(file))  # a circle of links too, which resolve() refuses
        mode = target.lstat().st_mode
    except OSError:  # it is not there yet; where its folder is to blame, writing there tells
        return target
    if stat.S_ISDIR(mode):
        raise RunError(f"{file} is a folder, and a file is to be written there.")
    if not stat.S_ISREG(mode):
        raise RunError(f"{file} is no regular file, and is not replaced by one: name another file.")
    return target


def strict(value: object) -> object:
    """`value` as strict JSON has it: NaN and infinity are null."""
    if isinstance(value, dict):
        return {str(key): strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [strict(item) for item in value]
    if hasattr(value, "tolist"):
        return strict(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def dumps(value: object) -> str:
    """`value` as one strict JSON document.

    What UTF-8 can't hold of a file's name is escaped, and what would steer a terminal.
    """
    text = json.dumps(strict(value), indent=2, allow_nan=False, ensure_ascii=False)
    text = _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return text.encode("utf-8", "backslashreplace").decode()


def write_json(path: Path, value: object) -> None:
    """Write strict JSON, atomically."""
    write_text(path, dumps(value) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text as `write_bytes` does."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all; a link stays one.

    Raises:
        RunError: something stands there that is no regular file.
    """
    path = _target(path)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        Path(temporary).chmod(0o666 & ~umask)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read_json(path: Path) -> dict:
    """A JSON object.

    Raises:
        RunError: the file is missing, or is none.
    """
    try:
        value = json.loads(contents(path).decode(), parse_int=_whole)
    except FileNotFoundError:
        raise RunError(f"There is no {path}.") from None
    except OSError as error:
        raise RunError(f"{path} can't be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path} is damaged: {_no_json(error)}.") from None
    if not isinstance(value, dict):
        raise RunError(f"{path} is damaged: it holds no JSON object.")
    return value


def _whole(digits: str) -> int | float:
    """A whole number; one that no float could be is infinite, as such a float would be."""
    whole = int(digits)
    return whole if abs(whole) < 1e300 else float(digits)


def _no_json(error: ValueError | RecursionError) -> str:
    """Why a file's text is no JSON."""
    if not isinstance(error, json.JSONDecodeError):
        return "it holds no JSON"
    if error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated"):
        return "it is cut short"
    return f"it is no JSON from line {error.lineno}, column {error.colno} on"


def settle(path: Path) -> None:
    """Have the disk take a file or a folder now: a power cut may follow."""
    if path.is_dir() and not hasattr(os, "O_DIRECTORY"):  # Windows opens no folder
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
