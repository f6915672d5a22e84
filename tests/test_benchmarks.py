"""The simulations are of the tests that verdicts use, and pages quote what RESULTS.md says."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from lstm_zoo import statistics

ROOT = Path(__file__).parents[1]
BENCHMARKS = ROOT / "benchmarks"
sys.path.append(str(BENCHMARKS))
import over_seeds  # noqa: E402
import over_time  # noqa: E402
import verdicts  # noqa: E402

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
    assert _without_numbers(path.read_text(encoding="utf-8")) == _without_numbers(RESULTS)
    assert verdicts.false_verdicts(POOLS, 10_000) in RESULTS


def _without_numbers(text):
    return re.sub(r"[\d.,]+", "0", text.replace("**", ""))


def test_what_is_quoted_is_in_the_results():
    quotes = {page.name: QUOTED.findall(page.read_text(encoding="utf-8")) for page in PAGES}
    assert quotes["verdicts.md"]
    for page, blocks in quotes.items():
        for block in blocks:
            assert block in RESULTS, f"{page} quotes what benchmarks/RESULTS.md does not say"
