"""Many trials: every model from every seed, one after the other or several at a time.

The numbers are the same either way, whatever ends first.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from lstm_zoo import advice, looks, scoring, sources, timing, tuning, verdicts
from lstm_zoo.catalog import Zoo
from lstm_zoo.config import RunConfig
from lstm_zoo.data import Dataset
from lstm_zoo.errors import (
    DataError,
    Diverged,
    MissingExtra,
    RunError,
    TrainingError,
    UsageError,
    ZooError,
    counted,
    reason,
    why,
)
from lstm_zoo.metrics import METRICS
from lstm_zoo.runs import Run
from lstm_zoo.scoring import Scorer
from lstm_zoo.tasks import task_of
from lstm_zoo.trainer import Cost, Trainer


@dataclass(frozen=True)
class Comparison:
    """What is compared, and what is asked of it.

    Args:
        configs: a model each, all on the same data.
        seeds: the seeds of each.
        against: the variant that every other one is set against; None sets each pair.
        margin: the difference that does not matter, in the metric's unit.
        end: the time, by `time.monotonic()`, after which no seed is begun; None sets no end.
        match: the size that the models were brought to, as it was asked for.
        tune_lr: the learning rates that were tried for each.
        notes: what is to be known of how the models came about.
    """

    configs: list[RunConfig]
    seeds: list[int]
    against: str | None = None
    margin: float | None = None
    end: float | None = None
    match: str | None = None
    tune_lr: int | None = None
    notes: tuple[str, ...] = ()


def fair(
    configs: list[RunConfig],
    zoo: Zoo,
    trainer: Trainer,
    *,
    match: str | None,
    tune_lr: int | None,
    end: float | None,
) -> tuple[list[RunConfig], tuple[str, ...]]:
    """The models brought to one size, and each to its best learning rate, and what came of it.

    Args:
        configs: the models as they are configured.
        zoo: where `match` finds its model.
        trainer: trains at every rate.
        match: `params=…` or `macs=…`; None leaves the sizes.
        tune_lr: the learning rates to try for each; None leaves them.
        end: the time, by `time.monotonic()`, by which the search must be through.

    Raises:
        ZooError: a size can't be met, or the time is too short for the search.
    """
    configs, notes = [replace(config, data_sha256=trainer.digest) for config in configs], []
    if match:
        configs, notes = trainer.matched(configs, match, zoo)
        for note in notes:
            trainer.progress.say(note)
    if not tune_lr:
        return configs, tuple(notes)
    searched = [one for config in configs for one in tuning.searched(config, tune_lr)]
    _announce_search(configs, tune_lr, trainer, end)
    runs = _search(searched, trainer)
    tuned = [_tuned(config, tune_lr, runs) for config in configs]
    return [config for config, _ in tuned], (*notes, *(note for _, note in tuned))


def _announce_search(
    configs: list[RunConfig], count: int, trainer: Trainer, end: float | None
) -> None:
    """How much the search for learning rates has to train, and how long that will take."""
    time_told = ""
    if trainer.jobs == 1 or end is not None:
        every = [seconds for seconds in trainer.seconds(configs) for _ in range(count)]
        needed = timing.together(every, trainer.jobs)
        _check_time(needed, end, "The search for learning rates")
        time_told = f": {timing.words(needed)}, less what is finished already"
    trainer.progress.expect(len(configs) * count)
    trainer.progress.say(f"Choosing among {count} learning rates for each model{time_told}.")


def _search(searched: list[RunConfig], trainer: Trainer) -> dict[str, Run | Exception]:
    """What became of each training of the search, by its configuration's identity."""
    outcomes = {config.identity: trainer.finished(config) for config in searched}
    missing = {one.identity: one for one in searched if not outcomes[one.identity]}
    for config, outcome in trainer.train_all(missing.values()):
        if isinstance(outcome, Exception) and not isinstance(outcome, TrainingError):
            raise outcome
        outcomes[config.identity] = outcome
    return outcomes


def _tuned(
    config: RunConfig, count: int, outcomes: dict[str, Run | Exception]
) -> tuple[RunConfig, str]:
    """The model at its best learning rate, and what came of the search."""

    def run(searched: RunConfig) -> Run:
        outcome = outcomes[searched.identity]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    try:
        choice = tuning.tune(config, count, run)
    except TrainingError as error:
        return config, str(error)
    return choice.config, choice.sentence


def _left(end: float | None) -> float:
    """The seconds until `end`."""
    return math.inf if end is None else end - time.monotonic()


def _check_time(needed: float, end: float | None, what: str) -> None:
    left = _left(end)
    if needed > left:
        raise ZooError(
            f"{what} takes {timing.words(needed)}, and the time budget leaves "
            f"{timing.words(max(0, left)).removeprefix('about ')}: give more time, fewer models or "
            "fewer epochs."
        )


def compare(asked: Comparison, trainer: Trainer) -> dict:
    """Train each configuration from each seed: results.json.

    A training that fails is recorded with its reason and stops no other.

    Raises:
        ZooError: a configuration can't be meant or does not fit the data, or the time budget is
            too short for one seed; nothing is trained then.
    """
    configs = [replace(config, data_sha256=trainer.digest) for config in asked.configs]
    asked = replace(asked, configs=configs)
    costs = trainer.costs(configs)
    drafts = [_Draft(*each) for each in zip(configs, costs, strict=True)]
    _advise(drafts, asked, trainer)
    _time(drafts, asked, trainer)
    looks.check(trainer.folder)
    floors, notes = _run(drafts, asked, trainer)
    return _results(drafts, floors, replace(asked, notes=(*asked.notes, *notes)), trainer)


@dataclass
class _Draft:
    """A model of the comparison while it is trained."""

    config: RunConfig
    cost: Cost
    seconds: float = 0.0
    trials: list[dict] = field(default_factory=list)

    @property
    def work(self) -> tuple[float, int]:
        """How much a training is, beside those of the other models."""
        return self.seconds, self.cost.multiply_adds or self.cost.parameters


def _advise(drafts: list[_Draft], asked: Comparison, trainer: Trainer) -> None:
    """Say where another backend would train faster what is to be trained."""
    new = {config.variant for config, _ in _missing(drafts, asked.seeds, trainer)}
    kinds = {kind for draft in drafts if draft.config.variant in new for kind in draft.cost.kinds}
    if sentence := advice.faster_backend(drafts[0].config.backend, kinds):
        trainer.progress.say(sentence)


def _time(drafts: list[_Draft], asked: Comparison, trainer: Trainer) -> None:
    """How long each model will take.

    Without an end that depends on it, several processes have better to do than to measure, and a
    single training shows soon enough how long it takes.
    """
    new = [config.with_seed(0).identity for config, _ in _missing(drafts, asked.seeds, trainer)]
    if asked.end is None and (trainer.jobs > 1 or len(new) == 1):
        return
    timed = [draft for draft in drafts if draft.config.with_seed(0).identity in new]
    for draft, seconds in zip(timed, trainer.seconds([d.config for d in timed]), strict=True):
        draft.seconds = seconds


def _run(
    drafts: list[_Draft], asked: Comparison, trainer: Trainer
) -> tuple[list[dict[str, dict]], list[str]]:
    """Every trial.

    Returns:
        The trivial answers' scores by seed, and what is to be said of seeds left out for time.
    """
    _announce(drafts, asked, trainer)
    agenda = _Agenda(drafts, asked, trainer)
    for config, outcome in trainer.train_all(agenda.trainings()):
        agenda.ended(config, outcome)
    floors = [_floors(asked.configs[0].with_seed(seed), trainer) for seed in agenda.seeds]
    for seed, scores in zip(agenda.seeds, floors, strict=True):
        for draft in drafts:
            config, floor = draft.config.with_seed(seed), _main(next(iter(scores.values())))
            draft.trials.append(_trial(config, floor, agenda.outcome(config), trainer))
    done, count = len(agenda.seeds), len(asked.seeds)
    note = f"The time budget ended after {done} of {count} seeds."
    return floors, [note] if done < count else []


class _Agenda:
    """The trainings of a comparison: in which order they begin, and how they ended.

    `seeds` are those begun: a seed is begun for every model or for none.
    """

    def __init__(self, drafts: list[_Draft], asked: Comparison, trainer: Trainer):
        self._drafts, self._asked, self._trainer = drafts, asked, trainer
        self._begun: dict[str, tuple[_Draft, float]] = {}
        self._outcomes: dict[str, Run | Exception] = {}
        self.seeds: list[int] = []

    def trainings(self) -> Iterator[RunConfig]:
        """Each when it is to begin: the longest first, which keeps no process to the end alone."""
        for seeds in self._groups():
            new = _missing(self._drafts, seeds, self._trainer)
            if self._trainer.jobs > 1:
                new.sort(key=lambda one: one[1].work, reverse=True)
            if not self._in_time([draft.seconds for _, draft in new]):
                return
            self.seeds += seeds
            for config, draft in new:
                self._begun[config.identity] = draft, time.monotonic()
                yield config

    def _groups(self) -> list[list[int]]:
        """Seeds that are begun together."""
        if self._trainer.jobs > 1 and self._asked.end is None:
            return [self._asked.seeds]
        return [[seed] for seed in self._asked.seeds]

    def _in_time(self, trainings: list[float]) -> bool:
        """Whether a seed would end in time; the first one has to."""
        now = time.monotonic()
        under_way = [max(0, start + draft.seconds - now) for draft, start in self._begun.values()]
        needed = timing.together(trainings, self._trainer.jobs, under_way)
        if not self.seeds:
            _check_time(needed, self._asked.end, "One seed of every model")
        return needed <= _left(self._asked.end)

    def ended(self, config: RunConfig, outcome: Run | Exception) -> None:
        """A training has ended.

        Raises:
            UsageError: the configuration can't be meant.
            DataError: it does not fit the data.
        """
        draft, start = self._begun.pop(config.identity)
        draft.seconds = time.monotonic() - start
        self._outcomes[config.identity] = outcome
        if isinstance(outcome, UsageError | DataError):
            raise outcome
        if isinstance(outcome, Exception):
            told = f"{config.variant}, seed {config.seed}, failed: {why(outcome)}"
            self._trainer.progress.say(told)

    def outcome(self, config: RunConfig) -> Run | Exception:
        """What a training came to, or the run that made it needless."""
        return self._outcomes.get(config.identity) or self._trainer.finished(config)


def _announce(drafts: list[_Draft], asked: Comparison, trainer: Trainer) -> None:
    """How much there is to train, and how long that will take, where it was measured."""
    new = _missing(drafts, asked.seeds, trainer)
    different = {draft.config.identity for draft in drafts}
    reused = len(different) * len(asked.seeds) - len(new)
    trainer.progress.expect(len(new))
    if new:
        jobs = min(trainer.jobs, len(new))
        at_a_time = f", {jobs} at a time" if jobs > 1 else ""
        needed = ""
        if any(draft.seconds for _, draft in new):
            every = timing.together([draft.seconds for _, draft in new], trainer.jobs)
            early = ", less where it stops early" if drafts[0].config.train["patience"] else ""
            needed = f": {timing.words(every)}{early}"
        trainer.progress.say(f"{counted(len(new), 'training')}{at_a_time}{needed}.")
    if reused:
        trainer.progress.say(
            f"{counted(reused, 'finished run')} of the same configuration, data and versions "
            f"{'is' if reused == 1 else 'are'} reused; --fresh trains anyway."
        )


def _missing(
    drafts: list[_Draft], seeds: list[int], trainer: Trainer
) -> list[tuple[RunConfig, _Draft]]:
    """The trainings still to be done, each of a model's; two names of one model are one."""
    new: dict[str, tuple[RunConfig, _Draft]] = {}
    for seed in seeds:
        for draft in drafts:
            config = draft.config.with_seed(seed)
            if not trainer.finished(config):
                new.setdefault(config.identity, (config, draft))
    return list(new.values())


def _floors(config: RunConfig, trainer: Trainer) -> dict[str, dict]:
    """The trivial answers' scores; a drawn training part makes them differ by seed."""
    task = task_of(sources.prepare(config, trainer.raw))
    return Scorer(task, trainer.metrics).floors(task.floors())


def _main(scores: dict[str, float]) -> float:
    """The main metric's score, which comes first."""
    return next(iter(scores.values()))


_SPEED = ("train_seconds", "examples_per_second", "kernel")


def _trial(config: RunConfig, floor: float, outcome: Run | Exception, trainer: Trainer) -> dict:
    """One run as results.json has it."""
    names = ("score", "metrics", "learned", "learned_p_value", "lag", "epochs", "best_epoch")
    trial = {"seed": config.seed, "status": "failed", "floor": floor}
    trial |= dict.fromkeys((*names, *_SPEED, "run", "error"))
    trial |= {"diverged": False, "reused": False, "notes": []}
    if isinstance(outcome, Diverged):
        return trial | {"score": floor, "diverged": True, "error": str(outcome)}
    if isinstance(outcome, Exception):
        return trial | {"error": why(outcome)}
    try:
        record = outcome.metrics
        scores, faults = scoring.of_run(outcome, record, trainer.metrics)
    except (RunError, OSError, ValueError) as error:  # somebody has removed it meanwhile
        return trial | {"error": why(error)}
    same = ("learned", "learned_p_value", "lag", "epochs", "best_epoch", "train_seconds")
    return (
        trial
        | {name: record[name] for name in same}
        | {
            "examples_per_second": record["examples_per_second"],
            "kernel": record["kernel"]["words"],
        }
        | {name: record[name] for name in ("folds", "intervals") if record.get(name)}
        | {
            "status": "ok",
            "score": record["test"][record["metric"]["name"]],
            "metrics": scores,
            "notes": [*record["notes"], *faults],
            "run": str(outcome.folder),
            "reused": not trainer.is_new(outcome),
        }
    )


def _results(
    drafts: list[_Draft], floors: list[dict[str, dict]], asked: Comparison, trainer: Trainer
) -> dict:
    """What results.json says of the trials, and the look at them recorded."""
    config = asked.configs[0]
    dataset = sources.prepare(config, trainer.raw)
    task = task_of(dataset)
    terms = verdicts.Terms(
        task=task.name,
        metric=task.metric,
        better=METRICS[task.metric].better,
        examples=len(dataset.test),
        against=asked.against,
        margin=asked.margin,
    )
    seeds = asked.seeds[: len(drafts[0].trials)]
    models = _models(drafts, terms)
    variants = [config.variant for config in asked.configs]
    pairs = verdicts.chosen(asked.configs, asked.against, variants)
    classical, notes = _classical(models, dataset)
    lines, counts = looks.take(trainer.folder, pairs, seeds)
    results = {
        "schema": 1,
        "dataset": _of_data(config, dataset),
        "task": task.name,
        "metric": {"name": task.metric, "better": terms.better},
        **_floor(floors),
        "environment": trainer.environment(config),
        "threads": config.threads,
        "devices": config.devices,
        "seeds": seeds,
        "against": asked.against,
        "margin": asked.margin,
        "match": asked.match,
        "tune_lr": asked.tune_lr,
        "notes": [*asked.notes, *notes],
        "models": models,
        "pairs": verdicts.pairs(models, terms, counts),
        **classical,
    }
    try:
        looks.record(trainer.folder, lines)
    except OSError as error:
        trainer.progress.say(f"This look at the results can't be recorded: {reason(error)}")
    return results


def _of_data(config: RunConfig, dataset: Dataset) -> dict:
    """What was trained on."""
    return {
        "name": config.dataset,
        "sha256": config.data_sha256,
        "params": config.data,
        "examples": {name: len(part) for name, part in dataset.parts.items()},
    }


def _models(drafts: list[_Draft], terms: verdicts.Terms) -> list[dict]:
    """The models, each with what tells whether it beats the floor."""
    models = [_model(draft, terms) for draft in drafts]
    tests = verdicts.floor_tests(models)
    return [model | {"floor_test": test} for model, test in zip(models, tests, strict=True)]


def _classical(models: list[dict], dataset: Dataset) -> tuple[dict, list[str]]:
    """What an automatic classical model does in the same backtest, or why there is none."""
    if not dataset.folds:
        return {}, []
    try:
        from lstm_zoo import classical
    except MissingExtra as error:
        return {}, [str(error)]
    try:
        return {"classical": classical.beside(models, dataset)}, []
    except Exception as error:  # of another package, at the end of hours of training
        return {}, [f"{classical.NAME} failed, and does not stand beside: {reason(error)}"]


def _floor(by_seed: list[dict[str, dict]]) -> dict:
    """The trivial answers' scores over the seeds: the floor, and all of them."""
    values = {name: [_main(floors[name]) for floors in by_seed] for name in by_seed[0]}
    means = {name: float(np.mean(scores)) for name, scores in values.items()}
    name, scores = next(iter(values.items()))
    floor = {"name": name, "value": means[name], "low": min(scores), "high": max(scores)}
    return {
        "floor": floor | {"scores": by_seed[0][name]},
        "floors": means,
        "floor_scores": by_seed[0],
    }


def _model(draft: _Draft, terms: verdicts.Terms) -> dict:
    """A model's trials and their summary."""
    return {
        "name": draft.config.variant,
        "params": draft.config.params,
        "train": draft.config.train,
        "parameters": draft.cost.parameters,
        "multiply_adds": draft.cost.multiply_adds,
        "trials": draft.trials,
        **verdicts.summary(draft.trials, terms),
    }
