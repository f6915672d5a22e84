"""Time to an accuracy: the recipe `mnist-fast` beside the tutorials' script."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import sections
import trained
from goals import Goal, ratios, spread
from processes import Side, interleaved, last, script, zoo

ROUNDS, IMAGES = 1, trained.ALL
SEEDS = 5
TUTORIAL_EPOCHS, TIMED_EPOCHS = 3, 1
BACKEND = "jax"
VERSIONS = {
    "mnist-fast --quick": (97.6, 1 / 8),
    "mnist-fast": (99.0, 1 / 3),
    "mnist-fast --precision mixed_bfloat16": (99.0, 1 / 3),
}


def measure(rounds: int, images: int) -> dict:
    """The seconds of the script and of one seed of each version, and the scores of all seeds.

    Of the script's three epochs one is run, and its seconds count for the others too.
    """
    with tempfile.TemporaryDirectory() as folder:
        sides = {"tutorial": tutorial(images)}
        sides |= {name: reproduced(name, images, folder, 1, "--fresh") for name in VERSIONS}
        told = interleaved(sides, rounds, Side.clocked)
        scores = {name: scored(name, images, folder) for name in VERSIONS}
    return {
        "seconds": {name: [seconds for seconds, _ in pairs] for name, pairs in told.items()},
        "fit": [last(printed)["fit"] for _, printed in told["tutorial"]],
        "scores": scores,
    }


def tutorial(images: int) -> Side:
    """The tutorials' script, as it comes."""
    arguments = ("tutorial", "--images", images, "--epochs", TIMED_EPOCHS)
    return script("rivals/keras_script.py", *arguments, KERAS_BACKEND="tensorflow")


def reproduced(name: str, images: int, runs: str, seeds: int, *options: object) -> Side:
    """Ours: `reproduce`, from so many seeds."""
    before, after = trained.on(images)
    after = () if images == trained.ALL else after
    asked = ("--seeds", seeds, "--backend", BACKEND, "--runs", runs, "--json", *options)
    return zoo(*before, "reproduce", *name.split(), *after, *asked)


def scored(name: str, images: int, runs: str) -> list[float]:
    """The test accuracies of all seeds."""
    outcome = json.loads(reproduced(name, images, runs, SEEDS, "--jobs", "auto").run().stdout)
    folders = [Path(run) for run in outcome["runs"]]
    records = [json.loads((folder / "metrics.json").read_text()) for folder in folders]
    return [record["test"]["accuracy"] for record in records]


def goals(measured: dict) -> list[Goal]:
    """Each version's time, and its accuracy."""
    whole, found = tutorial_seconds(measured), []
    for name, (accuracy, share) in VERSIONS.items():
        ours = ratios(measured["seconds"][name], whole)
        mean = 100 * sum(measured["scores"][name]) / len(measured["scores"][name])
        found.append(Goal(f"`{name}`: wall time of the tutorials' script", share, ours, most=True))
        found.append(Goal(f"`{name}`: mean test accuracy", accuracy, [mean], unit=" %"))
    return found


def tutorial_seconds(measured: dict) -> list[float]:
    """The script's, with the epochs that were not run."""
    missing = TUTORIAL_EPOCHS / TIMED_EPOCHS - 1
    pairs = zip(measured["seconds"]["tutorial"], measured["fit"], strict=True)
    return [whole + missing * fit for whole, fit in pairs]


def section(measured: dict) -> str:
    """The seconds and the scores."""
    rows = [["the tutorials' script", spread(tutorial_seconds(measured)), ""]]
    for name, scores in measured["scores"].items():
        listed = ", ".join(f"{score:.4f}" for score in scores)
        rows.append([f"`lstm-zoo reproduce {name}`", spread(measured["seconds"][name]), listed])
    return f"""## Time to an accuracy

Whole processes, from the command to its end; ours from one seed, on one thread, on JAX. Of the
script's {TUTORIAL_EPOCHS} epochs {TIMED_EPOCHS} was run, and its seconds were counted for each. The
settings of the recipe were chosen on a validation part.

{sections.table(["", "seconds", f"test accuracy of {SEEDS} seeds"], rows)}"""
