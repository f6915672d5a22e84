"""Trainings that a progress has end: here, and in a process of their own."""

import csv
import os
import pickle
import signal
import time

import pytest

from lstm_zoo import catalog, checkpoint, failures, sources, training, workers
from lstm_zoo.config import run_config
from lstm_zoo.errors import Pruned
from lstm_zoo.reporting.progress import Lines
from lstm_zoo.runs import list_runs
from lstm_zoo.trainer import Trainer

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("undrawn")]

BACKEND = os.environ.get("KERAS_BACKEND", "tensorflow")
TIMED = ("train_seconds", "compile_seconds", "examples_per_second")


class Judge(Lines):
    """Finds a seed hopeless from an epoch on."""

    def __init__(self, hopeless):
        super().__init__(console=None, quiet=True)
        self.hopeless, self.seen = hopeless, []

    def begin(self, config, batches, done=0):
        super().begin(config, batches, done)
        self.seed = config.seed

    def epoch(self, row):
        self.seen.append((self.seed, row["epoch"]))
        return row["epoch"] >= self.hopeless.get(self.seed, 99)


def config_of(seed=0, **train):
    return run_config(
        catalog.load(),
        "simple-rnn:units=3",
        {},
        "digits",
        {},
        {"epochs": 3} | train,
        seed=seed,
        threads=None,
        backend=BACKEND,
    )


def epochs(run):
    with (run.folder / "history.csv").open() as file:
        return [int(row["epoch"]) for row in csv.DictReader(file)]


def numbers(run):
    record = {name: value for name, value in run.metrics.items() if name not in TIMED}
    return record, (run.folder / "history.csv").read_text()


def test_a_training_that_is_hopeless_ends_and_may_be_finished_later(zoo, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "_SHARE", 1.0)
    config = config_of()
    raw = sources.read(config)
    with pytest.raises(Pruned, match=r"Hopeless after epoch 2\.") as caught:
        training.train(config, raw, tmp_path / "cut", Judge({0: 2}))
    assert caught.value.seconds > 0
    (run,) = list_runs(tmp_path / "cut")
    assert not run.finished
    assert epochs(run) == [0, 1, 2]
    assert not (run.folder / failures.FILE).exists()
    assert zoo("train", "--resume", run.folder).code == 0
    whole = training.train(config, raw, tmp_path / "whole", Lines(console=None, quiet=True))
    assert numbers(run) == numbers(whole)


def test_a_training_that_is_over_anyway_is_finished(tmp_path):
    config = config_of(epochs=1)
    run = training.train(config, sources.read(config), tmp_path, Judge({0: 0}))
    assert run.finished
    assert epochs(run) == [0, 1]


class Killer(Judge):
    """Kills the process of a seed once, before it is answered."""

    def __init__(self, crew, seed, hopeless):
        super().__init__(hopeless)
        self.crew, self.killed = crew, {seed: 0}

    def epoch(self, row):
        if row["epoch"] == 1 and self.killed.get(self.seed) == 0:
            self.killed[self.seed] = self.crew._workers[0]._process.pid
            os.kill(self.killed[self.seed], signal.SIGKILL)
            time.sleep(0.5)
        return super().epoch(row)


def test_a_process_of_its_own_asks_and_is_answered(tmp_path):
    """One training finishes, one is hopeless, and one is killed before it is answered."""
    configs = [config_of(seed) for seed in (1, 2, 3)]
    with workers.Crew(1, BACKEND, 1) as crew:
        killer = Killer(crew, 3, hopeless={2: 1})
        trainer = Trainer(sources.read(configs[0]), tmp_path, killer, crew=crew)
        ended = {config.seed: outcome for config, outcome in trainer.train_all(configs)}
    assert isinstance(ended[2], Pruned)
    assert ended[2].seconds > 0
    assert killer.killed[3]
    assert [epochs(ended[seed]) for seed in (1, 3)] == [[0, 1, 2, 3]] * 2
    asked = [(seed, epoch) for seed in (1, 3) for epoch in range(4)]
    assert set(killer.seen) == {*asked, (2, 0), (2, 1)}


def test_the_error_goes_from_one_process_to_another():
    error = pickle.loads(pickle.dumps(Pruned("Hopeless after epoch 7.", 1.5)))
    assert (str(error), error.seconds) == ("Hopeless after epoch 7.", 1.5)
