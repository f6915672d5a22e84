"""Keras' backends: what they read, and that what JAX compiles is kept, and computes the same."""

import csv
import importlib
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from lstm_zoo import backend, evaluation, runs
from lstm_zoo.batches import Batches
from lstm_zoo.data import Part

pytestmark = pytest.mark.tensorflow

on_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="of TensorFlow's pipeline"
)
TRAIN = ("train", "gru:units=4", "--epochs", "1", "--backend", "jax", "-q")


@pytest.mark.slow
@pytest.mark.skipif(not backend.installed("jax"), reason="JAX is not installed")
def test_what_jax_compiled_is_kept_for_later_commands_and_computes_the_same(tmp_path):
    environment = {k: v for k, v in os.environ.items() if k != "JAX_COMPILATION_CACHE_DIR"}
    kept, programs = [], tmp_path / "cache" / "lstm-zoo" / "jax"
    for _ in range(2):
        command = [sys.executable, "-m", "lstm_zoo", *TRAIN, "--runs", str(tmp_path / "runs")]
        environment["XDG_CACHE_HOME"] = str(tmp_path / "cache")
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        kept.append(sorted(file.name for file in programs.glob("*/*-cache")))
    assert kept[0] == kept[1] != []
    first, second = runs.list_runs(tmp_path / "runs")
    for answers in zip(_predictions(first), _predictions(second), strict=True):
        assert np.array_equal(*answers)
    assert _losses(first) == _losses(second)


@pytest.mark.slow
@pytest.mark.skipif(not backend.installed("jax"), reason="JAX is not installed")
def test_a_run_on_jax_imports_neither_tensorflow_nor_what_keras_alone_would(tmp_path):
    command = ("train", "lstm:units=2", "--dataset", "adding", "--data", "train=20")
    options = ("--epochs", "1", "--backend", "jax", "-q", "--runs", str(tmp_path))
    script = f"""
import sys
from lstm_zoo.__main__ import run
assert run({[*command, *options]}) == 0
names = ("tensorflow", "pandas", "sklearn", "matplotlib.pyplot")
print([name for name in names if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stdout + done.stderr
    (run,) = runs.list_runs(tmp_path)
    assert len(run.metrics["test"]) > 0


def test_what_is_hidden_while_keras_is_imported_can_be_imported_afterwards():
    sys.modules.pop("colorsys", None)
    with backend._hidden(("colorsys", "os")), pytest.raises(ImportError):
        assert os is sys.modules["os"]
        importlib.import_module("colorsys")
    assert importlib.import_module("colorsys").rgb_to_hsv


def _predictions(run):
    with np.load(run.folder / "predictions.npz") as arrays:
        return [arrays[name] for name in sorted(arrays)]


def _losses(run):
    with (run.folder / "history.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.fixture
def part():
    """Seven examples of two steps, told apart by their numbers."""
    x = np.arange(14, dtype=np.float32).reshape(7, 2, 1)
    return Part(x, np.arange(7), range(7))


@on_tensorflow
def test_every_epoch_is_fed_in_its_own_order(part):
    batches = Batches(part, 3, np.random.SeedSequence(0))
    fed = backend.feed(batches)
    for epoch in range(2):
        batches.shuffle(epoch)
        expected = [batches[number] for number in range(3)]
        for given, wanted in zip(fed, expected, strict=True):
            assert all(np.array_equal(a, b) for a, b in zip(given, wanted, strict=True))


@on_tensorflow
def test_tensorflows_pipeline_does_not_measure_itself(part):
    fed = backend.feed(Batches(part, 3))
    assert fed.options().autotune.enabled is False
    assert len(fed) == 3
    assert [spec.dtype.name for spec in fed.element_spec] == ["float32", "int64"]


class Doubled:
    """Answers twice the last step, and remembers what shapes it was given."""

    def __init__(self):
        self.shapes = set()

    def predict_on_batch(self, x):
        self.shapes.add(x.shape)
        return 2 * x[:, -1]


def test_answers_are_computed_in_batches_of_one_shape(part):
    model = Doubled()
    found = evaluation.outputs(model, part, 3, every_step=False)
    assert np.array_equal(found, 2 * part.x[:, -1])
    assert model.shapes == {(3, 2, 1)}
