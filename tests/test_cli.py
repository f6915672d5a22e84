"""The command line: names, options, errors and exit codes. Nothing is trained here."""

import json
import re

import pytest

from lstm_zoo import catalog, errors
from lstm_zoo.cli import cli

pytestmark = pytest.mark.tensorflow

ZOO = catalog.load()


def test_list_shows_every_entry(zoo):
    result = zoo("list")
    assert result.code == 0
    assert [name for name in ZOO.entries if name not in result.out] == []


@pytest.mark.parametrize("kind", ["models", "datasets", "recipes"])
def test_list_json_has_the_entries_of_a_kind(zoo_json, kind):
    entries = zoo_json("list", kind)
    assert [entry["name"] for entry in entries] == list(ZOO.of(kind[:-1]))
    assert {entry["kind"] for entry in entries} == {kind[:-1]}
    assert all(set(entry) == {"name", "kind", "summary", "paper", "from"} for entry in entries)


@pytest.mark.parametrize("name", list(ZOO.entries))
def test_show_tells_of_every_entry(zoo, zoo_json, name):
    about = zoo_json("show", name)
    assert about["name"] == name
    text = zoo("show", name).out
    parameters = about.get("parameters") or [
        {"name": key} for group in ("params", "data", "train") for key in about[group]
    ]
    assert [p["name"] for p in parameters if p["name"] not in text] == []
    assert all(p.get("meaning", "said elsewhere") for p in parameters)


@pytest.mark.parametrize("name", list(ZOO.of("dataset")))
def test_show_of_a_dataset_has_task_shapes_source_licence_and_floor(zoo, name):
    text = zoo("show", name).out
    for word in ("Task:", "Shapes:", "Parts:", "Source:", "Licence:", "Floor:"):
        assert word in text


def test_show_has_the_value_that_is_set(zoo_json):
    parameters = zoo_json("show", "lstm", "--set", "units=7")["parameters"]
    assert [p["value"] for p in parameters if p["name"] == "units"] == [7]


def test_show_builds_for_texts_of_ones_own(zoo, zoo_json, reviews_csv):
    built = zoo_json("show", "lstm", "--dataset", "text", "--csv", reviews_csv)["built"]
    assert built["input_shape"] == [100] and built["layers"][1]["name"] == "embedding"
    refused = zoo("show", "lstm", "--csv", reviews_csv)
    assert refused.code == 2 and "--csv goes with --dataset" in refused.err


@pytest.mark.parametrize("command", list(cli.commands))
def test_every_help_shows_an_example(zoo, command):
    result = zoo(command, "--help")
    assert result.code == 0
    assert re.search(rf"Example:\n\s+lstm-zoo {command}", result.out)


USAGE = {
    ("trian", "lstm"): "train",
    ("train", "lstn"): "lstm",
    ("train", "LSTM-"): "lstm",
    ("train", "digits"): "'digits' is a dataset, not a model",
    ("train", "rnn-mnist"): "lstm-zoo reproduce rnn-mnist",
    ("train", "lstm", "--set", "units=3", "--set", "units=4"): "given twice",
    ("train", "lstm", "--dataset", ""): "--dataset is empty",
    ("train", "lstm", "--dataset", "digits", "--csv", "a.csv"): "--csv is for what a CSV holds",
    ("compare", "lstm", "--seeds", "1000000000000"): "at most 1,000",
    ("compare", "lstm:units=3,units=4"): "given twice",
    ("runs", "--yes"): "--remove",
    ("train", "lstm", "--dataset", "mnits"): "mnist",
    ("train", "lstm", "--epoch", "3"): "--epochs",
    ("train", "lstm", "--epochs", "0"): "at least 1",
    ("train", "lstm", "--epochs", "many"): "whole number",
    ("train", "lstm", "--epochs", "1.5"): "whole number",
    ("train", "lstm", "--learning-rate", "-1"): "above 0",
    ("train", "lstm", "--learning-rate", "nan"): "above 0",
    ("train", "lstm", "--optimizer", "adma"): '"adam"',
    ("train", "lstm", "--seed", "-1"): "at least 0",
    ("train", "lstm", "--threads", "0"): "at least 1",
    ("train", "lstm", "--threads", "1000"): "1,000 is too many: this process may use",
    ("train", "lstm", "--devices", "0"): "at least 1",
    ("train", "lstm", "--devices", "2"): "on JAX only (--backend jax), and not on tensorflow",
    ("train", "lstm", "--devices", "2", "--backend", "torch"): "and not on torch",
    ("train", "lstm", "--devices", "2", "--backend", "jax", "--batch-size", "33"): "batch-size 34",
    ("compare", "lstm", "--devices", "2", "--backend", "jax", "--jobs", "2"): "leave --jobs or",
    ("train", "lstm", "--set", "unit=3"): "units",
    ("train", "lstm", "--set", "units"): "KEY=VALUE",
    ("train", "lstm", "--set", "units=-3"): "at least 1",
    ("train", "lstm", "--set", "dropout=1"): "below 1",
    ("train", "lstm", "--set", "activation=rely"): '"relu"',
    ("train", "lstm", "--data", "tset=0.3"): "test",
    ("train", "lstm", "--data", "test=2"): "below 1",
    ("train", "lstm", "--column", "Close"): "--column is for what a CSV holds",
    ("train", "lstm", "--data", "validation=0", "--patience", "2"): "validation",
    ("train", "lstm", "--backend", "theano"): "tensorflow",
    ("train", "lstm", "--csv", "a.csv", "--data", "csv=b.csv"): "given twice",
    ("runs", "--model", "lstmm"): "lstm",
    ("train",): "MODEL",
    ("train", "lstm", "gru"): "gru",
    ("compare",): "MODEL",
    ("compare", "lstm", "lstm"): "stands twice",
    ("compare", "lstm:unit=3"): "units",
    ("compare", "lstm", "gru", "--set", "subsequences=3"): "subsequences",
    ("compare", "lstm", "--seeds", "0"): "at least 1",
    ("reproduce", "rnn-mnits"): "rnn-mnist",
    ("show", "lstmm"): "lstm",
    ("show", "rnn-mnist", "--dataset", "digits"): "recipe",
    ("show", "lstm", "--data", "test=0.1"): "--data goes with a dataset",
    ("list", "model"): "models",
    ("predict", "last", "--horizon", "0"): "at least 1",
    ("runs", "--mode", "lstm"): "--model",
    ("compare", "lstm", "--horizon", "3"): "of the datasets prices and sine: --data horizon=…",
    ("train", "lstm", "--subsequences", "3"): "of the model cnn-lstm: --set subsequences=…",
    ("compare", "lstm", "--fold", "3"): "Did you mean '--folds'? 'fold' is a parameter of",
    ("gate", "--units", "3"): "No such option '--units'",
}


@pytest.mark.parametrize(("arguments", "hint"), USAGE.items(), ids=" ".join)
def test_what_cant_be_meant_ends_in_2_with_what_can(zoo, arguments, hint):
    result = zoo(*arguments)
    assert result.code == 2
    assert hint in result.err
    assert result.out == ""


MENDABLE = {
    ("evaluate", "last"): "There is no run in runs yet",
    ("evaluate", "nothing"): "There is no run 'nothing'",
    ("predict", "."): "not a run",
    ("train", "lstm", "--csv", "no.csv"): "no.csv",
    ("train", "lstm", "--zoo", "no.yaml"): "no.yaml",
    ("train", "lstm", "--dataset", "mnist", "--data-dir", "nowhere"): "nowhere",
    ("list", "--zoo", "no.yaml"): "no.yaml",
}


@pytest.mark.parametrize(("arguments", "hint"), MENDABLE.items(), ids=" ".join)
def test_what_the_user_can_mend_ends_in_1_with_one_sentence(zoo, arguments, hint):
    result = zoo(*arguments)
    assert result.code == 1
    assert hint in result.err
    assert result.err.count("\n") == 1
    assert result.out == ""


def test_global_options_stand_before_or_after_the_command(zoo, tmp_path):
    (tmp_path / "own.yaml").write_text(
        "models: {mine: {builder: 'a:build', summary: My own model}}\n"
    )
    before, after = zoo("--zoo", "own.yaml", "list"), zoo("list", "--zoo", "own.yaml")
    assert before.out == after.out
    assert "My own model" in after.out


def test_the_zoo_file_may_come_from_the_environment(zoo, tmp_path, monkeypatch):
    (tmp_path / "own.yaml").write_text("models: {mine: {builder: 'a:build', summary: Mine}}\n")
    monkeypatch.setenv("LSTM_ZOO_FILE", "own.yaml")
    assert "mine" in zoo("list").out


def test_a_wrong_backend_in_the_environment_is_named(zoo, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "theano")
    result = zoo("train", "lstm")
    assert (result.code, "theano" in result.err) == (2, True)


def test_a_missing_backend_says_what_to_install(zoo, monkeypatch):
    from lstm_zoo import backend

    monkeypatch.setattr(backend, "installed", lambda name: False)
    result = zoo("train", "lstm", "--backend", "jax")
    assert result.code == 1
    assert "pip install 'lstm-zoo[jax]'" in result.err


def test_no_command_at_all_is_the_help(zoo):
    result = zoo()
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("Usage: lstm-zoo")
    assert "Error" not in result.err


def test_runs_lists_nothing_calmly(zoo, zoo_json):
    assert zoo("runs").out == "There is no run in runs yet: lstm-zoo train lstm makes one.\n"
    assert zoo_json("runs") == []


def test_names_are_completed_in_the_shell(zoo, monkeypatch):
    monkeypatch.setenv("_LSTM_ZOO_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_CWORD", "2")
    monkeypatch.setenv("COMP_WORDS", "lstm-zoo train l")
    assert zoo().out.split("\n")[0] == "plain,lstm"
    monkeypatch.setenv("COMP_WORDS", "lstm-zoo reproduce rnn")
    assert "plain,rnn-mnist" in zoo().out


def test_control_characters_in_a_message_are_shown_harmlessly(zoo):
    result = zoo("train", "l\x1b[31mstm")
    assert "\x1b" not in result.err
    assert "\\x1b[31m" in result.err


def test_json_is_one_document_with_no_more_than_json_has(zoo):
    assert json.loads(zoo("show", "digits", "--json").out)["kind"] == "dataset"


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("two\nlines", "ValueError: two"),
        ("Graph execution error:\n\nDetected at node X\nRuntimeError: worn out\n", "worn out"),
        ("Exception encountered when calling A.call().\n\n\x1b[1mtoo late\x1b[0m", "too late"),
        ("", "ValueError"),
    ],
)
def test_another_librarys_error_is_told_in_a_line(message, said):
    told = errors.reason(ValueError(message))
    assert told.endswith(said)
    assert "\n" not in told
