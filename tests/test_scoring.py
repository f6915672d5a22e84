"""Metrics of zoo files: what they say, and that nothing they do loses a run."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from lstm_zoo import tasks
from lstm_zoo.data import Part
from lstm_zoo.entries import TASKS, Metric
from lstm_zoo.scoring import Own
from lstm_zoo.tasks.task import Task

pytestmark = pytest.mark.usefixtures("undrawn")

CLASSES = np.array([0, 1, 1])
ANSWERS = np.array([[0.75, 0.25], [0.5, 0.5], [0.0, 1.0]])
SCORES = """
import numpy as np
def confidence(y_true, y_pred):
    return np.float32(np.mean(np.take_along_axis(y_pred, y_true[:, None], axis=1)))
def raises(y_true, y_pred): return 1 / 0
def leaves(y_true, y_pred): raise SystemExit(0)
def text(y_true, y_pred): return "0.5"
def array(y_true, y_pred): return y_pred
def infinite(y_true, y_pred): return float("inf")
def nothing(y_true, y_pred): return float("nan")
def undefined(y_true, y_pred): return None
def changes(y_true, y_pred):
    y_pred[:] = 1
    return 1.0
def asks(y_true): return 1.0
"""


def metric(name, module="scores_of_a_test", **values):
    given = {"summary": "S", "better": "higher", "tasks": ["classification"]} | values
    return Metric(name, function=f"{module}:{name}", **given)


@pytest.fixture(autouse=True)
def scores(tmp_path, monkeypatch):
    (tmp_path / "scores_of_a_test.py").write_text(SCORES)
    monkeypatch.syspath_prepend(tmp_path)


def test_a_metric_is_called_with_its_tasks_answers():
    own = Own([metric("confidence"), metric("raises", tasks=["regression"])], "classification")
    assert own.scores(CLASSES, ANSWERS) == {"confidence": 0.75}  # (0.75 + 0.5 + 1) / 3
    assert own.faults == []
    told = {"better": "higher", "from": "lstm-zoo", "fault": None}
    assert own.to_dict() == {"confidence": {"function": "scores_of_a_test:confidence"} | told}
    assert len(Own([metric("confidence")], "regression")) == 0


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("raises", "ZeroDivisionError: division by zero (scores_of_a_test.py, line 5)"),
        ("leaves", "SystemExit: 0"),
        ("text", "returned a str."),
        ("array", "returned a ndarray."),
        ("infinite", "returned inf."),
        ("nothing", "returned nan."),
        ("changes", "ValueError: assignment destination is read-only"),
        ("asks", "TypeError"),
        ("nowhere", "The module scores_of_a_test has no function 'nowhere'."),
    ],
)
def test_a_metric_without_a_number_is_one_sentence(name, why):
    own = Own([metric(name), metric("confidence")], "classification")
    answers = ANSWERS.copy()
    for _ in range(2):
        assert own.scores(CLASSES, answers) == {name: None, "confidence": 0.75}
    (told,) = own.faults
    assert told.startswith(f"The metric {name} has no number: ") and why in told
    assert own.to_dict()[name]["fault"] == told
    assert (answers == ANSWERS).all()


def test_a_module_that_is_not_there_and_a_score_that_is_not_defined():
    own = Own([metric("confidence", "nowhere_at_all"), metric("undefined")], "classification")
    assert own.scores(CLASSES, ANSWERS) == {"confidence": None, "undefined": None}
    assert [fault.partition(": ")[2][:22] for fault in own.faults] == ["The module nowhere_at_"]


def test_an_answer_that_is_no_number_is_right_for_no_class():
    truth = np.zeros(20, int)
    test = Part(np.zeros((20, 1, 1)), truth, range(20))
    task = tasks.Classification(SimpleNamespace(test=test, train=test, classes=("a", "b")))
    floor = np.tile([0.0, 1.0], (20, 1))
    assert task.p_beats(np.tile([1.0, 0.0], (20, 1)), floor) == 0.5**20
    assert task.p_beats(np.full((20, 2), np.nan), floor) == 1


def test_the_catalogue_knows_every_task_by_its_name():
    found = [kind for kind in vars(tasks).values() if isinstance(kind, type)]
    kinds = [kind for kind in found if issubclass(kind, Task) and kind is not Task]
    assert {kind.name for kind in kinds} == set(TASKS)


OWN = """
metrics:
  confidence: {function: 'scores_of_a_test:confidence', better: higher, tasks: [classification], summary: S}
  raises: {function: 'scores_of_a_test:raises', better: lower, tasks: [classification], summary: S}
  error: {function: 'scores_of_a_test:text', better: lower, tasks: [forecasting], summary: S}
"""  # noqa: E501


@pytest.mark.slow
def test_a_run_and_a_comparison_have_the_metrics_of_a_users_file(zoo, zoo_json, tmp_path):
    (tmp_path / "zoo.yaml").write_text(OWN)
    train = ("train", "simple-rnn:units=2", "--epochs", "1")
    before = zoo_json(*train)
    assert before["own_metrics"] == {} and "confidence" not in before["test"]
    after = zoo("--zoo", "zoo.yaml", *train)
    why = "scores_of_a_test:raises failed: ZeroDivisionError: division by zero"
    assert after.code == 0
    assert after.out.count(f"The metric raises has no number: {why}") == 1
    with np.load(f"{before['run']}/predictions.npz") as arrays:
        right = arrays["y_pred"][np.arange(len(arrays["y_true"])), arrays["y_true"]]
    again = zoo_json("--zoo", "zoo.yaml", "evaluate", before["run"])
    assert again["test"] == before["test"] | {
        "confidence": pytest.approx(right.mean()),
        "raises": None,
    }
    assert set(again["floor"]["scores"]) == set(again["train"]) == set(again["test"])
    told = zoo("--zoo", "zoo.yaml", "evaluate", "last").out
    assert "confidence" in told and f"The metric raises has no number: {why}" in told

    asked = ("compare", "simple-rnn:units=2", "--epochs", "1", "--seeds", "2", "-o", "results.json")
    results = zoo_json("--zoo", "zoo.yaml", *asked)
    first, second = results["models"][0]["trials"]
    assert (first["reused"], second["reused"]) == (True, False)
    assert first["metrics"] == again["test"]
    assert any("The metric raises has no number" in note for note in second["notes"])
    assert (
        json.loads((tmp_path / second["run"] / "metrics.json").read_text())["test"]
        == (second["metrics"])
    )
    assert zoo("gate", "results.json", "--at-least", "confidence=0.01").code == 0
    assert zoo("gate", "results.json", "--at-least", "raises=0.01").code == 5
    assert zoo("gate", "results.json", "--at-least", "error=0.01").code == 2
    assert zoo("--zoo", "zoo.yaml", "gate", "results.json", "--at-least", "error=0.01").code == 5
    assert zoo("report", "results.json", "-o", "page.html").code == 0
    assert "confidence" in (tmp_path / "page.html").read_text()
    plain = zoo_json(*asked)["models"][0]["trials"]
    assert [trial["reused"] for trial in plain] == [True, True]
    assert all("confidence" not in trial["metrics"] for trial in plain)
