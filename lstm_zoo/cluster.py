"""Processes of a Ray cluster, on this machine or on many.

Ray places the tasks, ships the data to each machine once, and repeats what is lost with a process
or a machine. It ships this package too, those of plugins, and the Python files beside a user's zoo
file, so that what runs there is what runs here.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import sys
import urllib.parse
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import lstm_zoo
from lstm_zoo import provenance, remote, scratch
from lstm_zoo.config import RunConfig
from lstm_zoo.entries import Metric
from lstm_zoo.errors import (
    MissingExtra,
    ProcessLost,
    TrainingError,
    UsageError,
    ZooError,
    counted,
    listed,
    reason,
)
from lstm_zoo.parameters import package_folder
from lstm_zoo.telling import Progress, Task

_LISTEN = 0.1  # seconds between two looks at what the tasks tell
_REPEATS = 3  # of a task whose process or machine is lost
_OUT_OF_MEMORY_REPEATS = 1
_ANSWERS = 10  # seconds within which a cluster answers


@dataclass(frozen=True)
class Place:
    """What a run needs of a cluster, and which one it is.

    Args:
        address: of the cluster; None means the one of RAY_ADDRESS, or a new one on this machine.
        cpus: the processors of a run.
        gpus: its GPUs; a part of one is shared.
        jobs: the most runs at a time; None means as many as there is room for.
    """

    address: str | None
    cpus: int
    gpus: float
    jobs: int | None


@dataclass
class _Going:
    """A task under way."""

    task: Task
    voice: Progress
    number: int = -1
    begun: bool = False

    def hear(self, kind: str, content: tuple) -> bool | None:
        """A word of its progress; whether the training is to end.

        Where it begins once more, its process was lost.
        """
        if kind == "begin":
            if self.begun:
                config = content[0]
                self.voice.end()
                told = f"{config.variant}, seed {config.seed}, once more: its process was lost."
                self.voice.say(told)
            self.begun = True
        return getattr(self.voice, kind)(*content)


class Cluster:
    """Processes for tasks, as `workers.Crew` has them on this machine. They end with the block.

    What a task writes stays where it runs: only its result comes back.

    Args:
        place: the cluster.
        configs: the runs', for every model.
        metrics: those of zoo files.
    """

    remote = True

    def __init__(self, place: Place, configs: Sequence[RunConfig], metrics: Sequence[Metric] = ()):
        self._place, config = place, configs[0]
        self._zoo = next((one.zoo for one in (*configs, *metrics) if one.zoo), None)
        self._packages = _packages(configs, metrics)
        self._setting = remote.Setting(config.backend, config.threads, place.gpus, tuple(sys.argv))
        self._kept = ExitStack()
        self._numbers = count()
        self._going: dict[Any, _Going] = {}
        self._raw: Any = None

    def __enter__(self) -> Cluster:
        try:
            self._ray = self._connected()
            self._check_room()
            needs = {"num_cpus": self._place.cpus, "num_gpus": self._place.gpus}
            self._task = self._ray.remote(max_retries=_REPEATS, **needs)
            self._do = self._task(remote.done)
            self._board = self._ray.remote(**self._near())(remote.Board).remote()
        except BaseException:
            self._kept.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Leave the cluster, which ends what it does for this process."""
        self._kept.close()

    @property
    def jobs(self) -> int:
        """The runs at a time: as many as there is room for now, or as were asked for."""
        return self._place.jobs or max(1, sum(self._rooms()))

    @property
    def words(self) -> str:
        """The cluster in a sentence."""
        nodes = self._nodes()
        kinds = (("CPU", "processor"), ("GPU", "GPU"))
        sums = {noun: sum(_has(node, kind) for node in nodes) for kind, noun in kinds}
        there = ", ".join(counted(int(number), noun) for noun, number in sums.items() if number)
        unused = bool(sums["GPU"]) and not self._place.gpus
        advice = " No run uses a GPU: --gpus-per-run gives it one." if unused else ""
        return f"Ray cluster: {counted(len(nodes), 'node')}, {there}.{advice}"

    def devices(self) -> list[str]:
        """The devices that a process computes on.

        Raises:
            ZooError: none does begin.
        """
        found = self._outcome(self._task(remote.devices).remote(self._setting))
        if isinstance(found, Exception):
            raise found
        return found

    def share(self, raw: object) -> None:
        """What every task of a later `run` has as its data."""
        self._raw = self._ray.put(raw)

    def run(self, tasks: Iterable[Task], progress: Progress) -> Iterator[tuple[Task, object]]:
        """Do the tasks, as `Crew.run` does: each as it ends, with its result or its error."""
        tasks, more = iter(tasks), True
        try:
            while more or self._going:
                while more and len(self._going) < self.jobs:
                    task = next(tasks, None)
                    more = task is not None
                    if more:
                        self._begin(_Going(task, progress.beside()))
                yield from self._ended()
        finally:
            while self._going:
                self._going.popitem()[1].voice.end()

    def _begin(self, going: _Going) -> None:
        """Have the cluster do a task."""
        going.number = next(self._numbers)
        task = self._do.remote(going.task, going.number, self._raw, self._board, self._setting)
        self._going[task] = going

    def _ended(self) -> Iterator[tuple[Task, object]]:
        """Listen for a moment; the tasks that have ended."""
        if not self._going:
            return
        ended, _ = self._ray.wait(list(self._going), timeout=_LISTEN)
        listening = {going.number: going for going in self._going.values()}
        for number, kind, content in self._news():
            if number in listening and listening[number].hear(kind, content):
                self._board.stop.remote(number)
        for one in ended:
            going = self._going.pop(one)
            going.voice.end()
            yield going.task, self._outcome(one)

    def _news(self) -> list[tuple[int, str, tuple]]:
        """What the tasks have told since."""
        news = self._outcome(self._board.read.remote())
        if isinstance(news, Exception):
            raise ZooError(f"The Ray cluster is lost: {news}") from news
        return news

    def _outcome(self, one: Any) -> Any:
        """What a call came to, or why it failed."""
        errors = self._ray.exceptions
        try:
            return self._ray.get(one)
        except errors.OutOfMemoryError as error:
            told = "Its machine ran out of memory: more --cpus-per-run lets fewer runs share one."
            return ProcessLost(told, str(error))
        except (errors.WorkerCrashedError, errors.NodeDiedError, errors.ObjectLostError) as error:
            told = f"Its process or its machine was lost {1 + _REPEATS} times."
            return ProcessLost(told, str(error))
        except errors.RuntimeEnvSetupError as error:
            return ZooError(f"The cluster can't run lstm-zoo: {reason(error)}")
        except errors.RayTaskError as error:
            return TrainingError(f"It failed on the cluster: {reason(error.cause)}")
        except errors.RayError as error:
            return ZooError(f"The Ray cluster failed: {reason(error)}")

    def _connected(self) -> Any:
        """Ray, connected."""
        address = self._place.address or os.environ.get("RAY_ADDRESS")
        where = f"at {address}" if address else "on this machine"
        if not importlib.util.find_spec("ray"):
            raise MissingExtra("Ray", "ray")
        try:
            _set_up(address)
        except (ValueError, OSError) as error:
            raise ZooError(f"There is no Ray cluster {where}: {reason(error)}") from error
        import ray

        own = {} if address else {"include_dashboard": False} | self._own_folder()
        settings = {"log_to_driver": False, "logging_level": "ERROR"}
        self._kept.callback(ray.shutdown)
        try:
            with _handlers_kept(), warnings.catch_warnings(action="ignore"):
                ray.init(address or "local", runtime_env=self._package(), **settings, **own)
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            raise ZooError(f"There is no Ray cluster {where}: {reason(error)}") from error
        except ray.exceptions.AuthenticationError as error:
            raise ZooError(f"The Ray cluster does not let us in: {reason(error)}") from error
        # Of a node that is lost it would print pages on stdout, whatever the options say.
        ray._private.worker.print_to_stdstream = lambda *_, **__: None
        return ray

    def _near(self) -> dict:
        """What keeps an actor, which computes nothing, alive and where this process is."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        here = self._ray.get_runtime_context().get_node_id()
        strategy = NodeAffinitySchedulingStrategy(here, soft=True)
        forever = {"max_restarts": -1, "max_task_retries": -1}
        return {"num_cpus": 0, "scheduling_strategy": strategy, **forever}

    def _package(self) -> dict:
        """What Ray brings to each machine: this package, plugins, and code beside a user's zoo."""
        package = {"py_modules": [str(Path(lstm_zoo.__file__).parent), *self._packages]}
        if self._zoo:
            there, here = self._kept.enter_context(scratch.folder()), Path(self._zoo).parent
            for file in provenance.code_files(here):
                copy = there / file.relative_to(here)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, copy)
            package["working_dir"] = str(there)
        return package

    def _own_folder(self) -> dict[str, str]:
        """Where a cluster of our own has its files, so that none stays."""
        if sys.platform != "linux":
            return {}
        return {"_temp_dir": str(self._kept.enter_context(scratch.folder()))}

    def _rooms(self) -> list[int]:
        """For how many runs each machine has room."""
        needs = {"CPU": self._place.cpus, "GPU": self._place.gpus}
        return [
            min(int(_has(node, kind) // need) for kind, need in needs.items() if need)
            for node in self._nodes()
        ]

    def _nodes(self) -> list[dict]:
        """The machines that are there now."""
        return [node for node in self._ray.nodes() if node["Alive"]]

    def _check_room(self) -> None:
        """Make sure that one machine at least has what a run needs.

        Raises:
            UsageError: none has.
        """
        if any(self._rooms()):
            return
        nodes = self._nodes()
        asked = {"CPU": self._place.cpus, "GPU": self._place.gpus}
        most = {kind: max(_has(node, kind) for node in nodes) for kind in asked}
        raise UsageError(
            "No machine of the cluster has room for a run "
            f"({_amount(asked)}; --cpus-per-run, --gpus-per-run): the most that one has is "
            f"{_amount(most)}."
        )


def _set_up(address: str | None) -> None:
    """How Ray behaves, where the user's environment does not say it.

    Raises:
        OSError: nobody answers at the address, for which Ray would wait minutes.
    """
    chosen = {
        "RAY_USAGE_STATS_ENABLED": "0",  # it tells nobody of its use
        "RAY_task_oom_retries": str(_OUT_OF_MEMORY_REPEATS),
    }
    where = urllib.parse.urlsplit(address if "://" in (address or "") else f"//{address or ''}")
    if where.hostname and where.port:
        socket.create_connection((where.hostname, where.port), timeout=_ANSWERS).close()
        if not where.scheme and _locked(where.netloc):
            chosen["RAY_AUTH_MODE"] = "token"
    for name, value in chosen.items():
        os.environ.setdefault(name, value)


def _locked(address: str) -> bool:
    """Whether a cluster lets nobody in without a token, which Ray finds out in half a minute."""
    import grpc

    with grpc.insecure_channel(address, [("grpc.enable_http_proxy", 0)]) as channel:
        call = channel.unary_unary("/ray.rpc.NodeInfoGcsService/GetClusterId")
        try:
            call(b"", timeout=_ANSWERS)
        except grpc.RpcError as error:
            return error.code() is grpc.StatusCode.UNAUTHENTICATED
    return False


def _packages(configs: Iterable[RunConfig], metrics: Iterable[Metric]) -> list[str]:
    """The folders of the packages of plugins."""
    references = {ref for one in configs if one.plugins for ref in (one.builder, one.loader)}
    references |= {metric.function for metric in metrics if metric.plugin}
    folders = {package_folder(reference) for reference in references}
    return sorted(map(str, folders - {None, Path(lstm_zoo.__file__).parent}))


def _amount(numbers: dict[str, float]) -> str:
    return listed([f"{number:g} {kind}" for kind, number in numbers.items()])


def _has(node: dict, kind: str) -> float:
    return node["Resources"].get(kind, 0.0)


@contextmanager
def _handlers_kept() -> Iterator[None]:
    """Ray has its own way with a signal, which would end this process without a word."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
