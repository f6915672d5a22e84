"""The zoo beside the trivial answers: where no model can beat them, and where every one can."""

import json
from pathlib import Path

import numpy as np
import pytest

from lstm_zoo import catalog

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("untimed", "undrawn")]
MODELS = list(catalog.load().of("model"))


def written(values):
    """A series as a CSV of days."""
    dates = np.datetime64("2020-01-01") + np.arange(len(values))
    lines = [f"{date},{value!r}" for date, value in zip(dates, values.tolist(), strict=True)]
    Path("series.csv").write_text("\n".join(["Date,Close", *lines]) + "\n")


def compared(zoo, *options):
    result = zoo(
        *("compare", *MODELS, "--csv", "series.csv", "--column", "Close", "--seeds", "1"),
        *("--data", "window=20", *options, "-o", "results.json", "-q"),
    )
    assert result.code == 0, result.err
    return result.out, json.loads(Path("results.json").read_text())


def test_no_model_beats_the_last_value_of_a_random_walk(zoo):
    written(100 + np.cumsum(np.random.default_rng(7).normal(size=400)))
    out, results = compared(zoo, "--epochs", "3")
    for model in results["models"]:
        assert not model["floor_test"]["beaten"]
        assert model["trials"][0]["lag"] == {"shift": 1, "says": "repeats"}
    names = f"{', '.join(MODELS[:-1])} and {MODELS[-1]}"
    assert f"Repeats the last known value: {names}." in out
    (weak,) = (line for line in out.splitlines() if "not better than the floor" in line)
    assert all(name in weak for name in MODELS)


def test_every_model_beats_the_last_value_of_a_sine_wave(zoo):
    rng = np.random.default_rng(3)
    written(10 + np.sin(2 * np.pi * np.arange(500) / 25) + rng.normal(0, 0.02, 500))
    out, results = compared(zoo, "--epochs", "8", "--data", "period=25")
    assert all(model["floor_test"]["beaten"] for model in results["models"])
    assert set(results["floors"]) == {"last_value", "drift", "mean", "seasonal"}
    assert "Every model beats it" in out
    assert "repeats" not in out
    assert "trails" not in out
