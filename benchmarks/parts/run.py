"""One run: an epoch of ours beside bare Keras on the same backend, and beside PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import sections
from goals import Goal, ratios, spread
from processes import Side, interleaved, script
from rivals.work import Work

ROUNDS, IMAGES = 3, 6400
BACKENDS = {"tensorflow": "TensorFlow", "jax": "JAX"}
LSTM = "LSTM, 2 × 128 units"
FASTER = {
    LSTM: Work("lstm", (128, 128)),
    "GRU, 128 units": Work("gru", (128,)),
    "simple RNN, 128 units": Work("simple-rnn", (128,)),
}
NOT_SLOWER = {
    f"{LSTM}, batch 256": Work("lstm", (128, 128), batch=256),
    "LSTM, 128 units, 784 steps of one feature": Work("lstm", (128,), steps=784, features=1),
    "LSTM, 128 units, 28 steps of 128 features": Work("lstm", (128,), features=128),
}
WORKS = FASTER | NOT_SLOWER
BOUNDS = {"tensorflow": 1.5, "jax": 1.4}
ONE = "1 thread"


def measure(rounds: int, images: int) -> dict:
    """Every side's seconds for each work: of the first two batches, and of an epoch."""
    return told(WORKS, images, sides, rounds)


def told(
    works: dict[str, Work],
    images: int,
    sides: Callable[[list[object]], dict[str, Side]],
    rounds: int,
) -> dict:
    """What each side tells of each work of that size.

    Args:
        works: by their names.
        images: of 28 steps, in batches of 32.
        sides: the scripts, by their names, to be asked with these arguments.
        rounds: how many times they run in turn.
    """
    works = {name: sized(work, images) for name, work in works.items()}
    asked = [part for work in works.values() for part in ("--work", work.spelled)]
    return {
        "works": {name: vars(work) for name, work in works.items()},
        "told": interleaved(sides(asked), rounds, Side.told),
    }


def sized(work: Work, images: int) -> Work:
    """The work with that many images of 28 steps in batches of 32, or as much of another kind."""
    batches = max(3, images * 28 // (32 * work.steps * (work.batch // 32)))
    return replace(work, images=batches * work.batch)


def sides(asked: list[object]) -> dict[str, Side]:
    """Bare Keras as it comes and on one thread, ours, and PyTorch, which knows the first work."""
    found = {}
    for backend in BACKENDS:
        chosen, bare = {"KERAS_BACKEND": backend}, "rivals/keras_epoch.py"
        found[f"keras, {backend}"] = script(bare, *asked, **chosen)
        found[f"ours, {backend}"] = script("ours.py", *asked, **chosen)
        found[f"keras, {backend}, {ONE}"] = script(bare, *asked, "--threads", 1, **chosen)
    lstm = asked[:2]
    found["pytorch"] = script("rivals/pytorch_epoch.py", *lstm)
    found[f"pytorch, {ONE}"] = script("rivals/pytorch_epoch.py", *lstm, "--threads", 1)
    return found


def seconds(measured: dict, side: str, name: str, what: str = "epoch") -> list[float]:
    """What a side took for a work, a figure a round; none where it was not asked."""
    place = list(measured["works"]).index(name)
    return [told[place][what] for told in measured["told"][side] if place < len(told)]


def goals(measured: dict) -> list[Goal]:
    """Each work on each backend, and PyTorch beside the better one."""
    found = []
    for name in WORKS:
        for backend, title in BACKENDS.items():
            bare = seconds(measured, f"keras, {backend}", name)
            faster = ratios(bare, seconds(measured, f"ours, {backend}", name))
            bound = BOUNDS[backend] if name in FASTER else 0.95
            found.append(Goal(f"{name}: ours beside bare Keras on {title}", bound, faster))
    return [*found, Goal(f"{LSTM}: ours beside PyTorch", 1.5, beside_pytorch(measured, "pytorch"))]


def beside_pytorch(measured: dict, side: str) -> list[float]:
    """How many times as long PyTorch took as ours did on the better backend."""
    ours = [seconds(measured, f"ours, {backend}", LSTM) for backend in BACKENDS]
    return ratios(seconds(measured, side, LSTM), [min(pair) for pair in zip(*ours, strict=True)])


def section(measured: dict) -> str:
    """Every work on every backend, and PyTorch."""
    header = ["network", "backend", "bare Keras, ms a batch", "on one thread", "ours"]
    header += ["times as fast", "as on one thread", "first two batches, s: bare", "ours"]
    rows = [row(measured, name, backend) for name in WORKS for backend in BACKENDS]
    return f"""## One run

{measured["rounds"]} rounds; in each, an epoch of {measured["images"]:,} drawn examples in batches
of 32, of 28 steps of 28 features where nothing else is said, after two batches that compile and are
told apart. Where an example has more steps, there are as many fewer. Bare Keras runs as it comes,
with all threads, and on one thread; ours runs on one, as every run of it does.

{sections.table(header, rows)}

{pytorch(measured)}"""


def row(measured: dict, name: str, backend: str) -> list[str]:
    """A work on a backend."""
    bare, single, ours = (
        seconds(measured, side, name)
        for side in (f"keras, {backend}", f"keras, {backend}, {ONE}", f"ours, {backend}")
    )
    firsts = [seconds(measured, f"{s}, {backend}", name, "first") for s in ("keras", "ours")]
    return [
        name,
        BACKENDS[backend],
        *(spread(batch(measured, name, epoch)) for epoch in (bare, single, ours)),
        spread(ratios(bare, ours)),
        spread(ratios(single, ours)),
        *(spread(first) for first in firsts),
    ]


def batch(measured: dict, name: str, epochs: list[float]) -> list[float]:
    """Milliseconds of one batch."""
    work = measured["works"][name]
    return [1000 * epoch * work["batch"] / work["images"] for epoch in epochs]


def pytorch(measured: dict) -> str:
    """What PyTorch takes for the LSTM."""
    rows = []
    for side, title in (("pytorch", "as it comes"), (f"pytorch, {ONE}", "on one thread")):
        epochs = batch(measured, LSTM, seconds(measured, side, LSTM))
        rows.append([title, spread(epochs), spread(beside_pytorch(measured, side))])
    header = ["PyTorch's nn.LSTM", "ms a batch", "times ours on the better backend"]
    return f"{LSTM}, batch 32:\n\n{sections.table(header, rows)}"
