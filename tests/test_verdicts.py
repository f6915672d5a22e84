"""What scores say of models and pairs, in numbers and in words."""

import json
import math
import re

import numpy as np
import pytest
from scipy import stats

from lstm_zoo import files, looks, verdicts
from lstm_zoo.config import RunConfig
from lstm_zoo.errors import RunError
from lstm_zoo.looks import factor, record, take
from lstm_zoo.reporting import markdown, sentences, tables

SERIES = verdicts.Terms("forecasting", "rmse", "lower", examples=200)
CLASSES = verdicts.Terms("classification", "accuracy", "higher", examples=100)


def trial(seed, score, **given):
    """A trial as results.json has it; a score of None is a failed one."""
    status = "failed" if score is None else "ok"
    nothing = dict.fromkeys(("learned", "learned_p_value", "lag", "run", "error", "metrics"))
    costs = {"epochs": 3, "best_epoch": 3, "train_seconds": 1.0, "notes": []}
    own = {"seed": seed, "status": status, "score": score, "diverged": False, "floor": 0.1}
    return own | nothing | costs | given


def model(name, *scores, **given):
    return {"name": name, "trials": [trial(seed, s, **given) for seed, s in enumerate(scores)]}


def pairs(models, terms, looks=None):
    return verdicts.pairs(models, terms, looks or {})


def forecasts(folder, name, errors):
    """A model of one seed for each row of `errors (seeds, examples)`, with its recorded runs."""
    trials = []
    for seed, error in enumerate(errors):
        run = folder / f"{name}-{seed}"
        run.mkdir()
        truth = np.arange(len(error), dtype=float)[:, None]
        arrays = {"y_true": truth, "y_pred": truth + error[:, None], "last": truth[:, 0] - 1}
        np.savez_compressed(run / "predictions.npz", **arrays)
        trials.append(trial(seed, math.sqrt(np.mean(error**2)), run=str(run)))
    return {"name": name, "trials": trials}


def test_a_pair_is_students_paired_t_over_the_seeds_that_both_finished():
    a, b = model("a", 0.30, 0.50, None, 0.40), model("b", 0.20, 0.35, 0.10, 0.31)
    (pair,) = pairs([a, b], CLASSES)
    differences = [0.10, 0.15, 0.09]
    mean = sum(differences) / 3
    assert pair["difference"] == pytest.approx(mean)
    assert pair["seeds"] == 3
    spread = math.sqrt(sum((d - mean) ** 2 for d in differences) / 2)
    p_value = 2 * stats.t.sf(mean / (spread / math.sqrt(3)), 2)
    assert pair["p_value"] == pytest.approx(p_value)
    assert pair["p_adjusted"] == pytest.approx(p_value)
    assert pair["verdict"] == "better"
    assert pair["examples_test"] is None


def test_ties_on_a_small_test_part_are_no_certainty():
    """All three seeds differ by one example of 100: the spread is taken as half of that."""
    (pair,) = pairs([model("a", 0.51, 0.52, 0.53), model("b", 0.50, 0.51, 0.52)], CLASSES)
    assert pair["p_value"] == pytest.approx(2 * stats.t.sf(0.01 / (0.005 / math.sqrt(3)), 2))


def test_holm_counts_every_pair_or_only_those_against_one():
    scores = {"a": (0.1, 0.11, 0.12), "b": (0.2, 0.22, 0.215), "c": (0.3, 0.305, 0.33)}
    models = [model(name, *values) for name, values in scores.items()]
    every = pairs(models, CLASSES)
    assert [(pair["a"], pair["b"]) for pair in every] == [("a", "b"), ("a", "c"), ("b", "c")]
    ordered = sorted(every, key=lambda pair: pair["p_value"])
    assert ordered[0]["p_adjusted"] == pytest.approx(3 * ordered[0]["p_value"])
    terms = verdicts.Terms("classification", "accuracy", "higher", 100, against="b")
    chosen = pairs(models, terms)
    assert [(pair["a"], pair["b"]) for pair in chosen] == [("a", "b"), ("c", "b")]
    assert [pair["verdict"] for pair in chosen] == ["worse", "better"]
    smallest = min(chosen, key=lambda pair: pair["p_value"])
    assert smallest["p_adjusted"] == pytest.approx(2 * smallest["p_value"])


def test_equal_scores_are_no_verdict():
    (pair,) = pairs([model("a", 0.1, 0.2), model("b", 0.1, 0.2)], CLASSES)
    assert pair["difference"] == 0
    assert pair["p_value"] == 1
    assert (pair["verdict"], pair["seeds_needed"]) == ("inconclusive", None)


def test_fewer_than_two_common_seeds_are_no_verdict():
    (pair,) = pairs([model("a", 0.1, None), model("b", None, 0.2)], CLASSES)
    assert pair["difference"] is pair["p_value"] is pair["p_adjusted"] is None
    assert (pair["verdict"], pair["seeds"]) == ("inconclusive", 0)


def test_a_later_look_costs():
    models = [model("a", 0.51, 0.55, 0.53), model("b", 0.40, 0.41, 0.42)]
    (first,), (third,) = pairs(models, CLASSES), pairs(models, CLASSES, {("a", "b"): 3})
    assert third["p_adjusted"] == pytest.approx(min(1, 12 * first["p_adjusted"]))
    assert [factor(look) for look in (1, 2, 3, 4)] == [1, 6, 12, 20]
    assert (first["looks"], third["looks"]) == (1, 3)


def test_equality_within_a_margin_is_asked_for():
    terms = verdicts.Terms("classification", "accuracy", "higher", 1000, margin=0.05)
    close = [model("a", 0.900, 0.902, 0.904), model("b", 0.901, 0.900, 0.905)]
    (pair,) = pairs(close, terms)
    assert (pair["verdict"], pair["equal"]) == ("inconclusive", True)
    assert pair["p_equal"] < 0.01
    far = [model("a", 0.90, 0.92, 0.91), model("b", 0.50, 0.52, 0.51)]
    assert pairs(far, terms)[0]["equal"] is False
    assert pairs(close, CLASSES)[0]["equal"] is None


def test_seeds_alone_decide_nothing_of_a_series(tmp_path):
    """Six seeds, each a hair better on every seed, by errors that the examples don't tell apart."""
    rng = np.random.default_rng(0)
    base = rng.normal(size=200)
    base += 0.05 - base.mean()
    better = [base - 0.02 + rng.normal(0, 1e-4, 200) for _ in range(6)]
    a, b = forecasts(tmp_path, "a", better), forecasts(tmp_path, "b", [base] * 6)
    (pair,) = pairs([a, b], SERIES)
    assert pair["p_value"] < 0.001
    assert pair["examples_test"]["p_value"] > 0.05
    assert pair["p_adjusted"] == pair["examples_test"]["p_value"]
    assert pair["verdict"] == "inconclusive"
    assert "more seeds can't" in sentences._undecided(pair, {})


def test_both_tests_together_decide(tmp_path):
    rng = np.random.default_rng(1)
    errors = rng.normal(size=(5, 200))
    a, b = forecasts(tmp_path, "a", errors / 2), forecasts(tmp_path, "b", errors)
    (pair,) = pairs([a, b], SERIES)
    loss = [np.mean(side**2, axis=0) for side in (errors / 2, errors)]
    t = stats.ttest_1samp(loss[0] - loss[1], 0)  # h = 1: no lags, and a correction of (n − 1) / n
    assert pair["examples_test"]["p_value"] == pytest.approx(t.pvalue, rel=1e-6)
    assert pair["verdict"] == "better"
    assert pair["p_adjusted"] == max(pair["p_value"], pair["examples_test"]["p_value"])


def test_a_diverged_seed_answers_what_the_floor_does(tmp_path):
    a = forecasts(tmp_path, "a", np.full((2, 200), 3.0))
    b = forecasts(tmp_path, "b", np.full((2, 200), 0.5))
    gone = trial(1, 1.0, status="failed", diverged=True)
    a["trials"][1] = gone
    (pair,) = pairs([a, b], SERIES)
    assert pair["examples_test"]["difference"] == pytest.approx((9 + 1) / 2 - 0.25)


def test_the_floor_is_beaten_by_most_seeds_and_holm_counts_the_models():
    strong = model("strong", 0.9, 0.9, 0.9, learned_p_value=0.001, learned=True)
    weak = model("weak", 0.1, 0.1, 0.1, learned_p_value=0.02, learned=True)
    wild = model("wild", 0.9, 0.9, 0.9, learned_p_value=0.001, learned=True)
    for seed in (0, 1):
        wild["trials"][seed]["diverged"] = True
    tests = verdicts.floor_tests([strong, weak, wild])
    assert [test["p_value"] for test in tests] == pytest.approx([0.002, 0.04, 1.0])
    assert [test["p_adjusted"] for test in tests] == pytest.approx([0.006, 0.08, 1.0])
    assert [test["beaten"] for test in tests] == [True, False, False]


def test_an_interval_stays_within_what_the_metric_can_be():
    short = verdicts.summary(model("a", 0.1, 0.9)["trials"], CLASSES)
    assert short["ci95"] == (0, 1)
    assert (short["best"], short["worst"]) == (0.9, 0.1)
    (pair,) = pairs([model("a", 0.1, 0.9), model("b", 0.8, 0.1)], CLASSES)
    assert pair["ci95"] == (-1, 1)
    errors = verdicts.summary(model("a", 1.0, 9.0)["trials"], SERIES)
    assert errors["ci95"][0] == 0
    assert errors["ci95"][1] > 9
    assert (errors["best"], errors["worst"]) == (1.0, 9.0)


def config(variant, **params):
    return RunConfig(
        **{"model": "lstm", "variant": variant, "builder": "m:build", "params": params},
        **{"dataset": "digits", "loader": "d:load", "data": {}, "train": {}},
        **{"seed": 0, "threads": 1, "backend": "jax"},
    )


def test_looks_are_counted_by_their_seeds(tmp_path):
    a, b, again = config("a", units=1), config("b", units=2), config("another name", units=1)

    def look(pair, seeds):
        lines, count = take(tmp_path, [pair], seeds)
        record(tmp_path, lines)
        return count.get((pair[0].variant, pair[1].variant))

    assert look((a, b), [0, 1, 2]) == 1
    assert look((b, again), [0, 1, 2]) == 1
    assert look((a, b), [0, 1, 2, 3]) == 2
    assert look((a, b), [0, 1, 2]) == 1
    assert look((a, b), [5, 6]) == 3
    assert look((a, b), [7]) is None
    assert look((a, config("c", units=3)), [0, 1]) == 1
    with (tmp_path / "looks.jsonl").open("a") as file:
        file.write('{"pair": [')
    assert look((a, b), [5, 6]) == 3


def results(*models, terms=CLASSES, looks=None, **given):
    """results.json around models, as far as it is told of."""
    for one, test in zip(models, verdicts.floor_tests(list(models)), strict=True):
        one |= verdicts.summary(one["trials"], terms) | {"floor_test": test}
        one |= {"parameters": 10, "multiply_adds": None, "params": {}}
    return {
        "metric": {"name": terms.metric, "better": terms.better},
        "floor": {"name": "majority", "value": 0.1, "low": 0.1, "high": 0.1},
        "floors": {"majority": 0.1},
        "seeds": [one["seed"] for one in models[0]["trials"]],
        "dataset": {"examples": {"test": terms.examples}},
        "margin": terms.margin,
        "notes": [],
        "models": list(models),
        "pairs": pairs(list(models), terms, looks),
    } | given


def learned(name, *scores):
    return model(name, *scores, learned=True, learned_p_value=1e-6)


def test_a_comparison_is_told_with_its_verdict_first():
    told = sentences.told(results(learned("a", 0.9, 0.91, 0.92), learned("b", 0.8, 0.82, 0.81)))
    assert told[0].startswith("a is better than b: accuracy +0.1 (")
    assert told[1] == "This holds for this test part, of 100 examples."
    assert told[2] == "Floor: the most frequent class, accuracy 0.1."
    assert told[3] == "Every model beats it (p < 0.001, over the test examples)."
    assert "3 seeds make a rough interval; 5 are better." in told


def test_what_is_not_told_apart_says_how_many_seeds_it_would_take():
    scores = [(0.90, 0.92, 0.91, 0.93, 0.89), (0.90, 0.91, 0.90, 0.93, 0.90)]
    outcome = results(*(learned(name, *own) for name, own in zip("ab", scores, strict=True)))
    needed = outcome["pairs"][0]["seeds_needed"]
    assert sentences.verdicts(outcome) == [
        f"a and b cannot be told apart with 5 seeds; about {needed} would be needed if the "
        "observed difference is real."
    ]


def test_many_undecided_pairs_are_told_in_short():
    outcome = results(*(learned(name, 0.90, 0.92, 0.91) for name in "abcd"))
    (line,) = sentences.verdicts(outcome)
    assert line.startswith("Cannot be told apart with 3 seeds: a / b, a / c, ")


def test_many_decided_pairs_are_told_in_short():
    steps = (0.0, 0.001, -0.001)
    scores = {name: [0.1 * place + s for s in steps] for place, name in enumerate("abcd", 5)}
    bumps = {"a": (0, 0, 0), "b": (1e-4, 0, 0), "c": (0, 2e-4, 0), "d": (0, 0, 3e-4)}
    models = [
        learned(name, *(s + bump for s, bump in zip(own, bumps[name], strict=True)))
        for name, own in scores.items()
    ] + [learned("e", 0.3, 0.301, 0.299)]
    lines = sentences.verdicts(results(*models))
    assert lines[0].startswith("d is better than a (+0.3, p")
    assert [line.split()[0] for line in lines[:4]] == ["d", "c", "b", "a"]
    assert lines[3].startswith("a is better than e (+0.2, p")


def test_few_seeds_divergence_looks_and_lags_are_remarked_on():
    lag = {"shift": 4, "says": "trails"}
    a, b = learned("a", 0.9, 0.91), learned("b", 0.8, 0.82)
    a["trials"][0] |= {"diverged": True, "status": "failed", "score": 0.1}
    b["trials"] = [one | {"lag": lag} for one in b["trials"]]
    told = sentences.remarks(results(a, b, looks={("a", "b"): 2}))
    assert "a diverged with seed 0, and counts there at the floor's 0.1." in told
    assert "Trails by 4 steps: b." in told
    assert (
        "Looked at before with other seeds: a / b. This is the 2nd look, at which a p-value counts "
        "6 times."
    ) in told


def test_repeating_the_last_value_is_not_said_of_what_beats_it():
    lag = {"shift": 1, "says": "repeats"}
    floor, better = (
        model(name, 0.5, 0.5, learned=p < 0.05, learned_p_value=p, lag=lag)
        for name, p in (("floor", 0.5), ("better", 1e-9))
    )
    told = sentences.remarks(results(floor, better))
    assert "Repeats the last known value: floor." in told


def test_another_trivial_answer_that_does_as_well_is_named():
    outcome = results(learned("a", 0.5, 0.52), floors={"majority": 0.1, "seasonal": 0.6})
    line = "The trivial answer seasonal (0.6) is at least as good as a (0.51)."
    assert line in sentences.floor_lines(outcome)


@pytest.mark.parametrize(
    ("value", "said"),
    [(9999.4, "9999"), (9999.6, "10,000"), (-9999.7, "-10,000"), (0.12345, "0.1235"), (None, "–")],
)
def test_a_number_has_four_digits(value, said):
    assert sentences.number(value) == said


def test_near_the_level_a_p_value_shows_its_side():
    assert [sentences.p_text(p) for p in (0.049996, 0.0483433, 0.0504, 0.0123)] == [
        "p = 0.049996",
        "p = 0.04834",
        "p = 0.0504",
        "p = 0.012",
    ]


@pytest.mark.parametrize(
    ("number", "said"), [(2, "2nd"), (3, "3rd"), (11, "11th"), (12, "12th"), (21, "21st")]
)
def test_ordinals(number, said):
    assert sentences.ordinal(number) == said


def test_markdown_keeps_its_columns_whatever_a_name_holds():
    told = markdown.results(results(model("a|b <i>", None, None)))
    lines = [line for line in told.splitlines() if line.startswith("|")]
    assert lines[2].startswith("| a\\|b &lt;i> (2 failed) | – |")
    assert {line.replace("\\|", "").count("|") for line in lines} == {11}
    assert "<i>" not in told


def test_a_narrow_terminal_breaks_no_number(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setenv("FORCE_COLOR", "1")
    tables.print_results(results(learned("a-long-model-name", 0.12345678, 0.12345678)), None)
    shown = capsys.readouterr().out
    assert "0.1235" in shown
    assert "a-long-model-name" in shown
    assert "…" not in shown


@pytest.mark.parametrize(("columns", "header"), [("120", True), ("40", False)])
def test_a_table_too_wide_for_its_terminal_is_stacked(columns, header, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("FORCE_COLOR", "1")
    rows = [["runs/lstm-digits-s0-20261128", 0.97, "accuracy"], ["b", 0.5, None]]
    tables.print_rows(["run", "score", "the metric of it"], rows)
    plain = re.sub(r"\x1b\[\d*m", "", capsys.readouterr().out)
    lines = [line.split() for line in plain.splitlines() if line.strip()]
    if header:
        assert lines[0] == ["run", "score", "the", "metric", "of", "it"]
        assert lines[2] == ["runs/lstm-digits-s0-20261128", "0.97", "accuracy"]
    else:
        assert [line[-1] for line in lines[:4]] == [rows[0][0], "0.97", "accuracy", "b"]


def test_a_table_that_goes_into_a_file_is_cut_nowhere(capsys):
    tables.print_rows(["a", "b"], [["x" * 150, "y" * 150]])
    assert f"{'x' * 150}   {'y' * 150}" in capsys.readouterr().out


def test_all_of_it_is_strict_json():
    json.dumps(results(learned("a", 0.9, 0.8), model("b", None, None)), allow_nan=False)


def test_looks_that_can_not_be_read_are_told_before_anything_is_trained(tmp_path, monkeypatch):
    (tmp_path / looks.FILE).write_text("x" * 100)
    looks.check(tmp_path)
    monkeypatch.setattr(looks, "contents", lambda path: files.contents(path, 50))
    with pytest.raises(RunError, match="can't be kept: it holds more than"):
        looks.check(tmp_path)
