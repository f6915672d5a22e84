"""What a search may choose: declared beside a model's parameters, and checked as they are."""

import re
from dataclasses import replace

import pytest

from lstm_zoo import assembly, catalog, config, sources, space
from lstm_zoo.config import TRAINING, run_config, train_params
from lstm_zoo.errors import UnknownName, UsageError, ZooError
from lstm_zoo.space import Choice, Range

pytestmark = pytest.mark.tensorflow

ZOO = catalog.load()
LSTM = "lstm_zoo.models.lstm:build"
TRAINED = {parameter.name for parameter in TRAINING}


def model_of(tmp_path, declared):
    """A user's model with a space, and its zoo file's name."""
    path = tmp_path / "zoo.yaml"
    path.write_text(f"models: {{own: {{builder: '{LSTM}', summary: s, space: {declared}}}}}")
    return catalog.load(path).find("own", "model")


def corners(choice):
    """The ends of a range, and every value of a list."""
    if isinstance(choice, Choice):
        return [choice.value(name) for name in choice.names]
    return [choice.value(choice.low), choice.value(choice.high)]


@pytest.mark.parametrize("name", ZOO.of("model"))
def test_every_built_in_model_declares_a_space_whose_corners_build(name):
    entry = ZOO.find(name, "model")
    declared = space.of(entry)
    assert set(declared) == set(entry.space) >= {"dropout", "learning_rate"}
    base = run_config(
        ZOO, name, {}, "digits", {}, {}, seed=0, threads=None, backend=config.BACKENDS[0]
    )
    dataset = sources.prepare(base, sources.read(base))
    for end in (0, -1):
        values = {key: corners(choice)[end] for key, choice in declared.items()}
        params = {key: value for key, value in values.items() if key not in TRAINED}
        train = {key: value for key, value in values.items() if key in TRAINED}
        assert train_params(ZOO.find("digits"), train).items() >= train.items()
        model = assembly.build(replace(base, params=base.params | params), dataset)
        assert model.count_params() > 0


def test_what_is_declared_is_read_as_the_parameters_types(tmp_path):
    entry = model_of(
        tmp_path,
        "{units: {low: 16, high: 256, log: true}, dropout: {low: 0, high: 0.5}, dense: [null, 32], "
        "activation: [tanh, relu], clip_norm: [1, null], learning_rate: {low: 1e-4, high: 0.1}}",
    )
    found = space.of(entry)
    assert found == {
        "units": Range(16, 256, log=True),
        "dropout": Range(0.0, 0.5),
        "dense": Choice([None, 32]),
        "activation": Choice(["tanh", "relu"]),
        "clip_norm": Choice([1.0, None]),
        "learning_rate": Range(1e-4, 0.1),
    }
    assert [type(found["units"].low), type(found["dropout"].low)] == [int, float]
    assert [space.words(choice.to_dict()) for choice in found.values()] == [
        "16 to 256, log",
        "0 to 0.5",
        "null or 32",
        '"tanh" or "relu"',
        "1.0 or null",
        "0.0001 to 0.1",
    ]


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ("{units: 16}", "space: units: expected a list of values, or {low: …, high: …}, got 16."),
        ("{units: []}", "space: units: expected a list of values"),
        ("{units: {low: 16}}", "space: units: 'high' of a range must be given"),
        ("{units: {low: 16, hihg: 20}}", "space: units: There is no parameter of a range called"),
        ("{units: {low: 16, high: a}}", "'high' of a range takes a whole number or a number, not"),
        ("{units: {low: 16, high: 8}}", "'low' is at most 'high', and 16 is above 8."),
        ("{units: {low: 0, high: 8, log: true}}", "with 'log' the range begins above 0, not at 0."),
        ("{units: {low: 1, high: 8, log: 1}}", "'log' of a range takes true or false, not 1."),
        ("[units]", "'space' takes `name: value` lines"),
    ],
)
def test_a_space_that_is_none_is_an_error_of_the_file(tmp_path, declared, told):
    with pytest.raises(ZooError, match=re.escape(told)) as caught:
        model_of(tmp_path, declared)
    assert "zoo.yaml: models: own" in str(caught.value)


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        (
            "{units: {low: 0, high: 8}}",
            "'units' of the space of the model own takes a whole number",
        ),
        ("{units: {low: 1.5, high: 8}}", "takes a whole number, at least 1, not 1.5."),
        ("{units: [16, x]}", 'takes a whole number, at least 1, not "x".'),
        ("{dropout: {low: 0.5, high: 1}}", "takes a number from 0 to below 1, not 1."),
        ("{activation: {low: 1, high: 2}}", "'activation' of the space of the model own takes"),
        ("{learning_rate: {low: 0, high: 1}}", "takes a number above 0, not 0."),
    ],
)
def test_a_value_that_the_parameter_does_not_take_is_an_error(tmp_path, declared, told):
    with pytest.raises(UsageError, match=re.escape(told)):
        space.of(model_of(tmp_path, declared))


def test_an_unknown_parameter_is_an_error_with_the_nearest(tmp_path):
    with pytest.raises(UnknownName, match=r"own called 'unit'. Did you mean units\?"):
        space.of(model_of(tmp_path, "{unit: [1]}"))


def test_a_number_that_is_drawn_keeps_three_digits_and_stays_in_its_range():
    assert Range(1e-4, 1e-1).value(0.0123456) == 0.0123
    assert Range(0.12345, 0.5).value(0.12346) == 0.12345
    assert Range(0.1, 0.98765).value(0.9876) == 0.98765
    assert Range(1, 100_000).value(98_765) == 98_765


def test_what_is_given_is_not_searched_and_something_must_be_left():
    lstm = ZOO.find("lstm", "model")
    assert set(space.searched(lstm, {"units", "epochs"})) == {"dropout", "learning_rate"}
    with pytest.raises(UsageError, match="units, dropout and learning_rate are all that the space"):
        space.searched(lstm, {"units", "dropout", "learning_rate"})


def test_a_model_without_a_space_has_its_learning_rate_searched(tmp_path):
    entry = model_of(tmp_path, "{}")
    assert space.of(entry) == {"learning_rate": Range(3e-4, 3e-2, log=True)}
    with pytest.raises(UsageError, match="learning_rate is all that the space of own has"):
        space.searched(entry, {"learning_rate"})


def test_show_tells_the_space(zoo, zoo_json):
    told = zoo_json("show", "lstm")["space"]
    assert told == {
        "units": {"low": 16, "high": 256, "log": True},
        "dropout": {"low": 0.0, "high": 0.5, "log": False},
        "learning_rate": {"low": 3e-4, "high": 3e-2, "log": True},
    }
    out = zoo("show", "bilstm").out
    section = out[out.index("Searched by tune") :]
    assert re.search(r"units +8 to 128, log\n", section)
    assert re.search(r"depth +1 or 2\n", section)
    assert "Searched by tune" not in zoo("show", "digits").out
