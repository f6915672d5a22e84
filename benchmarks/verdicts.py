"""How often a verdict is wrong, measured: writes its part of `RESULTS.md`.

    python benchmarks/verdicts.py [--draws N] [--output FILE]

Nothing is trained: the scores are those that `real_scores.py` kept.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import over_seeds
import over_time
import scipy
import sections
from over_seeds import Pool
from sections import table

from lstm_zoo.results import LEVEL

HERE = Path(__file__).parent
MODELS, SEEDS, SHIFTS = (2, 3, 7), (3, 5, 10), (0.5, 1, 2, 3)
MOST = 0.055  # false verdicts
DEFAULT = 5  # seeds of `compare`
LOOKS = (range(5, 11), (5, 10, 20))  # the seeds at each look
SIZES = (over_time.size_on_noise, over_time.size_on_overlap)
FACTORS: dict[str, Callable] = {
    "as they are": np.ones_like,
    "times k at the k-th look": lambda k: k,
    "times k (k + 1) from the second look on": lambda k: np.where(k > 1, k * (k + 1), 1),
    "times k (k + 1) from the first look on": lambda k: k * (k + 1),
}


def main() -> None:
    """Simulate, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=10_000)
    parser.add_argument("--output", type=Path, default=sections.RESULTS)
    options = parser.parse_args()
    sections.write(options.output, "verdicts.py", page(all_pools(), options.draws))


def all_pools() -> list[Pool]:
    """Every setting that was trained, by name."""
    pools = [Pool.read(path) for path in (HERE / "scores").glob("*.json")]
    return sorted(pools, key=lambda pool: pool.name)


def page(pools: list[Pool], draws: int) -> str:
    """The whole of RESULTS.md."""
    parts = [
        introduction(pools, draws),
        false_verdicts(pools, draws),
        power(pools, draws),
        coverage(pools, draws),
        equality(pools, draws),
        looks(pools, draws),
        resolution(pools, draws),
        diebold_mariano(draws),
        random_walks(draws),
        both_tests(draws),
    ]
    return "\n\n".join(parts)


def introduction(pools: list[Pool], draws: int) -> str:
    """What was simulated, from what, and how to do it again."""
    known = percent(1.96 * np.sqrt(LEVEL * (1 - LEVEL) / draws))
    return f"""# How often a verdict is wrong

Written by `python benchmarks/verdicts.py`, with NumPy {np.__version__} and SciPy
{scipy.__version__}; nothing here is typed by hand. Each share is of {draws:,} simulated
comparisons, so that one of 5 % is known to about ± {known}. A verdict is a p-value below 5 % after
Holm. A share of wrong ones above {percent(MOST)} is in bold.

The models' scores are drawn from these real trainings, whose accuracies `scores/` keeps:

{table(["setting", "mean", "standard deviation", "range", "command"], map(setting, pools))}"""


def setting(pool: Pool) -> list[str]:
    """A real training, in a row."""
    lowest, highest = np.min(pool.scores), np.max(pool.scores)
    numbers = [f"{np.mean(pool.scores):.4f}", f"{pool.std:.4f}", f"{lowest:.4f} to {highest:.4f}"]
    return [pool.name, *numbers, f"`{pool.command}`"]


def false_verdicts(pools: list[Pool], draws: int) -> str:
    """A model against itself."""
    shares = {
        (pool.name, str(models)): [
            over_seeds.false_verdicts(pool, models, seeds, draws) for seeds in SEEDS
        ]
        for pool in pools
        for models in MODELS
    }
    rows = [[*name, *map(wrong, each)] for name, each in shares.items()]
    most = np.max(list(shares.values()), axis=0)
    told = ", ".join(f"{percent(m)} with {s} seeds" for m, s in zip(most, SEEDS, strict=True))
    return f"""## False verdicts

One model under 2, 3 or 7 names, each with seeds of its own: comparisons with at least one verdict
that two of them differ.

{table(["setting", "models", *of_seeds(SEEDS)], rows)}

At most {told}."""


def power(pools: list[Pool], draws: int) -> str:
    """A known difference added."""
    rows = [power_row(pool, shift, draws) for pool in pools for shift in SHIFTS]
    header = ["setting", "true difference", *of_seeds(SEEDS), "`seeds_needed`", "found by those"]
    return f"""## Differences found

The same of two models, one of them better by a known amount: in standard deviations (sd) of its
scores, and in points of accuracy. `seeds_needed` promises 80 % where it is told the true difference
and spread. After {DEFAULT} seeds that found nothing it has only those to go by: the last column is
the middle half of its answers.

{table([*header, f"asked after {DEFAULT} seeds"], rows)}"""


def power_row(pool: Pool, shift: float, draws: int) -> list[str]:
    """How often a difference of `shift` standard deviations is found."""
    added = shift * pool.std
    needed = over_seeds.needed(pool, added)
    low, high = over_seeds.needed_after(pool, DEFAULT, added, min(draws, 1000))
    found = [percent(over_seeds.power(pool, n, added, draws)) for n in (*SEEDS, needed)]
    return [
        pool.name,
        f"{shift:g} sd = {100 * added:.2f} points",
        *found[:-1],
        str(needed),
        found[-1],
        f"{low:.0f} to {high:.0f}",
    ]


def coverage(pools: list[Pool], draws: int) -> str:
    """The interval of a model's mean."""
    rows = [
        [pool.name, *(percent(over_seeds.coverage(pool, n, draws)) for n in SEEDS)]
        for pool in pools
    ]
    return f"""## The 95 % interval of the mean

How often it holds the mean of all scores.

{table(["setting", *of_seeds(SEEDS)], rows)}"""


def equality(pools: list[Pool], draws: int) -> str:
    """`--margin`."""
    rows = []
    for pool in pools:
        for shift in SHIFTS[1:]:
            margin = shift * pool.std
            shares = [
                show(over_seeds.called_equal(pool, n, margin, difference, draws))
                for show, difference in ((wrong, margin), (percent, 0))
                for n in SEEDS
            ]
            rows.append([pool.name, f"{100 * margin:.2f} points", *shares])
    header = [f"{kind}, {seeds}" for kind in ("falsely", "rightly") for seeds in of_seeds(SEEDS)]
    return f"""## Equal within a margin

How often two models are said to be equal within the margin (1, 2 or 3 sd): falsely, where the true
difference is the margin itself, and rightly, where there is none.

{table(["setting", "margin", *header], rows)}"""


def looks(pools: list[Pool], draws: int) -> str:
    """Looking until it is significant."""
    rows = []
    for seeds in LOOKS:
        k = np.arange(1, len(seeds) + 1)
        p_values = [over_seeds.looks(pool, seeds, draws) for pool in pools]
        for name, factor in FACTORS.items():
            found = [wrong(over_seeds.ever_found(p, factor(k))) for p in p_values]
            rows.append([", ".join(map(str, seeds)), name, *found])
    return f"""## Looking again

A model against itself, looked at again with more seeds each time: how often a difference is found
at one look or more, by what is done to the p-values.

{table(["seeds at each look", "p-values", *(pool.name for pool in pools)], rows)}"""


def resolution(pools: list[Pool], draws: int) -> str:
    """The floor under the standard deviation of the differences."""
    rows = []
    for pool in pools:
        for examples in (20, 50, 100, round(1 / pool.resolution)):
            small = pool.rounded(examples)
            shares = [
                over_seeds.false_verdicts(small, models, 3, draws, floor)
                for models in MODELS
                for floor in (0.0, small.resolution)
            ]
            rows.append([pool.name, f"{examples:,}", *map(wrong, shares)])
    header = [f"{m} models, {floor}" for m in MODELS for floor in ("without", "with")]
    return f"""## Ties on a small test part

False verdicts with 3 seeds, the scores rounded to what a test part of so few examples would show:
without the floor under the standard deviation of the differences, half of one example, and with it.

{table(["setting", "test examples", *header], rows)}"""


def diebold_mariano(draws: int) -> str:
    """The size of the test."""
    rows = [
        [f"{examples}", f"{horizon}"] + [wrong(size(examples, horizon, draws)) for size in SIZES]
        for examples in (30, 100, 300)
        for horizon in (1, 5, 10)
    ]
    return f"""## The Diebold–Mariano test

How often it tells two equally good forecasts apart, two-sided: where the losses' differences are
white noise, and where the errors of forecasts h steps ahead overlap, as real ones do.

{table(["test examples", "h", "white noise", "overlapping errors"], rows)}"""


def random_walks(draws: int) -> str:
    """Floors on random walks."""
    shares = [over_time.beaten_floors(300, horizon, draws) for horizon in (1, 5)]
    rows = [
        [name, *map(wrong, each)]
        for name, *each in zip(over_time.FORECASTERS, *shares, strict=True)
    ]
    return f"""## Floors on random walks

How often a forecaster is said to beat the last value of a random walk of 300 rows, a fifth of them
the test part. Nothing beats it in truth.

{table(["forecaster", "1 step ahead", "5 steps ahead"], rows)}"""


def both_tests(draws: int) -> str:
    """Why a series needs both tests."""
    shares = over_time.told_apart_by(60, DEFAULT, draws)
    rows = [list(map(wrong, shares))]
    return f"""## Two forecasters on one test part

Two equally good forecasters on a random walk of 60 test examples, each with {DEFAULT} seeds that
differ little from each other: how often they are told apart.

{table(["by the seeds alone", "by the examples alone", "by both, as the verdict asks"], rows)}"""


def of_seeds(counts: Iterable[int]) -> list[str]:
    """Headings."""
    return [f"{count} seeds" for count in counts]


def percent(share: float) -> str:
    """One decimal."""
    return f"{100 * share:.1f} %"


def wrong(share: float) -> str:
    """The same of false verdicts, in bold where there are too many."""
    return percent(share) if share <= MOST else f"**{percent(share)}**"


if __name__ == "__main__":
    main()
