"""A search for good parameters: trials of one model, chosen among by their validation loss alone.

Every training is an ordinary run in the runs folder, from a seed of the search's own; the winner is
then trained from the seeds that it is scored over, and there alone is the test part told of.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lstm_zoo import data, recipe, trials
from lstm_zoo.catalog import Zoo
from lstm_zoo.config import RunConfig, train_params
from lstm_zoo.errors import Pruned, RunError, TrainingError, UsageError, counted
from lstm_zoo.runs import Run, read_history
from lstm_zoo.space import Space
from lstm_zoo.study import Study, Trial
from lstm_zoo.trainer import Trainer
from lstm_zoo.tuning import TUNING_SEED, least_validation_loss, of_search

if TYPE_CHECKING:
    from lstm_zoo.telling import Progress


@dataclass(frozen=True)
class Asked:
    """One search.

    Args:
        config: the model as it is configured: what is not searched is as it says.
        space: what is searched.
        trials: how many, with those of the study that have ended.
    """

    config: RunConfig
    space: Space
    trials: int

    @property
    def terms(self) -> dict:
        """What determines the search, but for how many trials it has."""
        values = json.loads(self.config.identity)
        for name in self.space:
            del values["params" if name in values["params"] else "train"][name]
        return values | {"space": {name: choice.to_dict() for name, choice in self.space.items()}}

    @property
    def file(self) -> str:
        """A name for its study, which no other search has."""
        digest = hashlib.sha256(json.dumps(self.terms, sort_keys=True).encode()).hexdigest()
        return f"tune-{self.config.model}-{self.config.dataset}-{digest[:8]}.jsonl"

    def on(self, raw: data.Raw) -> Asked:
        """The same on these data."""
        return replace(self, config=replace(self.config, data_sha256=data.digest(raw)))

    @property
    def warm_up(self) -> int:
        """The epochs that every trial may train for: a third of them."""
        return max(1, self.config.train["epochs"] // 3)

    def config_of(self, values: dict, zoo: Zoo) -> RunConfig:
        """The model with these values of the space.

        Raises:
            UsageError: they do not go together.
        """
        params, train = dict(self.config.params), dict(self.config.train)
        for name, value in values.items():
            (params if name in params else train)[name] = value
        train = train_params(zoo.find(self.config.dataset, "dataset"), train)
        return replace(self.config, params=params, train=train)


class Watched:
    """A progress that asks of every epoch of a trial whether others do better by far.

    Args:
        progress: who is told, and says what else there is to say.
        trials: those under way, by the variant that is trained.
    """

    def __init__(self, progress: Progress, trials: dict[str, Trial]):
        self._progress, self._trials = progress, trials
        self._trial: Trial | None = None

    def __getattr__(self, name: str) -> object:
        return getattr(self._progress, name)

    def beside(self) -> Watched:
        """Another one, for a training that goes on at the same time."""
        return Watched(self._progress.beside(), self._trials)

    def begin(self, config: RunConfig, batches: int, done: int = 0) -> None:
        """A training starts, of a trial or of no one."""
        self._trial = self._trials.get(config.variant)
        self._progress.begin(config, batches, done)

    def epoch(self, row: dict) -> bool:
        """An epoch is done."""
        self._progress.epoch(row)
        return self._trial is not None and self._trial.hopeless([row])


class Search:
    """The trials of a study, as they are trained.

    Args:
        asked: what is searched.
        study: where its trials are.
        zoo: where the dataset is found.
        progress: who wants to know how it goes on.
    """

    def __init__(self, asked: Asked, study: Study, zoo: Zoo, progress: Progress):
        self._asked, self._study, self._zoo = asked, study, zoo
        self._under_way: dict[str, Trial] = {}
        self.progress = Watched(progress, self._under_way)

    def run(self, trainer: Trainer) -> None:
        """Train what the study lacks.

        Args:
            trainer: tells `progress` how its trainings go on.

        Raises:
            ZooError: the model does not fit the data.
            TrainingError: no trial has finished.
        """
        trainer.costs([self._asked.config])  # which builds it
        self._announce(trainer)
        for config, outcome in trainer.train_all(self._trainings(trainer)):
            self._ended(self._under_way.pop(config.variant), outcome)
        told = self._study.trials
        if not any(trial["state"] == "finished" for trial in told):
            why = next((trial["error"] for trial in told if trial["error"]), "all were stopped.")
            raise TrainingError(f"None of {counted(len(told), 'trial')} has finished: {why}")

    def _announce(self, trainer: Trainer) -> None:
        """How much there is to train."""
        done = sum(trial["state"] != "running" for trial in self._study.trials)
        left = max(0, self._asked.trials - done)
        trainer.progress.expect(left)
        jobs = min(trainer.jobs, left)
        at_a_time = f", {jobs} at a time" if jobs > 1 else ""
        there = f", beside {done:,} in the study" if done else ""
        enough = "" if left else " A greater --trials goes on."
        self.progress.say(f"{counted(left, 'trial')} to train{at_a_time}{there}.{enough}")

    def _trainings(self, trainer: Trainer) -> Iterator[RunConfig]:
        """Each when there is a process for it; what is known already needs none."""
        while trial := self._study.next(self._asked.trials):
            try:
                config = self._asked.config_of(trial.values, self._zoo)
            except UsageError as error:
                self._ended(trial, error)
                continue
            name = f"{config.variant}, trial {trial.number}"
            config = of_search(config, name)
            if run := trainer.finished(config):
                self._ended(trial, run)
            elif (begun := trainer.begun(config)) and _hopeless(trial, begun):
                self._ended(trial, Pruned("Hopeless as far as it had come.", 0.0))
            else:
                self._under_way[name] = trial
                yield config

    def _ended(self, trial: Trial, outcome: Run | Exception) -> None:
        """A trial is over.

        Raises:
            Exception: it failed by what hinders every training.
        """
        name = f"Trial {trial.number}"
        match outcome:
            case Run():
                self._finished(trial, outcome)
            case Pruned():
                trial.prune(outcome.seconds)
                self.progress.say(f"{name} is stopped. {outcome}")
            case TrainingError() | UsageError():
                trial.fail(str(outcome))
                self.progress.say(f"{name} failed: {outcome}")
            case _:
                raise outcome

    def _finished(self, trial: Trial, run: Run) -> None:
        """A trial's training has come to its end."""
        try:
            loss = least_validation_loss(run)
        except TrainingError as error:
            self._ended(trial, error)
            return
        trial.hopeless(read_history(run))  # all of its epochs, whoever trained it
        trial.finish(loss, seconds=run.metrics["train_seconds"], run=str(run.folder))
        self.progress.say(f"Trial {trial.number}: validation loss {loss:.4g}.")


def _hopeless(trial: Trial, begun: Run) -> bool:
    """Whether an interrupted training is not worth going on with, as far as can be read."""
    with suppress(RunError, LookupError, TypeError):
        return trial.hopeless(read_history(begun))
    return False


def outcome(asked: Asked, study: Study, zoo: Zoo, seeds: int, trainer: Trainer) -> dict:
    """What came of a search: the winner, what it scores on the test part, and what it all cost.

    Args:
        asked: what was searched.
        study: where its trials are.
        zoo: where the winner's entries are found.
        seeds: how many the winner is scored over, from the configured one on.
        trainer: trains it.

    Raises:
        ZooError: the winner can't be trained.
    """
    told = study.trials
    finished = [trial for trial in told if trial["state"] == "finished"]
    best = min(finished, key=lambda trial: (trial["loss"], trial["number"]))
    winner = asked.config_of(best["values"], zoo)
    name = recipe.name_of(winner)
    of = f"the best of {counted(len(told), 'trial')} by its validation loss"
    summary = f"{winner.model} on {winner.dataset}, {of}"
    written = recipe.document(name, summary, winner, asked.space, seeds, zoo)
    scored = list(range(winner.seed, winner.seed + seeds))
    return {
        "schema": 1,
        "study": {
            "model": winner.variant,
            "dataset": winner.dataset,
            "data_sha256": winner.data_sha256,
            "space": asked.terms["space"],
            "seed": winner.seed,
            "training_seed": TUNING_SEED,
        },
        "trials": told,
        "winner": best | {"name": name, "zoo": written},
        "cost": _cost(told),
        "test": trials.compare(trials.Comparison([winner], scored), trainer),
    }


def _cost(told: list[dict]) -> dict:
    """How many trials of each kind, and the seconds of all their epochs; of a run of two, once."""
    trained = {trial["run"] or trial["number"]: trial["seconds"] or 0 for trial in told}
    states = Counter(trial["state"] for trial in told)
    return {
        "trials": len(told),
        **{state: states[state] for state in ("finished", "pruned", "failed")},
        "seconds": sum(trained.values()),
    }
