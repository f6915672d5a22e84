"""Ctrl-C, remembered: a library may swallow the exception, or make another one of it.

A terminal that closes, and a CI job that is cancelled, interrupt as Ctrl-C does. A second one ends
the process at once.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

INTERRUPTED = 130  # the exit code
_ONE = 0.3  # seconds within which a signal is the same one, as `timeout` sends it twice
_seen: list[float] = []  # when
_advice: list[str] = []
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


def watch() -> None:
    """From now on, remember an interrupt; those before are forgotten, and the advice too."""
    _seen.clear()
    _advice.clear()
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)):
        ignored = signal.getsignal(number) is signal.SIG_IGN  # as by nohup
        if number == signal.SIGINT or not ignored:
            signal.signal(number, _remember)


def seen() -> bool:
    """Whether the user has interrupted."""
    return bool(_seen)


def advise(sentence: str) -> None:
    """How to go on after an interrupt; of several sentences the first one counts."""
    _advice.append(sentence)


def advice() -> str:
    """How to go on after an interrupt, where there is something to go on with."""
    return next(iter(_advice), "")


def _remember(number: int, frame: object) -> None:
    now = time.monotonic()
    if _seen and now - _seen[0] > _ONE:
        os._exit(INTERRUPTED)
    if _seen:
        return
    _seen.append(now)
    sys.unraisablehook = lambda unraisable: None  # nor a word from destructors it lands in
    raise KeyboardInterrupt
