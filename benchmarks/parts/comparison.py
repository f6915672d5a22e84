"""A comparison of eight runs beside eight scripts, and beside what the machine can do."""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median

import machine
import sections
import trained
from goals import Goal, ratios, spread
from processes import Side, interleaved, script, zoo

ROUNDS, IMAGES = 1, trained.ALL
SEEDS = 4
VARIANTS = {"simple-rnn": "simple-rnn:units=32", "stacked": "stacked:units=[128,128]"}
BACKENDS = {"jax": "JAX", "tensorflow": "TensorFlow"}
ROUNDED = ("--precision", "mixed_bfloat16")
OPTIONS = ("--seeds", SEEDS, "--data", "validation=0", "--epochs", 1, "--batch-size", 32)


def measure(rounds: int, images: int) -> dict:
    """The seconds of each script and of each comparison, the machine's peak, and our share of it.

    A script is run once a round and counted for each of its seeds.
    """
    seconds = interleaved(sides(images), rounds, timed)
    return {"seconds": seconds, "lstms": of_lstms(images), "peaks": machine.peaks()}


def sides(images: int) -> dict[str, Side]:
    """A script of each kind, and the whole comparison on each backend."""
    found = {}
    for name in VARIANTS:
        for threads in ((), ("--threads", 1)):
            found[" ".join(map(str, ("keras", name, *threads)))] = script(
                "rivals/keras_script.py",
                *(name, "--images", images, *threads),
                KERAS_BACKEND="tensorflow",
            )
    for backend in BACKENDS:
        found[backend] = comparison(images, VARIANTS.values(), backend)
    found["jax, bfloat16"] = comparison(images, VARIANTS.values(), "jax", *ROUNDED)
    return found


def comparison(images: int, variants, backend: str, *options: object) -> Side:
    """Ours: `compare` on all processors."""
    before, after = trained.on(images)
    jobs = ("--jobs", "auto", "--backend", backend)
    return zoo(*before, "compare", *variants, *after, *OPTIONS, *jobs, *options)


def timed(side: Side) -> float:
    """The seconds of a side; ours leaves its runs in an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        side = Side(side.arguments, side.environment | {"LSTM_ZOO_RUNS": folder})
        return side.seconds()


def of_lstms(images: int) -> dict:
    """What the runs of a comparison of LSTMs alone say of their batches, in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        comparison(images, [VARIANTS["stacked"]], "jax", "--runs", folder).run()
        runs = trained.metrics(Path(folder))
    return {
        "flop": sum(6 * run["multiply_adds"] * images * run["epochs"] for run in runs),
        "train": [run["train_seconds"] for run in runs],
        "compile": [run.get("compile_seconds", 0.0) for run in runs],
    }


def goals(measured: dict) -> list[Goal]:
    """The comparison beside the scripts, and its arithmetic beside the peak."""
    scripts = in_sequence(measured["seconds"])
    found = [
        Goal(f"Eight runs: ours on {BACKENDS[backend]} beside eight scripts", bound, shares, True)
        for backend, bound in (("jax", 0.25), ("tensorflow", 1 / 3))
        if (shares := ratios(measured["seconds"][backend], scripts))
    ]
    share = 100 * speed(measured) / peak(measured)
    return [*found, Goal("LSTMs: arithmetic of the machine's peak", 70, [share], unit=" %")]


def in_sequence(seconds: dict[str, list[float]], threads: str = "") -> list[float]:
    """What eight scripts take one after the other, round by round."""
    each = [seconds[f"keras {name}{threads}"] for name in VARIANTS]
    return [SEEDS * sum(pair) for pair in zip(*each, strict=True)]


def speed(measured: dict) -> float:
    """GFLOP/s of all runs of LSTMs, on all processors, from their first batch to their last."""
    lstms, jobs = measured["lstms"], min(SEEDS, measured["machine"]["cores"])
    batches = sum(lstms["train"]) - sum(lstms["compile"])
    return lstms["flop"] / (batches / jobs) / 1e9


def peak(measured: dict) -> float:
    """The best matrix product's GFLOP/s, on all processors."""
    return machine.highest(measured["peaks"], "cores")


def section(measured: dict) -> str:
    """The seconds, and the machine's peak."""
    seconds, images = measured["seconds"], measured["images"]
    rows = [[f"bare Keras, {name}", spread(figures)] for name, figures in scripts(seconds).items()]
    rows += [[f"ours, {title}", spread(seconds[backend])] for backend, title in BACKENDS.items()]
    rows.append([f"ours, JAX, `{' '.join(ROUNDED)}`", spread(seconds["jax, bfloat16"])])
    lstms = measured["lstms"]
    return f"""## A comparison

{SEEDS} seeds of `{VARIANTS["simple-rnn"]}` and of `{VARIANTS["stacked"]}`, one epoch of
{images:,} images in batches of 32. A bare script of each kind on TensorFlow was timed as a whole,
and counted {SEEDS} times; ours is one `lstm-zoo compare … --jobs auto`, timed as a whole.

{sections.table(["all eight", "seconds"], rows)}

{sections.table(["matrix product, GFLOP/s", *measured["peaks"]["jax"]], peak_rows(measured))}

{SEEDS} of the LSTMs alone on JAX: {speed(measured):.3g} GFLOP/s, of three times the multiply-adds
of the forward pass, from the first batch to the last. {compiling(lstms)}"""


def compiling(lstms: dict) -> str:
    """What compiling took, where the runs tell."""
    if not any(lstms["compile"]):
        return "The seconds of compiling are among them, for the runs do not tell them apart."
    took, whole = median(lstms["compile"]), median(lstms["train"])
    return f"Compiling took {took:.2g} seconds a run, of {whole:.3g}, and is not counted there."


def scripts(seconds: dict[str, list[float]]) -> dict[str, list[float]]:
    """Eight scripts in sequence, as they come and on one thread."""
    one = " --threads 1"
    return {"as it comes": in_sequence(seconds), "on one thread": in_sequence(seconds, one)}


def peak_rows(measured: dict) -> list[list[str]]:
    """The matrix product of each library."""
    return [
        [library, *(f"{each:.1f}" for each in peaks.values())]
        for library, peaks in measured["peaks"].items()
    ]
