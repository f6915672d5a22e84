"""`explain` on runs that are really trained, once for this file."""

import csv
import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

from lstm_zoo import forecasting
from lstm_zoo.__main__ import run as lstm_zoo
from lstm_zoo.models.attention_lstm import attention_weights
from lstm_zoo.runs import list_runs

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow, pytest.mark.usefixtures("undrawn")]

ADDING = ("--dataset", "adding", "--data", "steps=12", "--data", "train=200", "--data", "test=120")
RUNS = {
    "still": ("lstm", *ADDING, "--learning-rate", "1e-30"),
    "simple": ("simple-rnn", *ADDING),
    "stacked": ("stacked:units=[5,3]", *ADDING),
    "prices": ("bilstm:units=6", "--dataset", "prices", "--data", "targets=sequence"),
    "copy": ("gru:units=8", "--dataset", "copy", "--data", "steps=3", "--data", "train=200"),
    "film": ("cnn-lstm:units=6", "--dataset", "moving-digits", "--data", "train=50"),
}
NEUTRAL = ["the", "film", "was", "and", "its", "story", "with", "a", "cast"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A runs folder with a run of each kind, `RUNS` and one of texts."""
    place = tmp_path_factory.mktemp("explain")
    texts, rng = place / "texts.csv", np.random.default_rng(0)
    with texts.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        for label in rng.choice(["good", "bad"], 60):
            writer.writerow([" ".join([*rng.choice(NEUTRAL, rng.integers(2, 8)), label]), label])
    shared = ("--epochs", "1", "-q", "--runs", str(place))
    words = ("attention-lstm", "--dataset", "text", "--csv", str(texts), "--data", "steps=9")
    for arguments in (*RUNS.values(), words):
        assert lstm_zoo(["train", *arguments, *shared]) == 0
    return place


@pytest.fixture
def runs(folder, monkeypatch):
    """The run folders by name."""
    monkeypatch.setenv("LSTM_ZOO_RUNS", str(folder))
    return dict(zip([*RUNS, "texts"], list_runs(folder), strict=True))


@pytest.fixture
def zoo(zoo, folder, monkeypatch):
    """The command line, with the runs of this file."""
    monkeypatch.setenv("LSTM_ZOO_RUNS", str(folder))
    return zoo


def test_before_training_is_the_start_that_the_seed_drew(zoo_json, runs):
    """A run whose rate was too small to move a weight is after training what it was before."""
    found = zoo_json("explain", runs["still"].name, "gradients")
    assert found["norm_before"] == found["norm_after"]
    assert found["cell"]["norm_before"] == found["cell"]["norm_after"]
    moved = zoo_json("explain", runs["simple"].name, "gradients")
    assert moved["norm_before"] != moved["norm_after"]


def test_gradients_of_one_layer_are_one_object(zoo_json, runs):
    found = zoo_json("explain", runs["still"].name, "gradients")
    assert found["lag"] == list(range(12))
    assert (found["layer"], found["direction"], found["examples"]) == ("lstm", None, 100)
    for of in (found, found["cell"]):
        slope = np.polyfit(range(1, 12), np.log(of["norm_after"][1:]), 1)[0]
        assert of["decay_per_step"]["after"] == pytest.approx(np.exp(slope))
        assert of["half_life"]["after"] == pytest.approx(np.log(2) / -slope)


def test_several_runs_layers_and_directions_are_a_list(zoo_json, runs):
    names = [runs[name].name for name in ("simple", "stacked", "prices")]
    found = zoo_json("explain", *names, "gradients")
    assert [(one["layer"], one["direction"]) for one in found] == [
        ("simple_rnn", None),
        ("lstm_1", None),
        ("lstm_2", None),
        ("both_directions_1", "forward"),
        ("both_directions_1", "backward"),
    ]
    assert ["cell" in one for one in found] == [False, True, True, True, True]
    assert zoo_json("explain", *names, "gradients") == found


def test_a_head_that_starts_at_zero_is_told_of(zoo, runs):
    out = zoo("explain", runs["prices"].name, "gradients").out
    assert "No gradient reaches bilstm:units=6, both_directions_1 forward before training" in out
    rows = [line.split() for line in out.splitlines() if "both_directions" in line]
    assert rows[0][-4] == "–"


@pytest.mark.parametrize(("name", "steps", "units"), [("copy", 23, 8), ("film", 10, 6)])
def test_every_step_and_images_are_explained(zoo_json, runs, name, steps, units):
    assert zoo_json("explain", runs[name].name, "gradients")["lag"] == list(range(steps))
    (shown,) = zoo_json("explain", runs[name].name, "gates")["shown"]
    assert np.shape(shown["state"]) == (steps, units)


def test_gates_are_of_the_examples_chosen(zoo_json, runs):
    found = zoo_json("explain", runs["still"].name, "gates", "--example", "7", "--example", "0")
    assert [one["example"] for one in found["shown"]] == [7, 0]
    loaded = forecasting.load(runs["still"], runs["still"].config)
    test = forecasting.own_data(loaded, None).test
    x, _ = test.take(np.array([7, 0]))
    np.testing.assert_array_equal([one["input"] for one in found["shown"]], x)
    states = keras.Model(loaded.model.input, loaded.model.get_layer("lstm").output)(x)
    last = [one["state"][-1] for one in found["shown"]]
    np.testing.assert_allclose(last, keras.ops.convert_to_numpy(states), atol=1e-6)
    assert list(found["gates"]) == ["forget_gate", "input_gate", "output_gate"]
    for gate in found["gates"].values():
        assert 0 <= gate["shut"] + gate["open"] <= 1
    forget = np.array([one["forget_gate"] for one in found["shown"]])
    assert found["gates"]["forget_gate"]["mean"] == pytest.approx(forget.mean(), abs=0.05)


def test_attention_stands_beside_the_words_and_the_gradient(zoo_json, zoo, runs):
    found = zoo_json("explain", runs["texts"].name, "attention", "--example", "2")
    (shown,) = found["shown"]
    loaded = forecasting.load(runs["texts"], runs["texts"].config)
    dataset = forecasting.own_data(loaded, None)
    x, _ = dataset.test.take(np.array([2]))
    words = x[0][x[0] > 0]
    assert 0 < len(words) < len(x[0])
    assert shown["input"] == [dataset.vocabulary[token] for token in words]
    weights = attention_weights(loaded.model, x)[0]
    np.testing.assert_allclose(shown["weights"], weights[: len(words)], rtol=1e-6)
    assert not weights[len(words) :].any()
    assert sum(shown["gradient"]) == pytest.approx(1)
    assert len(shown["gradient"]) == len(words)
    (shown,) = zoo_json("explain", runs["texts"].name, "gates", "--example", "2")["shown"]
    assert len(shown["input"]) == len(shown["forget_gate"]) == len(shown["state"]) == len(words)
    assert -1 <= found["agreement"]["spearman"] <= 1
    assert 0 <= found["agreement"]["same_step"] <= 1
    assert (
        "example 2: most attention to the steps"
        in zoo("explain", runs["texts"].name, "attention", "--example", "2").out
    )


@pytest.mark.parametrize("question", ["gradients", "gates", "attention"])
def test_a_picture_is_drawn_where_it_is_asked_for(zoo, runs, tmp_path, question):
    assert zoo("explain", runs["texts"].name, question).code == 0
    assert not list(tmp_path.glob("*.png"))
    result = zoo("explain", runs["texts"].name, question, "-o", "picture.png")
    assert (result.code, "Picture: picture.png" in result.err) == (0, True)
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_another_backends_start_is_another_and_told_of(zoo, runs, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(runs["still"].folder, copy)
    config = json.loads((copy / "config.json").read_text())
    here = config["backend"]
    config["backend"] = "jax" if here != "jax" else "torch"
    (copy / "config.json").write_text(json.dumps(config))
    told = zoo("explain", copy, "gradients", "--backend", here)
    assert (told.code, "so what it was before training is another draw" in told.err) == (0, True)
    assert "another draw" not in zoo("explain", runs["still"].name, "gradients").err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "Name one or more runs"),
        (["still"], "Name one or more runs"),
        (["still", "gradient"], "Did you mean gradients?"),
        (["still", "attention"], "has no layer 'attention'"),
        (["simple", "gates"], "has no gates"),
        (["still", "gates", "--example", "120"], "120 examples, numbered from 0 to 119"),
        (["still", "gradients", "--example", "0"], "means over examples"),
        (["still", "gates", "-o", "gates.jpg"], "'gates.jpg' is none"),
    ],
)
def test_what_cannot_be_meant_is_a_sentence(zoo, runs, arguments, says):
    known = {name: run.name for name, run in runs.items()}
    result = zoo("explain", *(known.get(argument, argument) for argument in arguments))
    assert (result.code, result.out, says in result.err) == (2, "", True), result.err


def test_a_run_that_holds_another_model_contradicts_itself(zoo):
    for model in ("lstm", "gru"):
        arguments = ("--epochs", "1", "--set", "units=4", "--runs", "two")
        assert zoo("train", model, *arguments).code == 0
    gru, lstm = sorted(Path("two").glob("*-digits-*"))
    shutil.copy(lstm / "model.keras", gru / "model.keras")
    result = zoo("explain", gru, "gradients")
    assert result.code == 1
    assert "its model.keras is not the model that its config.json describes" in result.err
