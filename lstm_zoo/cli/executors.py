"""Where the trainings of a command are done: the options that say so."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING

import click

from lstm_zoo.cli.names import Value
from lstm_zoo.cli.options import Plan
from lstm_zoo.errors import UsageError
from lstm_zoo.parameters import Parameter

if TYPE_CHECKING:
    from lstm_zoo.cluster import Cluster
    from lstm_zoo.workers import Crew

_JOBS = Parameter("jobs", "PositiveInt | Literal['auto']", "auto")
_CPUS = Parameter("cpus-per-run", "PositiveInt", None, "processors")
_GPUS = Parameter("gpus-per-run", "PositiveFloat", None, "GPUs")

jobs_option = click.option(
    "--jobs",
    type=Value(_JOBS),
    metavar="N|auto",
    default="auto",
    help="Trainings at a time, each in a process of its own; by default as many as there are "
    "processors for. The numbers are the same.",
)
_OPTIONS = [
    jobs_option,
    click.option(
        "--executor",
        type=click.Choice(["local", "ray"]),
        default="local",
        help="Train on this machine, or on a Ray cluster.",
    ),
    click.option(
        "--ray-address",
        metavar="ADDRESS",
        help="The cluster; RAY_ADDRESS, or a new one on this machine.",
    ),
    click.option(
        "--cpus-per-run",
        type=Value(_CPUS),
        metavar="N",
        help="With Ray, the processors of a run; as many as its threads by default.",
    ),
    click.option(
        "--gpus-per-run",
        type=Value(_GPUS),
        metavar="N",
        help="With Ray, the GPUs of a run, 0.25 of one say; none by default.",
    ),
]
_RAY = ("ray_address", "cpus_per_run", "gpus_per_run")


@dataclass(frozen=True)
class Executor:
    """Who trains, as the options say it."""

    jobs: int | str = "auto"
    executor: str = "local"
    ray_address: str | None = None
    cpus_per_run: int | None = None
    gpus_per_run: float | None = None

    def __post_init__(self):
        given = [name for name in _RAY if getattr(self, name) is not None]
        if given and self.executor != "ray":
            raise UsageError(f"--{given[0].replace('_', '-')} is for --executor ray.")

    @property
    def may_leave_out(self) -> bool:
        """Whether this process may train alone, where that is as good."""
        return self.jobs == "auto" and self.executor == "local"

    def crew(self, asked: Plan, trainings: int) -> AbstractContextManager[Crew | Cluster | None]:
        """The processes for so many trainings; None, where this one is as good.

        Args:
            asked: what they are to train.
            trainings: how many.

        Raises:
            ZooError: the cluster is not there, or is too small.
        """
        config = asked.configs[0]
        if self.executor == "local":
            from lstm_zoo import workers

            return workers.crew(self.jobs, config, trainings)
        if config.devices > 1:
            raise UsageError("--devices is for one machine: with --executor ray a run has one.")
        if not trainings:
            return nullcontext()
        from lstm_zoo.cluster import Cluster, Place

        cpus = self.cpus_per_run or config.threads
        jobs = None if self.jobs == "auto" else self.jobs
        place = Place(self.ray_address, cpus, self.gpus_per_run or 0.0, jobs)
        return Cluster(place, asked.configs, asked.metrics)


def with_executor(options: dict) -> dict:
    """The options, those of the executor as one `executor`."""
    own = {name: options[name] for name in Executor.__dataclass_fields__}
    others = {name: value for name, value in options.items() if name not in own}
    return others | {"executor": Executor(**own)}


def executor_options(function: Callable) -> Callable:
    """`--jobs`, `--executor` and what goes with Ray, passed on as one `executor`."""

    @wraps(function)
    def passed(*args: object, **options: object) -> object:
        return function(*args, **with_executor(options))

    for option in reversed(_OPTIONS):
        passed = option(passed)
    return passed
