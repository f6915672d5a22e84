"""From a configuration to its data: what its loader reads, and the parts that this makes.

Nothing here needs Keras.
"""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lstm_zoo import catalog, checks, data, interrupts, preparation
from lstm_zoo.config import RunConfig
from lstm_zoo.entries import Metric
from lstm_zoo.errors import TrainingError, UsageError, ZooError, reason
from lstm_zoo.parameters import read_function


@dataclass(frozen=True)
class Source:
    """What a `RunConfig` says of its data, where there is no model.

    Args:
        loader: `module:function` of the dataset.
        data: every parameter of the loader, and of what cuts and frames the data.
        seed: draws the validation part, where it is drawn.
        zoo: the user's zoo file, where the dataset comes from one.
    """

    dataset: str
    loader: str
    data: dict
    seed: int = 0
    zoo: str | None = None


@dataclass(frozen=True)
class Streams:
    """The random streams of a run, one for each purpose.

    The size of a model or its backend draws from its own stream alone, and can't change the order
    of the batches.
    """

    weights: np.random.SeedSequence
    batches: np.random.SeedSequence
    dropout: np.random.SeedSequence
    validation: np.random.SeedSequence

    @classmethod
    def of(cls, seed: int) -> Streams:
        """The streams of a run's seed."""
        return cls(*np.random.SeedSequence(seed).spawn(4))


def read(config: RunConfig | Source, data_dir: str | None = None) -> data.Raw:
    """What the run's loader reads, raw."""
    function = read_function(config.loader)
    names = [parameter.name for parameter in function.parameters]
    params = {name: value for name, value in config.data.items() if name in names}
    if "data_dir" in names:
        params["data_dir"] = data_dir
    elif data_dir:
        raise UsageError(f"The dataset {config.dataset} looks for no files: --data-dir has no use.")
    raw = call(config.loader, config, **params)
    checks.check_raw(raw, function.returns, config.loader)
    return raw


def prepare(config: RunConfig | Source, raw: data.Raw) -> data.Dataset:
    """The run's dataset; a drawn validation part is drawn by the run's seed."""
    names = [parameter.name for parameter in read_function(config.loader).parameters]
    params = {name: value for name, value in config.data.items() if name not in names}
    rng = np.random.default_rng(Streams.of(config.seed).validation)
    dataset = preparation.prepare(raw, rng, **params)
    return preparation.one_step(dataset) if recursive(config) else dataset


def recursive(config: RunConfig | Source) -> bool:
    """Whether a run's model answers one step, and is fed its answers for the next."""
    return getattr(config, "train", {}).get("strategy") == "recursive"


def describe(dataset: data.Dataset) -> str:
    """What is trained on, in a sentence."""
    counts = ", ".join(f"{len(part):,} {name}" for name, part in dataset.parts.items())
    if dataset.series is None:
        return f"Examples: {counts}."
    dates = dataset.series.dates
    span = "" if dates is None else f", {str(dates[0])[:10]} to {str(dates[-1])[:10]}"
    name = dataset.framing.columns[dataset.framing.target]
    rows = len(dataset.series.values)
    return f"Forecasting {name} ({rows:,} rows{span}). Examples: {counts}."


def function(reference: str, owner: RunConfig | Source | Metric) -> Callable:
    """What an owner names; what its module prints goes to stderr: stdout is for results."""
    if owner.zoo:
        catalog.import_beside(owner.zoo)
    with contextlib.redirect_stdout(sys.stderr):
        return catalog.resolve(reference)


def call(
    reference: str, owner: RunConfig | Source | Metric, *args: object, **params: object
) -> object:
    """The result of a builder, loader or metric; a bug in it is one sentence that says where.

    What it prints goes to stderr.
    """
    called = function(reference, owner)
    try:
        with contextlib.redirect_stdout(sys.stderr), contextlib.chdir(Path.cwd()):
            return called(*args, **params)
    except (ZooError, OSError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        if interrupts.seen():
            raise KeyboardInterrupt from error
        frame = traceback.extract_tb(error.__traceback__)[-1]
        raise TrainingError(
            f"{reference} failed: {reason(error)} "
            f"({Path(frame.filename).name}, line {frame.lineno})"
        ) from error
