"""Matrix products of bfloat16: summed in float32, with nothing else rounded. They are JAX's."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers, ops

from lstm_zoo import backend, runs
from lstm_zoo.layers import core
from lstm_zoo.layers.core import Kernel
from lstm_zoo.layers.products import PRODUCTS

pytestmark = pytest.mark.tensorflow

on_jax = pytest.mark.skipif(keras.backend.backend() != "jax", reason="of JAX alone")
ROUNDED = PRODUCTS["mixed_bfloat16"]
KINDS = pytest.mark.parametrize(
    "kind", [layers.SimpleRNN, layers.LSTM, layers.GRU], ids=lambda kind: kind.__name__
)
TRAIN = ("train", "gru:units=4", "--epochs", "1", "--backend", "jax")


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def rounded(array):
    """To the nearest number of 8 binary digits, as float64; of two, the even one."""
    mantissa, exponent = np.frexp(array.astype("float64"))
    return np.ldexp(np.round(mantissa * 2**8), exponent - 8)


@on_jax
def test_operands_are_rounded_and_summed_in_float32():
    a, b = numbers(30, 200), numbers(200, 40, seed=1)
    exact = rounded(a) @ rounded(b)
    for product in (
        ROUNDED.product(ops.array(a), ops.array(b)),
        ROUNDED.product(ROUNDED.transposed(ops.array(a.T)), ops.array(b)),
    ):
        assert keras.backend.standardize_dtype(product.dtype) == "float32"
        np.testing.assert_allclose(ops.convert_to_numpy(product), exact, atol=1e-4)
    assert np.abs(exact - a.astype("float64") @ b).max() > 0.01  # rounding does show


@on_jax
@pytest.mark.parametrize("number", [np.nan, np.inf])
@pytest.mark.parametrize("place", [(0, 0), (2, 1)])
def test_what_is_no_number_stays_none(number, place):
    a = numbers(3, 4)
    a[place] = number
    product = ROUNDED.product(ROUNDED.transposed(ops.array(a)), ops.array(numbers(3, 5)))
    assert not np.isfinite(ops.convert_to_numpy(product)[place[1]]).any()


@on_jax
@KINDS
def test_answers_and_gradients_are_those_of_float32_but_for_the_rounding(kind):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((9, 5)), kind(16, return_sequences=True), kind(12)])
    x, found = numbers(8, 9, 5), []
    for precision in ("float32", "mixed_bfloat16"):
        with core.applied(model, Kernel(("fast", "fast"), precision=precision)):
            found.append([ops.convert_to_numpy(model(x)), *gradients(model, x)])
    for exact, close in zip(*found, strict=True):
        assert close.dtype == np.float32
        assert 0 < np.linalg.norm(exact - close) < 0.03 * np.linalg.norm(exact)
    assert not any(hasattr(layer, "precision") for layer in model.layers)


def gradients(model, x):
    variables = model.trainable_variables

    def loss(values):
        with keras.StatelessScope(list(zip(variables, values, strict=True))):
            return ops.sum(ops.square(model(x)))

    return backend.gradients(loss, [ops.convert_to_numpy(v) for v in variables])


@pytest.mark.slow
@pytest.mark.skipif(not backend.installed("jax"), reason="JAX is not installed")
def test_a_run_records_it_and_answers_so_again(tmp_path):
    asked = [*TRAIN, "--precision", "mixed_bfloat16", "--runs", str(tmp_path)]
    script = f"""
from lstm_zoo.__main__ import run
assert run({asked}) == 0
again = ["evaluate", "last", "--runs", {str(tmp_path)!r}, "--backend", "jax", "--json"]
assert run(again) == 0
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (run,) = runs.list_runs(tmp_path)
    assert run.metrics["kernel"]["precision"] == run.config.train["precision"] == "mixed_bfloat16"
    assert "products in bfloat16" in done.stdout
    again = json.loads(done.stdout[done.stdout.index("\n{") :])
    assert again["test"] == run.metrics["test"]
    slow = "This processor does not multiply in bfloat16" in done.stdout + done.stderr
    assert slow != backend.multiplies_bfloat16()


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--backend", "tensorflow"), "on JAX only (--backend jax)"),
        (("--backend", "jax", "--core", "keras"), "of our own loop, and --core keras"),
    ],
)
def test_elsewhere_it_is_refused(zoo, options, why):
    result = zoo("train", "lstm", "--precision", "mixed_bfloat16", *options)
    assert (result.code, result.out) == (2, "")
    assert why in result.err


def test_a_model_that_multiplies_nothing_so_is_told():
    model = keras.Sequential([keras.Input((3, 2)), layers.LSTM(4, activation="elu")])
    kernel = core.plan(model, "auto", 9, own=True, precision="mixed_bfloat16")
    assert kernel == Kernel(("activation=elu",))
    notes = core.notes(model, kernel, {"core": "auto", "precision": "mixed_bfloat16"})
    assert notes[-1] == "Nothing was computed in bfloat16: Keras' own loop: activation=elu."


def test_what_the_processor_multiplies_is_what_the_system_says(monkeypatch):
    for flags, known in (("flags : avx2 amx_bf16", True), ("flags : avx2", False)):
        monkeypatch.setattr(backend, "_processor", lambda flags=flags: flags)
        assert backend.multiplies_bfloat16() is known
