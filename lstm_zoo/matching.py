"""Models brought to one size, by solving their units: `--match params=70000`, `--match macs=lstm`.

At the same number of units an LSTM has about four times the weights of a simple RNN, so a
comparison at equal units is one of sizes as well. Here the units are what gives way: each model
gets the whole number that brings its parameters, or the multiply-adds of one example, nearest to
the target. Several layers (`units=[128,64]`) are scaled together and keep their ratio.
"""

from __future__ import annotations

import bisect
import functools
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import keras

from lstm_zoo import assembly, cost, sources
from lstm_zoo.catalog import Zoo
from lstm_zoo.config import RunConfig, model_params, of_model, parse_variant, plugins_of
from lstm_zoo.data import Dataset
from lstm_zoo.errors import TrainingError, UnknownName, UsageError, listed
from lstm_zoo.parameters import REQUIRED, Parameter, parse_value

WARN, MOST_GAP = 0.01, 0.05  # of the target
MOST_UNITS = 20_000

_MEASURES = {
    "params": ("parameters", keras.Model.count_params),
    "macs": ("multiply-adds", cost.multiply_adds),
}


@dataclass(frozen=True)
class Target:
    """A size to be matched.

    Args:
        measure: `params` or `macs`.
        size: that many, or the variant of the model that has them.
    """

    measure: str
    size: int | str

    @property
    def words(self) -> str:
        """What is counted."""
        return _MEASURES[self.measure][0]

    def of(self, model: keras.Model) -> int | None:
        """The size of a model; None where it can't be counted."""
        return _MEASURES[self.measure][1](model)


def parse(text: str, zoo: Zoo) -> Target:
    """`params=70000`, `params=lstm:units=64` or `macs=…` as a target.

    Raises:
        UsageError: it is none of these, or the number is not positive and whole.
        UnknownName: there is no such measure or model.
    """
    measure, _, size = text.partition("=")
    if not size:
        raise UsageError(f"'{text}' is no size to match: write params=70000 or params=lstm, say.")
    if measure not in _MEASURES:
        raise UnknownName("measure of size", measure, _MEASURES)
    named = size.partition(":")[0] in zoo.of("model")
    if not named and re.match(r"[-+.\d]", size):
        whole = Parameter(f"--match {measure}", "PositiveInt", REQUIRED)
        return Target(measure, whole.check(parse_value(size)))
    parse_variant(zoo, size)
    return Target(measure, size)


def match(
    configs: list[RunConfig], target: Target, dataset: Dataset, zoo: Zoo
) -> tuple[list[RunConfig], list[str]]:
    """Each model with the units that bring it nearest to the target, and what is to be said of it.

    A model that is itself the target keeps its size. The others' variants tell their units:
    `lstm:dropout=0.1` becomes `lstm:dropout=0.1,units=130`.

    Args:
        configs: the models, all for one dataset.
        target: the size.
        dataset: what they are built for.
        zoo: where the models and the target's model are found.

    Returns:
        The configurations, and sentences: the sizes reached, with a warning for each that is more
        than 1 % off.

    Raises:
        UsageError: a model has no units, or they are given; its size can't be counted, or none
            comes within 5 % of the target; two models become the same.
    """
    for config in configs:
        if config.variant != target.size:
            _check_free(config, zoo)
    try:
        goal = _goal(configs, target, dataset, zoo)
        sized = [_sized(config, target, goal, dataset) for config in configs]
    finally:
        keras.utils.clear_session()
    matched = [config for config, _ in sized]
    _check_different(matched)
    return matched, _told(sized, target, goal)


def nearest(size: Callable[[int], int], goal: int) -> tuple[int, int]:
    """The whole number from 1 to `MOST_UNITS` whose size is nearest to `goal`, and that size.

    Of two as near, the smaller. No number is tried that is more than twice one known to be too
    small, lest a huge model be built.

    Args:
        size: the size at a whole number, growing with it.
        goal: the size that is wanted.
    """
    size = functools.cache(size)
    high = 1
    while size(high) < goal and high < MOST_UNITS:
        high = min(2 * high, MOST_UNITS)
    reaching = bisect.bisect_left(range(high + 1), goal, lo=high // 2 + 1, hi=high, key=size)
    best = min(max(reaching - 1, 1), reaching, key=lambda units: abs(size(units) - goal))
    return best, size(best)


def _check_free(config: RunConfig, zoo: Zoo) -> None:
    """The model has units, and they are there to be solved; a list of them gives their ratio."""
    units = config.params.get("units")
    layers = units if isinstance(units, list) else [units]
    if not all(type(layer) is int and layer > 0 for layer in layers):
        raise UsageError(f"--match solves a model's units, and {config.variant} has none.")
    if layers is units:
        return
    _, own = parse_variant(zoo, config.variant)
    parameters = {p.name: p for p in zoo.find(config.model, "model").parameters}
    if "units" in own or units != parameters["units"].default:
        raise UsageError(
            f"The units of {config.variant} are given as {units}, and --match solves them: "
            "leave them out, or match this model's own size."
        )


def _goal(configs: list[RunConfig], target: Target, dataset: Dataset, zoo: Zoo) -> int:
    """The size that the target means."""
    if isinstance(target.size, int):
        return target.size
    known = {config.variant: config for config in configs}
    config = known.get(target.size) or _named(target.size, configs[0], zoo)
    return _size(config, target, dataset)


def _named(variant: str, like: RunConfig, zoo: Zoo) -> RunConfig:
    """A model that is not compared, for the same data."""
    name, own = parse_variant(zoo, variant)
    model = zoo.find(name, "model")
    own, trained = of_model(model, own)
    return replace(
        like,
        model=name,
        variant=variant,
        builder=model.builder,
        params=model_params(model, own),
        train=like.train | trained,
        zoo=model.zoo or like.zoo,
        plugins=like.plugins | plugins_of(model),
    )


def _size(config: RunConfig, target: Target, dataset: Dataset) -> int:
    size = target.of(_shapes(config, dataset))
    if not size:
        raise UsageError(
            f"The {target.words} of {config.variant} can't be counted: "
            "match another measure (params= or macs=), or leave the model out."
        )
    return size


def _shapes(config: RunConfig, dataset: Dataset) -> keras.Model:
    """The model, its weights without values where its builder can do without: only shapes count."""
    try:
        with keras.StatelessScope(initialize_variables=False):
            shape, outputs = dataset.input_shape, dataset.outputs
            model = sources.call(config.builder, config, shape, outputs, **config.params)
    except TrainingError:
        model = None
    if isinstance(model, keras.Model):
        return model
    keras.utils.clear_session()  # forgets the weights without values
    return assembly.build(config, dataset)


def _sized(config: RunConfig, target: Target, goal: int, dataset: Dataset) -> tuple[RunConfig, int]:
    """The model at the size nearest to `goal`, renamed, and that size; the target as it is."""
    if config.variant == target.size:
        return config, goal
    units, size = nearest(lambda n: _size(_at(config, n), target, dataset), goal)
    solved = _at(config, units)
    if abs(size - goal) > MOST_GAP * goal:
        raise UsageError(
            f"No size of {config.variant} comes within {100 * MOST_GAP:g} % of {goal:,} "
            f"{target.words}: the nearest is {solved.variant} with {size:,}; "
            f"match that (--match {target.measure}={size}), or leave the model out."
        )
    return solved, size


def _at(config: RunConfig, units: int) -> RunConfig:
    """The model with that many units, and with a name that tells them.

    Of several layers, the largest has them, and the others keep their ratio to it.
    """
    shape = config.params["units"]
    if isinstance(shape, list):
        units = [max(1, round(units * layer / max(shape))) for layer in shape]
    name, _, settings = config.variant.partition(":")
    others = [s for s in re.split(r",(?=\w+=)", settings) if s and not s.startswith("units=")]
    written = str(units).replace(" ", "")
    variant = f"{name}:{','.join([*others, f'units={written}'])}"
    return replace(config, variant=variant, params=config.params | {"units": units})


def _check_different(configs: list[RunConfig]) -> None:
    names = [config.variant for config in configs]
    double = next((name for name in names if names.count(name) > 1), None)
    if double:
        raise UsageError(f"At the matched size, two of the models are {double}: leave one out.")


def _told(sized: list[tuple[RunConfig, int]], target: Target, goal: int) -> list[str]:
    """The sizes in a sentence, and a warning for each that is too far off to be called equal."""
    gaps = {config.variant: (size, (size - goal) / goal) for config, size in sized}
    sizes = listed(f"{name} has {size:,} ({_percent(gap)})" for name, (size, gap) in gaps.items())
    whose = f", those of {target.size}" if isinstance(target.size, str) else ""
    return [f"Sizes are matched to {goal:,} {target.words}{whose}: {sizes}."] + [
        f"Warning: {name} is {_percent(gap)} off the matched size, which may be a part of what "
        "sets it apart."
        for name, (_, gap) in gaps.items()
        if abs(gap) > WARN
    ]


def _percent(gap: float) -> str:
    return f"{100 * gap:+.2f} %"
