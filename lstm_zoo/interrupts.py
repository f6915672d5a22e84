"""Ctrl-C, remembered: a library may swallow the exception, or make another one of it."""

from __future__ import annotations

import signal
import sys
import threading

_seen = threading.Event()


def watch() -> None:
    """From now on, remember an interrupt; those before are forgotten."""
    _seen.clear()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, _remember)


def seen() -> bool:
    """Whether the user has interrupted."""
    return _seen.is_set()


def _remember(number: int, frame: object) -> None:
    _seen.set()
    sys.unraisablehook = lambda unraisable: None  # nor a word from destructors it lands in
    raise KeyboardInterrupt
