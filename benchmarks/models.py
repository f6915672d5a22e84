"""Every model on the same small tasks: writes its scores into `RESULTS.md`.

    python benchmarks/models.py [--seeds N]

Each task is one `lstm-zoo compare` of the whole zoo with its defaults.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import sections

from lstm_zoo import catalog
from lstm_zoo.reporting.sentences import number, span, words

TASKS = {  # the epochs of each: enough for the best epoch to come before the last
    "digits": ("--epochs", "30"),
    "sine": ("--epochs", "20"),
    "prices": ("--epochs", "10"),
}
HEADER = ["model", "dataset", "metric", "mean", "95 % interval", "floor", "parameters"]


def main() -> None:
    """Compare, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=sections.RESULTS)
    options = parser.parse_args()
    found = {dataset: compared(dataset, options.seeds) for dataset in TASKS}
    sections.write(options.output, "models.py", page(options.seeds, found))


def compared(dataset: str, seeds: int) -> dict:
    """The results of the whole zoo on a dataset."""
    models = list(catalog.load().of("model"))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "results.json"
        command = [sys.executable, "-m", "lstm_zoo", "compare", *models, "--dataset", dataset]
        command += [*TASKS[dataset], "--seeds", str(seeds), "--runs", folder, "-o", str(file)]
        subprocess.run(command, check=True)
        return json.loads(file.read_text(encoding="utf-8"))


def page(seeds: int, found: dict[str, dict]) -> str:
    """The section: a row a model and a dataset."""
    rows = [
        [
            model["name"],
            dataset,
            f"{words(results['metric']['name'])} ({results['metric']['better']} is better)",
            number(model["mean"]),
            span(model["ci95"]),
            number(results["floor"]["value"]),
            f"{model['parameters']:,}",
        ]
        for dataset, results in found.items()
        for model in sorted(results["models"], key=lambda one: one["name"])
    ]
    epochs = ", ".join(f"{name} {options[1]}" for name, options in TASKS.items())
    return f"""# Models

Every model with its defaults, {seeds} seeds each; epochs at most: {epochs}. `sine` and `prices` are
forecast one step ahead. They are of different sizes: for a fair comparison see
[docs/fair.md](../docs/fair.md).

{sections.table(HEADER, rows)}"""


if __name__ == "__main__":
    main()
