"""A class at every step: its scores, its trivial answers, and who may answer."""

import math
import re

import numpy as np
import pytest

from lstm_zoo import baselines, data, metrics, preparation, runs
from lstm_zoo.datasets import copy
from lstm_zoo.tasks import Labelling, LanguageModelling, task_of

pytestmark = pytest.mark.tensorflow

LN8 = math.log(8)


def dataset(raw):
    return preparation.prepare(raw, np.random.default_rng(0))


def test_the_copy_problem_asks_for_its_first_ten_symbols():
    part = copy.load(steps=4, train=200, validation=2, test=2).train
    seen = part.x.argmax(axis=2)
    assert part.x.shape == (200, 24, 10)
    assert (part.x.sum(axis=2) == 1).all()
    assert set(np.unique(seen[:, :10])) == set(range(8))
    assert (seen[:, 10:13] == 8).all()
    assert (seen[:, 13] == 9).all()
    assert (seen[:, 14:] == 8).all()
    assert (part.y[:, :14] == 8).all()
    assert (part.y[:, 14:] == seen[:, :10]).all()


def test_the_copy_problem_is_the_same_on_every_machine_and_each_part_its_own():
    one, other = copy.load(steps=3, train=5, test=4), copy.load(steps=3, train=9, test=4)
    assert (one.test.y == other.test.y).all()
    assert not np.array_equal(one.test.y, one.validation.y[:4])
    small = copy.load(steps=2, train=3, validation=2, test=2)
    assert data.digest(small) == (
        "8323433b48d3b0a1ebbf726c18f94ac8a8acbe25e9a4c4cc2c6932bd0da0b6cb"
    )


@pytest.mark.parametrize(("steps", "published"), [(200, 0.0945), (1000, 0.0204)])
def test_the_floor_of_the_copy_problem_is_the_published_one(steps, published):
    task = task_of(dataset(copy.load(steps=steps, train=4000, validation=1, test=500)))
    scores = task.scores(task.floors()["frequencies_by_step"], task.dataset.test)
    assert isinstance(task, Labelling)
    assert scores["cross_entropy"] == pytest.approx(10 * LN8 / (steps + 20), rel=0.005)
    assert scores["cross_entropy"] == pytest.approx(published, rel=0.006)
    assert scores["recall_cross_entropy"] == pytest.approx(LN8, rel=0.005)
    assert scores["recall_accuracy"] == pytest.approx(1 / 8, abs=0.02)


def test_frequencies_by_step_by_hand():
    answer = baselines.frequencies_by_step(np.array([[0, 2], [0, 1], [1, 1], [0, 1]]), 3)
    # Four sequences, and a hundredth of one more for each of three classes.
    expected = [[3.01, 1.01, 0.01], [0.01, 3.01, 1.01]]
    np.testing.assert_allclose(answer, np.array(expected) / 4.03)


def test_unigram_and_bigram_by_hand():
    x, y = np.array([[0, 1, 0]]), np.array([[1, 0, 2]])
    # Each of the three once, and one more each.
    np.testing.assert_allclose(baselines.unigram(y, 3), [1 / 3, 1 / 3, 1 / 3])
    # After 0 came 1 and 2: two tokens, two kinds. After 1 came 0. After 2 nothing: the unigram.
    expected = [[(2 / 3) / 4, (1 + 2 / 3) / 4, (1 + 2 / 3) / 4], [2 / 3, 1 / 6, 1 / 6], [1 / 3] * 3]
    np.testing.assert_allclose(baselines.bigram(x, y, 3), expected)


def test_a_text_asks_for_its_next_token():
    x = np.random.default_rng(1).integers(3, size=(50, 8)).astype("int32")
    y = (x + 1) % 3  # what follows is certain, given the token before
    part = data.Examples(x, y.astype(np.int64), tuple("abc"), tuple("abc"))
    task = task_of(dataset(data.Splits(part, part, part)))
    assert isinstance(task, LanguageModelling)
    floors = {
        name: task.scores(answer, task.dataset.test) for name, answer in task.floors().items()
    }
    assert list(floors) == ["bigram", "unigram"]
    assert floors["bigram"]["bits_per_character"] < 0.05
    assert floors["unigram"]["bits_per_character"] == pytest.approx(math.log2(3), abs=0.05)
    assert floors["bigram"]["accuracy"] == 1


def test_losses_by_hand():
    probabilities = np.array([[[0.5, 0.5], [0.25, 0.75]]])
    loss = metrics.losses(np.array([[0, 1]]), probabilities)
    np.testing.assert_allclose(loss, [-(math.log(0.5) + math.log(0.75)) / 2])
    np.testing.assert_allclose(
        metrics.losses(np.array([[1.0, 3.0]]), np.array([[0.0, 5.0]])), [2.5]
    )


SMALL = [f"--data={name}" for name in ("steps=2", "train=300", "validation=60", "test=50")]


@pytest.mark.slow
def test_a_run_of_copy_leaves_every_step_and_both_floors(zoo_json, zoo):
    record = zoo_json("train", "gru", "--dataset", "copy", *SMALL, "--epochs", "1")
    assert record["metric"] == {"name": "cross_entropy", "better": "lower"}
    assert record["floor"]["scores"]["recall_cross_entropy"] == pytest.approx(LN8, rel=0.1)
    with np.load(runs.Path(record["run"]) / "predictions.npz", allow_pickle=False) as arrays:
        truth, answers = arrays["y_true"], arrays["y_pred"]
    assert (truth.shape, answers.shape) == ((50, 22), (50, 22, 9))
    chosen = np.take_along_axis(answers, truth[..., None], axis=-1)
    assert record["test"]["cross_entropy"] == pytest.approx(-np.log(chosen).mean(), rel=1e-6)
    right = answers[:, -10:].argmax(axis=-1) == truth[:, -10:]
    assert record["test"]["recall_accuracy"] == pytest.approx(right.mean())
    rows = zoo_json("predict", "last")
    assert len(rows) == 50 * 22
    assert set(rows[0]) == {"index", "step", "actual", "predicted", "probability"}
    assert (runs.Path(record["run"]) / "plots" / "steps.png").stat().st_size > 5000
    assert zoo_json("evaluate", "last")["test"] == pytest.approx(record["test"])
    assert "recall accuracy" in zoo("train", "gru", "--dataset", "copy", *SMALL, "--epochs=1").out


@pytest.mark.slow
@pytest.mark.usefixtures("untimed")
def test_two_models_of_copy_are_compared_over_the_test_sequences(zoo_json, zoo):
    arguments = ("gru", "simple-rnn", "--dataset", "copy", *SMALL, "--epochs=1", "--seeds=1")
    (pair,) = zoo_json("compare", *arguments, "-o", "r.json")["pairs"]
    assert pair["examples_test"]["test"] == "paired t over the test examples"
    assert pair["examples_test"]["difference"] == pytest.approx(pair["difference"])
    assert zoo("report", "r.json", "-o", "page.html").code == 0
    assert "by step" in runs.Path("page.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_what_is_recalled_is_told_of_apart(zoo):
    told = zoo("compare", "gru", "--dataset", "copy", *SMALL, "--epochs=1", "--seeds=1").out
    assert re.search(r"Recall cross entropy, mean: gru 2\.\d+; floor 2\.\d+\.", told)
    assert re.search(r"Recall accuracy, mean: gru 0\S*; floor 0\.\d+\.", told)


@pytest.mark.slow
def test_who_reads_the_whole_sequence_first_is_refused_with_the_reason(zoo):
    result = zoo("train", "bilstm", "--dataset", "copy", *SMALL)
    assert result.code == 2
    assert "bilstm reads the whole sequence before it answers" in result.err
    assert zoo("compare", "lstm", "bilstm", "--dataset", "copy", *SMALL).code == 2
    assert not list(runs.Path("runs").glob("*-copy-*"))
