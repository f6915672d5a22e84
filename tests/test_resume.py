"""Trainings that are interrupted, and go on: with the same numbers, bit for bit."""

import json
import shutil
import subprocess
import sys
from contextlib import contextmanager

import keras
import numpy as np
import pytest

from lstm_zoo import checkpoint, records, runs
from lstm_zoo.__main__ import run as main_run
from lstm_zoo.checkpoint import Checkpoints
from lstm_zoo.runs import Run, list_runs

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow, pytest.mark.usefixtures("undrawn")]

TIMED = ("train_seconds", "compile_seconds", "examples_per_second")
MODEL = ("simple-rnn:units=3,dropout=0.3", "--schedule", "cosine")


@contextmanager
def interrupt(epoch):
    """Ctrl-C after that epoch, which is kept."""
    keep = Checkpoints.keep

    def kept(self, state):
        keep(self, state)
        if state.epochs == epoch:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "_SHARE", 1.0)
        patch.setattr(Checkpoints, "keep", kept)
        yield


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A run of two epochs that was interrupted after the first."""
    folder = tmp_path_factory.mktemp("stopped")
    with interrupt(1):
        assert main_run(["train", *MODEL, "--epochs", "2", "--runs", str(folder)]) == 130
    return only(folder)


@pytest.fixture
def run(stopped, tmp_path):
    """A copy of that run."""
    return Run(shutil.copytree(stopped.folder, tmp_path / "cut" / stopped.name))


def only(folder):
    (run,) = list_runs(folder)
    return run


def numbers(run):
    """All that a run has come to, but for its seconds."""
    with np.load(run.folder / "predictions.npz") as arrays:
        answers = {name: arrays[name].tobytes() for name in arrays.files}
    model = keras.saving.load_model(run.folder / "model.keras")
    weights = [weight.tobytes() for weight in model.get_weights()]
    record = {name: value for name, value in run.metrics.items() if name not in TIMED}
    return record, answers, weights, (run.folder / "history.csv").read_text()


@pytest.mark.parametrize(
    "options",
    [
        ("--epochs", "4"),
        ("--epochs", "9", "--patience", "0", "--learning-rate", "0.3"),
        ("--epochs", "4", "--data", "validation=0", "--optimizer", "sgd", "--momentum", "0.9"),
    ],
    ids=["to the end", "stops early", "no validation part"],
)
def test_it_goes_on_as_if_nothing_had_happened(zoo, tmp_path, options):
    command = ("train", *MODEL, *options)
    assert zoo(*command, "--runs", "whole").code == 0
    whole = only(tmp_path / "whole")
    for epoch in {1, whole.metrics["epochs"]}:
        folder = f"cut{epoch}"
        with interrupt(epoch):
            stopped = zoo(*command, "--runs", folder)
        run = only(tmp_path / folder)
        assert f"lstm-zoo train --resume {folder}/{run.name}" in stopped.err
        assert not run.finished
        resumed = zoo("train", "--resume", "last", "--runs", folder)
        assert resumed.code == 0, resumed.err
        assert numbers(run) == numbers(whole)
        assert len(run.read("environment.json")["resumed"]) == 1
        left, known = ({file.name for file in each.folder.iterdir()} for each in (run, whole))
        assert left == known


def test_a_run_that_was_killed_in_its_first_epoch_begins_again(zoo, run, tmp_path):
    run.checkpoint.unlink()
    assert zoo("train", "--resume", run.folder).code == 0
    assert zoo("train", *MODEL, "--epochs", "2", "--runs", "whole").code == 0
    assert numbers(run) == numbers(only(tmp_path / "whole"))


def damaged(run):
    run.checkpoint.write_bytes(run.checkpoint.read_bytes()[:-100])


def another_version(run):
    environment = run.read("environment.json")
    records.write_json(
        run.folder / "environment.json", environment | {"versions": {"keras": "1.0"}}
    )


def another_model(run):
    with np.load(run.checkpoint) as archive:
        arrays = {name: archive[name] for name in archive.files}
    np.savez(run.checkpoint, **arrays | {"model/0": np.zeros((2, 2), "float32")})


def other_data(run):
    config = run.read("config.json")
    records.write_json(run.folder / "config.json", config | {"data_sha256": "0" * 64})


def finished(run):
    records.write_json(run.folder / "metrics.json", {})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (damaged, "is damaged: delete it to begin again."),
        (another_model, "is damaged: delete it to begin again."),
        (another_version, "can't go on: versions changed since it was begun."),
        (other_data, "can't go on: data changed since it was begun."),
        (finished, "is finished: there is nothing to go on with."),
    ],
)
def test_what_can_not_go_on_is_told(zoo, run, change, told):
    change(run)
    before = (run.folder / "history.csv").read_text()
    result = zoo("train", "--resume", "last", "--runs", "cut")
    assert result.code == 1
    assert told in result.err
    assert (run.folder / "history.csv").read_text() == before


def test_a_run_in_training_is_left_alone(zoo, run):
    with runs.held(run):
        result = zoo("train", "--resume", run.folder)
    assert result.code == 1
    assert "Another process trains the run" in result.err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--epochs", "3"], "leave out --epochs"),
        (["lstm", "--seed", "3"], "leave out lstm and --seed"),
        (["--backend", "torch"], f"was begun on {keras.backend.backend()}, not on torch"),
    ],
    ids=["training", "model and seed", "backend"],
)
def test_the_run_alone_says_what_is_trained(zoo, run, options, told):
    result = zoo("train", "--resume", run.folder, *options)
    assert result.code == 2
    assert told in result.err


def test_neither_a_model_nor_a_run_is_an_error(zoo):
    result = zoo("train")
    assert result.code == 2
    assert "A MODEL to train is missing" in result.err


def test_a_comparison_goes_on_with_what_was_interrupted(zoo, tmp_path):
    command = ("compare", *MODEL, "gru:units=2", "--seeds", "1", "--epochs", "3", "--jobs", "1")
    assert zoo(*command, "--runs", "whole", "-o", "whole.json").code == 0
    with interrupt(2):
        told = zoo(*command, "--runs", "cut").err
    assert "The same command goes on where this one was." in told
    (begun,) = list_runs(tmp_path / "cut")
    again = zoo(*command, "--runs", "cut", "-o", "cut.json")
    assert again.code == 0
    assert "goes on after epoch 2" in again.err
    assert begun.finished
    assert len(list_runs(tmp_path / "cut")) == 2
    assert scores("cut.json", tmp_path) == scores("whole.json", tmp_path)


def scores(file, folder):
    results = json.loads((folder / file).read_text())
    found = {model["name"]: [t["score"] for t in model["trials"]] for model in results["models"]}
    return found, [pair["p_value"] for pair in results["pairs"]]


def test_two_comparisons_at_once_train_each_run_once(tmp_path):
    command = [sys.executable, "-m", "lstm_zoo", "compare", *MODEL, "gru:units=2", "--epochs", "2"]
    command += ["--seeds", "2", "--jobs", "1"]
    both = [
        subprocess.Popen([*command, "-o", name], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
        for name in ("a.json", "b.json")
    ]
    for process in both:
        _, err = process.communicate()
        assert process.returncode == 0, err
    assert len(list_runs(tmp_path / "runs")) == 4
    assert scores("a.json", tmp_path) == scores("b.json", tmp_path)
