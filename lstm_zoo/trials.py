"""Many trials: every model from every seed, one seed of all models after the other."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import keras
import numpy as np

from lstm_zoo import (
    assembly,
    cost,
    data,
    evaluation,
    interrupts,
    looks,
    matching,
    provenance,
    sources,
    timing,
    training,
    tuning,
    verdicts,
)
from lstm_zoo.catalog import Zoo
from lstm_zoo.config import RunConfig
from lstm_zoo.errors import (
    DataError,
    Diverged,
    TrainingError,
    UsageError,
    ZooError,
    counted,
    reason,
)
from lstm_zoo.metrics import METRICS
from lstm_zoo.runs import Run
from lstm_zoo.tasks import task_of


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


class Trainer:
    """Trains in a runs folder; a run that is finished there is taken, unless all is to be fresh."""

    def __init__(
        self, raw: data.Raw, folder: Path, progress: training.Progress, fresh: bool = False
    ):
        self.raw, self.folder, self.progress = raw, folder, progress
        self.digest = data.digest(raw)
        self.started = provenance.now()
        self._finished = provenance.Finished(folder)
        self._fresh = fresh
        self._new: set[Path] = set()

    def finished(self, config: RunConfig) -> Run | None:
        """The run of this configuration that needs no training."""
        return None if self._fresh else self._finished.find(config)

    def seconds(self, config: RunConfig, model: keras.Model | None = None) -> float:
        """How long a training takes, by a run from any seed, or by a few batches; 0 if it fails.

        `model` is the configuration's, where it is built already; it is of no more use then.
        """
        if like := self._finished.like(config):
            return timing.of_run(like)
        dataset = sources.prepare(config, self.raw)
        try:
            model = model or assembly.build(config, dataset)
            return timing.measured(model, config, dataset)
        except Exception as error:  # the training itself will tell
            if interrupts.seen():
                raise KeyboardInterrupt from error
            return 0.0
        finally:
            keras.utils.clear_session()

    def is_new(self, run: Run) -> bool:
        """Whether this trainer trained it."""
        return run.folder in self._new

    def train(self, config: RunConfig) -> Run:
        """The run of this configuration, trained if need be."""
        done = self.finished(config)
        if done:
            return done
        try:
            run = training.train(config, self.raw, self.folder, self.progress)
        finally:
            keras.utils.clear_session()
        self._new.add(run.folder)
        if not self._fresh:
            self._finished.add(config, run)
        return run


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
        dataset = sources.prepare(configs[0], trainer.raw)
        configs, notes = matching.match(configs, matching.parse(match, zoo), dataset, zoo)
        for note in notes:
            trainer.progress.say(note)
    if not tune_lr:
        return configs, tuple(notes)
    _announce_search(configs, tune_lr, trainer, end)
    tuned = [_tuned(config, tune_lr, trainer) for config in configs]
    return [config for config, _ in tuned], (*notes, *(note for _, note in tuned))


def _announce_search(
    configs: list[RunConfig], count: int, trainer: Trainer, end: float | None
) -> None:
    """How long the search for learning rates will take."""
    needed = count * sum(trainer.seconds(config) for config in configs)
    _check_time(needed, end, "The search for learning rates")
    trainer.progress.expect(len(configs) * count)
    trainer.progress.say(
        f"Choosing among {count} learning rates for each model: {timing.words(needed)}, less what "
        "is finished already."
    )


def _tuned(config: RunConfig, count: int, trainer: Trainer) -> tuple[RunConfig, str]:
    """The model at its best learning rate, and what came of the search."""
    try:
        choice = tuning.tune(config, count, trainer.train)
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
    drafts = [_draft(config, asked.seeds, trainer) for config in asked.configs]
    looks.check(trainer.folder)
    floors, notes = _run(drafts, asked, trainer)
    return _results(drafts, floors, replace(asked, notes=(*asked.notes, *notes)), trainer)


@dataclass
class _Draft:
    """A model of the comparison while it is trained."""

    config: RunConfig
    parameters: int
    multiply_adds: int | None
    seconds: float = 0.0
    trials: list[dict] = field(default_factory=list)


def _draft(config: RunConfig, seeds: list[int], trainer: Trainer) -> _Draft:
    """The model built once, to see that it fits, what it costs, and how long it will take."""
    dataset = sources.prepare(config, trainer.raw)
    model = assembly.build(config, dataset)
    draft = _Draft(config, model.count_params(), cost.multiply_adds(model))
    if not all(trainer.finished(config.with_seed(seed)) for seed in seeds):
        draft.seconds = trainer.seconds(config, model)
    keras.utils.clear_session()
    return draft


def _run(
    drafts: list[_Draft], asked: Comparison, trainer: Trainer
) -> tuple[list[dict[str, dict]], list[str]]:
    """Every trial, seed by seed.

    Returns:
        The trivial answers' scores by seed, and what is to be said of seeds left out for time.
    """
    floors: list[dict[str, dict]] = []
    _announce(drafts, asked, trainer)
    for place, seed in enumerate(asked.seeds):
        needed = sum(_missing(drafts, [seed], trainer).values())
        if not place:
            _check_time(needed, asked.end, "One seed of every model")
        elif needed > _left(asked.end):
            return floors, [f"The time budget ended after {place} of {len(asked.seeds)} seeds."]
        floors.append(_floors(asked.configs[0].with_seed(seed), trainer))
        floor = _main(next(iter(floors[-1].values())))
        for draft in drafts:
            began = time.monotonic()
            trial = _trial(draft.config.with_seed(seed), floor, trainer)
            draft.trials.append(trial)
            if not trial["reused"]:
                draft.seconds = time.monotonic() - began
    return floors, []


def _announce(drafts: list[_Draft], asked: Comparison, trainer: Trainer) -> None:
    """How much there is to train, and how long that will take."""
    new = _missing(drafts, asked.seeds, trainer)
    different = {draft.config.identity for draft in drafts}
    reused = len(different) * len(asked.seeds) - len(new)
    trainer.progress.expect(len(new))
    if new:
        early = ", less where it stops early" if drafts[0].config.train["patience"] else ""
        trainer.progress.say(
            f"{counted(len(new), 'training')}: {timing.words(sum(new.values()))}{early}."
        )
    if reused:
        trainer.progress.say(
            f"{counted(reused, 'finished run')} of the same configuration, data and versions "
            f"{'is' if reused == 1 else 'are'} reused; --fresh trains anyway."
        )


def _missing(drafts: list[_Draft], seeds: list[int], trainer: Trainer) -> dict[str, float]:
    """The seconds of each training that is still to be done; two names of one model are one."""
    every = [(draft, draft.config.with_seed(seed)) for seed in seeds for draft in drafts]
    return {
        config.identity: draft.seconds for draft, config in every if not trainer.finished(config)
    }


def _floors(config: RunConfig, trainer: Trainer) -> dict[str, dict]:
    """The trivial answers' scores; a drawn training part makes them differ by seed."""
    task = task_of(sources.prepare(config, trainer.raw))
    return evaluation.floor_scores(task, task.floors())


def _main(scores: dict[str, float]) -> float:
    """The main metric's score, which comes first."""
    return next(iter(scores.values()))


def _trial(config: RunConfig, floor: float, trainer: Trainer) -> dict:
    """One run as results.json has it."""
    names = ("score", "metrics", "learned", "learned_p_value", "lag", "epochs", "best_epoch")
    trial = {"seed": config.seed, "status": "failed", "floor": floor}
    trial |= dict.fromkeys((*names, "train_seconds", "run", "error"))
    trial |= {"diverged": False, "reused": False, "notes": []}
    try:
        record = (run := trainer.train(config)).metrics
    except (UsageError, DataError):
        raise
    except Diverged as error:
        _say_failed(config, str(error), trainer)
        return trial | {"score": floor, "diverged": True, "error": str(error)}
    except Exception as error:
        if interrupts.seen():
            raise KeyboardInterrupt from error
        why = str(error) if isinstance(error, ZooError) else reason(error)
        _say_failed(config, why, trainer)
        return trial | {"error": why}
    same = ("learned", "learned_p_value", "lag", "epochs", "best_epoch", "train_seconds", "notes")
    return (
        trial
        | {name: record[name] for name in same}
        | {
            "status": "ok",
            "score": record["test"][record["metric"]["name"]],
            "metrics": record["test"],
            "run": str(run.folder),
            "reused": not trainer.is_new(run),
        }
    )


def _say_failed(config: RunConfig, why: str, trainer: Trainer) -> None:
    trainer.progress.say(f"{config.variant}, seed {config.seed}, failed: {why}")


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
    models = [_model(draft, terms) for draft in drafts]
    for model, test in zip(models, verdicts.floor_tests(models), strict=True):
        model["floor_test"] = test
    variants = [config.variant for config in asked.configs]
    pairs = verdicts.chosen(asked.configs, asked.against, variants)
    lines, counts = looks.take(trainer.folder, pairs, seeds)
    results = {
        "schema": 1,
        "dataset": {
            "name": config.dataset,
            "sha256": config.data_sha256,
            "params": config.data,
            "examples": {name: len(part) for name, part in dataset.parts.items()},
        },
        "task": task.name,
        "metric": {"name": task.metric, "better": terms.better},
        **_floor(floors),
        "environment": provenance.environment(config) | {"started": trainer.started},
        "threads": config.threads,
        "seeds": seeds,
        "against": asked.against,
        "margin": asked.margin,
        "match": asked.match,
        "tune_lr": asked.tune_lr,
        "notes": list(asked.notes),
        "models": models,
        "pairs": verdicts.pairs(models, terms, counts),
    }
    looks.record(trainer.folder, lines)
    return results


def _floor(by_seed: list[dict[str, dict]]) -> dict:
    """The trivial answers' scores over the seeds: the floor, and all of them."""
    values = {name: [_main(floors[name]) for floors in by_seed] for name in by_seed[0]}
    means = {name: float(np.mean(scores)) for name, scores in values.items()}
    name, scores = next(iter(values.items()))
    floor = {"name": name, "value": means[name], "low": min(scores), "high": max(scores)}
    return {"floor": floor | {"scores": by_seed[0][name]}, "floors": means}


def _model(draft: _Draft, terms: verdicts.Terms) -> dict:
    """A model's trials and their summary."""
    return {
        "name": draft.config.variant,
        "params": draft.config.params,
        "train": draft.config.train,
        "parameters": draft.parameters,
        "multiply_adds": draft.multiply_adds,
        "trials": draft.trials,
        **verdicts.summary(draft.trials, terms),
    }
