"""All that determines a run."""

from __future__ import annotations

import json
import math
import os
import re
import reprlib
from collections.abc import Iterable, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from typing import get_type_hints

from lstm_zoo import catalog, plugins
from lstm_zoo.catalog import Zoo
from lstm_zoo.entries import Dataset, Entry, Model
from lstm_zoo.errors import RunError, UnknownName, UsageError, counted, listed
from lstm_zoo.parameters import REQUIRED, Parameter, check_names, fill

TRAINING = (
    Parameter("epochs", "PositiveInt", 10, "passes over the training part"),
    Parameter("batch_size", "PositiveInt", 32, "examples in one update"),
    Parameter("learning_rate", "PositiveFloat", 1e-3, "step size of the optimizer"),
    Parameter(
        "optimizer",
        "Literal['adam', 'adamw', 'nadam', 'rmsprop', 'adagrad', 'sgd']",
        "adam",
        "Keras' optimizer of that name",
    ),
    Parameter("momentum", "Rate", 0.0, "of rmsprop and sgd: how much of the last step is kept"),
    Parameter(
        "schedule",
        "Literal['constant', 'cosine', 'linear']",
        "constant",
        "how the learning rate goes: constant, or down to 0 in the last update",
    ),
    Parameter(
        "clip_norm",
        "PositiveFloat | None",
        None,
        "the largest norm of the whole gradient; null does not clip it",
    ),
    Parameter(
        "patience",
        "NonNegativeInt | None",
        5,
        "epochs without a better validation loss before the training stops; null never stops "
        "early. The best weights are kept either way",
    ),
    Parameter(
        "target_loss",
        "PositiveFloat | None",
        None,
        "the validation loss that is good enough, at which the training stops; null sets none",
    ),
    Parameter(
        "core",
        "Literal['auto', 'fast', 'keras']",
        "auto",
        "the recurrent layers' loop: ours, Keras' own, or the one that measured faster",
    ),
    Parameter(
        "precision",
        "Literal['float32', 'mixed_bfloat16']",
        "float32",
        "of the matrix products of our loop, with JAX; those of bfloat16 are summed in float32, "
        "and faster on some processors",
    ),
    Parameter(
        "strategy",
        "Literal['direct', 'recursive']",
        "direct",
        "of several steps ahead of a series: answered at once, or one by one, each fed back",
    ),
)

# Parameters that an older lstm-zoo did not have: it did as these values say.
LATER_TRAIN = {"strategy": "direct"}
LATER_SERIES = {"calibration": 0.0, "folds": 1, "fold": 0}

WITH_MOMENTUM = ("rmsprop", "sgd")  # adam, adamw and nadam have theirs built in, adagrad has none

BACKENDS = ("tensorflow", "jax", "torch")

# Those that this process may use; a backend may bind it to some of them later.
CPUS = (
    tuple(sorted(os.sched_getaffinity(0)))
    if hasattr(os, "sched_getaffinity")
    else tuple(range(os.cpu_count() or 1))
)

# Of a run. Sums differ in their last bits between counts of threads, so that it is a fixed number,
# on any machine and beside any other run; further processors take further runs.
THREADS = 1

_RECORDED = (
    Parameter("schema", "Literal[1]", REQUIRED),
    Parameter("seed", "NonNegativeInt", REQUIRED),
    Parameter("threads", "PositiveInt", REQUIRED),
    Parameter("backend", f"Literal{list(BACKENDS)}", REQUIRED),
    Parameter("devices", "PositiveInt", REQUIRED),
)


@dataclass(frozen=True)
class RunConfig:
    """One run, down to the last parameter; two equal ones give the same numbers.

    Args:
        variant: the model as it was asked for: its name, or `lstm:units=64`.
        builder: `module:function` of the model.
        params: every parameter of the builder.
        loader: `module:function` of the dataset.
        data: every parameter of the loader, and of what cuts and frames the data.
        train: every parameter of the training.
        threads: CPU threads; sums differ in their last bits between counts.
        zoo: the user's zoo file, where model or dataset come from one.
        data_sha256: the digest of what was read.
        devices: those that each batch is shared among.
        plugins: the versions of the plugins that model or dataset come from, by their names.
    """

    model: str
    variant: str
    builder: str
    params: dict
    dataset: str
    loader: str
    data: dict
    train: dict
    seed: int
    threads: int
    backend: str
    zoo: str | None = None
    data_sha256: str | None = None
    devices: int = 1
    plugins: dict = field(default_factory=dict)

    def to_dict(self) -> dict:
        """As it stands in config.json."""
        return {"schema": 1} | asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> RunConfig:
        """The configuration that config.json holds.

        Raises:
            RunError: a field is missing, unknown, of another type or out of range.
        """
        kinds = get_type_hints(cls)
        for name, value in values.items():
            if name in kinds and not isinstance(value, kinds[name]):
                raise RunError(f"config.json is damaged: '{name}' is {reprlib.repr(value)}.")
        recorded = {key: value for key, value in values.items() if key != "schema"}
        for one in fields(cls):
            if {one.default, one.default_factory} == {MISSING} and one.name not in recorded:
                raise RunError(f"config.json does not fit this lstm-zoo: no '{one.name}' in it.")
        if unknown := set(recorded) - {one.name for one in fields(cls)}:
            raise RunError(f"config.json does not fit this lstm-zoo: '{min(unknown)}' in it.")
        config = _completed(cls(**recorded))
        told = {"devices": config.devices} | values  # a run of old was computed on one
        numbers = {p.name: told[p.name] for p in _RECORDED if p.name in told}
        _check_recorded(_RECORDED, numbers, "a run")
        _check_recorded(TRAINING, config.train, "the training")
        return config

    @property
    def identity(self) -> str:
        """What determines the run's numbers, as one text: two names of one thing have the same."""
        named = ("variant", "model", "zoo", "plugins", *["devices"] * (self.devices == 1))
        values = {key: value for key, value in asdict(self).items() if key not in named}
        return json.dumps(values, sort_keys=True)

    def flat(self) -> dict[str, object]:
        """All that determines the run, as a flat table: `params.units`, `train.epochs`, …"""
        table = {}
        for name, value in asdict(self).items():
            inner = value if isinstance(value, dict) else {}
            table |= {f"{name}.{key}": one for key, one in inner.items()} or {name: value}
        return table

    @property
    def built_in(self) -> bool:
        """Whether its model and its dataset are lstm-zoo's own, and no stranger's."""
        return self.zoo is None and not self.plugins

    def with_seed(self, seed: int) -> RunConfig:
        """The same run from another seed."""
        return replace(self, seed=seed)


def _completed(config: RunConfig) -> RunConfig:
    """A run of old, with what it had no parameter for."""
    later = LATER_SERIES if "window" in config.data else {}
    return replace(config, data=later | config.data, train=LATER_TRAIN | config.train)


def trusted(config: RunConfig, zoo: Zoo) -> RunConfig:
    """What a run's folder says that it was, fit to be run again: the folder may be a stranger's.

    No zoo file is read on its word, and no module imported that neither the built-in zoo nor an
    installed plugin names, nor, for a run that had a file of the user's, `zoo`.

    Raises:
        RunError: its code is in no such zoo, or a parameter of its data is missing, unknown, or of
            another type.
        ZooError: the loader is no longer there.
    """
    if config.zoo and not zoo.file:
        raise RunError(
            f"it was trained with the zoo file {config.zoo}, which names code to import: if you "
            "trust it, name it (--zoo FILE, or LSTM_ZOO_FILE)."
        )
    _check_plugins(config.plugins, zoo)
    known = catalog.load() if zoo.file and not config.zoo else zoo
    entries = (_known("builder", config, known), _known("loader", config, known))
    dataset = Dataset(config.dataset, summary="", loader=config.loader)
    _check_recorded(dataset.parameters, config.data, f"the dataset {config.dataset}")
    return replace(config, zoo=known.file, plugins=plugins_of(*entries))


def _check_plugins(names: Iterable[str], zoo: Zoo) -> None:
    """The plugins that a run had are there.

    Raises:
        RunError: one is not.
    """
    found = {found.plugin.name: found for found in zoo.plugins} if names else {}
    for name in names:
        if plugins.switched_off():
            why = f"{plugins.SWITCH}=0 switches it off."
        elif name not in found:
            why = "it is not installed here: install it if you trust it."
        elif found[name].fault:
            why = f"it is left out here: {found[name].fault}"
        else:
            continue
        raise RunError(f"it was trained with the plugin {name}, and {why}")


def _known(what: str, config: RunConfig, zoo: Zoo) -> Entry:
    """The entry of the zoo that names a run's builder or loader."""
    reference = getattr(config, what)
    for entry in zoo.everything.values():
        if getattr(entry, what, None) == reference:
            return entry
    place = f"the zoo file {zoo.file}" if zoo.file else "the built-in zoo"
    if config.plugins and not zoo.file:
        place = f"the plugin {listed(config.plugins)}"
    raise RunError(f"config.json names the {what} '{reference}', and {place} names no such.")


def plugins_of(*entries: Entry) -> dict[str, str]:
    """The versions of the plugins that entries come from, by their names."""
    return {one.plugin.name: one.plugin.version for one in entries if one.plugin}


def _check_recorded(parameters: Iterable[Parameter], values: dict, owner: str) -> None:
    """Every parameter has a value, for a run records them all, and each fits."""
    try:
        fill([replace(p, default=REQUIRED) for p in parameters], values, owner)
    except UsageError as error:
        raise RunError(f"config.json is damaged or of another version: {error}") from None


def model_params(model: Model, given: dict[str, object]) -> dict:
    """Every parameter of the model's builder: the given values over the zoo's."""
    return fill(model.parameters, given, f"the model {model.name}")


def data_params(dataset: Dataset, given: dict[str, object]) -> dict:
    """Every parameter of the dataset: the given values over the zoo's."""
    return fill(dataset.parameters, given, f"the dataset {dataset.name}")


def train_params(dataset: Dataset, given: dict[str, object], validated: bool = True) -> dict:
    """Every parameter of the training: the given values over the zoo's.

    Raises:
        UsageError: stopping early is asked for, and there is no validation part to stop by; or
            momentum, and the optimizer takes none.
    """
    values = fill(TRAINING, dataset.train | given, "the training")
    if values["momentum"] and values["optimizer"] not in WITH_MOMENTUM:
        raise UsageError(
            f"The optimizer {values['optimizer']} takes no momentum; {listed(WITH_MOMENTUM)} do "
            f"(--optimizer {WITH_MOMENTUM[0]})."
        )
    if validated:
        return values
    early = ("patience", "target_loss")
    if asked := next((name for name in early if given.get(name) is not None), None):
        raise UsageError(
            f"Stopping early ({asked}) needs a validation part, and validation=0 leaves none."
        )
    return values | dict.fromkeys(early)


def run_config(
    zoo: Zoo,
    variant: str,
    params: dict,
    dataset: str,
    data: dict,
    train: dict,
    *,
    seed: int,
    threads: int | None,
    backend: str,
    devices: int = 1,
) -> RunConfig:
    """The run of `variant` on `dataset`; what is given beats zoo.yaml, and that the function."""
    name, own = parse_variant(zoo, variant)
    model, source = zoo.find(name, "model"), zoo.find(dataset, "dataset")
    own, trained = of_model(model, own)
    framing = data_params(source, data)
    training = train_params(source, train | trained, validated=framing.get("validation") != 0)
    _check_precision(training, backend)
    _check_devices(devices, training["batch_size"], backend)
    return RunConfig(
        model=name,
        variant=variant,
        builder=model.builder,
        params=model_params(model, params | own),
        dataset=dataset,
        loader=source.loader,
        data=framing,
        train=training,
        seed=seed,
        threads=threads or THREADS,
        backend=backend,
        zoo=model.zoo or source.zoo,
        devices=devices,
        plugins=plugins_of(model, source),
    )


def _check_devices(devices: int, batch_size: int, backend: str) -> None:
    if devices == 1:
        return
    if backend != "jax":
        raise UsageError(
            f"Several devices (--devices {devices:,}) train one model on JAX only "
            f"(--backend jax), and not on {backend}."
        )
    if batch_size % devices:
        more = devices * math.ceil(batch_size / devices)
        raise UsageError(
            f"A batch of {counted(batch_size, 'example')} has no equal shares for {devices:,} "
            f"devices: give a multiple of {devices:,}, such as --batch-size {more}."
        )


def _check_precision(train: dict, backend: str) -> None:
    if train["precision"] == "float32":
        return
    if backend != "jax":
        raise UsageError(
            "Products in bfloat16 (mixed_bfloat16) are computed on JAX only (--backend jax), and "
            f"not on {backend}."
        )
    if train["core"] == "keras":
        raise UsageError(
            "Products in bfloat16 (mixed_bfloat16) are those of our own loop, and --core keras "
            "runs Keras'."
        )


def parse_variant(zoo: Zoo, variant: str) -> tuple[str, dict]:
    """`lstm:units=64,learning_rate=0.01` as the model's name, and the values given.

    They are of the model's parameters, or of the training's.
    """
    name, colon, settings = variant.partition(":")
    model = zoo.find(name, "model")
    pairs = re.split(r",(?=\w+=)", settings) if colon else []
    own = {parameter.name for parameter in model.parameters}
    known = (*model.parameters, *(one for one in TRAINING if one.name not in own))
    return name, parse_settings(known, pairs, f"the model {name}")


def of_model(model: Model, values: dict) -> tuple[dict, dict]:
    """A variant's values: those of the model's parameters, and those of the training's."""
    names = {parameter.name for parameter in model.parameters}
    own = {name: value for name, value in values.items() if name in names}
    return own, {name: value for name, value in values.items() if name not in names}


def parse_settings(parameters: Sequence[Parameter], pairs: list[str], owner: str) -> dict:
    """`["units=64", …]` as values, each read as its parameter's type.

    Raises:
        UsageError: one is not `KEY=VALUE`, or its value does not fit.
        UnknownName: there is no such parameter.
    """
    known = {parameter.name: parameter for parameter in parameters}
    values = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals:
            raise UsageError(f"'{pair}' is not KEY=VALUE; {owner} takes {listed(known)}.")
        if key not in known:
            raise UnknownName(f"parameter of {owner} called", key, known)
        if key in values:
            raise UsageError(f"'{key}' of {owner} is given twice.")
        values[key] = known[key].parse(text, owner)
    return values


def shared_settings(models: list[Model], pairs: list[str]) -> list[dict]:
    """`--set` for several models: each takes the parameters it has, and none is left untaken."""
    keys = [pair.partition("=")[0] for pair in pairs]
    everything = {p.name: p for model in models for p in model.parameters}.values()
    check_names(everything, keys, "the model " + listed([model.name for model in models], "or"))
    return [_own_settings(model, zip(keys, pairs, strict=True)) for model in models]


def _own_settings(model: Model, keyed: Iterable[tuple[str, str]]) -> dict:
    names = [parameter.name for parameter in model.parameters]
    pairs = [pair for key, pair in keyed if key in names]
    return parse_settings(model.parameters, pairs, f"the model {model.name}")


def available_threads() -> int:
    """The CPU threads that this process may use."""
    return len(CPUS)


def choose_backend(option: str | None) -> str:
    """The option, or KERAS_BACKEND, or TensorFlow.

    Raises:
        UnknownName: there is no such backend.
    """
    name = option or os.environ.get("KERAS_BACKEND") or BACKENDS[0]
    if name not in BACKENDS:
        raise UnknownName("backend", name, BACKENDS)
    return name
