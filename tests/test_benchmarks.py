"""The simulations are of the tests that verdicts use, and pages quote what RESULTS.md says."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lstm_zoo import advice, statistics

ROOT = Path(__file__).parents[1]
BENCHMARKS = ROOT / "benchmarks"
sys.path.append(str(BENCHMARKS))
import goals  # noqa: E402
import memory  # noqa: E402
import over_seeds  # noqa: E402
import over_time  # noqa: E402
import processes  # noqa: E402
import sections  # noqa: E402
import speed  # noqa: E402
import verdicts  # noqa: E402
from parts import at_once, overhead, precision, run, start  # noqa: E402
from rivals.work import Work  # noqa: E402

RESULTS = (BENCHMARKS / "RESULTS.md").read_text(encoding="utf-8")
QUOTED = re.compile(r"<!-- benchmarks/RESULTS.md -->\n\n?(.*?)\n\n?<!-- end -->", re.DOTALL)
PAGES = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
POOLS = verdicts.all_pools()
NORMAL = over_seeds.Pool("normal", np.random.default_rng(0).normal(0.9, 0.01, 500), 0.0, "")


@pytest.mark.parametrize("pool", POOLS, ids=lambda pool: pool.name)
def test_the_simulated_tests_are_those_of_verdicts(pool):
    a, b = pool.draw(2, 4, 50)
    ours = over_seeds.PairedTests.of(a, b, pool.resolution)
    theirs = [statistics.paired_t(*pair, pool.resolution) for pair in zip(a, b, strict=True)]
    assert ours.p_values == pytest.approx([test.p_value for test in theirs])
    assert ours.difference == pytest.approx([test.difference for test in theirs])
    equal = [statistics.equivalence(test, 4, 0.01) for test in theirs]
    assert ours.p_equal(0.01) == pytest.approx(equal)


def test_a_family_is_told_apart_where_holm_tells_a_pair_apart():
    pool = NORMAL.rounded(100)
    models = pool.draw(3, 3, 300).swapaxes(0, 1)
    told = [min(statistics.holm(_p_values(*each, pool.resolution))) < 0.05 for each in models]
    assert over_seeds.false_verdicts(pool, 3, 3, 300) == np.mean(told)


def _p_values(a, b, c, resolution):
    return [statistics.paired_t(*pair, resolution).p_value for pair in ((a, b), (a, c), (b, c))]


def test_of_normal_scores_the_shares_are_the_known_ones():
    assert over_seeds.false_verdicts(NORMAL, 2, 5, 4000) == pytest.approx(0.05, abs=0.012)
    assert over_seeds.coverage(NORMAL, 5, 4000) == pytest.approx(0.95, abs=0.012)
    assert over_seeds.called_equal(NORMAL, 5, 0.05, 0.05, 4000) == pytest.approx(0.05, abs=0.012)
    shift, n = NORMAL.std, over_seeds.needed(NORMAL, NORMAL.std)
    assert over_seeds.power(NORMAL, n, shift, 4000) == pytest.approx(0.8, abs=0.03)


def test_no_score_is_drawn_twice_and_each_setting_has_enough():
    for pool in POOLS:
        assert len(pool.scores) >= max(verdicts.MODELS) * max(verdicts.SEEDS)
        examples = pool.scores / pool.resolution
        assert examples == pytest.approx(np.round(examples), abs=1e-4)
    numbered = over_seeds.Pool("numbers", np.arange(70.0), 0.0, "")
    for draw in numbered.draw(7, 10, 3).swapaxes(0, 1):
        assert sorted(draw.ravel()) == list(range(70))


def test_looking_again_finds_more_unless_corrected():
    p_values = over_seeds.looks(NORMAL, (5, 6, 7), 2000)
    once = over_seeds.ever_found(p_values[:1], np.ones(1))
    thrice = over_seeds.ever_found(p_values, np.ones(3))
    assert once < over_seeds.ever_found(p_values, np.arange(1, 4)) < thrice
    assert thrice == np.mean(p_values.min(axis=0) < 0.05)


def test_a_random_walk_is_not_beaten_more_often_than_allowed():
    assert max(over_time.beaten_floors(150, 1, 400)) < 0.08
    over_seeds_alone, by_example, both = over_time.told_apart_by(60, 5, 400)
    assert both <= by_example < 0.08 < 0.5 < over_seeds_alone


@pytest.mark.slow
def test_results_are_what_the_script_writes(tmp_path, monkeypatch):
    """The same page from fewer draws, and one section from all of them, to the last digit."""
    path = tmp_path / "RESULTS.md"
    monkeypatch.setattr(sys, "argv", ["verdicts.py", "--draws", "200", "--output", str(path)])
    verdicts.main()
    assert _without_numbers(path.read_text(encoding="utf-8")) in _without_numbers(RESULTS)
    assert verdicts.false_verdicts(POOLS, 10_000) in RESULTS


def _without_numbers(text):
    return re.sub(r"[\d.,]+", "0", text.replace("**", ""))


def test_what_is_quoted_is_in_the_results():
    quotes = {page.name: QUOTED.findall(page.read_text(encoding="utf-8")) for page in PAGES}
    assert quotes["verdicts.md"]
    for page, blocks in quotes.items():
        for block in blocks:
            assert block in RESULTS, f"{page} quotes what benchmarks/RESULTS.md does not say"


def test_a_script_replaces_its_own_section_and_no_other(tmp_path):
    path = tmp_path / "RESULTS.md"
    for script, text in (("a.py", "# One"), ("b.py", "# Two"), ("a.py", "# Three")):
        sections.write(path, script, text)
    a, b = path.read_text(encoding="utf-8").split("<!-- end of benchmarks/a.py -->")
    assert a == "<!-- benchmarks/a.py -->\n\n# Three\n\n"
    assert b == "\n\n<!-- benchmarks/b.py -->\n\n# Two\n\n<!-- end of benchmarks/b.py -->\n"


def adding(steps, **losses):
    """A part of three seeds a model, as its comparison would say."""
    train = {"epochs": 6, "batch_size": 50, "learning_rate": 0.003, "target_loss": None}
    models = [
        {
            "name": name.replace("_", "-"),
            "parameters": 16_000,
            "mean": float(np.mean(scores)),
            "ci95": None,
            "train": train,
            "trials": [{"score": score, "metrics": {"mse": score}} for score in scores],
        }
        for name, scores in losses.items()
    ]
    return {
        "command": "lstm-zoo compare …",
        "dataset": {
            "name": "adding",
            "params": {"steps": steps, "train": 50_000},
            "examples": {"train": 50_000},
        },
        "environment": {"versions": {"keras": "3", "jax": "0"}},
        "metric": {"name": "mse"},
        "floor": {"value": 1 / 6},
        "models": models,
    }


def test_memory_is_told_by_verdicts_beside_the_published_ones():
    part = adding(200, simple_rnn=[0.17] * 3, lstm=[0.001, 0.001, 0.16], gru=[1e-4] * 3)
    page = memory.page({"adding-200": part})
    assert "6,000 updates with 50 sequences each. Floor: 0.1667 at 200 steps." in page
    assert "| 200 | lstm | 16,000 | 0.003 | 0.054 | – | 2 of 3 | 1 of 3 |" in page
    assert "| gru | 5.3e-05 | solved | solved |" in page
    assert "| simple-rnn | 0.177 | at the floor | at the floor |" in page
    assert "reached by simple-rnn at 200 steps and gru at 200 steps." in page
    assert "Another was reached by lstm at 200 steps (solved)." in page
    # 10 epochs of 50,000 sequences of 600 steps, beside 6 of 50,000 of 200
    assert "reads 5.0 times the steps of one at 200 steps, with 4.4 times the parameters" in page
    assert "copy" not in page.partition("## ")[2]


def test_what_is_recalled_is_told_too():
    metrics = [{"recall_accuracy": share} for share in (0.1, 0.2)]
    assert memory.recalled({"trials": [{"metrics": m} for m in [*metrics, None]]}) == ["0.15"]
    assert memory.recalled({"trials": [{"metrics": {"mse": 1.0}}]}) == []


def test_what_is_kept_of_memory_stands_in_the_results():
    parts = memory.kept()
    assert not parts or memory.page(parts) in RESULTS
    assert all(part["command"].endswith(memory.PARTS[name]) for name, part in parts.items())


MACHINE = {
    "processor": "Some Processor",
    "cores": 2,
    "instruction sets": ["avx2"],
    "system": "Linux x86_64",
    "python": "3.11.7",
    "lstm-zoo": "0.1.0",
    "versions": {"keras": "3"},
}


def told_of_runs():
    """Two rounds of one run: bare Keras takes 2 s a work and then 3, ours 1 and then 2."""
    works = {name: run.sized(work, 320) for name, work in run.WORKS.items()}
    rounds = {
        name: [
            [{"first": 5.0, "epoch": float(slow + number)} for _ in works] for number in range(2)
        ]
        for name in run.sides([])
        for slow in [1 if name.startswith("ours") else 2]
    }
    return {"works": {name: vars(work) for name, work in works.items()}, "told": rounds}


def told_of_precision():
    """Of bfloat16 half the seconds, and of three seeds 0.01 less, which is their deviation."""
    epochs = {precision.OURS: 2.0, precision.OURS_ROUNDED: 1.0, precision.KERAS_ROUNDED: 4.0}
    works = {name: vars(run.sized(work, 320)) for name, work in run.FASTER.items()}
    return {
        "works": works,
        "told": {side: [[{"epoch": epoch}] * len(works)] for side, epoch in epochs.items()},
        "scores": {
            "float32": {"gru": [0.97, 0.98, 0.99]},
            precision.ROUNDED: {"gru": [0.96, 0.96, 0.99]},
        },
    }


MEASURED = {
    "start": {"seconds": {start.BARE: [0.1]} | {command: [0.2] for command in start.COMMANDS}},
    "run": told_of_runs(),
    "precision": told_of_precision(),
    "at_once": {
        "works": {name: vars(run.sized(work, 320)) for name, work in at_once.WORKS.items()},
        "told": {
            side: [[{"epoch": epoch}] * len(at_once.WORKS)]
            for side, epoch in ((at_once.OURS, 3.0), (at_once.ONE, 2.0), (at_once.SEVERAL, 1.0))
        },
    },
    "comparison": {
        "seconds": {
            "keras simple-rnn": [10.0],
            "keras stacked": [40.0],
            "keras simple-rnn --threads 1": [9.0],
            "keras stacked --threads 1": [36.0],
            "jax": [50.0],
            "tensorflow": [100.0],
            "jax, bfloat16": [40.0],
        },
        "lstms": {"flop": 240e9, "train": [4.0] * 4, "compile": [1.0] * 4},
        "peaks": {"numpy": {"one core": 30.0, "2 cores": 50.0}, "jax": {"2 cores": 60.0}},
    },
    "accuracy": {
        "seconds": {
            "tutorial": [200.0],
            "mnist-fast --quick": [60.0],
            "mnist-fast": [120.0],
            "mnist-fast --precision mixed_bfloat16": [100.0],
        },
        "fit": [190.0],
        "scores": {
            "mnist-fast --quick": [0.97, 0.98],
            "mnist-fast": [0.991, 0.991],
            "mnist-fast --precision mixed_bfloat16": [0.99, 0.99],
        },
    },
    "overhead": {"seconds": {overhead.SCRIPT: [50.0], overhead.OURS: [52.5]}},
}


def measured(name):
    """A part's numbers as they are kept."""
    return {"machine": MACHINE, "images": 320, "rounds": 1} | MEASURED[name]


def shares(name):
    """Each goal's median, and whether it is reached."""
    return {
        goal.name: (float(np.median(goal.figures)), goal.reached)
        for goal in speed.PARTS[name].goals(measured(name))
    }


def test_a_goal_stands_beside_its_figure_and_a_missed_one_beside_its_reason(monkeypatch):
    monkeypatch.setitem(goals.REASONS, "slow", "it is slow")
    fast, slow = goals.Goal("fast", 1.5, [1.4, 1.6, 1.7]), goals.Goal("slow", 3, [4], most=True)
    assert fast.row() == ["fast", "at least 1.5×", "1.6× (1.4 to 1.7)", "reached"]
    assert slow.row() == ["slow", "at most 3×", "4×", "**missed**: it is slow"]


def test_figures_are_ratios_of_one_round():
    assert set(shares("start").values()) == {(2.0, True)}
    assert shares("run")[f"{run.LSTM}: ours beside PyTorch"] == (1.75, True)  # of 2 and 1.5
    found = shares("comparison")
    assert found["Eight runs: ours on JAX beside eight scripts"] == (0.25, True)
    assert found["Eight runs: ours on TensorFlow beside eight scripts"] == (0.5, False)
    # 240 GFLOP in 4 times 3 seconds, on two cores: 40 GFLOP/s of the 60 that JAX reaches
    assert found["LSTMs: arithmetic of the machine's peak"] == (pytest.approx(200 / 3), False)
    found = shares("accuracy")  # the script: 200 s with one epoch, and 190 for each of two more
    assert found["`mnist-fast`: wall time of the tutorials' script"][0] == 120 / 580
    assert found["`mnist-fast --quick`: mean test accuracy"] == (97.5, False)
    found = shares("precision")
    assert found[f"{run.LSTM}, in bfloat16: beside float32, on JAX"] == (2.0, True)
    assert found["gru, in bfloat16: accuracy lost"] == (pytest.approx(1), True)
    assert shares("overhead") == {
        "`reproduce`: more than a script, less 1 s": (pytest.approx(3), False)
    }


def test_the_page_tells_all_parts_and_the_machine():
    page = speed.page({name: measured(name) for name in speed.PARTS})
    assert "The machine: Some Processor, 2 cores (avx2)" in page
    assert page.count("\n## ") == len(speed.PARTS)
    assert "| bare Keras, as it comes | 200 |" in page
    assert f"| {run.LSTM} | TensorFlow | 250 (200 to 300) |" in page
    assert f"| {run.LSTM} | 300 | 200 | 100 | 2 |" in page
    # -0.01 ± 4.30 · 0.01 / √3
    assert "| gru | 0.9800 | 0.0100 | 0.9700 | -0.0100 (-0.0348 to +0.0148) | 0.23 |" in page
    elsewhere = measured("run") | {"machine": MACHINE | {"cores": 64}}
    page = speed.page({"start": measured("start"), "run": elsewhere})
    assert "- run: Some Processor, 64 cores" in page


def test_what_is_kept_of_speed_stands_in_the_results():
    parts = speed.kept()
    assert not parts or speed.page(parts) in RESULTS


def test_what_is_promised_of_jax_was_measured():
    measured = speed.kept()["run"]
    names = {"LSTM": run.LSTM, "GRU": "GRU, 128 units", "SimpleRNN": "simple RNN, 128 units"}
    assert set(advice.JAX_FASTER) == set(names)
    for kind, name in names.items():
        jax = run.seconds(measured, "ours, jax", name)
        long, short = (
            np.median(goals.ratios(run.seconds(measured, side, name), jax))
            for side in ("ours, tensorflow", "keras, tensorflow, 1 thread")
        )
        assert advice.JAX_FASTER[kind] == pytest.approx(long, abs=0.05)
        assert short > long


def test_works_of_other_shapes_are_as_long():
    """As many steps in an epoch, in whole batches."""
    for name, work in run.WORKS.items():
        sized = run.sized(work, 3200)
        assert sized.images % work.batch == 0, name
        assert sized.images * sized.steps == pytest.approx(3200 * 28, rel=0.25)
        assert Work.read(sized.spelled) == sized


@pytest.mark.slow
def test_the_command_measures_and_writes(tmp_path):
    arguments = ["-m", "benchmarks", "start", "--rounds", "1", "--output", str(tmp_path)]
    subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True)
    kept = json.loads((tmp_path / "speed" / "start.json").read_text(encoding="utf-8"))
    assert all(len(seconds) == 1 for seconds in kept["seconds"].values())
    assert "## Start" in (tmp_path / "RESULTS.md").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ours.py", "rivals/keras_epoch.py", "rivals/seeds_at_once.py"])
def test_both_sides_train_what_they_are_told(name):
    work = Work("gru", (3,), batch=2, images=6, steps=4, features=2)
    arguments = ("--work", work.spelled, "--work", work.spelled, "--threads", 1)
    told = processes.script(name, *arguments, KERAS_BACKEND="jax").told()
    assert [sorted(each) for each in told] == [["epoch", "first"]] * 2
