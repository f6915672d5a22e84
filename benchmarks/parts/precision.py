"""Products in bfloat16 beside float32: the time of an epoch, and the accuracy from each seed."""

from __future__ import annotations

import json
import tempfile
from statistics import mean, stdev

import sections
import trained
from goals import Goal, ratios, spread
from processes import Side, script, zoo

from lstm_zoo import statistics

from . import run

ROUNDS, IMAGES = 3, trained.ALL
EPOCH = 6400  # drawn images, in the epochs that are timed
SEEDS, EPOCHS, TEST = 10, 2, 10_000
BACKEND, ROUNDED = "jax", "mixed_bfloat16"
MODELS = ("simple-rnn", "gru", "lstm")
OURS, OURS_ROUNDED, KERAS_ROUNDED = "float32", "bfloat16", "Keras' policy"


def measure(rounds: int, images: int) -> dict:
    """Every side's seconds for each work, and the scores of each model in each precision."""
    scores = {precision: scored(precision, images) for precision in ("float32", ROUNDED)}
    return run.told(run.FASTER, EPOCH, sides, rounds) | {"scores": scores}


def sides(asked: list[object]) -> dict[str, Side]:
    """Ours in both precisions, and bare Keras on one thread by its policy of that name."""
    rounded, backend = ("--precision", ROUNDED), {"KERAS_BACKEND": BACKEND}
    bare = ("rivals/keras_epoch.py", *asked, "--threads", 1, *rounded)
    return {
        OURS: script("ours.py", *asked, **backend),
        OURS_ROUNDED: script("ours.py", *asked, *rounded, **backend),
        KERAS_ROUNDED: script(*bare, **backend),
    }


def scored(precision: str, images: int) -> dict[str, list[float]]:
    """The test accuracies of each model, a seed each."""
    before, after = trained.on(images)
    asked = ("--seeds", SEEDS, "--epochs", EPOCHS, "--backend", BACKEND, "--json")
    with tempfile.TemporaryDirectory() as folder:
        options = (*after, *asked, "--precision", precision, "--runs", folder)
        results = json.loads(zoo(*before, "compare", *MODELS, *options).run().stdout)
    return {
        model["name"]: [trial["score"] for trial in model["trials"]] for model in results["models"]
    }


def goals(measured: dict) -> list[Goal]:
    """Faster with each network, and no model loses more accuracy than its seeds differ by."""
    found = []
    for name in measured["works"]:
        faster = ratios(*(run.seconds(measured, side, name) for side in (OURS, OURS_ROUNDED)))
        found.append(Goal(f"{name}, in bfloat16: beside float32, on JAX", 1.0, faster))
    for name, scores in measured["scores"]["float32"].items():
        lost = -compared(measured, name).difference / stdev(scores)
        found.append(Goal(f"{name}, in bfloat16: accuracy lost", 1.0, [lost], True, " sd of seeds"))
    return found


def compared(measured: dict, name: str) -> statistics.PairedTest:
    """The accuracy in bfloat16 less that in float32, seed by seed."""
    scores = measured["scores"]
    return statistics.paired_t(scores[ROUNDED][name], scores["float32"][name], 1 / TEST)


def section(measured: dict) -> str:
    """The times, and the accuracies."""
    works, models = measured["works"], measured["scores"]["float32"]
    times = [time_row(measured, name) for name in works]
    scores = [score_row(measured, name) for name in models]
    header = ["network", "ours, float32, ms a batch", "ours, bfloat16", "times as fast"]
    header += ["bare Keras' `mixed_bfloat16`, one thread", "times as fast as that"]
    labels = ["model", "mean accuracy, float32", "its standard deviation", "mean, bfloat16"]
    labels += ["difference, 95 % interval", "p-value"]
    return f"""## Products in bfloat16

`--precision mixed_bfloat16` on JAX, the epochs as above.

{sections.table(header, times)}

Test accuracies of MNIST after {EPOCHS} epochs of {measured["images"]:,} images, from the same
{SEEDS} seeds each; the difference is tested by Student's paired t-test.

{sections.table(labels, scores)}"""


def time_row(measured: dict, name: str) -> list[str]:
    """A network's milliseconds."""
    ours, rounded, keras = (
        run.batch(measured, name, run.seconds(measured, side, name))
        for side in (OURS, OURS_ROUNDED, KERAS_ROUNDED)
    )
    figures = [ours, rounded, ratios(ours, rounded), keras, ratios(keras, rounded)]
    return [name, *map(spread, figures)]


def score_row(measured: dict, name: str) -> list[str]:
    """A model's accuracies."""
    exact, rounded = (measured["scores"][kind][name] for kind in ("float32", ROUNDED))
    test = compared(measured, name)
    low, high = test.ci95
    difference = f"{test.difference:+.4f} ({low:+.4f} to {high:+.4f})"
    means = f"{mean(exact):.4f}", f"{stdev(exact):.4f}", f"{mean(rounded):.4f}"
    return [name, *means, difference, f"{test.p_value:.2f}"]
