"""Train the settings below from many seeds, and keep their scores alone: `scores/NAME.json`.

    python benchmarks/real_scores.py [NAME…]

MNIST is looked for where `LSTM_ZOO_DATA` says. It takes about twenty minutes on one core.
"""

from __future__ import annotations

import json
import shlex
import sys
import tempfile
from pathlib import Path

import numpy as np

from lstm_zoo.__main__ import run
from lstm_zoo.records import write_json

SCORES = Path(__file__).parent / "scores"
SETTINGS = {
    "digits-simple-rnn": "simple-rnn --dataset digits --seeds 200",
    "digits-simple-rnn-relu": "simple-rnn:activation=relu --dataset digits --seeds 200 "
    "--epochs 5 --learning-rate 0.1",
    "mnist-simple-rnn": "simple-rnn:units=16 --dataset mnist --seeds 140 "
    "--epochs 1 --batch-size 256",
}


def main(names: list[str]) -> None:
    """Train the named settings, or all of them."""
    with tempfile.TemporaryDirectory() as folder:
        for name in names or SETTINGS:
            command = f"lstm-zoo compare {SETTINGS[name]} --backend jax --threads 1"
            write_json(SCORES / f"{name}.json", scores(command, Path(folder)))


def scores(command: str, folder: Path) -> dict:
    """The scores that `command` gives, a seed each, and what they depend on."""
    results = folder / "results.json"
    arguments = shlex.split(command)[1:]
    if code := run([*arguments, "-q", "--runs", str(folder / "runs"), "-o", str(results)]):
        sys.exit(code)
    record = json.loads(results.read_text())
    (model,) = record["models"]
    predictions = np.load(Path(model["trials"][0]["run"]) / "predictions.npz")
    return {
        "command": command,
        "dataset": {key: record["dataset"][key] for key in ("name", "sha256", "params")},
        "model": {key: model[key] for key in ("name", "params", "train")},
        "metric": record["metric"],
        "n_test": len(predictions["y_true"]),
        "versions": record["environment"]["versions"],
        "seeds": [trial["seed"] for trial in model["trials"]],
        "scores": [trial["score"] for trial in model["trials"]],
    }


if __name__ == "__main__":
    main(sys.argv[1:])
