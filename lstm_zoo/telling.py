"""What is told of a training, and of a task that a process does for another one.

A task is a function that pickle can name, with its arguments, called as `task(raw=…, progress=…)`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from lstm_zoo.config import RunConfig
from lstm_zoo.errors import ZooError, reason
from lstm_zoo.runs import Run

Task = Callable[..., object]
_TELL = 0.1  # seconds between two messages of batches that are done
_SENT = ("builtins", ZooError.__module__)  # whose errors another process can read


class Progress(Protocol):
    """Who wants to know how a training goes on."""

    def beside(self) -> Progress:
        """Another one, for a training that goes on at the same time."""

    def expect(self, trainings: int) -> None:
        """So many trainings follow."""

    def begin(self, config: RunConfig, batches: int, done: int = 0) -> None:
        """A training starts, after the epochs done; an epoch has that many batches."""

    def batch(self, count: int = 1) -> None:
        """Batches are done."""

    def epoch(self, row: dict) -> bool | None:
        """An epoch is done; `row` is its line of history.csv.

        Returns:
            True, where the training is hopeless and is to end: it then raises `Pruned`, unless it
            is over anyway. Where it goes on in another process, that waits for the answer.
        """

    def end(self) -> None:
        """The training is over, in whatever way."""

    def ended(self, config: RunConfig, outcome: Run | Exception) -> None:
        """What came of a training, in the process that asked for it; a run may be one of before."""

    def say(self, sentence: str) -> None:
        """Something that the user should know."""


def outcome(task: Task, raw: object, progress: Progress) -> object:
    """The result of a task, or the error that it failed with, fit to be sent."""
    try:
        return task(raw=raw, progress=progress)
    except (ZooError, OSError, MemoryError) as error:
        return error if type(error).__module__ in _SENT else ZooError(reason(error))
    except BaseException as error:  # a model's own KeyboardInterrupt too
        return ZooError(reason(error))


class Told:
    """The progress of a task, told to the process that asked for it.

    Args:
        send: tells it something.
        answer: what it says to an epoch: whether the training is to end.
    """

    def __init__(self, send: Callable[[tuple], None], answer: Callable[[], bool | None]):
        self._send, self._answer = send, answer
        self._batches, self._last = 0, 0.0

    def begin(self, config: RunConfig, batches: int, done: int = 0) -> None:
        """A training starts, after the epochs done; an epoch has that many batches."""
        self._send(("begin", (config, batches, done)))

    def batch(self, count: int = 1) -> None:
        """Batches are done; few messages tell of many."""
        self._batches += count
        if time.monotonic() - self._last > _TELL:
            self._tell_batches()

    def epoch(self, row: dict) -> bool | None:
        """An epoch is done; whether that process has the training end."""
        self._tell_batches()
        self._send(("epoch", (row,)))
        with suppress(EOFError, OSError):  # it is dead, and this one ends with it
            return self._answer()

    def end(self) -> None:
        """The training is over."""
        self._send(("end", ()))

    def say(self, sentence: str) -> None:
        """Something that the user should know."""
        self._send(("say", (sentence,)))

    def _tell_batches(self) -> None:
        if self._batches:
            self._send(("batch", (self._batches,)))
        self._batches, self._last = 0, time.monotonic()
