"""Ctrl-C, remembered: a library may swallow the exception, or make another one of it.

A terminal that closes, and a CI job that is cancelled, interrupt as Ctrl-C does. A second one ends
the process at once, and so does the first where a library computes on without looking up, as XLA
does while it compiles.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

INTERRUPTED = 130  # the exit code
_ONE = 0.3  # seconds within which a signal is the same one, as `timeout` sends it twice
_PATIENCE = 1.5  # seconds in which Python should have heard of a signal
_seen: list[float] = []  # when
_heard = threading.Event()  # of the first one
_advice: list[str] = []
_undone: list[Callable[[], object]] = []
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
    _listen()


@contextmanager
def heeded() -> Iterator[None]:
    """Remember a Ctrl-C within the block, in a process that is not ours: nothing ends it.

    After the block all is as before. A handler that somebody has put there stays.
    """
    _seen.clear()
    _advice.clear()
    ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not ours or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, _note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _seen.clear()


def seen() -> bool:
    """Whether the user has interrupted."""
    return bool(_seen)


def go_on() -> None:
    """Go on, unless the user has interrupted and a library has swallowed it.

    Raises:
        KeyboardInterrupt: so it is.
    """
    if seen():
        raise KeyboardInterrupt


def advise(sentence: str) -> None:
    """How to go on after an interrupt; of several sentences the first one counts."""
    _advice.append(sentence)


def advice() -> str:
    """How to go on after an interrupt, where there is something to go on with."""
    return next(iter(_advice), "")


def told() -> str:
    """What an interrupted command says at its end."""
    return f"Interrupted; nothing finished is lost. {advice()}".rstrip()


@cache
def _listen() -> None:
    """Hear of signals from the system too, which tells of them at once."""
    ours, systems = os.pipe()
    os.set_blocking(systems, False)
    signal.set_wakeup_fd(systems, warn_on_full_buffer=False)
    threading.Thread(target=_hurry, args=(ours,), daemon=True).start()


def _hurry(told_of: int) -> None:
    """End the process where its main thread does not come to hear of the first signal."""
    while signal.getsignal(os.read(told_of, 1)[0]) is not _remember:
        pass
    if not _heard.wait(_PATIENCE):
        os.write(2, f"{told()}\n".encode())
        _end()


@contextmanager
def undoing(undo: Callable[[], object]) -> Iterator[None]:
    """The block leaves something that is to be undone where the process ends within it at once."""
    _undone.append(undo)
    try:
        yield
    finally:
        _undone.remove(undo)


def _end() -> None:
    """At once; a progress bar has hidden the cursor."""
    for undo in _undone:
        undo()
    if os.isatty(2):
        os.write(2, b"\x1b[?25h")
    os._exit(INTERRUPTED)


def _note(number: int, frame: object) -> None:
    _seen.append(time.monotonic())
    raise KeyboardInterrupt


def _remember(number: int, frame: object) -> None:
    _heard.set()
    now = time.monotonic()
    if _seen and now - _seen[0] > _ONE:
        _end()
    if _seen:
        return
    _seen.append(now)
    sys.unraisablehook = lambda unraisable: None  # nor a word from destructors it lands in
    raise KeyboardInterrupt
