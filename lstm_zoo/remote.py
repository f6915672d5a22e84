"""What runs in the processes of a cluster: tasks, and the board on which they tell of them."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from lstm_zoo import workers
from lstm_zoo.telling import Task, Told, outcome


@dataclass(frozen=True)
class Setting:
    """How a process of the cluster computes."""

    backend: str
    threads: int
    gpus: float
    command: tuple[str, ...]


class Board:
    """Where the tasks of a cluster write what they tell."""

    def __init__(self) -> None:
        self._news: list[tuple[int, str, tuple]] = []
        self._hopeless: set[int] = set()

    def tell(self, number: int, kind: str, content: tuple) -> None:
        """A task tells something."""
        self._news.append((number, kind, content))

    def read(self) -> list[tuple[int, str, tuple]]:
        """What was told since it was last read."""
        news, self._news = self._news, []
        return news

    def stop(self, number: int) -> None:
        """A task is to end, with the next epoch of its training."""
        self._hopeless.add(number)

    def hopeless(self, number: int) -> bool:
        """Whether a task is to end."""
        return number in self._hopeless


def done(task: Task, number: int, raw: object, board: Any, setting: Setting) -> object:
    """In a process of the cluster: the result of a task, or the error that it failed with."""
    sys.argv = list(setting.command)  # as environment.json has it
    _begun(setting)
    told = Told(partial(_tell, board, number), partial(_answer, board, number))
    return outcome(task, raw, told)


def _tell(board: Any, number: int, message: tuple) -> None:
    board.tell.remote(number, *message)


def _answer(board: Any, number: int) -> bool:
    """Whether the asking process has said by now that the training is to end."""
    import ray

    return ray.get(board.hopeless.remote(number))


def devices(setting: Setting) -> list[str]:
    """In a process of the cluster: its devices."""
    return _begun(setting)


@cache
def _begun(setting: Setting) -> list[str]:
    """The devices of this process, once it has imported all that a training needs."""
    if not setting.gpus:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    elif setting.gpus < 1:  # others compute on it too
        os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"
        os.environ["XLA_PYTHON_CLIENT_MEM_FRACTION"] = f"{0.9 * setting.gpus:.3f}"
    return workers.begin(setting.backend, setting.threads, os.getpid())
