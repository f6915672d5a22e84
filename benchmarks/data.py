"""A long CSV, measured: memory, windows and batches. Writes its part of RESULTS.md.

    python benchmarks/data.py [--rows 10000000]

The series are random walks, in a temporary folder. Peak memory is the operating system's number
(`ru_maxrss`) of the whole command, evaluation and pictures with it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import sections

FEW, WINDOWS = 10_000, 1_000_000  # rows of the small file, and of the comparison of windows
WINDOW, BATCH = 60, 1024
COMMAND = (
    f"lstm-zoo train simple-rnn:units=1 --csv FILE --column value --data window={WINDOW} "
    f"--epochs 1 --batch-size {BATCH} --backend jax"
)
MIB = 1 << 20
PEAK = """
import os, subprocess, sys  # a small process: the peak of its parent counts as a process's own
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(usage.ru_maxrss)
sys.exit(status != 0)
"""


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        few, many = (trained(written(folder, count), folder) for count in (FEW, rows))
        before = before_training(folder / f"{rows}.csv")
    sections.write(sections.RESULTS, "data.py", page(rows, few, many, before))


def written(folder: Path, rows: int) -> Path:
    """A random walk as a CSV of one column."""
    values = np.random.default_rng(0).normal(size=rows).cumsum()
    path = folder / f"{rows}.csv"
    pd.DataFrame({"value": values}).to_csv(path, index=False)
    return path


def trained(csv: Path, folder: Path) -> tuple[float, float]:
    """The peak memory of the command in bytes, and its seconds."""
    arguments = COMMAND.replace("FILE", str(csv)).split()[1:]
    command = [sys.executable, "-m", "lstm_zoo", *arguments, "--runs", str(folder / "runs")]
    start = time.perf_counter()
    told = subprocess.run([sys.executable, "-c", PEAK, *command], stdout=subprocess.PIPE)
    if told.returncode:
        sys.exit(f"The training on {csv.name} failed.")
    return float(told.stdout) * 1024, time.perf_counter() - start


def before_training(csv: Path) -> dict[str, float]:
    """The seconds of everything between the file and the first batch, and those of a batch."""
    os.environ["KERAS_BACKEND"] = "jax"
    from lstm_zoo.batches import Batches
    from lstm_zoo.data import digest
    from lstm_zoo.datasets import prices

    read, raw = timed(lambda: prices.load(csv=str(csv), column="value"))
    digested, _ = timed(lambda: digest(raw))
    framed, dataset = timed(lambda: prepared(raw))
    batches = Batches(dataset.train, BATCH, np.random.SeedSequence(0))
    shuffled, _ = timed(lambda: batches.shuffle(0))
    first, _ = timed(lambda: batches[0])
    steps = range(1, min(200, len(batches)))
    cut = timed(lambda: [batches[step] for step in steps])[0] / len(steps)
    return {
        "reading the file": read,
        "its SHA-256": digested,
        "scaling and windows": framed,
        "an epoch's order": shuffled,
        "the first batch": first,
        "cut": cut,
        "step": step_seconds(batches[0]),
    }


def timed(work: Callable) -> tuple[float, object]:
    """The seconds of some work, and what it gave."""
    start = time.perf_counter()
    made = work()
    return time.perf_counter() - start, made


def prepared(raw: object) -> object:
    """The dataset of the command."""
    from lstm_zoo.preparation import prepare_series

    return prepare_series(raw, np.random.default_rng(0), window=WINDOW)


def step_seconds(batch: tuple[np.ndarray, np.ndarray]) -> float:
    """A training step of the smallest model there is, on a batch that is there already."""
    import keras

    model = keras.Sequential([keras.Input((WINDOW, 1)), keras.layers.SimpleRNN(1)])
    model.add(keras.layers.Dense(1))
    model.compile("adam", "mse")
    for _ in range(5):
        model.train_on_batch(*batch)  # compiles
    return timed(lambda: [model.train_on_batch(*batch) for _ in range(30)])[0] / 30


def traced(work: Callable) -> tuple[float, float]:
    """The seconds of some work, and the most memory that it allocates, from a second time."""
    seconds, _ = timed(work)
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return seconds, peak


def by_loop(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The windows as the tutorials make them."""
    x, y = [], []
    for row in range(WINDOW, len(values)):
        x.append(values[row - WINDOW : row, 0])
        y.append(values[row, 0])
    return np.array(x)[..., None], np.array(y)


def page(
    rows: int, few: tuple[float, float], many: tuple[float, float], before: dict[str, float]
) -> str:
    """All that was measured."""
    allowed = 2 * 4 * rows
    more = many[0] - few[0]
    peaks = [
        [f"{count:,}", f"{peak / MIB:,.0f} MiB", f"{seconds:.0f}"]
        for count, (peak, seconds) in ((FEW, few), (rows, many))
    ]
    cut, step = before.pop("cut"), before.pop("step")
    stages = [[name, f"{seconds:.2f}"] for name, seconds in before.items()]
    told = "under" if more < allowed else "over"
    return f"""# A long CSV

Written by `python benchmarks/data.py`, on JAX and {os.cpu_count()} cores; nothing here is typed by
hand. One column, random walks.

```sh
{COMMAND}
```

{sections.table(["rows", "peak memory", "seconds in all"], peaks)}

{rows:,} rows take {more / MIB:.0f} MiB more than {FEW:,}: {more / allowed:.2f} times twice the
column's own size as float32, {allowed / MIB:.0f} MiB, and so {told} it. The series, its inputs, its
targets and its answers lie in temporary files, of which only what is looked at is in memory.

## Before the first batch

{sections.table([f"{rows:,} rows", "seconds"], stages)}

A batch of {BATCH:,} windows is cut in {1000 * cut:.2f} ms, and a training step of the smallest
model there is, a simple RNN of one unit, takes {1000 * step:.1f} ms: the input is
{step / cut:.0f} times as fast as it needs to be.

## Windows

{windows()}"""


def windows() -> str:
    """Ours beside the tutorials' loop, on a series in memory."""
    from lstm_zoo.data import Series

    values = np.random.default_rng(0).normal(size=(WINDOWS, 1)).cumsum(axis=0)
    ours = traced(lambda: prepared(Series(values, ("value",))))
    loop = traced(lambda: by_loop(values))
    rows = [
        [name, f"{seconds:.2f}", f"{peak / MIB:,.0f} MiB"]
        for name, (seconds, peak) in (("lstm-zoo, with scaling", ours), ("a loop", loop))
    ]
    table = sections.table([f"{WINDOWS:,} rows", "seconds", "memory allocated"], rows)
    return f"""{table}

The loop is the tutorials': a slice of {WINDOW} rows for each example, and all of them copied into
one array at the end."""


if __name__ == "__main__":
    main()
