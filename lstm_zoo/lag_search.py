"""The trainings behind a longest lag: at each lag, every seed at one learning rate after another.

A seed has solved a lag if its best rate, chosen on the validation part, is good enough on the test
part, which is drawn from a stream of its own. A rate that solves the validation part ends the seed.
Every training is an ordinary run in the runs folder, so that a search that was interrupted goes on
where it was.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lstm_zoo import backend, lengths, longest, matching, provenance, sources, timing
from lstm_zoo.catalog import Zoo
from lstm_zoo.config import RunConfig
from lstm_zoo.errors import TrainingError, counted
from lstm_zoo.longest import Rule
from lstm_zoo.reporting import lags
from lstm_zoo.telling import Progress
from lstm_zoo.trainer import Trainer


@dataclass(frozen=True)
class Asked:
    """One search, the same for every model.

    Args:
        rule: the task's.
        rates: the learning rates that each seed may be trained at.
        seeds: those of each lag; most of them have to solve it.
        most: the longest lag that is tried.
        folder: the runs folder.
        fresh: whether to train what is finished there too.
    """

    rule: Rule
    rates: Sequence[float]
    seeds: Sequence[int]
    most: int
    folder: Path
    fresh: bool = False


def matched(
    configs: list[RunConfig], match: str | None, zoo: Zoo, progress: Progress
) -> list[RunConfig]:
    """The models brought to one size, where that is asked for."""
    if not match:
        return configs
    small = _small(configs[0])
    dataset = sources.prepare(small, sources.read(small))
    configs, notes = matching.match(configs, matching.parse(match, zoo), dataset, zoo)
    for note in notes:
        progress.say(note)
    return configs


_OWN = ("learning_rate", "target_loss")  # of each training or length


def measure(configs: list[RunConfig], asked: Asked, progress: Progress) -> dict:
    """The longest lag of each model, as `longest-lag --json` prints it.

    Raises:
        UsageError: a model can't be built at a lag, or is another one at each.
    """
    begun = provenance.environment(configs[0], backend.devices())
    small = [lengths.at(_small(config), longest.FIRST) for config in configs]
    lengths.check(small, [2 * longest.FIRST, asked.most])
    found = [_Search(config, asked, progress).run() for config in configs]
    first = configs[0]
    updates = math.ceil(first.data["train"] / first.train["batch_size"]) * first.train["epochs"]
    return {
        "schema": 1,
        "task": first.dataset,
        "metric": asked.rule.metric,
        "limit": asked.rule.limit,
        "solved": asked.rule.words,
        "budget": {
            "updates": updates,
            "learning_rates": list(asked.rates),
            "seeds": list(asked.seeds),
            "longest_tried": asked.most,
            "train": {k: v for k, v in first.train.items() if k not in _OWN},
            "data": {k: v for k, v in first.data.items() if k != "steps"},
        },
        "environment": begun,
        "threads": first.threads,
        "devices": first.devices,
        "longest_lags": found,
    }


def _small(config: RunConfig) -> RunConfig:
    """The same model for next to no data."""
    return replace(config, data=config.data | dict.fromkeys(("train", "validation", "test"), 1))


def _at(config: RunConfig, steps: int, rule: Rule) -> RunConfig:
    """The model's configuration at a lag of so many steps."""
    config = lengths.at(config, steps)
    target = rule.target_loss(steps)
    name = f"{config.variant} at {counted(steps, 'step')}"
    return replace(config, variant=name, train=config.train | {"target_loss": target})


class _Search:
    """One model's search; `points` are the lags tried, in that order."""

    def __init__(self, config: RunConfig, asked: Asked, progress: Progress):
        self._config, self._asked, self._progress = config, asked, progress
        self._rates = list(asked.rates)
        self.points: list[dict] = []

    def run(self) -> dict:
        """The longest lag of the model, and every lag tried."""
        asked = self._asked
        found = longest.search(self._solves, least=asked.rule.least, most=asked.most)
        return {
            "model": self._config.variant,
            "params": self._config.params,
            "parameters": _first("parameters", self.points),
            "longest": found.longest,
            "failed": found.failed,
            "at_least": found.failed is None,
            "out_of_order": found.out_of_order,
            "points": sorted(self.points, key=lambda point: point["steps"]),
        }

    def _solves(self, steps: int) -> bool:
        """Train the model at a lag from every seed."""
        config = _at(self._config, steps, self._asked.rule)
        raw = sources.read(config)
        trainer = Trainer(raw, self._asked.folder, self._progress, self._asked.fresh)
        config = replace(config, data_sha256=trainer.digest)
        self._announce(config, trainer)
        seeds = [self._seed(config.with_seed(seed), trainer) for seed in self._asked.seeds]
        self.points.append(_point(steps, seeds, self._asked.rule))
        self._progress.say(lags.point_told(self._config.variant, self.points[-1]))
        return self.points[-1]["solved"]

    def _announce(self, config: RunConfig, trainer: Trainer) -> None:
        """How long this lag may take, where its first training is not finished already."""
        first = _at_rate(config, self._rates[0]).with_seed(self._asked.seeds[0])
        if not trainer.finished(first):
            most = len(self._asked.seeds) * len(self._rates)
            needed = timing.words(most * sum(trainer.seconds([config])))
            self._progress.say(f"{config.variant}: {needed} at most, for {most} trainings.")

    def _seed(self, config: RunConfig, trainer: Trainer) -> dict:
        """One seed at one rate after another, until the validation part is solved."""
        rule, tried = self._asked.rule, []
        for rate in self._rates:
            tried.append(_training(_at_rate(config, rate), trainer, rule))
            if rule.solved(tried[-1]["validation"]):
                break
        best = max(tried, key=lambda one: rule.merit(one["validation"]))
        self._rates.sort(key=lambda rate: rate != best["learning_rate"])  # the next seed's first
        return {
            "seed": config.seed,
            "score": best["test"],
            "solved": rule.solved(best["test"]),
            "learning_rate": best["learning_rate"],
            "trainings": tried,
        }


def _at_rate(config: RunConfig, rate: float) -> RunConfig:
    name = f"{config.variant}, rate {rate:g}"
    return replace(config, variant=name, train=config.train | {"learning_rate": rate})


def _training(config: RunConfig, trainer: Trainer, rule: Rule) -> dict:
    """One training: what it scores on the validation part and on the test part."""
    same = ("parameters", "epochs", "train_seconds")
    names = (*same, "validation", "test", "floor", "run", "error")
    known = {"learning_rate": config.train["learning_rate"]} | dict.fromkeys(names)
    try:
        run = trainer.train(config)
    except TrainingError as error:
        trainer.progress.say(f"{config.variant}, seed {config.seed}, failed: {error}")
        return known | {"error": str(error)}
    record = run.metrics
    scores = {part: record[part][rule.metric] for part in ("validation", "test")}
    scores["floor"] = record["floor"]["scores"][rule.metric]
    return known | scores | {name: record[name] for name in same} | {"run": str(run.folder)}


def _point(steps: int, seeds: list[dict], rule: Rule) -> dict:
    """A lag: `score` is what most of the seeds reach, so that it is solved if that is."""
    scores = sorted((seed["score"] for seed in seeds), key=rule.merit, reverse=True)
    most = len(seeds) // 2
    trainings = [training for seed in seeds for training in seed["trainings"]]
    return {
        "steps": steps,
        "solved": rule.solved(scores[most]),
        "score": scores[most],
        "parameters": _first("parameters", trainings),
        "floor": _first("floor", trainings),
        "train_seconds": sum(training["train_seconds"] or 0 for training in trainings),
        "seeds": seeds,
    }


def _first(name: str, records: list[dict]) -> object:
    """The first of these values that is known."""
    return next((record[name] for record in records if record[name] is not None), None)
