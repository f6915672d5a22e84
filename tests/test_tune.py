"""`tune` from the command line: real searches, killed and gone on with, and what they choose."""

import contextlib
import csv
import io
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml

from lstm_zoo import failures, recipe
from lstm_zoo.__main__ import run as main_run
from lstm_zoo.runs import list_runs
from lstm_zoo.tuning import TUNING_SEED

pytestmark = pytest.mark.usefixtures("undrawn")

TOY = '''
import numpy as np
from lstm_zoo.data import Examples, Parts

def load(*, wrong: bool = False) -> Parts:
    """Whether the mean is above 0; with wrong test labels, if asked for."""
    x = np.random.default_rng(0).normal(size=(160, 4, 2)).astype("float32")
    y = (x.mean(axis=(1, 2)) > 0).astype("int64")
    tested = 1 - y[120:] if wrong else y[120:]
    names = ("low", "high")
    return Parts(Examples(x[:120], y[:120], names), Examples(x[120:], tested, names))
'''
ZOO = """
models:
  tiny:
    builder: lstm_zoo.models.simple_rnn:build
    summary: A few units
    params: {units: 3}
    space: {units: {low: 2, high: 6}, learning_rate: {low: 1e-3, high: 3, log: true}}
  plain: {builder: "lstm_zoo.models.simple_rnn:build", summary: No space}
  stubborn: {builder: "lstm_zoo.models.simple_rnn:build", summary: s, space: {momentum: [0.5, 0.6]}}
datasets:
  toy: {loader: "toy:load", summary: Signs, train: {epochs: 4}}
"""
TRIALS = 7
TUNE = ["--zoo", "zoo.yaml", "tune", "tiny", "--dataset", "toy", "--trials", str(TRIALS)]


def place(folder):
    """A folder with a zoo of its own."""
    (folder / "toy.py").write_text(TOY)
    (folder / "zoo.yaml").write_text(ZOO)
    return folder


@pytest.mark.slow
def test_the_trials_of_a_backtest_know_no_fold(zoo, tmp_path):
    fast = ("--epochs", "1", "--data", "window=5", "--data", "folds=2", "--jobs", "1")
    found = zoo("tune", "simple-rnn", "--dataset", "sine", "--trials", "2", "--seeds", "1", *fast)
    assert found.code == 0, found.err
    every = list_runs(tmp_path / "runs")
    trials = [run for run in every if run.config.seed == TUNING_SEED]
    assert [run.config.data["folds"] for run in trials] == [1, 1]
    (winner,) = (run for run in every if run not in trials)
    assert len(winner.metrics["folds"]) == 2


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A search that nothing interrupted: its folder, and its document."""
    folder = place(tmp_path_factory.mktemp("whole"))
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()) as out:
        command = [*TUNE, "--seeds", "2", "--jobs", "1", "-o", "best.yaml", "--json"]
        assert main_run(command) == 0
    return folder, json.loads(out.getvalue(), parse_constant=pytest.fail)


def searched(runs):
    """The runs of the trials, each by its trial's number."""
    of_trials = [run for run in list_runs(runs) if run.config.seed == TUNING_SEED]
    return [(int(run.config.variant.rpartition(" ")[2]), run) for run in of_trials]


def least(run):
    with (run.folder / "history.csv").open() as file:
        return min(float(row["val_loss"]) for row in csv.DictReader(file))


def alike(trials):
    """Less what tells when and where."""
    return [trial | {"seconds": None, "run": None} for trial in trials]


def killed(folder, enough, *options):
    """A search in a process of its own, killed when what its study has is enough."""
    command = [sys.executable, "-m", "lstm_zoo", *TUNE, "--study", "s.jsonl", *options]
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)
    file = folder / "s.jsonl"
    while not (file.exists() and enough(file.read_bytes().splitlines())):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()


def logs(lines, **wanted):
    """How many of the study's lines have these values."""
    whole = [json.loads(line) for line in lines if line.endswith(b"}")]
    return sum(wanted.items() <= log.items() for log in whole)


@pytest.mark.slow
def test_the_winner_has_the_least_validation_loss_and_is_scored_once(whole):
    folder, found = whole
    trials, runs = found["trials"], dict(searched(folder / "runs"))
    assert [trial["number"] for trial in trials] == sorted(runs) == list(range(TRIALS))
    states = [trial["state"] for trial in trials]
    assert {"finished", "pruned"} == set(states)
    for trial in trials:
        run = runs[trial["number"]]
        assert run.finished == (trial["state"] == "finished")
        assert trial["loss"] == least(run)
        assert trial["seconds"] > 0
        assert not (run.folder / failures.FILE).exists()
        config = run.config
        told = {"units": config.params["units"], "learning_rate": config.train["learning_rate"]}
        assert told == trial["values"]
    finished = [number for number, run in runs.items() if run.finished]
    best = min(finished, key=lambda number: least(runs[number]))
    assert found["winner"]["number"] == best
    seconds = sum(trial["seconds"] for trial in trials)
    assert found["cost"] == {
        "trials": TRIALS,
        "finished": states.count("finished"),
        "pruned": states.count("pruned"),
        "failed": 0,
        "seconds": pytest.approx(seconds),
    }
    (model,) = found["test"]["models"]
    scored = [run for run in list_runs(folder / "runs") if run.config.seed in (0, 1)]
    assert [run.config.params["units"] for run in scored] == [
        found["winner"]["values"]["units"]
    ] * 2
    scores = [run.metrics["test"]["accuracy"] for run in scored]
    assert model["mean"] == pytest.approx(np.mean(scores))
    assert found["study"]["training_seed"] == TUNING_SEED
    assert found["study"]["file"].startswith("runs/tune-tiny-toy-")


@pytest.mark.slow
def test_the_winner_is_a_recipe_that_gives_the_same_numbers(whole, zoo, monkeypatch):
    folder, found = whole
    monkeypatch.chdir(folder)
    written = yaml.safe_load(Path("best.yaml").read_text())
    assert written == json.loads(json.dumps(found["winner"]["zoo"]))
    assert written["recipes"]["tiny-toy-tuned"] == {
        "summary": "tiny on toy, the best of 7 trials by its validation loss",
        "model": "tiny",
        "params": {"units": found["winner"]["values"]["units"]},
        "dataset": "toy",
        "train": {"learning_rate": found["winner"]["values"]["learning_rate"]},
        "seeds": 2,
    }
    command = ("--zoo", "best.yaml", "reproduce", "tiny-toy-tuned", "--fresh", "--json")
    again = json.loads(zoo(*command).out)
    assert again["differences"] == []
    (model,) = found["test"]["models"]
    assert again["ours"]["accuracy"]["mean"] == model["mean"]
    assert again["ours"]["accuracy"]["ci95"] == model["ci95"]


@pytest.mark.slow
def test_the_same_again_trains_nothing_and_prints_the_recipe_that_it_writes(
    whole, zoo, monkeypatch
):
    folder, _ = whole
    monkeypatch.chdir(folder)
    before, written = list_runs(folder / "runs"), Path("best.yaml").read_text()
    result = zoo(*TUNE, "--seeds", "2", "--jobs", "1", "-o", "best.yaml")
    assert result.code == 0, result.err
    assert list_runs(folder / "runs") == before
    assert "0 trials to train, beside 7 in the study. A greater --trials goes on." in result.err
    assert Path("best.yaml").read_text() == written
    assert written in result.out
    assert result.out.count("test accuracy") == 1
    assert "Next: lstm-zoo reproduce tiny-toy-tuned --zoo best.yaml\n" in result.out


@pytest.mark.slow
def test_a_search_that_was_killed_ends_bit_for_bit_as_it_would_have(whole, zoo_json, tmp_path):
    place(tmp_path)
    killed(tmp_path, lambda lines: logs(lines, op_code=7, trial_id=3) > 2, "--jobs", "1")
    found = zoo_json(*TUNE, "--study", "s.jsonl", "--jobs", "1", "--seeds", "1")
    assert alike(found["trials"]) == alike(whole[1]["trials"])
    assert sorted(number for number, _ in searched(tmp_path / "runs")) in (
        list(range(TRIALS)),
        sorted([3, *range(TRIALS)]),  # where the kill came before the first checkpoint
    )


@pytest.mark.slow
def test_of_several_at_a_time_no_trial_is_lost_or_counted_twice(zoo_json, tmp_path):
    """Killed when one of the processes has been told that its trial is hopeless."""
    place(tmp_path)
    killed(tmp_path, lambda lines: logs(lines, op_code=6, state=2), "--jobs", "2")
    found = zoo_json(*TUNE, "--study", "s.jsonl", "--jobs", "1", "--seeds", "1")
    assert [trial["number"] for trial in found["trials"]] == list(range(TRIALS))
    assert {trial["state"] for trial in found["trials"]} == {"finished", "pruned"}
    finished = [(number, run) for number, run in searched(tmp_path / "runs") if run.finished]
    losses = {number: least(run) for number, run in finished}
    assert len(losses) == len(finished) == found["cost"]["finished"]
    assert found["winner"]["loss"] == min(losses.values())


@pytest.mark.slow
def test_the_test_part_has_no_say(whole, zoo_json, tmp_path):
    place(tmp_path)
    command = [*TUNE[:-1], "3", "--data", "wrong=true", "--jobs", "1", "--seeds", "1"]
    found = zoo_json(*command)
    assert alike(found["trials"]) == alike(whole[1]["trials"][:3])
    assert found["winner"]["loss"] == min(trial["loss"] for trial in found["trials"])
    (model,) = found["test"]["models"]
    assert model["mean"] < found["test"]["floor"]["value"]


@pytest.fixture
def own(zoo, tmp_path):
    """`own("tune", …)` in a folder with a zoo of its own."""
    place(tmp_path)
    return lambda *arguments: zoo("--zoo", "zoo.yaml", *arguments)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["lstm"], 2, "Missing option '--trials'"),
        (["lstm", "--trials", "0"], 2, "'trials' takes a whole number, at least 1, not 0"),
        (["lstm", "--trials", "2", "--data", "validation=0"], 2, "validation=0 leaves none"),
        (["lstm", "--trials", "2", "--seed", str(TUNING_SEED)], 2, "that tune searches with"),
        (["lstm", "--trials", "2", "--seeds", "1001"], 2, "--seeds takes at most 1,000"),
        (
            ["lstm:units=8", "--trials", "2", "--set", "dropout=0", "--learning-rate", "0.1"],
            2,
            "Nothing is left to search: units, dropout and learning_rate are all",
        ),
        (["plain", "--trials", "2", "--learning-rate", "0.1"], 2, "learning_rate is all that"),
        (["tiny", "--trials", "2", "-o", "zoo.yaml"], 1, "zoo.yaml is there already, and not by"),
        (["tiny", "--trials", "2", "-o", "more.yaml"], 1, "more.yaml holds mine and other-tuned"),
        (["tiny", "--trials", "2", "-o", "a/b.yaml"], 1, "a can't be written"),
        (["tiny", "--trials", "2", "-o", "../b.yaml"], 2, "beside your own zoo: its code is"),
        (["tiny", "--dataset", "toy", "--trials", "1", "--study", "toy.py"], 1, "is no study"),
    ],
)
def test_what_can_not_be_meant_is_told(own, arguments, code, told):
    more = {"models": {"mine": {}, "tiny": {}}, "recipes": {"other-tuned": {}}}
    Path("more.yaml").write_text(recipe.text(more))
    result = own("tune", *arguments)
    assert result.code == code
    assert told in " ".join(result.err.split())


def test_a_model_without_a_space_is_told_what_is_searched(own):
    err = own("tune", "plain", "--trials", "2", "--learning-rate", "0.1").err
    assert "plain declares no `space:` in its zoo file: its learning rate alone is searched." in err


def test_where_every_trial_fails_the_first_reason_is_told(own):
    result = own("tune", "stubborn", "--dataset", "toy", "--trials", "3", "--jobs", "1")
    assert result.code == 1
    assert "None of 3 trials has finished: The optimizer adam takes no momentum" in result.err
    assert list_runs(Path("runs")) == []
