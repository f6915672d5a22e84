"""Comparisons and recipes: what stands in results.json, and what the output says of it."""

import json
import math
from pathlib import Path

import pytest
from scipy import stats

from lstm_zoo import catalog, reproduction, trials
from lstm_zoo.reporting import tables

ABOUT = {"task": "forecasting", "metric": {"name": "rmse", "better": "lower"}}


def model(name, *scores):
    """A model's trials as results.json has them; None is a failed one."""
    trial_list = [
        {"seed": seed, "status": "failed" if score is None else "ok", "score": score}
        for seed, score in enumerate(scores)
    ]
    return {"name": name, "trials": trial_list}


def test_a_pair_is_students_paired_t_over_the_seeds_that_both_finished():
    a, b = model("a", 3.0, 5.0, None, 4.0), model("b", 2.0, 3.5, 1.0, 3.1)
    (pair,) = trials.pairs([a, b], ABOUT)
    differences = [1.0, 1.5, 0.9]
    mean = sum(differences) / 3
    assert pair["difference"] == pytest.approx(mean)
    spread = math.sqrt(sum((d - mean) ** 2 for d in differences) / 2)
    p_value = 2 * stats.t.sf(mean / (spread / math.sqrt(3)), 2)
    assert pair["p_value"] == pytest.approx(p_value)
    assert pair["p_adjusted"] == pytest.approx(p_value)
    assert pair["verdict"] == "worse"  # a's error is the larger one
    assert pair["examples_test"] is None


def test_holm_counts_every_pair():
    scores = {"a": (1.0, 1.1, 1.2), "b": (2.0, 2.2, 2.15), "c": (3.0, 3.05, 3.3)}
    pairs = trials.pairs([model(name, *values) for name, values in scores.items()], ABOUT)
    assert [(pair["a"], pair["b"]) for pair in pairs] == [("a", "b"), ("a", "c"), ("b", "c")]
    ordered = sorted(pairs, key=lambda pair: pair["p_value"])
    assert ordered[0]["p_adjusted"] == pytest.approx(3 * ordered[0]["p_value"])
    assert {pair["verdict"] for pair in pairs} == {"better"}


def test_equal_scores_are_no_verdict():
    (pair,) = trials.pairs([model("a", 1.0, 2.0), model("b", 1.0, 2.0)], ABOUT)
    assert pair["difference"] == 0
    assert pair["p_value"] == 1
    assert (pair["verdict"], pair["seeds_needed"]) == ("inconclusive", None)


def test_no_common_seed_is_no_verdict():
    (pair,) = trials.pairs([model("a", 1.0, None), model("b", None, 2.0)], ABOUT)
    assert pair["difference"] is pair["p_value"] is pair["p_adjusted"] is None
    assert pair["verdict"] == "inconclusive"


RESULTS = {
    "metric": {"name": "accuracy", "better": "higher"},
    "floor": None,
    "models": [
        {
            "name": "a|b",
            "trials": [{"status": "failed"}],
            "failures": 1,
            "parameters": None,
            "mean": None,
            "std": None,
            "ci95": None,
        }
    ],
    "pairs": [],
}


def test_markdown_keeps_its_columns_whatever_a_name_holds():
    lines = tables.results_markdown(RESULTS).splitlines()
    assert lines[2].startswith("| a\\|b (1 failed) | – |")
    assert {line.replace("\\|", "").count("|") for line in lines[:3]} == {8}


RECIPE = catalog.Recipe(
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
def test_a_strangers_model_is_compared_and_loaded_again(zoo, zoo_json, own_zoo):
    results = zoo_json(
        *("compare", "mine:units=8", "simple-rnn:units=8", "mine", "--zoo", own_zoo),
        *("--seeds", "2", "--epochs", "3", "-o", "results.json"),
    )
    assert results == json.loads(Path("results.json").read_text())
    assert [m["name"] for m in results["models"]] == ["mine:units=8", "simple-rnn:units=8", "mine"]
    assert [m["params"]["units"] for m in results["models"]] == [8, 8, 4]
    assert [len(m["trials"]) for m in results["models"]] == [2, 2, 2]
    assert results["dataset"]["name"] == "digits"
    same = next(p for p in results["pairs"] if (p["a"], p["b"]) == ("mine:units=8", "mine"))
    assert (same["difference"], same["verdict"]) == (0, "inconclusive")
    assert zoo("evaluate", "last").code == 0


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
def test_a_failed_training_stops_no_other_and_is_told_after_the_results(zoo):
    """A wild learning rate drives the unbounded model to infinity, and not the bounded one."""
    result = zoo(
        *("compare", "simple-rnn:activation=relu", "simple-rnn", "--seeds", "2", "--epochs", "2"),
        *("--optimizer", "sgd", "--learning-rate", "1e30", "-o", "results.json"),
    )
    assert result.code == 1
    results = json.loads(Path("results.json").read_text())
    assert results["models"][0]["failures"] == 2
    assert "diverged" in results["models"][0]["trials"][0]["error"]
    assert "trainings failed" in result.err
    assert "simple-rnn" in result.out


@pytest.mark.slow
def test_the_table_goes_to_a_ci_jobs_summary_too(zoo, tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    result = zoo("compare", "simple-rnn", "--seeds", "1", "--epochs", "1", "--markdown")
    assert result.code == 0
    assert (tmp_path / "summary.md").read_text() == result.out


@pytest.mark.slow
def test_a_recipe_on_other_data_is_not_set_beside_the_published_number(zoo_json):
    outcome = zoo_json("reproduce", "rnn-mnist", "--quick", "--dataset", "digits")
    assert outcome["agrees"] is outcome["published"][0]["agrees"] is None
    assert "the dataset digits instead of mnist" in outcome["differences"]


@pytest.mark.slow
def test_untrained_weights_are_told_of(zoo, zoo_json):
    command = ("compare", "lstm", "--dataset", "prices", "--learning-rate", "3", "--epochs", "1")
    trials_ = zoo_json(*command, "--seeds", "2")["models"][0]["trials"]
    assert [trial["best_epoch"] for trial in trials_] == [0, 0]
    assert "untrained weights in 1 of 1 seed" in zoo(*command, "--seeds", "1").out


@pytest.mark.slow
def test_one_seed_is_no_verdict_and_says_what_it_covers(zoo_json):
    results = zoo_json("compare", "simple-rnn", "lstm", "--seeds", "1", "--epochs", "2")
    (pair,) = results["pairs"]
    assert pair["p_value"] is pair["ci95"] is None
    assert pair["verdict"] == "inconclusive"
    assert results["models"][0]["std"] is results["models"][0]["ci95"] is None
    assert pair["examples_test"]["examples"] == 359
    assert 0 <= pair["examples_test"]["p_value"] <= 1


def test_a_narrow_terminal_breaks_no_number(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setenv("FORCE_COLOR", "1")
    model_ = RESULTS["models"][0] | {"name": "a-long-model-name", "mean": 0.12345678, "std": 0.0123}
    monkeypatch.setattr(tables, "floor_lines", lambda results: [])
    tables.print_results(RESULTS | {"models": [model_]}, None)
    shown = capsys.readouterr().out
    assert "0.1235" in shown
    assert "a-long-model-name" in shown
    assert "…" not in shown
