"""A model that was compiled for one seed trains from another as if it were new, bit for bit."""

import os
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest

from lstm_zoo import backend, catalog, compiled, sources, training
from lstm_zoo.config import run_config
from lstm_zoo.reporting.progress import Lines

pytestmark = [pytest.mark.tensorflow, pytest.mark.usefixtures("undrawn")]

ZOO = catalog.load()


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    monkeypatch.setattr(compiled, "_kept", {})


def trained(folder, model, seed, dataset="digits", **settings):
    """A run of a few updates, with dropout, on a part of the data that its seed draws."""
    train = {"epochs": 2, "batch_size": 200, "schedule": "cosine"} | settings
    asked = (ZOO, model, {"dropout": 0.2}, dataset, {}, train)
    running = keras.backend.backend()
    config = run_config(*asked, seed=seed, threads=None, backend=running)
    try:
        return training.train(config, sources.read(config), folder, Lines(None, quiet=True))
    finally:
        keras.utils.clear_session()


def left(run):
    """The numbers that a run left."""
    with np.load(run.folder / "predictions.npz") as arrays:
        answers = arrays["y_pred"].tobytes()
    with zipfile.ZipFile(run.folder / "model.keras") as model:
        weights = model.read("model.weights.h5")
    history = (run.folder / "history.csv").read_bytes()
    return history, answers, run.metrics["test"], len(weights)


@pytest.mark.slow
@pytest.mark.parametrize("model", ZOO.of("model"))
def test_a_trained_model_begins_anew(tmp_path, model):
    new = trained(tmp_path, model, seed=1)
    (kept,) = compiled._kept.values()
    again = trained(tmp_path, model, seed=1)
    assert list(compiled._kept.values()) == [kept]
    assert left(again) == left(new)
    one, two = (keras.saving.load_model(run.folder / "model.keras") for run in (again, new))
    for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [{"optimizer": "nadam"}, {"optimizer": "adagrad"}, {"optimizer": "sgd", "momentum": 0.5}],
)
def test_so_does_an_optimizer_with_another_state_and_another_seed(tmp_path, settings):
    new = trained(tmp_path, "simple-rnn", seed=1, **settings)
    trained(tmp_path, "simple-rnn", seed=0, **settings)
    again = trained(tmp_path, "simple-rnn", seed=1, **settings)
    assert len(compiled._kept) == 1
    assert left(new) == left(again)


@pytest.mark.slow
def test_what_was_compiled_otherwise_is_not_taken(tmp_path):
    trained(tmp_path, "gru", seed=0)
    trained(tmp_path, "gru", seed=0, learning_rate=0.1)
    trained(tmp_path, "gru", seed=0, dataset="prices")
    assert len(compiled._kept) == 3


def test_the_oldest_goes_and_a_large_one_is_never_kept(monkeypatch):
    monkeypatch.setattr(compiled, "_MOST", 2)
    small, large = (keras.Sequential([keras.Input((n,)), keras.layers.Dense(1)]) for n in (2, 9))
    monkeypatch.setattr(compiled, "_LARGEST", small.count_params())
    for key in ("a", "b", "c"):
        compiled.keep(small, key)
    compiled.keep(large, "d")
    assert list(compiled._kept) == ["b", "c"]
    assert compiled.taken(large, "d") is large


BUILT = """
import sys
from lstm_zoo import backend
backend.start("jax")
import keras
from lstm_zoo import assembly, catalog, sources
from lstm_zoo.config import run_config
asked = {"seed": 0, "threads": None, "backend": "jax"}
asked = run_config(catalog.load(), "lstm", {}, "digits", {}, {}, **asked)
if sys.argv[1:]:
    keras.utils.set_random_seed(0)
    keras.Sequential([keras.Input((8, 8)), keras.layers.LSTM(64), keras.layers.Dense(10)])
model = assembly.build(asked, sources.prepare(asked, sources.read(asked)))
print(hash(b"".join(weight.tobytes() for weight in model.get_weights())))
"""


@pytest.mark.slow
@pytest.mark.skipif(not backend.installed("jax"), reason="JAX is not installed")
def test_the_weights_do_not_depend_on_what_jax_compiled_before():
    environment = os.environ | {"PYTHONHASHSEED": "0"}
    told = {
        subprocess.run(
            [sys.executable, "-c", BUILT, *before], capture_output=True, env=environment, check=True
        ).stdout
        for before in ((), ("first",))
    }
    assert len(told) == 1
