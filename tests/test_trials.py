"""Comparisons and recipes: what stands in results.json, and what the output says of it."""

import json
import re
import shutil
from pathlib import Path

import pytest

from lstm_zoo import backend, earlier, provenance, rehearsal, reproduction
from lstm_zoo.__main__ import run as main_run
from lstm_zoo.entries import Recipe
from lstm_zoo.reporting import sentences
from lstm_zoo.runs import Run

pytestmark = pytest.mark.usefixtures("undrawn")

RECIPE = Recipe(
    name="own",
    summary="Mine",
    model="lstm",
    dataset="digits",
    expected=[{"metric": "accuracy", "value": 0.9, "tolerance": 0.02, "source": "a paper"}],
)


@pytest.mark.parametrize(
    ("scores", "agrees", "relation"),
    [
        ([0.89, 0.91], True, "within"),
        ([0.909, 0.911, 0.910], True, "below"),
        ([0.80, 0.81, 0.82], False, "above"),
        ([0.95], False, None),
        ([], None, None),
    ],
)
def test_a_published_number_agrees_within_its_tolerance(scores, agrees, relation):
    published = reproduction._beside(RECIPE.expected[0], scores)
    assert (published["agrees"], published["relation"]) == (agrees, relation)


GRU_SOLVES = {"metric": "mse", "value": 5.3e-5, "floor": 1 / 6, "source": "a paper"}


@pytest.mark.parametrize(
    ("loss", "verdict"),
    [
        (5.3e-5, "solved"),
        (0.99 / 600, "solved"),
        (1.01 / 600, "between"),
        (0.149, "between"),
        (0.151, "at the floor"),
        (0.164, "at the floor"),  # published of an LSTM
        (0.177, "at the floor"),  # published of an RNN: the floor is 1/6
        (0.182, "at the floor"),
        (0.185, "worse than the floor"),
    ],
)
def test_a_task_of_memory_is_solved_or_at_its_floor(loss, verdict):
    assert reproduction.verdict(loss, 1 / 6) == verdict
    assert reproduction.verdict(loss / 7, 1 / 42) == verdict


@pytest.mark.parametrize(
    ("ours", "common", "agrees"),
    [
        (["solved"] * 2 + ["at the floor"], "solved", True),
        (["solved"] + ["at the floor"] * 2, "at the floor", False),
        (["solved", "at the floor"], "between", False),
        (["solved"], "solved", True),
        ([], None, None),
    ],
)
def test_verdicts_agree_where_most_seeds_have_the_published_one(ours, common, agrees):
    published = reproduction._beside_verdicts(GRU_SOLVES, ours)
    assert published["verdicts"] == {"published": "solved", "ours": common, "seeds": ours}
    assert (published["agrees"], published["relation"]) == (agrees, None)


def test_a_number_of_another_protocol_only_stands_beside_ours():
    number = {"metric": "accuracy", "value": 0.989, "source": "another paper"}
    published = reproduction._beside(number, [0.98, 0.99])
    assert (published["agrees"], published["relation"]) == (None, "within")
    (line,) = sentences.outcome_lines({"published": [published], "floor": None, "differences": []})
    assert "0.989 (another paper). It is of another protocol" in line


def test_the_verdicts_are_told_seed_by_seed():
    ours = ["solved", "at the floor", "solved"]
    published = reproduction._beside_verdicts(GRU_SOLVES, ours)
    outcome = {"published": [published], "floor": None, "differences": ["steps 100 instead of 600"]}
    assert sentences.outcome_lines(outcome) == [
        "Published: mse 5.3e-05 (a paper). That is solved. Ours is solved in 2 seeds and at the "
        "floor in 1 seed. The verdicts agree.",
        sentences.VERDICTS,
        "Differences of protocol:",
        "- steps 100 instead of 600",
    ]


def test_an_interval_holds_nothing_that_the_metric_cannot_be():
    low, high = reproduction._summary("train_mse", [1e-4, 2e-4, 9e-4])["ci95"]
    assert low == 0 < high


OWN_MODEL = """
import keras
def build(input_shape, outputs, *, units: int = 4, broken: bool = False, leaves: bool = False):
    if broken:
        raise ValueError("broken on purpose\\nand more")
    if leaves:
        raise SystemExit(0)
    print("hello from a builder")
    inputs = keras.Input(input_shape)
    x = keras.layers.Flatten()(inputs)
    return keras.Model(inputs, keras.layers.Dense(outputs.size, "softmax")(x))
"""
OWN_ZOO = "models: {mine: {builder: 'own_model:build', summary: Not recurrent at all}}\n"


@pytest.fixture
def own_zoo(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)  # and taken off again after the test
    (tmp_path / "own_model.py").write_text(OWN_MODEL)
    (tmp_path / "own.yaml").write_text(OWN_ZOO)
    return tmp_path / "own.yaml"


@pytest.mark.slow
@pytest.mark.usefixtures("untimed")
def test_a_strangers_model_is_compared_and_loaded_again(zoo, zoo_json, own_zoo):
    results = zoo_json(
        *("compare", "mine:units=8", "simple-rnn:units=8", "mine", "--zoo", own_zoo),
        *("--seeds", "2", "--epochs", "1", "-o", "results.json"),
    )
    assert results == json.loads(Path("results.json").read_text())
    assert [m["name"] for m in results["models"]] == ["mine:units=8", "simple-rnn:units=8", "mine"]
    assert [m["params"]["units"] for m in results["models"]] == [8, 8, 4]
    assert [len(m["trials"]) for m in results["models"]] == [2, 2, 2]
    assert results["dataset"]["name"] == "digits"
    same = next(p for p in results["pairs"] if (p["a"], p["b"]) == ("mine:units=8", "mine"))
    assert (same["difference"], same["verdict"]) == (0, "inconclusive")
    assert zoo("evaluate", "last", "--zoo", own_zoo).code == 0


@pytest.mark.slow
def test_a_bug_in_a_strangers_model_is_a_sentence_that_says_where(zoo, own_zoo):
    result = zoo("train", "mine", "--set", "broken=true", "--zoo", own_zoo)
    assert result.code == 1
    assert "broken on purpose" in result.err
    assert "own_model.py, line 5" in result.err
    assert "and more" not in result.err
    left = zoo("train", "mine", "--set", "leaves=true", "--zoo", own_zoo)
    assert (left.code, "SystemExit" in left.err) == (1, True)
    assert not Path("runs").exists() or not list(Path("runs").iterdir())


@pytest.mark.slow
@pytest.mark.usefixtures("untimed")
def test_a_diverged_training_counts_at_the_floor_and_is_named(zoo):
    """A wild learning rate drives the unbounded model to infinity, and not the bounded one."""
    result = zoo(
        *("compare", "simple-rnn:activation=relu", "simple-rnn", "--seeds", "2", "--epochs", "1"),
        *("--optimizer", "sgd", "--learning-rate", "1e30", "-o", "results.json"),
    )
    assert result.code == 1
    results = json.loads(Path("results.json").read_text())
    wild = results["models"][0]
    assert (wild["failures"], wild["diverged"], wild["at_floor"]) == (2, 2, 2)
    assert [trial["score"] for trial in wild["trials"]] == [t["floor"] for t in wild["trials"]]
    assert "diverged" in wild["trials"][0]["error"]
    assert "diverged with seed 1, and counts there at the floor's" in result.out
    assert results["pairs"][0]["seeds"] == 2
    assert "trainings failed" in result.err


@pytest.mark.slow
def test_an_exploded_loss_is_a_diverged_training(zoo):
    """Linear units grow without bounds, and plain descent at this rate makes them."""
    result = zoo(
        *("train", "simple-rnn:activation=linear", "--csv", _growing(), "--column", "Close"),
        *("--data", "validation=0.2", "--optimizer", "sgd", "--learning-rate", "10"),
    )
    assert result.code == 1
    assert "The training diverged" in result.err


def _growing():
    rows = [f"2020-{1 + i // 28:02}-{1 + i % 28:02},{100 + (-1) ** i * i}" for i in range(300)]
    Path("growing.csv").write_text("\n".join(["Date,Close", *rows]) + "\n")
    return "growing.csv"


@pytest.mark.slow
@pytest.mark.usefixtures("untimed")
def test_finished_runs_are_reused_and_give_the_same_results(zoo, zoo_json):
    command = ("compare", "simple-rnn", "--epochs", "1", "--seeds")
    first = zoo_json(*command, "2")
    again = zoo("compare", "simple-rnn", "--epochs", "1", "--seeds", "3", "-o", "r.json")
    assert "2 finished runs" in again.err
    results = json.loads(Path("r.json").read_text())
    trials_ = results["models"][0]["trials"]
    assert [trial["reused"] for trial in trials_] == [True, True, False]
    newest = Run(Path(trials_[2]["run"])).read("environment.json")["started"]
    assert results["environment"]["started"] <= newest
    same = [trial | {"reused": False} for trial in trials_[:2]]
    assert same == first["models"][0]["trials"]
    assert len(list(Path("runs").glob("simple-rnn*"))) == 3
    fresh = zoo_json(*command, "2", "--fresh")
    assert [trial["reused"] for trial in fresh["models"][0]["trials"]] == [False, False]
    assert [t["score"] for t in fresh["models"][0]["trials"]] == [t["score"] for t in same]
    assert len(list(Path("runs").glob("simple-rnn*"))) == 5


@pytest.mark.slow
@pytest.mark.usefixtures("untimed")
def test_a_model_under_two_names_cannot_be_told_apart_from_itself(zoo):
    names = ("lstm:units=4", "lstm:units=4,dropout=0")
    result = zoo("compare", *names, "--epochs", "1", "--seeds", "2")
    assert result.code == 0, result.err
    assert "cannot be told apart with 2 seeds: their scores are the same" in result.out
    assert len(list(Path("runs").glob("lstm*"))) == 2


@pytest.mark.slow
@pytest.mark.usefixtures("untimed")
def test_two_units_are_worse_than_sixty_four(zoo):
    command = ("compare", "gru:units=2", "gru:units=64", "--epochs", "3", "--seeds", "3")
    result = zoo(*command, "--batch-size", "64", "-o", "r.json")
    assert result.code == 0, result.err
    (pair,) = json.loads(Path("r.json").read_text())["pairs"]
    assert (pair["verdict"], pair["seeds"]) == ("worse", 3)
    assert "gru:units=2 is worse than gru:units=64" in result.out


@pytest.mark.slow
@pytest.mark.usefixtures("untimed")
def test_against_margin_match_and_a_tuned_rate(zoo):
    result = zoo(
        *("compare", "simple-rnn:units=40", "lstm", "gru", "--epochs", "1", "--seeds", "2"),
        *("--batch-size", "128"),
        *("--against", "simple-rnn:units=40", "--match", "params=simple-rnn:units=40"),
        *("--tune-lr", "2", "--margin", "0.9", "-o", "r.json"),
    )
    assert result.code == 0, result.err
    results = json.loads(Path("r.json").read_text())
    assert [pair["b"] for pair in results["pairs"]] == ["simple-rnn:units=40"] * 2
    assert results["against"] == "simple-rnn:units=40"
    wanted = results["models"][0]["parameters"]
    assert all(abs(m["parameters"] / wanted - 1) < 0.05 for m in results["models"])
    assert {m["train"]["learning_rate"] for m in results["models"]} <= {0.001, 0.000316}
    assert results["pairs"][0]["equal"] is not None
    assert "equal within 0.9" in result.out
    assert "learning rate" in result.out


@pytest.mark.slow
def test_a_time_budget_ends_evenly_and_a_hopeless_one_trains_nothing(zoo, monkeypatch):
    monkeypatch.setattr(rehearsal, "measured", lambda *_: 0.0)
    result = zoo(
        *("compare", "simple-rnn", "gru", "--epochs", "1", "--seeds", "500"),
        *("--time-budget", "0.15", "-o", "r.json", "-q"),
    )
    assert result.code == 0, result.err
    results = json.loads(Path("r.json").read_text())
    done = len(results["seeds"])
    assert 1 <= done < 500
    assert [len(model["trials"]) for model in results["models"]] == [done, done]
    assert f"The time budget ended after {done} of 500 seeds." in result.out
    monkeypatch.setattr(rehearsal, "measured", lambda *_: 100.0)
    hopeless = zoo("compare", "lstm", "--time-budget", "1", "--runs", "others")
    assert hopeless.code == 1
    assert "One seed of every model takes about 2 min" in hopeless.err
    assert not list(Path("others").glob("lstm*"))


@pytest.mark.slow
def test_the_time_that_trainings_will_take_is_told_before_they_start(zoo):
    """In proportion to the epochs; how near it comes is for a person to see, not for a test."""
    told = {}
    for epochs in ("2", "2000"):
        result = zoo("compare", "simple-rnn", "--epochs", epochs, "--time-budget", "0.001")
        told[epochs] = float(re.search(r"takes about ([\d.]+) (s|min)", result.err)[1])
        told[epochs] *= 60 if " min" in result.err.partition("takes about")[2][:8] else 1
        assert result.code == 1
    assert 5 < told["2000"] / told["2"] < 1000


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--against", "gru"), "There is no model in this comparison called 'gru'"),
        (("--margin", "-1"), "margin"),
        (("--margin", "nan"), "margin"),
        (("--time-budget", "0"), "time-budget"),
        (("--tune-lr", "1"), "2"),
        (("--match", "lstm"), "no size to match"),
        (("--match", "size=3"), "There is no measure"),
        (("--match", "params=lsmt"), "lstm"),
    ],
)
@pytest.mark.slow
def test_what_cannot_be_meant_is_told_before_anything_is_trained(zoo, options, says):
    result = zoo("compare", "lstm", "simple-rnn", *options)
    assert result.code == 2
    assert says in result.err
    assert not list(Path("runs").glob("*"))


@pytest.mark.slow
def test_against_needs_another_model(zoo):
    assert "needs another model" in zoo("compare", "lstm", "--against", "lstm").err


@pytest.mark.slow
@pytest.mark.usefixtures("untimed")
def test_the_table_goes_to_a_ci_jobs_summary_too(zoo, tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    result = zoo("compare", "simple-rnn", "--seeds", "1", "--epochs", "1", "--markdown")
    assert result.code == 0
    assert (tmp_path / "summary.md").read_text() == f"\n\n{result.out}\n"


@pytest.mark.slow
@pytest.mark.usefixtures("untimed")
def test_a_recipe_on_other_data_is_not_set_beside_the_published_number(zoo_json):
    outcome = zoo_json(
        *("reproduce", "rnn-mnist", "--quick", "--dataset", "digits", "--epochs", "1")
    )
    assert outcome["agrees"] is outcome["published"][0]["agrees"] is None
    assert "the dataset digits instead of mnist" in outcome["differences"]


@pytest.mark.slow
@pytest.mark.usefixtures("untimed")
def test_a_recipe_with_changes_is_not_called_its_smaller_version(zoo):
    changed = ("--data", "steps=3", "--data", "train=64", "--set", "units=4", "--epochs", "1")
    out = zoo("reproduce", "gru-copy", "--quick", *changed, "--data", "test=50").out
    assert out.startswith("gru-copy: A GRU on the copy problem of 1,000 blank steps.")
    assert "- steps 3 instead of 1000" in out
    assert out.count("the floor: frequencies by step") == 3  # of all steps, and of the recall twice


RECORD = {
    "metric": {"name": "rmse", "better": "lower"},
    "test": {"rmse": 0.25},
    "floor": {"name": "last_value", "value": 0.26},
    "floors": {"last_value": 0.26, "drift": 0.27, "mean": 0.25, "seasonal": 0.12},
    "learned": True,
    "learned_p_value": 0.001,
    "learned_test": "Diebold–Mariano test",
    "notes": [],
}


def test_a_trivial_answer_that_beats_a_run_is_told():
    told = sentences.beats_floor(RECORD)
    assert told.startswith("Beats its floor (the last value, rmse 0.26")
    assert told.endswith("At least as good as the model: mean and seasonal.")
    assert "At least" not in sentences.beats_floor(RECORD | {"test": {"rmse": 0.1}})


def test_a_training_part_scored_on_a_share_is_told():
    share, whole = ({"examples": 10_000, "of": size} for size in (60_000, 10_000))
    (told,) = [
        line
        for line in sentences.run_told(RECORD | {"train_scored": share})
        if line.startswith("The training part")
    ]
    assert told == ("The training part is scored on 10,000 of its 60,000 examples, evenly spread.")
    for record in (RECORD, RECORD | {"train_scored": whole}):
        assert not any("training part" in line for line in sentences.run_told(record))


@pytest.mark.slow
@pytest.mark.usefixtures("untimed")
def test_untrained_weights_are_told_of(zoo, zoo_json):
    command = ("compare", "lstm", "--dataset", "prices", "--learning-rate", "10", "--epochs", "1")
    trials_ = zoo_json(*command, "--seeds", "2")["models"][0]["trials"]
    assert [trial["best_epoch"] for trial in trials_] == [0, 0]
    assert "which were kept: lstm (in 1 seed)" in zoo(*command, "--seeds", "1").out


@pytest.mark.slow
@pytest.mark.usefixtures("untimed")
def test_one_seed_is_no_verdict_and_says_what_it_covers(zoo_json):
    results = zoo_json("compare", "simple-rnn", "lstm", "--seeds", "1", "--epochs", "2")
    (pair,) = results["pairs"]
    assert pair["p_value"] is pair["ci95"] is None
    assert pair["verdict"] == "inconclusive"
    assert results["models"][0]["std"] is results["models"][0]["ci95"] is None
    assert pair["examples_test"]["examples"] == 359
    assert 0 <= pair["examples_test"]["p_value"] <= 1


DAMAGES = {
    "cut": lambda run: (run / "metrics.json").write_text('{"schema": 1,'),
    "emptied": lambda run: (run / "metrics.json").write_text("{}"),
    "another score": lambda run: _changed(run, "test", {"accuracy": 0.999}),
    "no score": lambda run: _changed(run, "test", {"accuracy": None}),
    "a text as score": lambda run: _changed(run, "test", {"accuracy": "good"}),
    "no p-value": lambda run: _changed(run, "learned_p_value", None),
    "notes that are none": lambda run: _changed(run, "notes", 3),
    "another schema": lambda run: _changed(run, "schema", 9),
    "cut predictions": lambda run: (run / "predictions.npz").write_bytes(b"PK\3\4 and no more"),
    "no predictions": lambda run: (run / "predictions.npz").unlink(),
    "a cut history": lambda run: (run / "history.csv").write_text("epoch,loss\n0,"),
    "no history": lambda run: (run / "history.csv").unlink(),
    "another version": lambda run: _changed(run, "versions", {}, "environment.json"),
}


def _changed(run, key, value, file="metrics.json"):
    record = json.loads((run / file).read_text())
    (run / file).write_text(json.dumps(record | {key: value}))


@pytest.fixture(scope="module")
def finished_run(tmp_path_factory):
    """A finished run, and its configuration."""
    folder = tmp_path_factory.mktemp("finished")
    code = main_run(
        ["compare", "simple-rnn:units=2", "--epochs", "1", "--seeds", "1", "--runs", str(folder)]
    )
    assert code == 0
    return next(folder.glob("simple-rnn*"))


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_run_is_no_finished_one(finished_run, tmp_path, damage):
    copy = tmp_path / finished_run.name
    shutil.copytree(finished_run, copy)
    config = Run(copy).config
    assert earlier.Earlier(tmp_path, backend.devices()).find(config).folder == copy
    DAMAGES[damage](copy)
    found = earlier.Earlier(tmp_path, backend.devices())
    assert found.find(config) is None
    if damage != "another version":
        assert found.like(config) is None


@pytest.mark.slow
def test_a_strangers_helpers_are_code_too(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "helping_model.py").write_text("def build(): pass\n")
    (tmp_path / "bits").mkdir()
    (tmp_path / "bits" / "one.py").write_text("scale = 1\n")
    before = provenance.code("helping_model:build")
    provenance.code.cache_clear()
    assert provenance.code("helping_model:build") == before
    (tmp_path / "bits" / "one.py").write_text("scale = 5\n")
    provenance.code.cache_clear()
    assert provenance.code("helping_model:build") != before
    provenance.code.cache_clear()


@pytest.mark.slow
def test_looks_that_cannot_be_recorded_are_told_before_anything_is_trained(zoo):
    Path("runs").mkdir()
    Path("runs/looks.jsonl").mkdir()
    result = zoo("compare", "simple-rnn", "gru", "--epochs", "1", "--seeds", "2")
    assert result.code == 1
    assert "looks.jsonl can't be kept" in result.err
    assert [path.name for path in Path("runs").iterdir()] == ["looks.jsonl"]


@pytest.mark.slow
def test_a_model_that_fails_leaves_the_others(zoo, own_zoo):
    """A layer that works in building and not in running."""
    (own_zoo.parent / "worn_model.py").write_text(WORN_MODEL)
    own_zoo.write_text("models: {mine: {builder: 'worn_model:build', summary: Fails}}\n")
    result = zoo(
        *("compare", "simple-rnn:units=2", "mine", "--zoo", own_zoo, "--epochs", "1"),
        *("--seeds", "2", "-o", "r.json"),
    )
    assert result.code == 1
    results = json.loads(Path("r.json").read_text())
    assert results["models"][0]["failures"] == 0
    assert results["models"][1]["failures"] == 2
    assert results["pairs"][0]["seeds"] == 0
    assert "worn out" in result.err
    assert "cannot be told apart with 0 seeds that both finished" in result.out


WORN_MODEL = """
import keras
from keras import ops

class Worn(keras.layers.Layer):
    calls = 0
    def call(self, x, training=False):
        if training:
            raise RuntimeError("worn out")
        return x

def build(input_shape, outputs):
    inputs = keras.Input(input_shape)
    x = Worn()(keras.layers.Flatten()(inputs))
    return keras.Model(inputs, keras.layers.Dense(outputs.size, "softmax")(x))
"""
