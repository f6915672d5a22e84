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


def test_every_model_forecasts_several_steps(zoo_json):
    """One step, and one after each of a sequence, are in the other tests."""
    several = ("--dataset", "prices", "--data", "horizon=5", "--data", "window=20")
    results = zoo_json("compare", *MODELS, *several, "--seeds", "1", "--epochs", "1")
    assert [model["name"] for model in results["models"]] == MODELS
    assert [model["failures"] for model in results["models"]] == [0] * len(MODELS)
    for model in results["models"]:
        assert model["mean"] == pytest.approx(results["floor"]["value"], rel=0.05)


def test_on_a_random_walk_no_model_reads_its_target_from_its_input(zoo_json, walk_csv):
    """A model that saw the next input would score far under the last value."""
    results = zoo_json(
        *("compare", *MODELS, "--csv", walk_csv, "--data", "targets=sequence"),
        *("--data", "window=15", "--seeds", "1", "--epochs", "12", "--learning-rate", "0.01"),
    )
    assert [model["name"] for model in results["models"]] == MODELS
    assert [model["failures"] for model in results["models"]] == [0] * len(MODELS)
    for model in results["models"]:
        assert 0.95 < model["mean"] / results["floor"]["value"] < 1.2, model["name"]


def test_the_default_forecast_is_at_most_2_percent_worse_than_the_last_value(zoo):
    """And the output says that it does not beat it: on the built-in prices, over three seeds."""
    command = ("compare", "lstm", "--dataset", "prices", "--seeds", "3", "--jobs", "1")
    result = zoo(*command, "-o", "results.json", "-q")
    results = json.loads(Path("results.json").read_text())
    scores = [trial["score"] for trial in results["models"][0]["trials"]]
    assert np.median(scores) <= 1.02 * results["floor"]["value"]
    assert "not better than the floor" in result.out


def test_predicting_the_level_loses_clearly_there(zoo_json):
    record = zoo_json(
        *("train", "stacked", "--set", "units=[50, 50]", "--dataset", "prices"),
        *("--data", "predict=level", "--data", "scaling=min-max", "--epochs", "10"),
    )
    assert record["test"]["rmse"] > 1.3 * record["floor"]["value"]
