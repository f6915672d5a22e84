"""results.json: what compare wrote is read, and anything else is refused in one sentence."""

import copy
import json
import math
from pathlib import Path
from statistics import fmean

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lstm_zoo import judging, results
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
        (WRITTEN.read_text()[:-2], "results.json is damaged: it is cut short"),
        ("[1]", "is no results.json: it holds no JSON object"),
        ("Date,Close\n2020-01-01,1\n", "is no results.json: it holds no JSON object"),
        ('{"a":' * 100_000 + "}", "results.json is damaged: it holds no JSON."),
        ('{"schema": 1' + "0" * 5000 + "}", "results.json is damaged: it holds no JSON."),
        ('{"schema": 1,, "models": []}', "it is no JSON from line 1, column 14 on"),
        ('{"schema": 1, "test": {}}', "is no results.json"),
        (json.dumps(RECORD | {"schema": 2}), "schema version 2, and this lstm-zoo reads version 1"),
        (json.dumps(RECORD | {"schema": True}), "schema version true"),
        (json.dumps(RECORD | {"models": {}}), "models is {}, not a list"),
        (json.dumps(RECORD | {"models": []}), "it has no model"),
        (
            json.dumps(RECORD | {"models": RECORD["models"] * 2}),
            '"simple-rnn:units=64" stands twice',
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
    with pytest.raises(RunError, match="holds no JSON object"):
        results.read(tmp_path / "binary")


TRIAL = ("models", 0, "trials", 1)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ((*TRIAL, "score"), 0.99, "seed 1 has a score that is not its accuracy"),
        ((*TRIAL, "score"), "0.9", 'models[0].trials[1].score is "0.9", not a number or null'),
        ((*TRIAL, "score"), True, "models[0].trials[1].score is true, not a number"),
        ((*TRIAL, "score"), math.nan, "models[0].trials[1].score is NaN, not a number"),
        ((*TRIAL, "score"), math.inf, "score is Infinity"),
        ((*TRIAL, "score"), 10**400, "not a number or null"),
        ((*TRIAL, "metrics"), {}, "seed 1 has a score that is not its accuracy"),
        ((*TRIAL, "diverged"), True, "seed 1 diverged, and is not counted as failed at its floor"),
        ((*TRIAL, "learned"), False, "seed 1 is said to have learned or not"),
        ((*TRIAL, "learned_p_value"), 0.5, "and learned_p_value says otherwise"),
        ((*TRIAL, "learned_p_value"), 1.5, "is 1.5, not a number from 0 to 1 or null"),
        ((*TRIAL, "seed"), 7, "the seeds of simple-rnn:units=64 are not those of the comparison"),
        (("seeds",), [0, 1], "are not those of the comparison"),
        ((*TRIAL, "metrics", "f1_macro"), [], "metrics.f1_macro is [], not a number or null"),
        ((*TRIAL, "status"), "fine", 'status is "fine", not "ok" or "failed"'),
        ((*TRIAL, "status"), "failed", "seed 1 failed, and has a score"),
        ((*TRIAL, "seed"), 0, "the seed 0 of simple-rnn:units=64 stands twice"),
        ((*TRIAL, "seed"), -1, "seed is -1, not a whole number"),
        (("models", 0, "mean"), 0.95, "its mean is 0.95, and that of its trials' scores is 0.89"),
        (("models", 0, "mean"), None, "its mean is null"),
        (("models", 0, "std"), 0.0001, "its std is 0.0001"),
        (("models", 0, "ci95"), [0.9, 0.8], "which its ci95 of [0.9, 0.8] does not hold"),
        (("models", 0, "ci95"), [0.1, 0.2], "which its ci95 of [0.1, 0.2] does not hold"),
        (("models", 0, "best"), 1.0, "its best is 1.0, and that of its trials is"),
        (("models", 0, "worst"), 0.1, "its worst is 0.1"),
        (("models", 0, "failures"), 1, "its failures is 1, and that of its trials is 0"),
        (("models", 0, "diverged"), 1, "its diverged is 1"),
        (("models", 0, "at_floor"), 1, "its at_floor is 1"),
        (("models", 0, "floor_test", "beaten"), False, "whether it beats its floor does not foll"),
        (("models", 0, "floor_test", "p_adjusted"), 0.9, "does not follow from p_adjusted"),
        (("models", 0, "floor_test", "p_value"), -1, "is -1, not a number from 0 to 1"),
        (("models", 0, "ci95"), [0.8], "ci95 is [0.8], not a list of 2 or null"),
        (("models", 0, "trials"), [], "its mean is 0.89"),
        (("models", 0, "name"), 3, "name is 3, not a text"),
        (("metric", "better"), "more", 'metric.better is "more", not "higher" or "lower"'),
        (("metric", "better"), "lower", "its best is "),
        (("dataset",), None, "dataset is null, not an object"),
        (("dataset", "examples"), {"train": 9}, "dataset.examples.test is missing"),
    ],
)
def test_an_edited_value_is_refused_where_it_stands(tmp_path, path, value, said):
    with pytest.raises(RunError, match=r"damaged, or was edited by hand") as error:
        read(tmp_path, changed(path, value))
    assert said in str(error.value)


def two_models(**pair):
    """The record with its model a second time, and the pair of both."""
    own = copy.deepcopy(RECORD["models"][0])
    other = copy.deepcopy(own) | {"name": "other"}
    names = ("ci95", "p_value", "p_adjusted", "seeds_needed", "examples_test")
    names += ("p_equal", "p_equal_adjusted", "equal")
    equal = {"a": own["name"], "b": "other", "difference": 0.0}
    equal |= dict.fromkeys(names) | {"verdict": "inconclusive", "seeds": 5, "looks": 1}
    return RECORD | {"models": [own, other], "pairs": [equal | pair]}


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        ({"b": "lstm"}, 'a pair names the model "lstm", which it does not have'),
        ({"difference": 0.1}, "minus other is 0.1, and that of their scores is 0"),
        ({"ci95": [0.1, 0.2]}, "minus other is 0.0, which its ci95 of [0.1, 0.2] does not hold"),
        ({"seeds": 4}, "minus other has 4 seeds, and both have a score of 5"),
        ({"verdict": "better", "p_adjusted": 0.2}, "is said to be better than other"),
        ({"verdict": "equal"}, 'pairs[0].verdict is "equal", not "better", "worse" or'),
        ({"p_value": 1.1}, "pairs[0].p_value is 1.1, not a number from 0 to 1"),
        ({"equal": True}, "does not follow from p_equal_adjusted"),
        ({"equal": True, "p_equal_adjusted": 0.2}, "does not follow from p_equal_adjusted"),
    ],
)
def test_a_pair_must_follow_from_its_models(tmp_path, pair, said):
    assert read(tmp_path, two_models())
    with pytest.raises(RunError) as error:
        read(tmp_path, two_models(**pair))
    assert said in str(error.value)


@pytest.mark.parametrize(("better", "verdict"), [("higher", "worse"), ("lower", "better")])
def test_a_verdict_must_have_the_sign_of_its_difference(tmp_path, better, verdict):
    record = two_models(difference=-0.1, p_value=0.01, p_adjusted=0.01, verdict=verdict)
    own, other = record["models"]
    for trial in other["trials"]:
        trial["score"] = trial["metrics"]["accuracy"] = trial["score"] + 0.1
    record["metric"] = {"name": "accuracy", "better": better}
    for model in (own, other):
        scores = sorted(trial["score"] for trial in model["trials"])
        model |= {"mean": fmean(scores), "ci95": None}
        model["worst"], model["best"] = scores[0], scores[-1]
        if better == "lower":
            model["worst"], model["best"] = scores[-1], scores[0]
    assert read(tmp_path, record)
    record["pairs"][0]["verdict"] = {"worse": "better", "better": "worse"}[verdict]
    with pytest.raises(RunError, match=f"than other, and its numbers say {verdict}"):
        read(tmp_path, record)


def test_rounding_in_the_last_digits_is_no_damage(tmp_path):
    mean = RECORD["models"][0]["mean"]
    assert read(tmp_path, changed(("models", 0, "mean"), math.nextafter(mean, 2)))


ODD = [None, True, -1, 0, 0.5, 1e300, math.nan, 10**400, "", "\ud800\x1b[31m", [], [0], {}]


@given(path=st.sampled_from(places(RECORD)[1:]), value=st.sampled_from(ODD))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_edited_ends_in_a_sentence_or_a_verdict(tmp_path, path, value):
    asked = [judging.Condition("at-least", "f1_macro", 0.5)]
    try:
        edited = read(tmp_path, changed(path, value))
        outcome = judging.judge(edited, RECORD, conditions=asked)
        assert gating.headline(outcome)
        gating.junit(outcome).encode()
        gating.markdown(outcome).encode()
    except ZooError as error:
        assert str(error)
