"""Sizes matched: numbers known beforehand, every model of the catalogue, and what can't be met."""

from dataclasses import replace

import numpy as np
import pytest

from lstm_zoo import assembly, catalog, cost, data, matching, preparation, sources
from lstm_zoo.config import run_config
from lstm_zoo.errors import TrainingError, UnknownName, UsageError
from lstm_zoo.matching import Target

pytestmark = pytest.mark.tensorflow

ZOO = catalog.load()
MODELS = list(ZOO.of("model"))

OWN_ZOO = """
models:
  mean: {builder: "own_models:mean", summary: no units}
  einsum: {builder: "own_models:einsum", summary: a layer that can't be counted}
  values: {builder: "own_models:values", summary: its builder needs the value of a variable}
  broken: {builder: "own_models:broken", summary: it raises}
"""
OWN_MODELS = """
import keras
from keras import layers

def mean(input_shape, outputs):
    x = inputs = keras.Input(input_shape)
    return keras.Model(inputs, layers.Dense(outputs.size, "softmax")(layers.Flatten()(x)))

def einsum(input_shape, outputs, *, units: int = 4):
    inputs = keras.Input(input_shape)
    x = layers.Flatten()(layers.EinsumDense("abc,cd->abd", (input_shape[0], units))(inputs))
    return keras.Model(inputs, layers.Dense(outputs.size, "softmax")(x))

def values(input_shape, outputs, *, units: int = 4):
    inputs = keras.Input(input_shape)
    half = keras.Variable([0.5])  # which a scope of weights without values refuses
    x = layers.Rescaling(float(half[0]))(layers.Dense(units)(layers.Flatten()(inputs)))
    return keras.Model(inputs, layers.Dense(outputs.size, "softmax")(x))

def broken(input_shape, outputs, *, units: int = 4):
    raise ValueError("not today")
"""


@pytest.fixture(scope="module")
def own_zoo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    (folder / "own_models.py").write_text(OWN_MODELS)
    (folder / "zoo.yaml").write_text(OWN_ZOO)
    return catalog.load(folder / "zoo.yaml")


def configs_of(*variants, dataset="digits", zoo=ZOO, **params):
    return [
        run_config(zoo, v, params, dataset, {}, {}, seed=0, threads=None, backend="tensorflow")
        for v in variants
    ]


def ten_classes(steps, features):
    """Examples of that shape, of ten classes: a head of Dense(10)."""
    x, y = np.zeros((40, steps, features), np.float32), np.arange(40) % 10
    examples = data.Examples(x, y, tuple("0123456789"))
    return preparation.prepare(examples, np.random.default_rng(0))


SMALL = ten_classes(4, 3)


def match(variants, target, dataset=SMALL, zoo=ZOO, **params):
    configs = configs_of(*variants, zoo=zoo, **params)
    return matching.match(configs, matching.parse(target, zoo), dataset, zoo)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("params=70000", Target("params", 70000)),
        ("macs=2000000", Target("macs", 2000000)),
        ("params=lstm", Target("params", "lstm")),
        ("macs=lstm:units=64,dropout=0.1", Target("macs", "lstm:units=64,dropout=0.1")),
    ],
)
def test_a_target_is_a_number_or_a_model(text, target):
    assert matching.parse(text, ZOO) == target


@pytest.mark.parametrize("text", ["", "params", "params=", "70000", "lstm"])
def test_a_target_has_a_measure_and_a_size(text):
    with pytest.raises(UsageError, match="is no size to match"):
        matching.parse(text, ZOO)


@pytest.mark.parametrize("number", ["0", "-3", "1.5", "7e4", "70_000", "70,000"])
def test_a_number_is_positive_and_whole(number):
    with pytest.raises(UsageError, match="a whole number, at least 1"):
        matching.parse(f"params={number}", ZOO)


@pytest.mark.parametrize(
    ("text", "nearest"),
    [("parms=3", "params"), ("params=lstn", "lstm"), ("params=lstm:unit=3", "units")],
)
def test_an_unknown_name_is_told_with_the_nearest(text, nearest):
    with pytest.raises(UnknownName, match=f"Did you mean {nearest}"):
        matching.parse(text, ZOO)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "target", "answers"),
    [
        ((28, 28), "params=lstm:units=128", {"simple-rnn": 267, "gru": 149, "bilstm": 87}),
        ((28, 1), "params=70000", {"simple-rnn": 259, "gru": 150, "lstm": 130}),
    ],
)
def test_the_known_answers(shape, target, answers):
    matched, told = match(answers, target, ten_classes(*shape))
    assert [c.params["units"] for c in matched] == list(answers.values())
    assert [c.variant for c in matched] == [f"{name}:units={n}" for name, n in answers.items()]
    assert ("81,674 parameters, those of lstm:units=128" in told[0]) == (shape == (28, 28))


def neighbours(config):
    """The model with one unit less, and with one more, in its largest layer."""
    units = config.params["units"]
    for step in (-1, 1):
        changed = [n + step for n in units] if isinstance(units, list) else units + step
        yield replace(config, params=config.params | {"units": changed})


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(("measure", "dataset"), [("params", "digits"), ("macs", "prices")])
def test_every_model_reaches_a_size_and_no_neighbour_is_nearer(name, dataset, measure):
    (config,) = configs_of(name, dataset=dataset)
    ready = sources.prepare(config, sources.read(config))

    def size(config):
        model = assembly.build(config, ready)
        return model.count_params() if measure == "params" else cost.multiply_adds(model)

    goal = size(configs_of("lstm:units=70", dataset=dataset)[0])
    target = Target(measure, goal)
    (matched,), _ = matching.match([config], target, ready, ZOO)
    gap = abs(size(matched) - goal)
    assert gap <= 0.05 * goal
    assert all(abs(size(other) - goal) >= gap for other in neighbours(matched))


def test_the_target_keeps_its_own_name_and_a_gap_above_one_percent_is_a_warning():
    matched, told = match(["gru", "lstm:units=20"], "params=lstm:units=20")
    assert [config.variant for config in matched] == ["gru:units=23", "lstm:units=20"]
    # GRU: 3 (3 + 23 + 2) 23 + 24 · 10, LSTM: 4 (3 + 20 + 1) 20 + 21 · 10
    assert told == [
        "Sizes are matched to 2,130 parameters, those of lstm:units=20: gru:units=23 has 2,172 "
        "(+1.97 %) and lstm:units=20 has 2,130 (+0.00 %).",
        "Warning: gru:units=23 is +1.97 % off the matched size, which may be a part of what sets "
        "it apart.",
    ]


@pytest.mark.parametrize(("goal", "units", "size"), [(1, 1, 40), (59, 1, 40), (60, 2, 78)])
def test_a_gap_above_five_percent_is_an_error_that_names_the_nearest_size(goal, units, size):
    # An LSTM of 1 unit: 4 (3 + 1 + 1) + 2 · 10; of 2: 4 (3 + 2 + 1) 2 + 3 · 10
    expected = f"within 5 % of {goal} .* lstm:units={units} with {size}; .*params={size}"
    with pytest.raises(UsageError, match=expected):
        match(["lstm"], f"params={goal}")


def test_other_settings_stay_in_the_name_and_in_the_model():
    (matched,), _ = match(["lstm:dropout=0.1,activation=relu"], "params=2130", dense=None)
    assert matched.variant == "lstm:dropout=0.1,activation=relu,units=20"
    assert matched.params["dropout"] == 0.1
    (again,) = configs_of(matched.variant)
    assert again.params == matched.params


def test_layers_keep_their_ratio():
    (matched,), _ = match(["stacked:units=[3,2,1],dropout=0.5"], "params=6000")
    a, b, c = matched.params["units"]
    assert (b, c) == (round(a * 2 / 3), round(a / 3))
    assert matched.variant == f"stacked:dropout=0.5,units=[{a},{b},{c}]"
    (again,) = configs_of(matched.variant)
    assert again.params == matched.params


@pytest.mark.parametrize(("variant", "params"), [("lstm:units=32", {}), ("lstm", {"units": 32})])
def test_given_units_are_not_solved(variant, params):
    with pytest.raises(UsageError, match="are given as 32, and --match solves them"):
        match([variant], "params=2130", **params)


def test_two_models_that_become_one_are_refused():
    with pytest.raises(UsageError, match=r"two of the models are lstm:units=20: leave one out"):
        match(["lstm", "lstm:units=20"], "params=lstm:units=20")


def test_a_model_without_units_is_refused(own_zoo):
    with pytest.raises(UsageError, match="mean has none"):
        match(["mean"], "params=100", zoo=own_zoo)
    matched, _ = match(["mean"], "params=mean", zoo=own_zoo)
    assert [config.variant for config in matched] == ["mean"]


def test_a_model_that_is_not_compared_can_be_the_target(own_zoo):
    (matched,), told = match(["lstm"], "params=mean", zoo=own_zoo)
    assert matched.variant == "lstm:units=3"
    # (4 · 3 + 1) 10, and an LSTM's 4 (3 + 3 + 1) 3 + 4 · 10
    assert "130 parameters, those of mean: lstm:units=3 has 124 (-4.62 %)." in told[0]


def test_multiply_adds_that_cannot_be_counted_are_refused(own_zoo):
    with pytest.raises(UsageError, match=r"multiply-adds of einsum.* can't be counted"):
        match(["lstm"], "macs=einsum", zoo=own_zoo)
    with pytest.raises(UsageError, match=r"multiply-adds of einsum.* can't be counted"):
        match(["einsum"], "macs=1000", zoo=own_zoo)


def tries(size, goal):
    """What `nearest` finds, and the numbers that it tried."""
    tried = []

    def counted(units):
        tried.append(units)
        return size(units)

    return *matching.nearest(counted, goal), tried


@pytest.mark.parametrize(
    "size",
    [
        lambda n: n,
        lambda n: n * n + 50 * n + 10,
        lambda n: 4 * n * n + 3,
        lambda n: n**3,
        lambda n: 2 ** min(n, 60),
        lambda n: n // 7 * 100,
        lambda n: int(100 * n**0.3),
    ],
)
@pytest.mark.parametrize("goal", [3, 1000, 123_456, 10**9])
def test_no_number_is_nearer_and_none_is_tried_that_is_far_too_large(size, goal):
    units, reached, tried = tries(size, goal)
    gaps = [abs(size(n) - goal) for n in range(1, matching.MOST_UNITS + 1)]
    assert abs(reached - goal) == min(gaps)
    assert reached == size(units)
    assert len(tried) == len(set(tried)) <= 30
    assert max(tried) <= 2 * max([1, *(n for n in tried if size(n) < goal)])


@pytest.mark.parametrize("size", [lambda n: 5, lambda n: n * n % 997, lambda n: -n % 50 + 100])
def test_sizes_that_do_not_grow_come_to_an_end(size):
    units, reached, tried = tries(size, 150)
    assert 1 <= units <= matching.MOST_UNITS
    assert reached == size(units)
    assert len(tried) <= 30


def test_a_builder_that_needs_values_is_built_with_them(own_zoo):
    (matched,), _ = match(["values"], "params=171", zoo=own_zoo)
    assert matched.variant == "values:units=7"  # (12 + 1) units + (units + 1) 10 = 171


def test_a_builder_at_fault_is_told(own_zoo):
    with pytest.raises(TrainingError, match="own_models:broken failed: ValueError: not today"):
        match(["broken"], "params=130", zoo=own_zoo)
