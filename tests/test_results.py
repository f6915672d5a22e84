"""results.json: what compare wrote is read, and anything else is refused in one sentence."""

import copy
import json
import math
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lstm_zoo import gate, results
from lstm_zoo.errors import RunError, ZooError
from lstm_zoo.reporting import gating

WRITTEN = Path(__file__).parent.parent / "examples" / "ci" / "baseline.json"
RECORD = json.loads(WRITTEN.read_text())


def read(tmp_path, record):
    """What `results.read` makes of a record, written as it is."""
    file = tmp_path / "results.json"
    file.write_text(record if isinstance(record, str) else json.dumps(record))
    return results.read(file)


def places(value, path=()):
    """The path of every value in a JSON document."""
    items = {list: enumerate, dict: dict.items}.get(type(value), lambda _: ())(value)
    return [path, *(place for key, item in items for place in places(item, (*path, key)))]


def changed(path, value):
    """The record with another value at a path."""
    record = {"all": copy.deepcopy(RECORD)}
    *parents, last = ("all", *path)
    inner = record
    for key in parents:
        inner = inner[key]
    inner[last] = value
    return record["all"]


def test_what_compare_wrote_is_read_as_it_is():
    assert results.read(WRITTEN) == RECORD


def test_unknown_keys_are_left_alone(tmp_path):
    record = copy.deepcopy(RECORD) | {"news": {"of": [1]}}
    record["models"][0]["news"] = record["models"][0]["trials"][0]["news"] = None
    assert read(tmp_path, record) == record


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "results.json is damaged"),
        (WRITTEN.read_text()[:1000], "results.json is damaged"),
        ("[1]", "it holds no JSON object"),
        ("[" * 100_000, "results.json is damaged"),
        ('{"schema": 1, "test": {}}', "is no results.json"),
        (json.dumps(RECORD | {"schema": 2}), "schema version 2, and this lstm-zoo reads version 1"),
        (json.dumps(RECORD | {"schema": True}), "schema version True"),
        (json.dumps(RECORD | {"models": {}}), "models is {}, not a list"),
        (json.dumps(RECORD | {"models": []}), "it has no model"),
        (
            json.dumps(RECORD | {"models": RECORD["models"] * 2}),
            "'simple-rnn:units=64' stands twice",
        ),
        (json.dumps({k: v for k, v in RECORD.items() if k != "pairs"}), "pairs is missing"),
    ],
)
def test_what_is_no_results_json_is_told_as_such(tmp_path, text, said):
    with pytest.raises(RunError) as error:
        read(tmp_path, text)
    assert said in str(error.value)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(RunError, match=r"There is no .*nowhere\.json"):
        results.read(tmp_path / "nowhere.json")
    with pytest.raises(RunError, match="can't be read: Is a directory"):
        results.read(tmp_path)
    (tmp_path / "binary").write_bytes(b"\x89PNG\xff")
    with pytest.raises(RunError, match="damaged"):
        results.read(tmp_path / "binary")


TRIAL = ("models", 0, "trials", 1)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ((*TRIAL, "score"), 0.99, "the score of seed 1 is not its accuracy"),
        ((*TRIAL, "score"), "0.9", "models[0].trials[1].score is '0.9', not a number or null"),
        ((*TRIAL, "score"), True, "models[0].trials[1].score is True, not a number"),
        ((*TRIAL, "score"), math.nan, "models[0].trials[1].score is nan, not a number"),
        ((*TRIAL, "score"), math.inf, "score is inf"),
        ((*TRIAL, "score"), 10**400, "not a number or null"),
        ((*TRIAL, "metrics"), {}, "the score of seed 1 is not its accuracy"),
        ((*TRIAL, "metrics", "f1_macro"), [], "metrics.f1_macro is [], not a number or null"),
        ((*TRIAL, "status"), "fine", "status is 'fine', not 'ok' or 'failed'"),
        ((*TRIAL, "status"), "failed", "seed 1 failed, and has a score"),
        ((*TRIAL, "seed"), 0, "the seed 0 of simple-rnn:units=64 stands twice"),
        ((*TRIAL, "seed"), -1, "seed is -1, not a whole number"),
        (("models", 0, "mean"), 0.95, "its mean is 0.95, and that of its trials' scores is 0.89"),
        (("models", 0, "mean"), None, "its mean is None"),
        (("models", 0, "std"), 0.0001, "its std is 0.0001"),
        (("models", 0, "ci95"), [0.8], "ci95 is [0.8], not a list of 2 or null"),
        (("models", 0, "trials"), [], "its mean is 0.89"),
        (("models", 0, "name"), 3, "name is 3, not a text"),
        (("metric", "better"), "more", "metric.better is 'more', not 'higher' or 'lower'"),
        (("dataset",), None, "dataset is None, not an object"),
    ],
)
def test_an_edited_value_is_refused_where_it_stands(tmp_path, path, value, said):
    with pytest.raises(RunError, match=r"damaged, or was edited by hand") as error:
        read(tmp_path, changed(path, value))
    assert said in str(error.value)


def two_models(**pair):
    """The record with its model a second time, and the pair of both."""
    other = copy.deepcopy(RECORD["models"][0]) | {"name": "other"}
    names = ("ci95", "p_value", "p_adjusted", "seeds_needed", "examples_test")
    names += ("p_equal", "p_equal_adjusted", "equal")
    equal = {"a": RECORD["models"][0]["name"], "b": "other", "difference": 0.0}
    equal |= dict.fromkeys(names) | {"verdict": "inconclusive", "seeds": 5, "looks": 1}
    return RECORD | {"models": [RECORD["models"][0], other], "pairs": [equal | pair]}


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        ({"b": "lstm"}, "a pair names the model 'lstm', which it does not have"),
        ({"difference": 0.1}, "minus other is 0.1, and that of their scores is 0"),
        ({"verdict": "better", "p_adjusted": 0.2}, "is said to be better than other"),
        ({"verdict": "equal"}, "pairs[0].verdict is 'equal', not 'better', 'worse' or"),
    ],
)
def test_a_pair_must_follow_from_its_models(tmp_path, pair, said):
    assert read(tmp_path, two_models())
    with pytest.raises(RunError) as error:
        read(tmp_path, two_models(**pair))
    assert said in str(error.value)


def test_rounding_in_the_last_digits_is_no_damage(tmp_path):
    mean = RECORD["models"][0]["mean"]
    assert read(tmp_path, changed(("models", 0, "mean"), math.nextafter(mean, 2)))


ODD = [None, True, -1, 0, 0.5, 1e300, math.nan, 10**400, "", "\ud800\x1b[31m", [], [0], {}]


@given(path=st.sampled_from(places(RECORD)), value=st.sampled_from(ODD))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_edited_ends_in_a_sentence_or_a_verdict(tmp_path, path, value):
    asked = [gate.Condition("at-least", "f1_macro", 0.5)]
    try:
        edited = read(tmp_path, changed(path, value))
        outcome = gate.judge(edited, RECORD, conditions=asked)
        assert gating.headline(outcome)
        gating.junit(outcome).encode()
        gating.markdown(outcome).encode()
    except ZooError as error:
        assert str(error)
