"""Trainings, each done where there is a process for it: this one, or one of a crew.

With a crew this process needs no Keras, and starts the sooner: what builds or trains a model is a
task of the workers.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lstm_zoo import (
    backend,
    data,
    failures,
    interrupts,
    parcel,
    provenance,
    records,
    runs,
    scratch,
    sources,
    telling,
    timing,
)
from lstm_zoo.catalog import Zoo
from lstm_zoo.claims import Claims
from lstm_zoo.config import RunConfig
from lstm_zoo.earlier import Earlier
from lstm_zoo.entries import Metric
from lstm_zoo.errors import ProcessLost, RunError, TrainingError, ZooError, counted
from lstm_zoo.parcel import Parcel
from lstm_zoo.runs import Run
from lstm_zoo.telling import Progress, Task

if TYPE_CHECKING:
    from lstm_zoo.cluster import Cluster
    from lstm_zoo.workers import Crew

_AGAIN = 0.5  # seconds until it is asked again whether another process is done


@dataclass(frozen=True)
class Cost:
    """A model's parameters and multiply-adds, and the kinds of its layers with a faster loop."""

    parameters: int
    multiply_adds: int | None
    kinds: frozenset[str]


@dataclass
class _Rest:
    """What a process does not train now.

    Args:
        busy: what another process trains.
        done: what another process has trained meanwhile.
        lost: what is tried once more.
    """

    busy: list[RunConfig] = field(default_factory=list)
    done: list[tuple[RunConfig, Run]] = field(default_factory=list)
    lost: list[RunConfig] = field(default_factory=list)


class Trainer:
    """Trains in a runs folder; a run that is finished there is taken, unless all is to be fresh.

    Args:
        raw: what the loader read.
        folder: the runs folder.
        progress: who wants to know how the trainings go on.
        fresh: whether to train what is finished there too.
        crew: the processes that train, here or on other machines; None trains in this one.
        metrics: those of zoo files, to be scored beside the task's own.
    """

    def __init__(
        self,
        raw: data.Raw,
        folder: Path,
        progress: Progress,
        fresh: bool = False,
        crew: Crew | Cluster | None = None,
        metrics: Sequence[Metric] = (),
    ):
        self.raw, self.folder, self.progress = raw, folder, progress
        self.metrics = metrics
        self.digest = data.digest(raw)
        self.started = provenance.now()
        self.jobs = crew.jobs if crew else 1
        self._fresh, self._crew = fresh, crew
        self._remote = crew is not None and crew.remote
        self._new: set[Path] = set()
        if crew:
            crew.share(raw)
        self._devices = crew.devices() if crew else backend.devices()
        self._earlier = Earlier(folder, self._devices)
        self._claims = Claims(folder)
        self._told = self._looked = False

    def finished(self, config: RunConfig) -> Run | None:
        """The run of this configuration that needs no training."""
        run = None if self._fresh else self._earlier.find(config)
        if run:
            self.progress.ended(config, run)
        return run

    def begun(self, config: RunConfig) -> Run | None:
        """The run of this configuration that was interrupted, and will be gone on with."""
        return None if self._fresh else self._earlier.begun(config)

    def environment(self, config: RunConfig) -> dict:
        """Where the runs run, as results.json has it."""
        return provenance.environment(config, self._devices) | {"started": self.started}

    def matched(
        self, configs: list[RunConfig], size: str, zoo: Zoo
    ) -> tuple[list[RunConfig], list[str]]:
        """The models brought to a size, as `matching.match` does.

        Raises:
            ZooError: one can't be.
        """
        ((_, outcome),) = self._perform([partial(_matched, configs, size, zoo)])
        return _result(outcome)

    def costs(self, configs: list[RunConfig]) -> list[Cost]:
        """Each model built once, to see that it fits, and what it costs.

        Raises:
            ZooError: one does not.
        """
        tasks = [partial(_costed, config) for config in configs]
        found = {task.args[0].identity: outcome for task, outcome in self._perform(tasks)}
        return [_result(found[config.identity]) for config in configs]

    def seconds(self, configs: list[RunConfig]) -> list[float]:
        """How long a training of each takes, by a run from any seed, or by a few batches."""
        known = {config.identity: self._earlier.like(config) for config in configs}
        seconds = {name: timing.of_run(run) for name, run in known.items() if run}
        tasks = [partial(_estimated, one) for one in configs if not known[one.identity]]
        for task, outcome in self._perform(tasks):
            if isinstance(outcome, ZooError) and not isinstance(outcome, TrainingError):
                raise outcome
            failed = isinstance(outcome, Exception)  # as the training itself will
            seconds[task.args[0].identity] = 0.0 if failed else outcome
        return [seconds[config.identity] for config in configs]

    def is_new(self, run: Run) -> bool:
        """Whether this trainer trained it."""
        return run.folder in self._new

    def train(self, config: RunConfig) -> Run:
        """The run of this configuration, trained if need be."""
        done = self.finished(config)
        if done:
            return done
        ((_, outcome),) = self.train_all([config])
        return _result(outcome)

    def train_all(
        self, configs: Iterable[RunConfig]
    ) -> Iterator[tuple[RunConfig, Run | Exception]]:
        """Train them; the next one is asked for when there is a process free for it.

        Returns:
            Each as it ends, with its run or with the error that it failed with.
        """
        interrupts.advise("The same command goes on where this one was.")
        again: set[str] = set()
        while True:
            rest = _Rest()
            for task, outcome in self._perform(self._tasks(configs, rest)):
                config = task.args[0]
                outcome = self._ended(config, outcome)
                if self._may_pass(outcome) and config.identity not in again:
                    again.add(config.identity)
                    rest.lost.append(config)
                    self.progress.say(f"{config.variant}, seed {config.seed}, once more: {outcome}")
                else:
                    yield config, outcome
            yield from rest.done
            configs = [*rest.lost, *rest.busy]
            if not configs:
                return
            self._wait(rest)

    def _wait(self, rest: _Rest) -> None:
        """Give other processes time, where there is nothing else to do."""
        if rest.busy and not self._told:
            count = counted(len(rest.busy), "run")
            self.progress.say(f"Another process trains {count} of these: waiting.")
            self._told = True
        if not rest.lost:
            time.sleep(_AGAIN)

    def _tasks(self, configs: Iterable[RunConfig], rest: _Rest) -> Iterator[Task]:
        """The trainings that are this process' to do now; `rest` takes the others."""
        for config in configs:
            if self._fresh:
                yield self._training(config)
            elif not self._claims.take(config.identity):
                rest.busy.append(config)
            elif run := self._come(config):
                self._claims.give_up(config.identity)
                rest.done.append((config, run))
            else:
                yield self._training(config)

    def _training(self, config: RunConfig) -> Task:
        """The training as a task, or what is left of it where its run was begun here."""
        if self._remote:
            return partial(_sent, config, self.metrics)
        return partial(_trained, config, self.metrics, self.folder, self.begun(config))

    def _come(self, config: RunConfig) -> Run | None:
        """The run of this configuration that another process may have finished meanwhile."""
        if not (self._looked and self._claims.alone()):
            self._earlier.look()
            self._looked = True
        return self.finished(config)

    def _may_pass(self, outcome: object) -> bool:
        """Whether what a training failed of may have passed; Ray has tried it again already."""
        return isinstance(outcome, ProcessLost | OSError) and not self._remote

    def _ended(self, config: RunConfig, outcome: Any) -> Run | Exception:
        """A training is over: others may know. What came of it."""
        try:
            outcome = self._recorded(config, outcome)
        except OSError as error:  # a disk that is full, say
            outcome = error
        if isinstance(outcome, Run):
            self._new.add(outcome.folder)
            if not self._fresh:
                self._earlier.add(config, outcome)
        self._claims.give_up(config.identity)
        self.progress.ended(config, outcome)
        return outcome

    def _recorded(self, config: RunConfig, outcome: Any) -> Run | Exception:
        """What came of a training; what its process could not write here is written."""
        if isinstance(outcome, Parcel):
            return parcel.unpack(outcome, self.folder, config)
        if isinstance(outcome, ProcessLost):
            failures.record(self._lost(config), outcome, outcome.log)
        return outcome

    def _lost(self, config: RunConfig) -> Run:
        """The run of a training whose process was lost."""
        self._earlier.look()
        run = self._earlier.unfinished(config)
        if run is None:
            run = runs.create(self.folder, config)
            records.write_json(run.folder / "config.json", config.to_dict())
        return run

    def _perform(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, object]]:
        """Do the tasks here or elsewhere; each as it ends, with its result or its error."""
        if self._crew:
            yield from self._crew.run(tasks, self.progress)
            return
        for task in tasks:
            try:
                outcome = task(raw=self.raw, progress=self.progress)
            except Exception as error:
                if interrupts.seen():
                    raise KeyboardInterrupt from error
                outcome = error
            yield task, outcome


def _result(outcome: Any) -> Any:
    """What came of a task, unless it failed."""
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def _costed(config: RunConfig, raw: data.Raw, progress: Progress) -> Cost:
    """A task: the cost of the model."""
    import keras

    from lstm_zoo import assembly, cost
    from lstm_zoo.layers import core

    try:
        model = assembly.build(config, sources.prepare(config, raw))
        kinds = core.fast_kinds(model, config.train["core"])
        return Cost(model.count_params(), cost.multiply_adds(model), kinds)
    finally:
        keras.utils.clear_session()


def _matched(
    configs: list[RunConfig], size: str, zoo: Zoo, raw: data.Raw, progress: Progress
) -> tuple[list[RunConfig], list[str]]:
    """A task: the models brought to a size."""
    from lstm_zoo import matching

    dataset = sources.prepare(configs[0], raw)
    return matching.match(configs, matching.parse(size, zoo), dataset, zoo)


def _estimated(config: RunConfig, raw: data.Raw, progress: Progress) -> float:
    """A task: the seconds of one training."""
    from lstm_zoo import rehearsal

    return rehearsal.seconds(config, raw)


def _trained(
    config: RunConfig,
    metrics: Sequence[Metric],
    folder: Path,
    begun: Run | None,
    raw: data.Raw,
    progress: Progress,
) -> Run:
    """A task: one training, or what is left of it."""
    import keras

    from lstm_zoo import training

    try:
        if begun:
            with suppress(RunError):  # where it can't go on, it is trained anew
                return training.train(config, raw, folder, progress, begun, metrics)
        return training.train(config, raw, folder, progress, metrics=metrics)
    finally:
        keras.utils.clear_session()


def _sent(
    config: RunConfig, metrics: Sequence[Metric], raw: data.Raw, progress: Progress
) -> Parcel:
    """A task: one training where the runs folder is not, and all that it left."""
    with scratch.folder() as folder:
        outcome = telling.outcome(partial(_trained, config, metrics, folder, None), raw, progress)
        return parcel.pack(folder, outcome if isinstance(outcome, Exception) else None)
