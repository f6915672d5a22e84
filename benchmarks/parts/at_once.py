"""Several seeds in one program, beside one seed after the other."""

from __future__ import annotations

import sections
from goals import Goal, ratios, spread
from processes import Side, script
from rivals.work import Work

from . import run

ROUNDS, IMAGES, SEEDS = 3, 6400, 4
WORKS = {
    "simple RNN, 32 units": Work("simple-rnn", (32,)),
    run.LSTM: run.FASTER[run.LSTM],
}
OURS, ONE, SEVERAL = "ours", "one seed", f"{SEEDS} seeds"


def measure(rounds: int, images: int) -> dict:
    """The seconds of an epoch for each seed: by `train`, and by programs of one seed and more."""
    return run.told(WORKS, images, sides, rounds)


def sides(asked: list[object]) -> dict[str, Side]:
    """Ours, and the programs of one seed and of several."""
    program = ("rivals/seeds_at_once.py", *asked, "--seeds")
    return {
        OURS: script("ours.py", *asked, KERAS_BACKEND="jax"),
        ONE: script(*program, 1, KERAS_BACKEND="jax"),
        SEVERAL: script(*program, SEEDS, KERAS_BACKEND="jax"),
    }


def goals(measured: dict) -> list[Goal]:
    """None: it is measured to choose."""
    return []


def section(measured: dict) -> str:
    """What a batch takes a seed, either way."""
    rows = []
    for name in measured["works"]:
        ours, one, several = (
            run.batch(measured, name, run.seconds(measured, side, name))
            for side in (OURS, ONE, SEVERAL)
        )
        rows.append([name, *map(spread, (ours, one, several)), spread(ratios(one, several))])
    header = ["network", "`train`, ms a batch", "one program, one seed"]
    header += [f"one program, {SEEDS} seeds: ms for each", "times as fast as for one"]
    return f"""## Several seeds in one program

An update that JAX maps over {SEEDS} seeds and compiles as a whole, on one thread, beside the same
for one seed, and beside what `train` does. The tool trains each seed by itself, one a processor.

{sections.table(header, rows)}"""
