"""The longest lag: the search by a made-up oracle, the rules, a small search for real."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_zoo import catalog, longest
from lstm_zoo.config import run_config
from lstm_zoo.datasets import adding
from lstm_zoo.errors import Diverged, UnknownName
from lstm_zoo.longest import RULES, Found
from lstm_zoo.metrics import METRICS
from lstm_zoo.reporting import lag_chart, lags

pytestmark = pytest.mark.usefixtures("undrawn")

ZOO = catalog.load()


def searched(solves, **bounds):
    """What is found, and the lags in the order in which they were asked for."""
    asked = []

    def oracle(steps):
        asked.append(steps)
        return solves(steps)

    return longest.search(oracle, **{"least": 2, "most": 1000} | bounds), asked


def test_the_search_doubles_looks_beyond_the_failure_and_halves_the_gap():
    found, asked = searched(lambda steps: steps <= 57)
    assert asked == [10, 20, 40, 80, 160, 57, 68, 62]
    assert (found.longest, found.failed, found.out_of_order) == (57, 62, [])


def test_a_short_memory_is_searched_downwards():
    found, asked = searched(lambda steps: steps <= 3)
    assert asked == [10, 5, 2, 3, 4]
    assert (found.longest, found.failed) == (3, 4)


def test_what_never_fails_solves_at_least_the_longest_tried():
    found, asked = searched(lambda steps: True, most=100)
    assert asked == [10, 20, 40, 80, 100]
    assert (found.longest, found.failed) == (100, None)


def test_what_always_fails_solves_none():
    found, asked = searched(lambda steps: False)
    assert asked == [10, 5, 2]
    assert (found.longest, found.failed, found.out_of_order) == (None, 2, [])


def test_a_lag_that_breaks_the_order_is_shown_and_not_counted():
    found, _ = searched(lambda steps: steps <= 14 or steps == 40)
    assert (found.longest, found.failed, found.out_of_order) == (14, 15, [40])


@given(limit=st.integers(1, 1200), least=st.integers(1, 9), most=st.integers(10, 1000))
def test_a_limit_is_found_within_a_tenth(limit, least, most):
    found, asked = searched(lambda steps: steps <= limit, least=least, most=most)
    assert len(set(asked)) == len(asked)
    assert all(least <= steps <= most for steps in asked)
    if limit >= most:
        assert (found.longest, found.failed) == (most, None)
    elif limit < least:
        assert (found.longest, found.failed) == (None, least)
    else:
        assert found.longest <= limit < found.failed
        assert found.failed <= max(found.longest + 1, 1.1 * found.longest)


@pytest.mark.parametrize("most", [1, 2, 3, 7])
def test_there_may_be_few_lags_to_try(most):
    found, asked = searched(lambda steps: True, least=1, most=most)
    assert (asked, found.longest) == ([most], most)


def test_the_border_of_each_task():
    rule = longest.rule("adding")
    assert (rule.solved(1 / 601), rule.solved(1 / 600), rule.solved(None)) == (True, False, False)
    copy = longest.rule("copy")
    assert (copy.solved(0.99), copy.solved(0.9899), copy.solved(None)) == (True, False, False)
    for rule in RULES.values():
        assert rule.higher == (METRICS[rule.metric].better == "higher")
        assert rule.target_loss(100) > 0
    with pytest.raises(UnknownName, match="no task of memory 'addin'"):
        longest.rule("addin")


def test_the_budget_counts_its_updates():
    for task in RULES:
        known = {parameter.name for parameter in ZOO.find(task, "dataset").parameters}
        assert known >= {"steps", *longest.budget(task).data}
    for budget, updates in ((longest.budget("adding"), 20_000), (quick(), 3_000)):
        batches = budget.data["train"] / budget.train["batch_size"]
        assert batches * budget.train["epochs"] == updates


def quick():
    return longest.budget("adding").smaller()


def test_an_early_mark_and_a_later_one():
    marks = adding.load(steps=30, positions="early", train=4000, validation=1, test=1).train.x
    assert (marks[:, :3, 1].sum(axis=1) == 1).all()
    assert (marks[:, 3:, 1].sum(axis=1) == 1).all()
    assert abs(marks[:, 3:, 1].mean() - 1 / 27) < 1e-6
    np.testing.assert_allclose(marks[:, 3:, 1].mean(axis=0), 1 / 27, atol=0.015)
    shortest = adding.load(steps=2, positions="early", train=9, validation=1, test=1).train
    np.testing.assert_allclose(shortest.y[:, 0], shortest.x[:, :, 0].sum(axis=1), rtol=1e-6)


def point(steps, *scores):
    """A lag as `lag_search` has it, solved where most scores are under the border."""
    from lstm_zoo import lag_search

    seeds = [
        {
            "seed": seed,
            "score": score,
            "solved": longest.rule("adding").solved(score),
            "learning_rate": 0.01,
            "trainings": [
                dict.fromkeys(("train_seconds", "floor", "parameters")),
                {"train_seconds": 2.0, "floor": 0.166, "parameters": 16126},
            ],
        }
        for seed, score in enumerate(scores)
    ]
    return lag_search._point(steps, seeds, longest.rule("adding"))


def test_a_lag_is_solved_where_the_score_of_most_seeds_is_good_enough():
    assert point(9, 0.001, 0.1, 0.0012)["solved"]
    assert point(9, 0.001, 0.1, 0.0012)["score"] == 0.0012  # the median
    assert not point(9, 0.001, 0.1, 0.0012, 0.1)["solved"]  # half of them are not most
    assert point(9, 0.001, 0.1, 0.0012, 0.1)["score"] == 0.1
    assert point(9, 0.001, None, 0.0012)["solved"]
    assert point(9, 0.001, None, None)["score"] is None
    assert point(9, 0.001)["train_seconds"] == 2


class Told:
    """A trainer in words only: `{(seed, rate): (validation, test) or None}`; None fails."""

    def __init__(self, scores):
        self.scores, self.tried, self.said = scores, [], []
        self.progress = SimpleNamespace(say=self.said.append)

    def train(self, config):
        place = (config.seed, config.train["learning_rate"])
        self.tried.append(place)
        if self.scores[place] is None:
            raise Diverged("The training diverged.")
        validation, test = ({"mse": score} for score in self.scores[place])
        record = {"validation": validation, "test": test, "floor": {"scores": {"mse": 0.166}}}
        record |= {"parameters": 1, "epochs": 1, "train_seconds": 1.0}
        return SimpleNamespace(metrics=record, folder=Path("run"))


def trained(scores, seeds):
    """What the seeds come to, trained at the rates 0.1, 0.01 and 0.001, and what was tried."""
    from lstm_zoo import lag_search

    rates = [0.1, 0.01, 0.001]
    asked = lag_search.Asked(longest.rule("adding"), rates, seeds, most=9, folder=Path())
    args = (ZOO, "gru", {}, "adding", {}, {})
    config = run_config(*args, seed=0, threads=1, backend="tensorflow")
    search, trainer = lag_search._Search(config, asked, progress=None), Told(scores)
    return [search._seed(config.with_seed(seed), trainer) for seed in seeds], trainer


def test_the_validation_part_ends_a_seed_and_its_rate_begins_the_next():
    scores = {(0, 0.1): None, (0, 0.01): (0.001, 0.0012), (1, 0.01): (0.0005, 0.0004)}
    seeds, trainer = trained(scores, [0, 1])
    assert trainer.tried == [(0, 0.1), (0, 0.01), (1, 0.01)]
    assert [(seed["score"], seed["solved"]) for seed in seeds] == [(0.0012, True), (0.0004, True)]
    assert [t["error"] for t in seeds[0]["trainings"]] == ["The training diverged.", None]
    assert "rate 0.1, seed 0, failed: The training diverged." in trainer.said[0]


def test_the_test_part_chooses_nothing():
    """The rate that is best on the test part is not the one that the validation part chooses."""
    scores = {(0, 0.1): (0.1, 0.0001), (0, 0.01): (0.01, 0.2), (0, 0.001): (0.05, 0.0002)}
    (seed,), trainer = trained(scores, [0])
    assert len(trainer.tried) == 3
    assert (seed["score"], seed["solved"], seed["learning_rate"]) == (0.2, False, 0.01)


def test_a_seed_that_diverges_at_every_rate_solves_nothing():
    (seed,), _ = trained(dict.fromkeys([(0, 0.1), (0, 0.01), (0, 0.001)]), [0])
    assert (seed["score"], seed["solved"]) == (None, False)


def result(*models):
    return {
        "task": "adding",
        "metric": "mse",
        "limit": 1 / 600,
        "solved": longest.rule("adding").words,
        "budget": {"updates": 3000, "learning_rates": [0.01, 0.001], "seeds": [0, 1, 2]},
        "longest_lags": [
            {
                "model": name,
                "parameters": points[0]["parameters"],
                "longest": found.longest,
                "failed": found.failed,
                "out_of_order": found.out_of_order,
                "points": points,
            }
            for name, points in models
            for found in [Found({p["steps"]: p["solved"] for p in points})]
        ],
    }


RESULT = result(
    ("simple-rnn", [point(2, 0.1, 0.1, None), point(5, None, None, None)]),
    ("lstm", [point(10, 0.001, 0.001, 0.1), point(20, 0.1, 0.1, 0.001), point(40, 0, 0, 0)]),
    ("gru", [point(10, 1e-4, 1e-4, 1e-5), point(100, 0.0012, 0.0011, 0.1)]),
)


def test_what_is_said_of_each_model():
    assert lags.lines(RESULT) == [
        "simple-rnn (16,126 parameters) solves no lag: it failed at 2 steps already.",
        "lstm (16,126 parameters) solves lags up to 10 steps; it failed at 20. Out of order, it "
        "solved 40 all the same: more seeds would tell.",
        "gru (16,126 parameters) solves lags of at least 100 steps: it never failed.",
        "Solved: a mean squared error under 1/600, on fresh data. Most seeds have to, each with at "
        "most 3,000 updates at each of the learning rates 0.01 and 0.001.",
    ]
    header, rows = lags.rows(RESULT)
    assert header[:5] == ["model", "steps", "solved by", "mse", "floor"]
    assert rows[0] == ["simple-rnn", "2", "0 of 3", "0.1", "0.166", "0.01", "6"]
    assert rows[1][3] == "–"
    assert rows[3] == ["lstm", "20", "1 of 3", "0.1", "0.166", "0.01", "6"]


def test_the_curve_shows_every_lag_and_the_border(tmp_path):
    figure = lag_chart.lag_figure(RESULT)
    (axes,) = figure.axes
    lines = [(line.get_xdata(), line.get_ydata()) for line in axes.lines]
    assert [list(map(float, x)) for x, _ in lines[:2]] == [[2], [2]]  # and an empty mark on top
    assert any(list(x) == [10, 100] and list(y) == [1e-4, 0.0012] for x, y in lines)
    assert any(set(y) == {1 / 600} for _, y in lines)
    assert any(list(x) == [2, 5, 10, 20, 40, 100] and set(y) == {0.166} for x, y in lines)
    figure.draw_without_rendering()
    assert all("math" not in label.get_text() for label in axes.get_yticklabels(which="both"))
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    for name in ("a.png", "b.png"):
        lag_chart.longest_lags(tmp_path / name, RESULT)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    lag_chart.lag_figure(result(("none", [point(5, None)])))  # nothing to draw, and no error


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--task", "addin"), "no task of memory 'addin'. Did you mean adding"),
        (("--task", "adding", "--data", "steps=9"), "leave --data steps=… out"),
        (("--task", "adding", "--data", "positions=any"), "leave --data positions=… out"),
        (("--task", "adding", "--target-loss", "0.1"), "leave --target-loss out"),
        (("--task", "adding", "--up-to", "1"), "--up-to is at least 2 for this task, not 1"),
        (("--task", "adding", "--picture", "x.jpg"), "--picture is a .png file"),
        (("--task", "adding", "--tune-lr", "1"), "from 2 to 9 learning rates"),
        (("--task", "adding", "--data", "step=9"), "'step'. Did you mean steps"),
        ((), "Missing option '--task'"),
    ],
)
def test_what_can_not_be_meant_is_a_usage_error(zoo, arguments, said):
    call = zoo("longest-lag", "gru", *arguments)
    assert call.code == 2
    assert said in call.err
    assert not Path("runs").exists()


def test_a_file_that_can_not_be_written_is_told_before_the_trainings(zoo):
    call = zoo("longest-lag", "gru", "--task", "adding", "-o", "nowhere/x.json")
    assert (call.code, "nowhere can't be written" in call.err) == (1, True)


SMALL = (
    "longest-lag",
    "gru:units=16",
    "simple-rnn:units=1",
    "--task",
    "adding",
    "--up-to",
    "5",
    "--quick",
)
SMALL += ("--seeds", "1", "--tune-lr", "2", "--data", "train=2000", "--epochs", "12")
SMALL += ("--learning-rate", "0.02")


@pytest.mark.slow
def test_a_gru_goes_on_where_a_single_unit_has_failed_and_is_not_trained_again(zoo):
    first = zoo(*SMALL, "-o", "lags.json", "--picture", "lags.png")
    assert first.code == 0, first.err
    found = json.loads(Path("lags.json").read_text())
    gru, single = found["longest_lags"]
    assert (gru["longest"], gru["failed"], gru["at_least"]) == (5, None, True)
    assert single["longest"] is None or single["longest"] < 5
    assert "(977 parameters) solves lags of at least 5 steps: it never failed." in first.out
    assert "gru:units=16 at 5 steps: about" in first.err
    assert Path("lags.png").read_bytes().startswith(b"\x89PNG")
    check_seed(gru["points"][0]["seeds"][0])
    again = zoo(*SMALL, "--json")
    assert json.loads(again.out)["longest_lags"] == found["longest_lags"]
    assert "epoch" not in again.err


def check_seed(seed):
    """The run that counts is an ordinary one, and stopped where its validation part was solved."""
    (training,) = (t for t in seed["trainings"] if t["learning_rate"] == seed["learning_rate"])
    run = Path(training["run"])
    record = json.loads((run / "metrics.json").read_text())
    config = json.loads((run / "config.json").read_text())
    assert config["data"]["positions"] == "early"
    assert record["test"]["mse"] == seed["score"] == training["test"] < 1 / 600
    losses = (run / "history.csv").read_text().splitlines()[1:]
    val = [float(line.split(",")[-1]) for line in losses]
    assert val[-1] <= 1 / 800
    assert all(loss > 1 / 800 for loss in val[:-1])
    assert record["epochs"] < config["train"]["epochs"]


@pytest.mark.slow
def test_a_model_that_is_another_one_at_every_length_is_refused(zoo):
    call = zoo("longest-lag", "cnn-lstm", "--task", "adding", "--quick")
    assert call.code == 2
    assert "The weights of cnn-lstm depend on the number of steps" in call.err
