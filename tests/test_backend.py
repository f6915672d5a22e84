"""Keras' backends: what JAX compiles is kept, and computes the same."""

import csv
import os
import subprocess
import sys

import numpy as np
import pytest

from lstm_zoo import backend, runs

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


def _predictions(run):
    with np.load(run.folder / "predictions.npz") as arrays:
        return [arrays[name] for name in sorted(arrays)]


def _losses(run):
    with (run.folder / "history.csv").open() as file:
        return list(csv.DictReader(file))
