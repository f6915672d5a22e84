"""The keywords of the verbs: the options of the commands, under the same names.

`--set KEY=VALUE` is `params={KEY: VALUE}`, and `--data KEY=VALUE` is `data={KEY: VALUE}`. Of an
option that may be repeated there is a list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Literal, TypedDict

File = str | PathLike[str]
Value = str | float | bool | None | Sequence[str] | Sequence[float]
Values = Mapping[str, Value]
Format = Literal["keras", "onnx", "saved-model", "litert"]
Kind = Literal["models", "datasets", "recipes", "metrics"]
Question = Literal["gradients", "gates", "attention"]
Task = Literal["adding", "copy"]
Tracker = Literal["tensorboard", "mlflow"]


class Global(TypedDict, total=False):
    """What every verb takes."""

    zoo: File | None
    backend: Literal["tensorflow", "jax", "torch"] | None
    quiet: bool
    verbose: bool


class Reading(Global, total=False):
    """How a dataset is read."""

    data: Values
    csv: File | None
    column: str | None
    date_column: str | None
    date_format: str | None
    where: str | None
    data_dir: File | None


class Showing(Reading, total=False):
    """Of `show`."""

    params: Values


class OfRun(Reading, total=False):
    """A run on its own data or on others."""

    runs: File | None


class Predicting(OfRun, total=False):
    """Of `predict`."""

    output: File | None
    horizon: int | None
    level: float | None
    intervals: Literal["split", "adaptive"] | None
    picture: File | None
    anomalies: bool
    false_alarms: float | None


class Generating(Global, total=False):
    """Of `generate`."""

    temperature: float | None
    prompt: str | None
    seed: int | None
    data_dir: File | None
    runs: File | None


class Explaining(Global, total=False):
    """Of `explain`."""

    example: int | Sequence[int]
    output: File | None
    data_dir: File | None
    runs: File | None


class Exporting(OfRun, total=False):
    """Of `export`."""

    replace: bool


class Paging(Global, total=False):
    """Of `report`."""

    runs: File | None


class Judging(Global, total=False):
    """Of `gate`."""

    baseline: File | None
    margin: float | None
    update_baseline: bool
    at_least: Mapping[str, float]
    at_most: Mapping[str, float]
    model: str | Sequence[str]
    junit: File | None


class Filtering(Global, total=False):
    """Of `list_runs`."""

    model: str | None
    dataset: str | None
    unfinished: bool
    older: float | None
    runs: File | None


class Diagnosing(Global, total=False):
    """Of `doctor`."""

    data_dir: File | None
    runs: File | None


class Learning(Global, total=False):
    """How a model is trained."""

    params: Values
    data: Values
    epochs: int
    batch_size: int
    learning_rate: float
    optimizer: Literal["adam", "adamw", "nadam", "rmsprop", "adagrad", "sgd"]
    momentum: float
    schedule: Literal["constant", "cosine", "linear"]
    clip_norm: float | None
    patience: int | None
    target_loss: float | None
    core: Literal["auto", "fast", "keras"]
    precision: Literal["float32", "mixed_bfloat16"]
    strategy: Literal["direct", "recursive"]
    seed: int
    threads: int | None
    devices: int
    runs: File | None


class Measuring(Learning, total=False):
    """Of `longest_lag`."""

    match: str | None
    quick: bool
    up_to: int | None
    seeds: int | None
    tune_lr: int | None
    fresh: bool
    output: File | None
    picture: File | None


class Training(Learning, Reading, total=False):
    """Of `train`."""

    resume: File | None
    track: Tracker | Sequence[Tracker]


class Many(Learning, Reading, total=False):
    """Many trainings, and where they are done."""

    track: Tracker | Sequence[Tracker]
    seeds: int
    fresh: bool
    jobs: int | Literal["auto"]
    executor: Literal["local", "ray"]
    ray_address: str | None
    cpus_per_run: int | None
    gpus_per_run: float | None


class Comparing(Many, total=False):
    """Of `compare`."""

    against: str | None
    margin: float | None
    match: str | None
    tune_lr: int | None
    time_budget: float | None
    test_steps: int | Sequence[int]
    folds: int | None
    output: File | None


class Reproducing(Many, total=False):
    """Of `reproduce`."""

    dataset: str | None
    quick: bool


class Tuning(Many, total=False):
    """Of `tune`."""

    study: File | None
    output: File | None
