"""One model on several devices: the same training as on one, but for rounding."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from lstm_zoo import catalog
from lstm_zoo.runs import list_runs

ZOO = catalog.load()
# Seven digits are what float32 holds, and shares are summed up in another order than a whole batch.
CLOSE = {"rtol": 1e-5, "atol": 1e-6}
FEW = {"steps": 6, "train": 45, "validation": 5, "test": 21}
DATA = {
    "lstm": ("copy", FEW),
    "cnn-lstm": ("moving-digits", FEW | {"size": 8, "steps": 2}),
    "simple-rnn": ("characters", {"characters": 800, "steps": 14}),
}
EPOCHS = {  # of 45 examples: two batches of 16, and one of 13, which two devices can't share
    **{name: (name, *DATA.get(name, ("adding", FEW)), {}) for name in ZOO.of("model")},
    "Keras' loop": ("gru", "adding", FEW, {"core": "keras"}),
    "bfloat16": ("gru", "adding", FEW, {"precision": "mixed_bfloat16"}),
}
TRAINING = (
    *("train", "simple-rnn", "--backend", "jax", "--dataset", "adding", "--set", "dropout=0.3"),
    *("--epochs", "3", "--batch-size", "16"),
    *(word for key, value in FEW.items() for word in ("--data", f"{key}={value}")),
)
COMPARISON = ("compare", "simple-rnn:units=3", "--seeds", "2", *TRAINING[2:6], *TRAINING[8:])
COMMANDS = {
    "one": [*TRAINING, "--runs", "one"],
    "two": [*TRAINING, "--devices", "2", "--runs", "two"],
    "cut": [*TRAINING, "--devices", "2", "--runs", "cut"],
    "other": ["train", "--resume", "last", "--devices", "1", "--runs", "cut"],
    "resumed": ["train", "--resume", "last", "--runs", "cut"],
    "evaluated": ["evaluate", "last", "--runs", "two"],
    "compared": [*COMPARISON, "--devices", "2", "--runs", "compared", "-o", "results.json"],
    "too many": [*TRAINING, "--devices", "4", "--runs", "many"],
}

# Trains what stdin tells: an epoch of each on one device and on two, and then the command lines.
SCRIPT = """
import io, json, sys
from contextlib import redirect_stderr, redirect_stdout
import numpy as np
from lstm_zoo import backend
backend.start("jax")
import jax
from keras.src.backend.jax import trainer
from lstm_zoo import assembly, catalog, checkpoint, distribution, fitting, sources
from lstm_zoo import training
from lstm_zoo.__main__ import run
from lstm_zoo.config import run_config
from lstm_zoo.layers import core

shares, programs = [], []

class Watched:
    def __init__(self, function, **options):
        self.compiled, self.trains = jax.jit(function, **options), "train" in function.__name__

    def __call__(self, state, batch):
        if self.trains:
            pieces = getattr(batch[0], "addressable_shards", [])
            shares.append([[piece.device.id, len(piece.data)] for piece in pieces])
            if pieces and not programs:
                programs.append(self.compiled.lower(state, batch).compile().as_text())
        return self.compiled(state, batch)

@backend.compiled_quickly()
def epoch(file, model, data, framing, train, devices):
    words = {"seed": 0, "threads": None, "backend": "jax", "devices": devices}
    train |= {"epochs": 1, "batch_size": 16, "optimizer": "sgd", "learning_rate": 0.1}
    config = run_config(catalog.load(), model, {}, data, framing, train, **words)
    dataset = sources.prepare(config, sources.read(config))
    with distribution.over(devices):
        model = assembly.build(config, dataset)
        dataset, _ = training.fitted_to(model, config, dataset)
        kernel = training.planned(model, config, dataset)
        with core.applied(model, kernel):
            batches = fitting.prepared(model, config, dataset, kernel)
            batches.shuffle(0)
            told = model.fit(backend.feed(batches), shuffle=False, verbose=0).history
    weights = {f"weight {n}": weight for n, weight in enumerate(model.get_weights())}
    np.savez(file, **told, **weights)
    found = {"shares": list(shares), "gathers": ["all-gather" in text for text in programs]}
    shares.clear(), programs.clear()
    return found

def interrupted(self, state):
    keep(self, state)
    if self._path.is_relative_to("cut"):
        checkpoint.Checkpoints.keep = keep
        raise KeyboardInterrupt

def told(command):
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()) as err:
        return {"code": run(command), "err": err.getvalue()}

epochs, commands = json.load(sys.stdin)
own, trainer.jit = trainer.jit, Watched
steps = {
    name: [epoch(f"{name}-{devices}.npz", *what, devices) for devices in (1, 2)]
    for name, what in epochs.items()
}
trainer.jit, checkpoint._SHARE = own, 1.0
keep, checkpoint.Checkpoints.keep = checkpoint.Checkpoints.keep, interrupted
print(json.dumps([steps, {name: told(command) for name, command in commands.items()}]))
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """What a process with two devices did: `steps`, `commands`, and files in `folder`."""
    folder = tmp_path_factory.mktemp("devices")
    settings = {
        "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",  # which takes longer than all that is computed
    }
    python = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input=json.dumps([EPOCHS, COMMANDS]),
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | settings,
    )
    assert python.returncode == 0, python.stderr
    steps, commands = json.loads(python.stdout)
    return SimpleNamespace(folder=folder, steps=steps, commands=commands)


def run_of(done, name):
    """The run of a command that trains once."""
    assert done.commands[name]["code"] == 0, done.commands[name]["err"]
    (run,) = list_runs(done.folder / name)
    return run


def left(run):
    """The numbers that a run left."""
    with np.load(run.folder / "predictions.npz") as arrays:
        answers = {name: arrays[name] for name in arrays.files}
    rows = (run.folder / "history.csv").read_text().replace(",,", ",nan,").splitlines()
    history = np.array([row.split(",") for row in rows[1:]], float)
    weights = keras.saving.load_model(run.folder / "model.keras").get_weights()
    numbers = {f"weight {place}": weight for place, weight in enumerate(weights)}
    return answers | numbers | {"history": history}, run.metrics["test"]


@pytest.mark.slow
@pytest.mark.parametrize("name", EPOCHS)
def test_two_devices_train_as_one_does(done, name):
    with (
        np.load(done.folder / f"{name}-1.npz") as one,
        np.load(done.folder / f"{name}-2.npz") as two,
    ):
        assert one.files == two.files
        for key in one.files:
            np.testing.assert_allclose(two[key], one[key], **CLOSE, err_msg=key)


@pytest.mark.slow
@pytest.mark.parametrize("name", EPOCHS)
def test_each_of_them_computes_its_share_alone(done, name):
    one, two = done.steps[name]
    assert not any(one["shares"])
    shared, last = [[0, 8], [1, 8]], [[0, 13], [1, 13]]  # a device's number, and its examples
    assert two["shares"] == [shared, shared, last]
    assert two["gathers"] == [False]  # no device needs another's examples, nor their states


@pytest.mark.slow
def test_a_whole_run_differs_in_nothing_but_its_last_digits(done):
    one, two = run_of(done, "one"), run_of(done, "two")
    assert (one.config.devices, two.config.devices) == (1, 2)
    names = [sorted(file.name for file in run.folder.iterdir()) for run in (one, two)]
    assert names[0] == names[1]
    (numbers, scores), (same, near) = left(one), left(two)
    assert same.keys() == numbers.keys()
    for name, value in numbers.items():
        np.testing.assert_allclose(same[name], value, **CLOSE, err_msg=name)
    assert near == pytest.approx(scores, rel=1e-5)
    assert len(numbers["y_pred"]) == FEW["test"]


@pytest.mark.slow
def test_a_run_on_two_devices_goes_on_bit_for_bit(done):
    assert done.commands["cut"]["code"] == 130
    assert done.commands["other"]["code"] == 2
    assert "--resume takes all from the run: leave out --devices." in done.commands["other"]["err"]
    assert done.commands["resumed"]["code"] == 0, done.commands["resumed"]["err"]
    (run,) = list_runs(done.folder / "cut")
    (numbers, scores), (whole, known) = left(run), left(run_of(done, "two"))
    assert scores == known
    for name, value in whole.items():
        np.testing.assert_array_equal(numbers[name], value)


@pytest.mark.slow
def test_one_device_evaluates_what_two_trained(done):
    assert done.commands["evaluated"]["code"] == 0, done.commands["evaluated"]["err"]


@pytest.mark.slow
def test_a_comparison_trains_one_after_the_other_on_all_of_them(done):
    assert done.commands["compared"]["code"] == 0, done.commands["compared"]["err"]
    results = json.loads((done.folder / "results.json").read_text())
    assert results["devices"] == 2
    assert [trial["status"] for trial in results["models"][0]["trials"]] == ["ok", "ok"]
    assert [run.config.devices for run in list_runs(done.folder / "compared")] == [2, 2]
    assert "at a time" not in done.commands["compared"]["err"]


@pytest.mark.slow
def test_more_devices_than_there_are_is_told(done):
    assert done.commands["too many"]["code"] == 2
    told = "--devices 4 is more than there are: JAX has 2 devices here (cpu:0 and cpu:1)."
    assert told in done.commands["too many"]["err"]
    assert "XLA_FLAGS=--xla_force_host_platform_device_count=4" in done.commands["too many"]["err"]
    assert not (done.folder / "many").exists() or not list_runs(done.folder / "many")
