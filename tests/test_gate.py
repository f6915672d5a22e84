"""The gate: its numbers, its exit codes on files that compare wrote, and the example's CI job."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from statistics import fmean, stdev
from xml.etree import ElementTree

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lstm_zoo import results
from lstm_zoo.__main__ import run
from lstm_zoo.errors import UnknownName
from lstm_zoo.judging import EXIT_CODES, Condition, judge
from lstm_zoo.reporting import gating
from lstm_zoo.reporting.gating import headline, junit, markdown

pytestmark = pytest.mark.usefixtures("undrawn")

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "examples" / "ci"
TRAIN = {"epochs": 10, "batch_size": 32}


def trial(seed, score, **metrics):
    ok = score is not None
    own = {"status": "ok", "error": None} if ok else {"status": "failed", "error": "out of memory"}
    numbers = {"score": score, "metrics": {"accuracy": score} | metrics if ok else None}
    rest = dict.fromkeys(("epochs", "best_epoch", "train_seconds", "run", "lag"))
    rest |= {"floor": 0.1, "learned": ok or None, "learned_p_value": 0.0 if ok else None}
    rest |= {"diverged": False, "notes": []}
    return {"seed": seed} | own | numbers | rest


def model(name, trials, best=max, worst=min):
    scores = [t["score"] for t in trials if t["score"] is not None]
    summary = {
        "mean": fmean(scores) if scores else None,
        "std": stdev(scores) if len(scores) > 1 else None,
        "ci95": None,
        "failures": sum(t["status"] == "failed" for t in trials),
        "multiply_adds": None,
        "best": best(scores, default=None),
        "worst": worst(scores, default=None),
        "diverged": 0,
        "at_floor": 0,
        "floor_test": {"p_value": 0.0, "p_adjusted": 0.0, "beaten": True},
    }
    own = {"name": name, "params": {}, "train": TRAIN, "parameters": 10, "trials": trials}
    return own | summary


def comparison(*, metric="accuracy", better="higher", first=0, examples=1000, **scores):
    """What results.json holds of models with these scores, from seed `first` on."""
    models = []
    for name, values in scores.items():
        trials = [trial(first + place, value) for place, value in enumerate(values)]
        for one in trials:
            if one["metrics"]:
                one["metrics"] = {metric: one["score"]}
        models.append(model(name.replace("_", "-"), trials))
    data = {"name": "digits", "sha256": "0" * 64, "params": {"test": 0.2}}
    return {
        "schema": 1,
        "dataset": data | {"examples": {"test": examples}},
        "task": "classification",
        "metric": {"name": metric, "better": better},
        "floor": {"name": "majority", "value": 0.1, "low": 0.1, "high": 0.1},
        "floors": {"majority": 0.1},
        "seeds": list(range(first, first + max(map(len, scores.values())))),
        "margin": None,
        "notes": [],
        "environment": {"python": "3.12.1", "versions": {"numpy": "2.1.0"}},
        "models": models,
        "pairs": [],
    }


BASE = [0.95, 0.97, 0.96, 0.98]
NEW = [0.90, 0.92, 0.94]


def test_the_results_made_here_are_read_like_compares(tmp_path):
    record = comparison(lstm=BASE[:2], gru=[0.5, None])
    (tmp_path / "r.json").write_text(json.dumps(record))
    assert results.read(tmp_path / "r.json") == record


def test_the_bounds_are_welchs_by_hand():
    (check,) = judge(comparison(first=9, lstm=NEW), comparison(lstm=BASE), margin=0.01).checks
    error = math.sqrt(0.0004 / 3 + 0.0005 / 3 / 4)
    freedom = error**4 / ((0.0004 / 3) ** 2 / 2 + (0.0005 / 12) ** 2 / 3)
    half = stats.t.ppf(0.95, freedom) * error
    assert freedom == pytest.approx(3.2347, abs=1e-4)
    assert (check.new, check.baseline) == (pytest.approx(0.92), pytest.approx(0.965))
    assert check.difference == pytest.approx(-0.045)
    assert (check.lower, check.upper) == pytest.approx((-0.045 - half, -0.045 + half))
    assert check.p_regression == pytest.approx(stats.t.cdf(-0.035 / error, freedom))
    assert check.limit == -0.01


def test_the_p_values_are_scipys_welch():
    (check,) = judge(comparison(first=9, lstm=NEW), comparison(lstm=BASE), margin=0).checks
    test = stats.ttest_ind(NEW, BASE, equal_var=False, alternative="less")
    assert check.p_regression == pytest.approx(test.pvalue)
    assert check.upper == pytest.approx(test.confidence_interval(0.95).high)


@pytest.mark.parametrize(
    ("margin", "verdict"), [(0.1, "pass"), (0.05, "inconclusive"), (0.01, "regression")]
)
def test_the_margin_decides(margin, verdict):
    outcome = judge(comparison(first=9, lstm=NEW), comparison(lstm=BASE), margin=margin)
    assert outcome.verdict == verdict
    assert f"The margin is {margin:g} in accuracy." in headline(outcome)


def test_of_an_error_less_is_better_and_5_percent_are_allowed():
    error = {"metric": "rmse", "better": "lower"}
    now, then = [10.0, 10.1, 10.2], [9.0, 9.1, 9.2]
    (check,) = judge(comparison(**error, first=9, lstm=now), comparison(**error, lstm=then)).checks
    assert check.difference == pytest.approx(-1)
    assert check.margin == pytest.approx(0.05 * 9.1)
    assert check.verdict == "regression"
    (check,) = judge(comparison(**error, first=9, lstm=then), comparison(**error, lstm=now)).checks
    assert (check.difference, check.verdict) == (pytest.approx(1), "pass")


def test_equal_scores_of_other_seeds_are_certain_to_one_test_example():
    base, new = comparison(lstm=[0.9] * 3), comparison(first=9, lstm=[0.9] * 3)
    (check,) = judge(new, base, margin=0).checks
    assert check.lower == pytest.approx(-stats.t.ppf(0.95, 4) * math.sqrt(2 / 3) / 2000)
    assert check.verdict == "inconclusive"


def test_identical_scores_pass_even_with_one_seed():
    one = comparison(lstm=[0.9])
    assert judge(one, one, margin=0).verdict == "pass"
    assert judge(comparison(first=1, lstm=[0.9]), one).verdict == "inconclusive"
    assert judge(comparison(lstm=[0.9, 0.9]), one).verdict == "inconclusive"


def test_holm_counts_the_models_of_the_baseline():
    steady, shaky = [0.90, 0.91, 0.92], [0.9, 0.96, 0.93]
    base = comparison(a=steady, b=shaky)
    new = comparison(first=9, a=[0.86, 0.91, 0.89], b=[0.88, 0.95, 0.93])
    alone = [judge(new, base, margin=0.06, models=[name]).checks[0] for name in "ab"]
    both = judge(new, base, margin=0.06).checks
    smaller, larger = sorted([0, 1], key=lambda place: alone[place].p_pass)
    assert both[smaller].p_pass == pytest.approx(2 * alone[smaller].p_pass)
    assert both[larger].p_pass == pytest.approx(max(alone[larger].p_pass, both[smaller].p_pass))
    assert both[0].lower == alone[0].lower


def test_where_holm_makes_the_difference_the_check_says_so():
    base, new = comparison(a=BASE, b=BASE), comparison(first=9, a=NEW, b=NEW)
    (alone,) = judge(new, base, margin=0.08, models=["a"]).checks
    assert 0.025 < alone.p_pass < 0.05
    assert alone.verdict == "pass"
    outcome = judge(new, base, margin=0.08)
    assert [check.verdict for check in outcome.checks] == ["inconclusive"] * 2
    assert headline(outcome) == "Cannot tell: 2 of 2 checks. The margin is 0.08 in accuracy."
    told = gating.remarks(outcome)
    assert [line.split(" can't be judged")[0] for line in told] == ["a", "b"]
    assert all("its bounds alone would say pass" in line for line in told)


def test_holm_counts_the_conditions_with_the_models():
    base, new = comparison(lstm=BASE), comparison(first=9, lstm=NEW)
    asked = [Condition("at-least", "accuracy", 0.8)]
    alone = [
        *judge(new, base, margin=0.2).checks,
        *judge(new, conditions=asked).checks,
    ]
    both = judge(new, base, margin=0.2, conditions=asked).checks
    smaller, larger = sorted([0, 1], key=lambda place: alone[place].p_pass)
    assert both[smaller].p_pass == pytest.approx(2 * alone[smaller].p_pass)
    assert both[larger].p_pass == pytest.approx(max(alone[larger].p_pass, both[smaller].p_pass))


def test_a_pass_of_several_checks_quotes_none():
    for names, said in (("ab", "both checks."), ("abc", "all 3 checks.")):
        record = comparison(**dict.fromkeys(names, BASE))
        assert headline(judge(record, record)) == f"Pass: {said} The margin is 0.01 in accuracy."


def test_conditions_are_students_one_sided_tests():
    new, scores = comparison(lstm=BASE), stats.ttest_1samp(BASE, 0.95, alternative="greater")
    (check,) = judge(new, conditions=[Condition("at-least", "accuracy", 0.95)]).checks
    assert check.p_pass == pytest.approx(scores.pvalue)
    assert check.lower == pytest.approx(scores.confidence_interval(0.95).low)
    assert (check.new, check.verdict) == (pytest.approx(0.965), "inconclusive")


def test_a_bound_of_an_accuracy_is_no_more_than_one():
    (check,) = judge(
        comparison(lstm=[0.98, 0.99, 1.0]), conditions=[Condition("at-least", "accuracy", 0.9)]
    ).checks
    assert check.upper == 1 and 0.9 < check.lower < 0.99


@pytest.mark.parametrize(
    ("kind", "value", "verdict"),
    [
        ("at-least", 0.9, "pass"),
        ("at-least", 0.965, "inconclusive"),
        ("at-least", 0.999, "regression"),
        ("at-most", 0.999, "pass"),
        ("at-most", 0.965, "inconclusive"),
        ("at-most", 0.9, "regression"),
    ],
)
def test_at_least_and_at_most_mirror_each_other(kind, value, verdict):
    outcome = judge(comparison(lstm=BASE), conditions=[Condition(kind, "accuracy", value)])
    assert outcome.verdict == verdict


def test_a_diverged_trial_counts_at_its_floor_in_the_main_metric_alone():
    record = comparison(lstm=[0.9, 0.9, None])
    failed = record["models"][0]["trials"][2]
    failed |= {"score": 0.1, "diverged": True}
    for one in record["models"][0]["trials"][:2]:
        one["metrics"]["f1_macro"] = 0.9
    outcome = judge(record, conditions=[Condition("at-least", "accuracy", 0.5)])
    (check,) = outcome.checks
    assert (check.new, check.verdict) == (pytest.approx(1.9 / 3), "inconclusive")
    told = "lstm diverged with 1 seed (2), and counts there at its floor's score."
    assert outcome.warnings == [told]
    (check,) = judge(record, conditions=[Condition("at-least", "f1_macro", 0.5)]).checks
    assert check.verdict == "not-comparable"
    assert "has no f1 macro for seed 2 in the new results: out of memory" in check.reason


def edited(**changes):
    """A comparison with other terms: `dataset_name`, `models_train`, … or a whole `task`."""
    record = comparison(lstm=BASE)
    for key, value in changes.items():
        outer, _, inner = key.partition("_")
        place = record["models"][0] if outer == "models" else record[outer] if inner else record
        place[inner or outer] = value
    return record


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"dataset_name": "mnist"}, "dataset mnist (baseline: digits)"),
        ({"dataset_sha256": "1" * 64}, "SHA-256 111111111111… (baseline: 000000000000…)"),
        ({"dataset_params": {"test": 0.5}}, "--data test 0.5 (baseline: 0.2)"),
        ({"dataset_params": {}}, "--data test null (baseline: 0.2)"),
        ({"task": "forecasting"}, "task forecasting (baseline: classification)"),
        ({"metric_name": "f1_macro"}, "metric f1_macro (baseline: accuracy)"),
        ({"metric_better": "lower"}, "better lower (baseline: higher)"),
        ({"metric": None}, "metric null (baseline: accuracy)"),
        ({"models_train": TRAIN | {"epochs": 3}}, "trained otherwise: epochs 3 (baseline: 10)"),
        ({"models_train": None}, "does not say how it was trained"),
        ({"models_name": "gru"}, "lstm is not in the new results, where there is gru"),
        ({"models_trials": []}, "lstm has no training in the new results"),
        (
            {"models_trials": [trial(0, 0.9), trial(1, None)]},
            "lstm has no accuracy for seed 1 in the new results: out of memory",
        ),
    ],
)
def test_what_cannot_be_compared_is_never_a_pass(changes, said):
    outcome = judge(edited(**changes), edited())
    assert outcome.verdict == "not-comparable"
    assert said in headline(outcome)
    assert judge(edited(), edited(**changes)).verdict == "not-comparable"


def test_the_place_of_a_csv_is_no_difference():
    here, there = (edited(dataset_params={"csv": path}) for path in ("/a.csv", "/b.csv"))
    assert judge(here, there).verdict == "pass"


def test_parameters_machines_and_versions_are_warnings():
    new = edited(models_params={"units": 2}, threads=2, devices=2)
    new["environment"] = {"python": "3.13.0", "versions": {"numpy": "2.2.0"}, "started": "now"}
    new["environment"]["code"] = "0" * 64
    other = comparison(gru=BASE)["models"]
    outcome = judge(new | {"models": new["models"] + other}, edited())
    assert outcome.verdict == "pass"
    parameters, made, alone = outcome.warnings
    assert parameters.endswith("in the baseline: units 2 (baseline: null).")
    assert "other code, python 3.13.0 (baseline: 3.12.1), threads 2 (baseline: null)" in made
    assert "devices of a run 2 (baseline: 1)" in made
    assert "numpy 2.2.0 (baseline: 2.1.0)" in made
    assert "started" not in made
    assert alone == "Not in the baseline, and not compared with it: gru."


def test_the_worst_check_counts():
    worse = [score - 0.5 for score in BASE]
    base = comparison(good=BASE, bad=BASE, unsure=BASE, gone=BASE)
    new = comparison(first=9, good=BASE, bad=worse, unsure=[0.9, 0.99])
    for names, verdict in [
        (["good"], "pass"),
        (["good", "unsure"], "inconclusive"),
        (["good", "unsure", "bad"], "regression"),
        (["good", "unsure", "bad", "gone"], "not-comparable"),
    ]:
        assert judge(new, base, margin=0.02, models=names).verdict == verdict
    assert list(EXIT_CODES.values()) == [5, 3, 4, 0]


def test_nothing_asked_is_no_pass():
    assert judge(comparison(lstm=BASE)).verdict == "not-comparable"


scores = st.lists(st.floats(0.001, 1), min_size=1, max_size=6)


@given(values=scores, margin=st.floats(0, 1))
def test_results_pass_against_themselves(values, margin):
    record = comparison(lstm=values)
    assert judge(record, record, margin=margin).verdict == "pass"


@given(now=scores, then=scores, place=st.integers(0, 5), new_side=st.booleans())
def test_a_missing_value_never_passes(now, then, place, new_side):
    side = now if new_side else then
    side[place % len(side)] = None
    outcome = judge(comparison(lstm=now), comparison(lstm=then), margin=1)
    assert outcome.verdict == "not-comparable"


@given(now=scores, then=scores, margin=st.floats(0, 1), gain=st.floats(0, 1))
def test_better_scores_are_never_a_worse_verdict(now, then, margin, gain):
    order = ["regression", "inconclusive", "pass"]
    before, after = (
        judge(comparison(first=9, lstm=new), comparison(lstm=then), margin=margin).verdict
        for new in (now, [score + gain for score in now])
    )
    assert order.index(after) >= order.index(before)


@given(now=scores, then=scores, margin=st.floats(0, 1))
def test_a_verdict_is_what_the_bounds_say(now, then, margin):
    (check,) = judge(comparison(first=9, lstm=now), comparison(lstm=then), margin=margin).checks
    if check.lower is None:
        expected = "inconclusive"
    elif check.lower >= -margin:
        expected = "pass"
    else:
        expected = "regression" if check.upper < -margin else "inconclusive"
    at_the_edge = check.lower and min(abs(check.lower + margin), abs(check.upper + margin)) < 1e-9
    assert check.verdict == expected or at_the_edge


def test_names_that_cannot_be_meant_are_told_with_the_nearest():
    with pytest.raises(UnknownName, match="Did you mean lstm"):
        judge(comparison(lstm=BASE), comparison(lstm=BASE), models=["lstn"])
    with pytest.raises(UnknownName, match="Did you mean accuracy"):
        judge(comparison(lstm=BASE), conditions=[Condition("at-least", "acuracy", 0.9)])


def test_a_metric_that_is_not_in_the_results_is_not_comparable():
    outcome = judge(comparison(lstm=BASE), conditions=[Condition("at-most", "rmse", 1)])
    assert outcome.verdict == "not-comparable"
    assert "lstm has no rmse in the new results; there is accuracy." in headline(outcome)


HOSTILE = "a|b<script>\n\x1b[31m\ud800"


def test_junit_and_markdown_hold_whatever_a_name_is():
    record = comparison(lstm=BASE)
    record["models"][0]["name"] = HOSTILE
    outcome = judge(record, conditions=[Condition("at-least", "accuracy", 0.99)])
    (case,) = ElementTree.fromstring(junit(outcome)).iter("testcase")
    assert case.get("name").startswith("a|b<script> \\x1b[31m\\ud800: accuracy at least 0.99")
    table = [line for line in markdown(outcome).splitlines() if line.startswith("|")]
    assert table[1] == "| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |"
    assert {line.replace("\\|", "").count("|") for line in table} == {9}
    assert "<" not in markdown(outcome)


def test_junit_counts_what_did_not_pass():
    base = comparison(good=BASE, bad=BASE, gone=BASE)
    new = comparison(good=BASE, bad=[0.1, 0.11])
    suite = ElementTree.fromstring(junit(judge(new, base))).find("testsuite")
    assert [suite.get(key) for key in ("tests", "failures", "errors")] == ["3", "1", "1"]
    kinds = {case.get("name").partition(":")[0]: [c.tag for c in case] for case in suite}
    assert kinds == {"good": [], "bad": ["failure"], "gone": ["error"]}
    assert suite.find("*/failure").get("type") == "regression"


def errors_in(file):
    """What a JUnit file's errors say, their number being what the file counts."""
    suite = ElementTree.parse(file).find("testsuite")
    found = [error.get("message") for error in suite.iter("error")]
    assert [suite.get(key) for key in ("failures", "errors")] == ["0", str(len(found))]
    return found


# The command, on files that compare really wrote.


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """`written("name")` is a results.json that compare wrote, by the name in `CALLS`."""
    folder = tmp_path_factory.mktemp("written")

    def path(name):
        file = folder / f"{name}.json"
        if not file.exists():
            shared = ["compare", "simple-rnn", "--runs", str(folder / "runs"), "-q"]
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("lstm_zoo.rehearsal.measured", lambda *_: 0.0)
                assert run([*shared, "-o", str(file), *CALLS[name].split()]) in (0, 1)
        return file

    return path


CALLS = {
    "base": "--set units=32 --seeds 3 --epochs 2 --learning-rate 0.01",
    "again": "--set units=32 --seeds 3 --epochs 2 --learning-rate 0.01 --seed 10",
    "small": "--set units=1 --seeds 3 --epochs 2 --learning-rate 0.01",
    "one": "--set units=32 --seeds 1 --epochs 2 --learning-rate 0.01 --seed 20",
    "series": "--set units=1 --seeds 1 --epochs 1 --dataset prices --data window=5",
    "diverged": "--set activation=relu --seeds 2 --epochs 1 --optimizer sgd --learning-rate 1e30",
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options", "code", "said"),
    [
        ("base", "--margin 0", 0, "Pass: simple-rnn has the same scores with the same seeds."),
        ("again", "--margin 0.5", 0, "Pass: simple-rnn is not worse than the baseline by more"),
        ("again", "--margin 0", 4, "Cannot tell: simple-rnn can't be judged with these seeds"),
        ("one", "--margin 0.5", 4, "Cannot tell: simple-rnn has fewer than two seeds"),
        ("small", "--margin 0.1", 3, "Regression: simple-rnn is worse than the baseline by more"),
        ("series", "", 5, "dataset prices (baseline: digits)"),
        ("diverged", "", 5, "trained otherwise: epochs 1 (baseline: 2)"),
    ],
)
def test_exit_codes_against_a_baseline(zoo, written, name, options, code, said):
    result = zoo("gate", written(name), "--baseline", written("base"), *options.split())
    assert result.code == code, result.out + result.err
    assert said in result.out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options", "code", "said"),
    [
        ("base", "--at-least accuracy=0.15", 0, "Pass: simple-rnn reaches accuracy 0.15."),
        ("base", "--at-most accuracy=0.15", 3, "does not stay within accuracy 0.15."),
        (
            "base",
            "--at-least cross_entropy=0.01 --at-most cross_entropy=9",
            0,
            "Pass: both checks.",
        ),
        ("one", "--at-least accuracy=0.1", 4, "simple-rnn has fewer than two seeds"),
        ("base", "--at-most rmse=1", 5, "has no rmse in the new results; there are accuracy"),
        ("diverged", "--at-least accuracy=0.5", 3, "does not reach accuracy 0.5."),
        ("diverged", "--at-most cross_entropy=9", 5, "has no cross entropy"),
        ("series", "--at-most rmse=1000", 4, "simple-rnn has fewer than two seeds"),
    ],
)
def test_exit_codes_against_a_number(zoo, written, name, options, code, said):
    result = zoo("gate", written(name), *options.split())
    assert result.code == code, result.out + result.err
    assert said in result.out


@pytest.mark.slow
def test_a_cut_file_that_compare_wrote_is_an_error(zoo, written, tmp_path):
    (tmp_path / "cut.json").write_text(written("base").read_text()[:-20])
    for files in (("cut.json", written("base")), (written("base"), "cut.json")):
        result = zoo("gate", files[0], "--baseline", files[1], "--junit", "gate.xml")
        assert (result.code, result.out) == (1, "")
        assert "cut.json is damaged" in result.err
        assert errors_in("gate.xml") == ["The gate did not come to a verdict."]


BASELINE = EXAMPLE / "baseline.json"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("", "needs --baseline"),
        ("--margin 1", "--margin goes with --baseline"),
        ("--at-least accuracy=0.5 --update-baseline", "--update-baseline goes with --baseline"),
        ("--baseline b.json --margin -1", "--margin takes a number, at least 0, not -1"),
        ("--baseline b.json --margin nan", "--margin takes a number, at least 0, not nan"),
        ("--baseline b.json --margin inf", "not inf"),
        ("--baseline b.json --margin x", "'x' is not a valid float"),
        ("--baseline b.json --update-baseline --model a", "goes without --model"),
        ("--at-least accuracy", "--at-least takes METRIC=NUMBER, as accuracy=0.95"),
        ("--at-most rmse=nan", "--at-most takes METRIC=NUMBER"),
        ("--at-most =1", "--at-most takes METRIC=NUMBER"),
        ("--at-least acuracy=1", "There is no metric 'acuracy'. Did you mean accuracy"),
        ("--at-least accuracy=1 --model lstm", "There is no model in these results called 'lstm'"),
        ("--baseline=", "--baseline is empty."),
        ("--at-least accuracy=1 --junit=", "--junit is empty."),
        (f"--baseline b.json --junit {BASELINE}", "would replace RESULTS.json"),
        ("--baseline b.json --junit ./b.json", "--junit ./b.json would replace --baseline"),
    ],
)
def test_options_that_cannot_be_meant(zoo, options, said):
    result = zoo("gate", BASELINE, *options.split())
    assert (result.code, result.out) == (2, "")
    assert said in result.err


def test_the_results_must_have_a_name(zoo):
    result = zoo("gate", "", "--at-least", "accuracy=1")
    assert (result.code, result.err) == (2, "Error: RESULTS.json is empty.\n")


def test_junit_never_replaces_what_is_read_through_a_link(zoo, tmp_path):
    (tmp_path / "link.xml").symlink_to(BASELINE)
    before = BASELINE.read_bytes()
    result = zoo("gate", BASELINE, "--at-least", "accuracy=0.5", "--junit", "link.xml")
    assert (result.code, BASELINE.read_bytes()) == (2, before)


def test_a_gate_that_ends_early_leaves_an_error_in_junits_file(zoo):
    zoo("gate", BASELINE, "--baseline", BASELINE, "--junit", "gate.xml")
    assert errors_in("gate.xml") == []
    zoo("gate", BASELINE, "--at-least", "acuracy=1", "--junit", "gate.xml")
    assert errors_in("gate.xml") == ["The gate did not come to a verdict."]


def test_a_file_that_is_not_there(zoo):
    result = zoo("gate", "r.json", "--baseline", BASELINE)
    assert (result.code, result.err) == (1, "Error: There is no r.json.\n")


def written_as(path, **changes):
    """The example's baseline at a path, its scores moved."""
    record = json.loads(BASELINE.read_text())
    (own,) = record["models"]
    for one in own["trials"]:
        one["metrics"]["accuracy"] = one["score"] = one["score"] + changes.get("by", 0)
        one["seed"] += 100
    for key in ("mean", "best", "worst"):
        own[key] += changes.get("by", 0)
    own["ci95"] = None
    record["seeds"] = [one["seed"] for one in own["trials"]]
    Path(path).write_text(json.dumps(record))
    return record


def test_json_is_one_document_and_its_verdict_the_exit_code(zoo):
    written_as("worse.json", by=-0.2)
    result = zoo("gate", "worse.json", "--baseline", BASELINE, "--json")
    assert result.code == 3
    outcome = json.loads(result.out, parse_constant=pytest.fail)
    assert (outcome["verdict"], outcome["warnings"]) == ("regression", [])
    (check,) = outcome["checks"]
    assert check["difference"] == pytest.approx(-0.2)
    assert (check["model"], check["margin"]) == ("simple-rnn:units=64", 0.01)


def test_the_baseline_is_replaced_on_a_pass_alone(zoo, tmp_path):
    base, new = tmp_path / "base.json", tmp_path / "new.json"
    base.write_text(BASELINE.read_text())
    for by, code, said in [(-0.2, 3, "stays as it was"), (0.05, 0, "holds these results now")]:
        before, record = base.read_text(), written_as(new, by=by)
        result = zoo("gate", new, "--baseline", base, "--update-baseline")
        assert result.code == code
        assert said in result.err
        assert json.loads(base.read_text()) == (json.loads(before) if code else record)


def test_the_summary_of_a_ci_job_gets_the_verdict_and_its_table(zoo, tmp_path, monkeypatch):
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    assert zoo("gate", BASELINE, "--baseline", BASELINE, "--junit", "gate.xml").code == 0
    assert summary.read_text().startswith("before\n\n\n**Pass: simple-rnn:units=64 has the same")
    assert "| simple-rnn:units=64 | accuracy against the baseline |" in summary.read_text()
    assert summary.read_text().endswith("|\n\n")
    assert ElementTree.parse("gate.xml").find("testsuite").get("tests") == "1"


def test_a_summary_that_can_not_be_written_is_a_warning(zoo, tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    result = zoo("gate", BASELINE, "--baseline", BASELINE)
    assert (result.code, result.out[:5]) == (0, "Pass:")
    assert result.err == f"The job's summary {tmp_path} can't be written: Is a directory.\n"


@pytest.mark.parametrize("path", ["/data/x.csv", "C:\\data\\x.csv"])
def test_where_a_file_lies_makes_no_other_data(path):
    new, base = comparison(a=BASE), comparison(a=BASE)
    new["dataset"]["params"]["csv"], base["dataset"]["params"]["csv"] = path, "/other/x.csv"
    assert judge(new, base).verdict == "pass"


def test_warnings_go_to_stderr_and_change_no_code(zoo, tmp_path):
    record = json.loads(BASELINE.read_text())
    record["environment"]["versions"]["keras"] = "3.99"
    (tmp_path / "new.json").write_text(json.dumps(record))
    result = zoo("gate", "new.json", "--baseline", BASELINE, "-q")
    assert result.code == 0
    assert "keras 3.99 (baseline: 3." in result.err
    assert "3.99" not in result.out


@pytest.mark.slow
def test_the_gate_imports_no_keras_and_its_code_outlives_a_closed_pipe(tmp_path):
    written_as(tmp_path / "worse.json", by=-0.2)
    script = (
        "import sys, atexit\n"
        "from lstm_zoo.__main__ import main\n"
        "heavy = {'keras', 'tensorflow', 'jax', 'torch', 'sklearn', 'pandas', 'matplotlib'}\n"
        "atexit.register(lambda: print(sorted(heavy & set(sys.modules)), file=sys.stderr))\n"
        "main()\n"
    )
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-c", script, "gate", tmp_path / "worse.json"]
    done = subprocess.run(
        [*command, "--baseline", BASELINE], stdout=writer, stderr=subprocess.PIPE, text=True
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (3, "[]\n")


# The CI job of examples/.

JOB = yaml.safe_load((EXAMPLE / "models.yml").read_text())["jobs"]["gate"]
LINES = [step["run"] for step in JOB["steps"] if "run" in step]


def test_the_examples_baseline_is_compares_own_and_knows_no_machines_paths():
    record = results.read(BASELINE)
    assert len(record["seeds"]) == 5
    assert "/" not in record["environment"]["command"]
    assert all(trial["run"].startswith("runs/") for trial in record["models"][0]["trials"])


@pytest.mark.slow
def test_the_examples_job_runs_line_by_line(tmp_path):
    (tmp_path / "baseline.json").write_text(BASELINE.read_text())
    tool = tmp_path / "bin" / "lstm-zoo"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m lstm_zoo "$@"\n')
    tool.chmod(0o755)
    environment = os.environ | {
        "PATH": f"{tool.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }
    environment.pop("LSTM_ZOO_RUNS", None)
    install, *lines = LINES
    assert install.startswith("pip install")
    for line in lines:
        shell = ["bash", "-e", "-c", line]
        done = subprocess.run(shell, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    suite = ElementTree.parse(tmp_path / "gate.xml").find("testsuite")
    assert [suite.get(key) for key in ("tests", "failures", "errors")] == ["2", "0", "0"]
    (cached,) = [step["with"]["path"] for step in JOB["steps"] if "cache" in step.get("uses", "")]
    assert len(list((tmp_path / cached).glob("*/metrics.json"))) == 5


def test_what_an_older_baseline_does_not_know_was_done_by_default():
    now = edited(models_train=TRAIN | {"precision": "float32"})
    assert judge(now, edited()).verdict == "pass"
    (check,) = judge(edited(models_train=TRAIN | {"precision": "mixed_bfloat16"}), edited()).checks
    assert "precision mixed_bfloat16 (baseline: float32)" in check.reason


def test_a_tuned_learning_rate_is_no_protocol_and_the_search_is():
    now, then = comparison(lstm=NEW), comparison(lstm=BASE)
    now["models"][0]["train"] = TRAIN | {"learning_rate": 0.01}
    then["models"][0]["train"] = TRAIN | {"learning_rate": 0.001}
    assert judge(now, then).verdict == "not-comparable"
    tuned = judge(now | {"tune_lr": 3}, then | {"tune_lr": 3})
    assert tuned.verdict == judge(comparison(lstm=NEW), comparison(lstm=BASE)).verdict
    assert judge(now | {"tune_lr": 3}, then | {"tune_lr": 5}).verdict == "not-comparable"
