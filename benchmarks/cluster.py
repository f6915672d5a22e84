"""What a trial costs on a Ray cluster beside its training: writes a table into `RESULTS.md`.

    python benchmarks/cluster.py [--nodes N…] [--tasks N] [--trainings N]

Ray's nodes are processes of this machine, each with one processor, a store and workers of its own:
what goes from one to another goes through sockets, as between machines, but over no network. It
needs `pip install 'lstm-zoo[ray]'`.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import sections
from rich.console import Console

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

from ray.cluster_utils import Cluster as Nodes

from lstm_zoo import catalog, sources
from lstm_zoo.cluster import Cluster, Place
from lstm_zoo.config import RunConfig, run_config
from lstm_zoo.reporting.progress import Lines
from lstm_zoo.trainer import Trainer

SILENT = Lines(Console(stderr=True), quiet=True)
DATA = np.zeros((60_000, 28, 28), np.float32)  # as many bytes as MNIST's training part


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--tasks", type=int, default=500)
    parser.add_argument("--trainings", type=int, default=24)
    parser.add_argument("--output", type=Path, default=sections.RESULTS)
    options = parser.parse_args()
    found = [measured(nodes, options.tasks, options.trainings) for nodes in options.nodes]
    sections.write(options.output, "cluster.py", page(options, found))


def measured(nodes: int, tasks: int, trainings: int) -> dict[str, float]:
    """What the parts of a trial take on so many nodes."""
    cluster = Nodes(initialize_head=True, head_node_args={"num_cpus": 0})
    try:
        for _ in range(nodes):
            cluster.add_node(num_cpus=1, object_store_memory=500_000_000)
        with tempfile.TemporaryDirectory() as folder:
            return _measured(cluster.address, nodes, tasks, trainings, Path(folder))
    finally:
        cluster.shutdown()


def _measured(
    address: str, nodes: int, tasks: int, trainings: int, folder: Path
) -> dict[str, float]:
    config, found = _config(), {}
    crew = Cluster(Place(address, 1, 0.0, None), [config])
    with ExitStack() as kept:
        found["connect"] = _seconds(lambda: kept.enter_context(crew))
        found["process"] = _seconds(crew.devices)
        _all(crew, [sleep] * nodes)  # so that each node has a process
        crew.share(np.zeros(1))
        before = _own_seconds()
        found["task"] = _seconds(lambda: _all(crew, [nothing] * tasks)) / tasks
        found["task_here"] = (_own_seconds() - before) / tasks
        found["data"] = _seconds(lambda: crew.share(DATA))
        found["data"] += _seconds(lambda: _all(crew, [touch] * nodes))
        found |= _trained(crew, config, trainings, folder)
    return found


def _trained(crew: Cluster, config: RunConfig, count: int, folder: Path) -> dict[str, float]:
    """Trainings of one epoch, each as a comparison does it."""
    raw = sources.read(config, None)
    trainer = Trainer(raw, folder, SILENT, crew=crew)
    config = replace(config, data_sha256=trainer.digest)
    list(trainer.train_all([config.with_seed(10_000 + seed) for seed in range(crew.jobs)]))
    before, start = _own_seconds(), time.perf_counter()
    seconds = [run.metrics["train_seconds"] for _, run in _runs(trainer, config, count)]
    wall, own = time.perf_counter() - start, _own_seconds() - before
    files = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return {
        "training": wall * crew.jobs / count,
        "training_itself": statistics.median(seconds),
        "training_here": own / count,
        "bytes": sum(files) / len(list(folder.glob("*/config.json"))),
    }


def _runs(trainer: Trainer, config: RunConfig, count: int) -> Iterable[tuple]:
    return trainer.train_all([config.with_seed(seed) for seed in range(count)])


def _config() -> RunConfig:
    zoo = catalog.load()
    own = {"seed": 0, "threads": 1, "backend": "jax"}
    return run_config(zoo, "simple-rnn", {"units": 8}, "digits", {}, {"epochs": 1}, **own)


def _all(crew: Cluster, tasks: list[Callable]) -> None:
    for _, outcome in crew.run(tasks, SILENT):
        if isinstance(outcome, Exception):
            raise outcome


def nothing(raw: object, progress: object) -> None:
    """A task that has nothing to do."""


def sleep(raw: object, progress: object) -> None:
    """A task that keeps its process for a while."""
    time.sleep(1)


def touch(raw: np.ndarray, progress: object) -> float:
    """A task that needs all of the data."""
    return float(raw.sum())


def _seconds(call: Callable) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _own_seconds() -> float:
    """The processor's seconds of this process so far."""
    times = os.times()
    return times.user + times.system


ROWS = {
    "connect": ("the cluster is reached, s", 1),
    "process": ("the first process has started and imported Keras (on JAX), s", 1),
    "data": (f"{DATA.nbytes / 1e6:.0f} MB of data are with every node, s", 1),
    "task": ("a task that has nothing to do, one after the other on each node, ms", 1000),
    "task_here": ("… of the asking process' processor, ms", 1000),
    "training": ("a training of one epoch, from its begin to its record, s of a node", 1),
    "training_itself": ("… of which the epoch takes, s", 1),
    "training_here": ("… of the asking process' processor, ms", 1000),
    "bytes": ("a run's folder, kB", 1e-3),
}


def page(options: argparse.Namespace, found: list[dict[str, float]]) -> str:
    """The section of RESULTS.md."""
    rows = [
        [words, *(f"{scale * one[name]:.3g}" for one in found)]
        for name, (words, scale) in ROWS.items()
    ]
    return f"""# A trial on a Ray cluster

Nodes of one processor each on one machine of {os.cpu_count()}, over which {options.tasks} tasks and
{options.trainings} trainings of a small network on the digits went, each network compiled before.
What it says of larger clusters: [docs/cluster.md](../docs/cluster.md#how-far-it-goes).

{sections.table(["nodes", *map(str, options.nodes)], rows)}"""


if __name__ == "__main__":
    main()
