"""Models tested at other lengths than the one that they were trained at."""

import copy
import json
from pathlib import Path

import keras
import numpy as np
import pytest

from lstm_zoo import results
from lstm_zoo.datasets import adding
from lstm_zoo.errors import RunError
from lstm_zoo.reporting import lengths, markdown
from lstm_zoo.reporting.page.lengths import lengths_chart

pytestmark = pytest.mark.usefixtures("undrawn")

COMPARE = ("compare", "gru:units=8", "lstm:units=6", "--dataset", "adding", "--seeds", "2")
COMPARE += ("--data", "steps=6", "--data", "train=1000", "--data", "test=300", "--epochs", "3")
COMPARE += ("--learning-rate", "0.02")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("gru", "--test-steps", "9"), "--test-steps is for datasets of any length (adding"),
        (("gru", "--dataset", "adding", "--test-steps", "0"), "a whole number, at least 1, not 0"),
        (("gru", "--dataset", "adding", "--test-steps", "x"), "'test-steps' takes a whole number"),
    ],
)
def test_lengths_that_can_not_be_meant(zoo, arguments, said):
    call = zoo("compare", *arguments)
    assert call.code == 2
    assert said in call.err
    assert not Path("runs").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "steps", "said"),
    [
        ("cnn-lstm", 24, "The weights of cnn-lstm depend on the number of steps: what was trained"),
        ("gru", 1, "at least 2 steps, not 1"),
    ],
)
def test_a_length_that_a_model_or_dataset_has_not_is_told_before_training(zoo, model, steps, said):
    call = zoo("compare", model, "--dataset", "adding", "--test-steps", steps)
    assert call.code == 2
    assert said in call.err
    assert not list(Path("runs").iterdir())


@pytest.mark.slow
@pytest.mark.usefixtures("untimed")
def test_the_scores_are_those_of_bare_keras_on_the_longer_test_part(zoo):
    call = zoo(*COMPARE, "--test-steps", "20", "--test-steps", "4", "-o", "r.json")
    assert call.code == 0, call.err
    found = results.read(Path("r.json"))
    assert [length["steps"] for length in found["test_steps"]] == [4, 20]
    longer = adding.load(steps=20, train=1000, test=300)
    for place, name in enumerate(("gru", "lstm")):
        trials = found["models"][place]["trials"]
        known = [bare(trial["run"], name, longer) for trial in trials]
        tested = found["test_steps"][1]["models"][place]
        assert [trial["score"] for trial in tested["trials"]] == pytest.approx(known, rel=1e-5)
        assert tested["mean"] == pytest.approx(np.mean(known), rel=1e-5)
    floor = np.mean((longer.test.y - longer.train.y.mean(dtype=float)) ** 2, dtype=float)
    assert found["test_steps"][1]["floor"] == {"name": "mean", "value": pytest.approx(floor)}
    assert "20 steps" in call.out
    assert "6 steps (trained)" in call.out
    check_reuse_and_reports(zoo, found)


def bare(run, layer, data):
    """The mean squared error of the saved weights in a Keras model of any length."""
    trained = keras.saving.load_model(Path(run) / "model.keras", compile=False)
    kind = {"gru": keras.layers.GRU, "lstm": keras.layers.LSTM}[layer]
    inputs = keras.Input((None, 2))
    recurrent = kind(trained.get_layer(layer).units)
    model = keras.Model(inputs, keras.layers.Dense(1)(recurrent(inputs)))
    model.set_weights(trained.get_weights())
    answers = model.predict(data.test.x, verbose=0).astype(float)
    return np.mean((answers - data.test.y) ** 2)


def check_reuse_and_reports(zoo, found):
    """A second call trains nothing and says the same; both kinds of report have the lengths."""
    again = zoo(*COMPARE, "--test-steps", "4", "--test-steps", "20", "--json")
    assert json.loads(again.out)["test_steps"] == found["test_steps"]
    assert "epoch" not in again.err
    for page in ("page.html", "page.md"):
        assert zoo("report", "r.json", "-o", page).code == 0
        assert "20 steps" in Path(page).read_text()
    assert zoo("gate", "r.json", "--at-most", "mse=9").code == 0


RECORD = json.loads(
    (Path(__file__).parent.parent / "examples" / "ci" / "baseline.json").read_text()
)


def with_lengths():
    """A comparison as if it had been trained at 8 steps, and tested at 16 with half the score."""
    record = copy.deepcopy(RECORD)
    record["dataset"]["params"]["steps"] = 8
    models = []
    for model in record["models"]:
        trials = [{"seed": t["seed"], "score": t["score"] / 2} for t in model["trials"]]
        half = {name: model[name] / 2 for name in ("mean", "std")}
        ci95 = [end / 2 for end in model["ci95"]]
        models.append({"name": model["name"], "trials": trials, **half, "ci95": ci95})
    floor = {"name": "majority", "value": models[0]["mean"]}
    record["test_steps"] = [{"steps": 16, "examples": 9, "floor": floor, "models": models}]
    return record


def read(tmp_path, record):
    (tmp_path / "r.json").write_text(json.dumps(record))
    return results.read(tmp_path / "r.json")


def test_scores_at_other_lengths_are_read_and_checked(tmp_path):
    assert read(tmp_path, with_lengths()) == with_lengths()
    name = RECORD["models"][0]["name"]
    for change, said in (
        (lambda length: length["models"].pop(), "the models tested at 16 steps are not those"),
        (lambda length: length["models"][0].update(mean=0.9), f"{name}: its mean at 16 steps is 0"),
        (lambda length: length["models"][0].update(ci95=[0, 0]), "its mean at 16 steps is"),
        (lambda length: length.update(floor=None), "test_steps[0].floor is null, not an object"),
        (lambda length: length.update(steps=-1), "test_steps[0].steps is -1"),
    ):
        record = with_lengths()
        change(record["test_steps"][0])
        with pytest.raises(RunError, match="damaged") as error:
            read(tmp_path, record)
        assert said in str(error.value)


def test_the_table_has_the_trained_length_among_the_others():
    record = with_lengths()
    header, rows = lengths.rows(record)
    assert header == ["model", "tested at", "accuracy", "95 % interval", "floor"]
    assert [row[1] for row in rows[:2]] == ["8 steps (trained)", "16 steps"]
    assert [row[0] for row in rows[::2]] == [model["name"] for model in record["models"]]
    first = record["models"][0]["name"]
    (line,) = lengths.lines(record)
    assert line.startswith(f"In the mean no better than the floor: {first} (at 16 steps)")
    assert "| 16 steps |" in markdown.results(record)
    assert lengths.tested(RECORD) == []
    assert "tested at" not in markdown.results(RECORD)


def test_the_chart_shows_the_means_over_the_steps():
    record = with_lengths()
    chart = lengths_chart(record)
    line = chart.figure.data[0]
    assert list(line.x) == [8, 16]
    assert list(line.y) == [record["models"][0]["mean"], record["models"][0]["mean"] / 2]
    assert list(chart.figure.data[-1].y) == [RECORD["floor"]["value"], line.y[1]]
