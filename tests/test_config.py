import json
import sys
from dataclasses import replace

import pytest

from lstm_zoo import config
from lstm_zoo.catalog import Zoo, load
from lstm_zoo.config import (
    TRAINING,
    RunConfig,
    choose_backend,
    model_params,
    parse_settings,
    parse_variant,
    run_config,
    shared_settings,
    train_params,
)
from lstm_zoo.errors import RunError, UnknownName, UsageError

ZOO = load()


def configured(variant="lstm", params=None, dataset="prices", data=None, train=None, zoo=ZOO):
    return run_config(
        zoo,
        variant,
        params or {},
        dataset,
        data or {},
        train or {},
        seed=3,
        threads=2,
        backend="jax",
    )


def test_the_command_line_beats_zoo_yaml_and_that_the_function():
    wide = replace(ZOO.find("lstm"), name="wide", params={"units": 512, "dropout": 0.1})
    short = replace(ZOO.find("prices"), name="short", params={"window": 5}, train={"epochs": 7})
    zoo = Zoo(ZOO.entries | {"wide": wide, "short": short})
    function = {p.name: p.default for p in wide.function.parameters}
    run = configured("wide", {"units": 8}, "short", {"horizon": 2}, {"batch_size": 9}, zoo)
    assert run.params == function | {"dropout": 0.1, "units": 8}
    assert (run.data["window"], run.data["horizon"], run.data["predict"]) == (5, 2, "change")
    training = {p.name: p.default for p in TRAINING}
    assert run.train == training | {"epochs": 7, "batch_size": 9}
    zoo_says = configured("wide", {}, "short", {}, {"epochs": 2}, zoo)
    assert (zoo_says.params["units"], zoo_says.train["epochs"]) == (512, 2)


def test_a_variant_beats_a_setting_for_all_models():
    assert configured("lstm:units=16", {"units": 8, "dropout": 0.5}).params["units"] == 16
    assert configured("lstm:units=16", {"units": 8, "dropout": 0.5}).params["dropout"] == 0.5


def test_a_run_holds_every_parameter_there_is():
    run = configured("stacked:units=[32,16]", train={"patience": 0})
    assert (run.model, run.variant, run.dataset) == ("stacked", "stacked:units=[32,16]", "prices")
    assert run.builder == "lstm_zoo.models.stacked:build"
    assert run.loader == "lstm_zoo.datasets.prices:load"
    assert set(run.params) == {p.name for p in ZOO.find("stacked").parameters}
    assert set(run.data) == {p.name for p in ZOO.find("prices").parameters}
    assert set(run.train) == {p.name for p in TRAINING}
    assert run.train["patience"] == 0
    assert (run.seed, run.threads, run.backend, run.zoo) == (3, 2, "jax", None)
    assert run.with_seed(4) == replace(run, seed=4)


def test_a_run_names_the_zoo_file_that_its_model_or_dataset_comes_from():
    mine = replace(ZOO.find("lstm"), name="mine", zoo="/there/zoo.yaml")
    data = replace(ZOO.find("digits"), name="own", zoo="/there/zoo.yaml")
    zoo = Zoo(ZOO.entries | {"mine": mine, "own": data})
    assert configured("mine", zoo=zoo).zoo == "/there/zoo.yaml"
    assert configured(dataset="own", zoo=zoo).zoo == "/there/zoo.yaml"


@pytest.mark.parametrize(
    "variant, values",
    [
        ("lstm", {}),
        ("lstm:units=64,dropout=0.1", {"units": 64, "dropout": 0.1}),
        ("lstm:dense=null", {"dense": None}),
        ("lstm:activation=relu", {"activation": "relu"}),
        ('lstm:activation="relu",units=1', {"activation": "relu", "units": 1}),
        ("stacked:units=[32,16],dropout=0.2", {"units": [32, 16], "dropout": 0.2}),
        ("stacked:dropout=0,units=[32, 16, 8]", {"dropout": 0.0, "units": [32, 16, 8]}),
    ],
)
def test_a_variant_is_a_model_and_its_values(variant, values):
    assert parse_variant(ZOO, variant) == (variant.partition(":")[0], values)


@pytest.mark.parametrize(
    "variant, sentence",
    [
        ("lsmt:units=3", "no model 'lsmt'. Did you mean lstm"),
        ("digits", "'digits' is a dataset, not a model"),
        ("lstm:unit=3", "parameter of the model lstm called 'unit'. Did you mean units"),
        ("lstm:units=0", "'units' of the model lstm takes a whole number, at least 1, not 0"),
        ("lstm:units", "'units' is not KEY=VALUE; the model lstm takes units, activation"),
        ("lstm:", "'' is not KEY=VALUE"),
        ("lstm:units=3,", "'units' of the model lstm takes .* not \"3,\""),
        ("lstm:units=3,dropout", "'units' of the model lstm takes"),
        ("lstm:units=[3", "'units' of the model lstm takes"),
        ("lstm:units=[3,dropout=0.1", "'units' of the model lstm takes"),
        ("lstm:=3", "parameter of the model lstm called ''"),
        ("lstm:units=", "'units' of the model lstm takes .* not \"\""),
    ],
)
def test_a_variant_that_cant_be_meant_is_a_usage_error(variant, sentence):
    with pytest.raises(UsageError, match=sentence):
        parse_variant(ZOO, variant)


def test_a_value_may_hold_equals_signs_and_commas():
    parameters = ZOO.find("prices").parameters
    pairs = ["where=Stock=A,B", "csv=/a=b.csv", 'features=["a,b", "c=d"]']
    assert parse_settings(parameters, pairs, "the dataset prices") == {
        "where": "Stock=A,B",
        "csv": "/a=b.csv",
        "features": ["a,b", "c=d"],
    }


def test_a_model_without_parameters_takes_nothing():
    with pytest.raises(UsageError, match="'a' is not KEY=VALUE; the model x takes nothing"):
        parse_settings((), ["a"], "the model x")
    with pytest.raises(UnknownName, match=r"parameter of the model x called 'a'. There are none"):
        parse_settings((), ["a=1"], "the model x")


def test_a_shared_setting_goes_to_the_models_that_take_it():
    models = [ZOO.find(name) for name in ("lstm", "simple-rnn", "attention-lstm")]
    settings = shared_settings(models, ["units=8", "attention_units=4"])
    assert settings == [{"units": 8}, {"units": 8}, {"units": 8, "attention_units": 4}]
    assert shared_settings(models, []) == [{}, {}, {}]


def test_a_shared_setting_that_no_model_takes_is_an_error():
    models = [ZOO.find("lstm"), ZOO.find("gru")]
    with pytest.raises(UnknownName, match="the model lstm or gru called 'filters'"):
        shared_settings(models, ["filters=8"])
    with pytest.raises(UnknownName, match=r"the model lstm or gru called 'unit'. .*units"):
        shared_settings(models, ["unit=8"])
    with pytest.raises(UsageError, match="'units' is not KEY=VALUE; the model lstm takes"):
        shared_settings(models, ["units"])


def test_a_shared_setting_must_fit_each_model_that_takes_it():
    models = [ZOO.find("lstm"), ZOO.find("stacked")]
    assert shared_settings(models, ["units=8"]) == [{"units": 8}, {"units": [8]}]
    with pytest.raises(UsageError, match="'units' of the model lstm takes a whole number"):
        shared_settings(models, ["units=[8]"])


def test_without_a_validation_part_nothing_can_stop_early():
    digits = ZOO.find("digits")
    assert train_params(digits, {})["patience"] == 5
    assert train_params(digits, {}, validated=False)["patience"] is None
    assert train_params(digits, {"patience": None}, validated=False)["patience"] is None
    with pytest.raises(UsageError, match="needs a validation part, and validation=0 leaves none"):
        train_params(digits, {"patience": 3}, validated=False)
    patient = replace(digits, train={"patience": 9})
    assert train_params(patient, {}, validated=False)["patience"] is None
    assert train_params(patient, {})["patience"] == 9
    assert configured(data={"validation": 0}).train["patience"] is None
    with pytest.raises(UsageError, match="validation=0"):
        configured(data={"validation": 0}, train={"patience": 0})


def test_momentum_is_for_the_optimizers_that_have_it():
    digits = ZOO.find("digits")
    assert train_params(digits, {"optimizer": "sgd", "momentum": 0.9})["momentum"] == 0.9
    with pytest.raises(UsageError, match="adam takes no momentum; rmsprop and sgd do"):
        train_params(digits, {"momentum": 0.9})


@pytest.mark.parametrize(
    "given, sentence",
    [
        ({"epochs": 0}, "'epochs' of the training takes a whole number, at least 1, not 0"),
        ({"learning_rate": -1}, "'learning_rate' of the training takes a number above 0"),
        ({"optimizer": "adm"}, '\'optimizer\' of the training takes "adam" or .* not "adm"'),
        ({"epoch": 3}, "parameter of the training called 'epoch'. Did you mean epochs"),
    ],
)
def test_a_training_is_checked(given, sentence):
    with pytest.raises(UsageError, match=sentence):
        train_params(ZOO.find("digits"), given)


def test_what_a_model_does_not_take_is_named():
    with pytest.raises(UnknownName, match="parameter of the model gru called 'filters'"):
        model_params(ZOO.find("gru"), {"filters": 3})


def test_a_run_comes_back_from_json_as_it_was():
    run = replace(configured("stacked:units=[32,16]"), data_sha256="0" * 64, zoo="/a/zoo.yaml")
    text = json.dumps(run.to_dict())
    assert json.loads(text)["schema"] == 1
    assert RunConfig.from_dict(json.loads(text)) == run


@pytest.mark.parametrize(
    "change, sentence",
    [
        ({"colour": 3}, "'colour' in it"),
        ({"seed": ...}, "no 'seed' in it"),
        ({"params": 3}, "'params' is 3"),
        ({"threads": "many"}, "'threads' is 'many'"),
        ({"devices": None}, "'devices' is None"),
        ({"backend": None}, "'backend' is None"),
        ({"zoo": 3}, "'zoo' is 3"),
    ],
)
def test_a_config_of_another_shape_is_a_run_error(change, sentence):
    values = {k: v for k, v in (configured().to_dict() | change).items() if v is not ...}
    with pytest.raises(RunError, match=f"^config.json .*{sentence}"):
        RunConfig.from_dict(values)
    with pytest.raises(RunError):
        RunConfig.from_dict({})


def test_a_config_without_devices_is_of_a_run_on_one_and_the_same_run():
    values = configured().to_dict()
    assert values.pop("devices") == 1
    old = RunConfig.from_dict(values)
    assert old == configured()
    assert "devices" not in json.loads(old.identity)
    assert replace(old, devices=2).identity != old.identity


TRAINED = {p.name: p.default for p in TRAINING}


@pytest.mark.parametrize(
    "change, sentence",
    [
        ({"schema": 99}, "'schema' of a run takes 1, not 99"),
        ({"schema": ...}, "'schema' of a run must be given"),
        ({"seed": -1}, "'seed' of a run takes a whole number, at least 0, not -1"),
        ({"seed": True}, "'seed' of a run takes a whole number, at least 0, not true"),
        ({"threads": -1}, "'threads' of a run takes a whole number, at least 1, not -1"),
        ({"threads": 0}, "'threads' of a run takes a whole number, at least 1, not 0"),
        ({"devices": 0}, "'devices' of a run takes a whole number, at least 1, not 0"),
        ({"backend": "tf"}, '\'backend\' of a run takes "tensorflow" or .* not "tf"'),
        ({"train": {}}, "'epochs' of the training must be given"),
        ({"train": TRAINED | {"batch_size": "x"}}, "'batch_size' of the training takes a whole"),
        ({"train": TRAINED | {"colour": 3}}, "parameter of the training called 'colour'"),
    ],
)
def test_a_config_out_of_range_is_a_run_error(change, sentence):
    values = {k: v for k, v in (configured().to_dict() | change).items() if v is not ...}
    with pytest.raises(
        RunError, match=f"^config.json is damaged or of another.*{sentence}"
    ) as told:
        RunConfig.from_dict(values)
    assert told.value.exit_code == 1


@pytest.mark.parametrize(
    "change, sentence",
    [
        ({"colour": 3}, "parameter of the dataset prices called 'colour'"),
        ({"window": None}, "'window' of the dataset prices takes a whole number"),
        ({"window": "x"}, "'window' of the dataset prices takes a whole number"),
        ({"csv": 3}, "'csv' of the dataset prices takes the path of a file or null"),
        ({"horizon": ...}, "'horizon' of the dataset prices must be given"),
    ],
)
def test_recorded_data_that_do_not_fit_their_loader_are_a_run_error(change, sentence):
    run = configured()
    assert config.trusted(run, ZOO) == run
    data = {k: v for k, v in (run.data | change).items() if v is not ...}
    with pytest.raises(RunError, match=f"^config.json is damaged or of another.*{sentence}"):
        config.trusted(replace(run, data=data), ZOO)


def test_the_data_of_a_users_zoo_are_checked_against_its_loader(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.path", [*sys.path])
    (tmp_path / "own_waves.py").write_text(
        "def load(*, waves: int = 3) -> Series:\n    return None\n"
    )
    (tmp_path / "zoo.yaml").write_text(
        "datasets:\n  waves:\n    summary: Waves.\n    loader: own_waves:load\n"
    )
    zoo = load(tmp_path / "zoo.yaml")
    loader = {"dataset": "waves", "loader": "own_waves:load", "zoo": zoo.file}
    framing = {p.name: p.default for p in ZOO.find("prices").framing}
    run = replace(configured(), **loader, data=framing | {"waves": 4})
    assert config.trusted(run, zoo) == run
    moved = replace(run, zoo="/elsewhere/zoo.yaml")
    assert config.trusted(moved, zoo) == run
    with pytest.raises(RunError, match="'waves' of the dataset waves takes a whole number"):
        config.trusted(replace(run, data=framing | {"waves": "x"}), zoo)


MINE = replace(ZOO.find("lstm"), name="own", builder="own:build", zoo="/own/zoo.yaml")
OWN = replace(ZOO, entries=ZOO.entries | {"own": MINE}, file=MINE.zoo)


@pytest.mark.parametrize(
    "change, zoo, sentence",
    [
        ({"zoo": "/their/zoo.yaml"}, ZOO, "with the zoo file /their/zoo.yaml, which names code"),
        ({"builder": "os:system"}, ZOO, "builder 'os:system', and the built-in zoo names no such"),
        ({"loader": "os:walk"}, ZOO, "loader 'os:walk', and the built-in zoo names no such"),
        ({"builder": "a:b", "zoo": "/z"}, OWN, "'a:b', and the zoo file /own/zoo.yaml names no"),
        ({"builder": "own:build"}, OWN, "'own:build', and the built-in zoo names no such"),
    ],
)
def test_a_run_has_the_code_of_a_zoo_that_the_user_knows(change, zoo, sentence):
    with pytest.raises(RunError, match=sentence):
        config.trusted(replace(configured(), **change), zoo)


def test_a_zoo_file_may_have_moved_since_the_run():
    run = replace(configured(), builder="own:build", zoo="/before/zoo.yaml")
    assert config.trusted(run, OWN) == replace(run, zoo="/own/zoo.yaml")
    assert config.trusted(configured(), OWN) == configured()


def test_the_backend_is_the_option_or_the_environments(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert choose_backend(None) == "jax"
    assert choose_backend("torch") == "torch"
    monkeypatch.setenv("KERAS_BACKEND", "")
    assert choose_backend(None) == "tensorflow"
    monkeypatch.delenv("KERAS_BACKEND")
    assert choose_backend(None) == "tensorflow"
    monkeypatch.setenv("KERAS_BACKEND", "numpy")
    with pytest.raises(UnknownName, match=r"no backend 'numpy'. There are: tensorflow, jax and"):
        choose_backend(None)


def test_a_run_has_as_many_threads_on_any_machine(monkeypatch):
    for processors in (1, 7):
        monkeypatch.setattr(config, "available_threads", lambda count=processors: count)
        run = run_config(ZOO, "lstm", {}, "digits", {}, {}, seed=0, threads=None, backend="jax")
        assert run.threads == 1


def test_a_variant_may_be_trained_otherwise():
    run = configured("lstm:units=3,learning_rate=0.1,batch_size=8", {}, "digits", {}, {"epochs": 2})
    training = {name: run.train[name] for name in ("learning_rate", "batch_size", "epochs")}
    assert training == {"learning_rate": 0.1, "batch_size": 8, "epochs": 2}
    assert run.params["units"] == 3
    assert "learning_rate" not in run.params


def test_a_run_of_old_did_as_the_later_parameters_say():
    run = configured("lstm", {}, "prices", {}, {})
    values = run.to_dict()
    del values["train"]["strategy"], values["data"]["folds"], values["data"]["calibration"]
    assert RunConfig.from_dict(values) == run
