"""Worker processes that stay: each imports Keras once, and does one task after another.

The data of their tasks are loaded once, by the process that asks, and shared. What a task tells of
its progress goes to that process too. Nothing is imported here that takes time, so that the workers
can start before their parent has imported Keras itself.
"""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import shutil
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import ModuleType

from lstm_zoo import cores, heap, scratch
from lstm_zoo.config import CPUS, RunConfig, available_threads
from lstm_zoo.errors import ProcessLost, UsageError, ZooError
from lstm_zoo.sharing import Shared, share
from lstm_zoo.telling import Progress, Task, Told, outcome

_SAFE = "PYTHONSAFEPATH"
_LAST = 5  # seconds that a process may take to end
_SPAWN = multiprocessing.get_context("spawn")


def crew(jobs: int | str, config: RunConfig, trainings: int) -> AbstractContextManager[Crew | None]:
    """The processes for so many trainings; None, where this one is as good.

    Args:
        jobs: the most that are asked for; `auto` leaves no processor idle, and none to two runs. A
            single training then has a process of its own too, which starts while this one reads
            the data.
        config: one of the trainings'.

    Raises:
        UsageError: several at a time are asked for, each on several devices.
    """
    if config.devices > 1:
        if jobs not in ("auto", 1):
            raise UsageError(
                f"--jobs {jobs:,} trainings at a time would share the {config.devices:,} devices "
                "of each: leave --jobs or --devices out."
            )
        return nullcontext()
    most = available_threads() // config.threads if jobs == "auto" else jobs
    count = min(most, trainings)
    alone = count < 1 or most == 1
    return nullcontext() if alone else Crew(count, config.backend, config.threads)


class Crew:
    """Worker processes on this machine, each on cores of its own. They end with the block.

    Args:
        jobs: the processes.
        backend: Keras' backend in each.
        threads: the cores of each.
    """

    remote = False

    def __init__(self, jobs: int, backend: str, threads: int):
        self.jobs = jobs
        self._settings = (backend, threads)
        self._kept = ExitStack()
        self._folder = Path()
        self._shared: Shared | None = None
        self._workers: list[_Worker] = []

    def __enter__(self) -> Crew:
        self._folder = self._kept.enter_context(scratch.folder())
        self._workers = [self._worker(place) for place in range(self.jobs)]
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """End the processes, whatever they do."""
        while self._workers:
            self._workers.pop().kill()
        self._kept.close()

    def devices(self) -> list[str]:
        """The devices that a process computes on; asked for before the first `run`.

        Raises:
            ZooError: none does begin.
        """
        while not (known := next((w.devices for w in self._workers if w.devices), [])):
            list(self._heard())
        return known

    def share(self, raw: object) -> None:
        """What every task of a later `run` has as its data."""
        self._shared = share(raw, self._folder / "arrays")

    def run(self, tasks: Iterable[Task], progress: Progress) -> Iterator[tuple[Task, object]]:
        """Do the tasks; the next one is asked for when a process is free for it.

        Returns:
            Each as it ends, with its result or with the error that it failed with.

        Raises:
            ZooError: no process can be started.
        """
        tasks, more = iter(tasks), True
        try:
            while True:
                for worker in self._workers:
                    if more and worker.task is None:
                        task = next(tasks, None)
                        more = task is not None
                        worker.give(task, self._shared, progress.beside())
                if not more and not any(worker.busy for worker in self._workers):
                    return
                yield from self._heard()
        finally:
            for worker in self._workers:
                worker.hush()

    def _heard(self) -> Iterator[tuple[Task, object]]:
        """Listen until something is said; the tasks that have ended."""
        speakers = {worker.connection: worker for worker in self._workers}
        for connection in wait(speakers):
            worker = speakers[connection]
            try:
                message = connection.recv()
            except (EOFError, OSError):
                yield from self._lost(worker)
            else:
                yield from worker.hear(*message)

    def _lost(self, worker: _Worker) -> Iterator[tuple[Task, object]]:
        """A process has ended: another takes its place, unless it had not even begun."""
        self._workers.remove(worker)
        worker.hush()
        why = worker.ending()
        if worker.busy:
            self._workers.append(self._worker(worker.place))
            yield worker.task, ProcessLost(why, worker.log())
        elif not self._workers:
            raise ZooError(f"{why} None is left; --jobs 1 needs none.")

    def _worker(self, place: int) -> _Worker:
        return _Worker(place, self._folder, *self._settings)


class _Worker:
    """A worker process, seen from its parent; `task` is None when it is free.

    `devices` are what it computes on, once it has begun.
    """

    def __init__(self, place: int, folder: Path, backend: str, threads: int):
        self.place = place
        self.task: Task | None = begin
        self.connection, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(
            target=_serve, args=(theirs, folder, place, backend, threads), daemon=True
        )
        with _own_code(), _no_script(), _uninterrupted():
            self._process.start()
        theirs.close()
        self._log = _log(folder, self._process.pid)
        self._shared: Shared | None = None
        self._voice: Progress | None = None
        self.devices: list[str] = []

    @property
    def busy(self) -> bool:
        """Whether it has something to do for others, and not just to begin."""
        return self.task not in (None, begin)

    def give(self, task: Task | None, shared: Shared | None, voice: Progress) -> None:
        """Have it do a task on the shared data, and tell `voice` of it."""
        if task is None:
            return
        self.task, self._voice = task, voice
        with suppress(OSError):  # it is dead, which listening to it will tell
            if shared is not self._shared:
                self.connection.send(shared)
                self._shared = shared
            self.connection.send(task)

    def hear(self, kind: str, content: tuple) -> Iterator[tuple[Task, object]]:
        """What it said: a word of progress, or the end of its task."""
        if kind != "done":
            answer = getattr(self._voice, kind)(*content)
            if kind == "epoch":  # the one question
                with suppress(OSError):  # it is dead, which listening to it will tell
                    self.connection.send(answer)
            return
        task, self.task = self.task, None
        if task is begin:
            (self.devices,) = content
        else:
            yield task, *content

    def hush(self) -> None:
        """No more of its progress is to be shown."""
        if self._voice is not None:
            self._voice.end()
            self._voice = None

    def ending(self) -> str:
        """How the process ended by itself, as a sentence."""
        self._process.join(_LAST)
        code = self._process.exitcode
        self.kill()
        if code is None or code >= 0:
            return f"The worker process ended by itself, with exit code {code}."
        name = signal.Signals(-code).name
        return (
            f"The worker process was killed ({name}), perhaps by want of memory: try fewer --jobs."
        )

    def log(self) -> str:
        """What the process was at when it crashed, if it could say so."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def kill(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.join()
        self.connection.close()


def _log(folder: Path, process: int) -> Path:
    """Where a process writes what it is at when it crashes."""
    return folder / f"{process}.log"


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """A process that the block starts knows no Ctrl-C: its parent does, and ends it."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # which starts in its own way, and unblocks the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _own_code() -> Iterator[None]:
    """A process that the block starts imports nothing from the working folder, unless this does."""
    before = os.environ.get(_SAFE)
    os.environ[_SAFE] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_SAFE]
        else:
            os.environ[_SAFE] = before


@contextmanager
def _no_script() -> Iterator[None]:
    """A process that the block starts does not run the script that called, nor imports it.

    `multiprocessing` has it do so for what the script defines, of which a task needs nothing.
    """
    before = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = before


def _serve(connection: Connection, folder: Path, place: int, backend: str, threads: int) -> None:
    """What a worker process does until its parent ends it; what a model prints goes to stderr."""
    os.dup2(2, 1)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    faulthandler.enable(_log(folder, os.getpid()).open("w"))
    heap.join()
    threading.Thread(target=_end_with_parent, args=[folder], daemon=True).start()
    connection.send(("done", (begin(backend, threads, place),)))
    raw = None
    while True:
        message = connection.recv()
        if isinstance(message, Shared):
            raw = message.load()
            continue
        told = Told(connection.send, connection.recv)
        connection.send(("done", (outcome(message, raw, told),)))


def _end_with_parent(folder: Path) -> None:
    """Leave nothing behind when the parent is killed."""
    wait([multiprocessing.parent_process().sentinel])
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


def begin(name: str, threads: int, place: int) -> list[str]:
    """Import all that a training needs, on cores of its own; the devices to compute on."""
    cores.keep_to(threads, CPUS, place)
    from lstm_zoo import backend

    backend.start(name, threads)
    from lstm_zoo import training  # noqa: F401

    return backend.devices()
