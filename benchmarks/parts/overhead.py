"""What a run costs more than a script: `reproduce` with Keras' own core beside bare Keras."""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median

import sections
import trained
from goals import Goal, spread
from processes import Side, interleaved, script, zoo

ROUNDS, IMAGES = 3, 6_400
EPOCHS = 3
BACKEND = "jax"
SCRIPT, OURS = "bare Keras", "lstm-zoo reproduce lstm-mnist --core keras"


def measure(rounds: int, images: int) -> dict:
    """The seconds of both, on one thread."""
    with tempfile.TemporaryDirectory() as folder:
        found = interleaved(sides(images, Path(folder)), rounds, Side.seconds)
    return {"seconds": found}


def sides(images: int, folder: Path) -> dict[str, Side]:
    """The script that trains, evaluates, predicts and saves, and ours."""
    before, after = trained.on(images)
    if images == trained.ALL:
        after = ()
    asked = ("--seeds", 1, "--backend", BACKEND, "--core", "keras", "--fresh", "--runs", folder)
    arguments = ("tutorial", "--images", images, "--epochs", EPOCHS, "--threads", 1)
    return {
        SCRIPT: script(
            "rivals/keras_script.py",
            *(*arguments, "--save", folder / "model.keras"),
            KERAS_BACKEND=BACKEND,
        ),
        OURS: zoo(*before, "reproduce", "lstm-mnist", *after, *asked, "--data", "validation=0"),
    }


def goals(measured: dict) -> list[Goal]:
    """What ours takes more, less the second that is allowed."""
    theirs, ours = (measured["seconds"][name] for name in (SCRIPT, OURS))
    more = [100 * (b - 1 - a) / a for a, b in zip(theirs, ours, strict=True)]
    return [Goal("`reproduce`: more than a script, less 1 s", 2, more, most=True, unit=" %")]


def section(measured: dict) -> str:
    """The seconds of both."""
    seconds = measured["seconds"]
    rows = [[name, spread(figures)] for name, figures in seconds.items()]
    difference = median(b - a for a, b in zip(*seconds.values(), strict=True))
    way = "more" if difference > 0 else "less"
    return f"""## What a run costs more than a script

The recipe `lstm-mnist` with one seed and {measured["images"]:,} images, on JAX and one thread,
beside a script of bare Keras that trains the same network for as many epochs, evaluates both parts,
predicts the test part, and saves. Ours takes {abs(difference):.2g} s {way}.

{sections.table(["", "seconds"], rows)}"""
