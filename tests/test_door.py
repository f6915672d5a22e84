"""The verbs in Python: what the commands say and give, as objects."""

import inspect
import json
import os
import pkgutil
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

import lstm_zoo
from lstm_zoo import backend, config, door, interrupts, results, runs
from lstm_zoo.archives import arrays
from lstm_zoo.cli import cli
from lstm_zoo.config import BACKENDS, TRAINING
from lstm_zoo.door.answers import _frame
from lstm_zoo.door.asking import SHELLS, keywords
from lstm_zoo.errors import UsageError, ZooError

BASELINE = Path(__file__).parent.parent / "examples" / "ci" / "baseline.json"
QUICK = {"epochs": 1, "params": {"units": 4}, "quiet": True}
VERBS = [name for name in lstm_zoo.__all__ if inspect.isfunction(getattr(lstm_zoo, name))]
COMMANDS = {"list_runs": "runs", "longest_lag": "longest-lag", "generate": "predict"}
MISTAKES = [
    (("compare", ["lstm", "grru"]), ["compare", "lstm", "grru"]),
    (("compare", ["lstm", "lstm"]), ["compare", "lstm", "lstm"]),
    (("compare", ["lstm"], "digts"), ["compare", "lstm", "--dataset", "digts"]),
    (("train", "lstm", {"epochs": 0}), ["train", "lstm", "--epochs", "0"]),
    (("train", "lstm", {"params": {"unit": 3}}), ["train", "lstm", "--set", "unit=3"]),
    (("train", "lstm", {"data": {"fold": True}}), ["train", "lstm", "--data", "fold=true"]),
    (("train", "lstm", {"backend": "theano"}), ["train", "lstm", "--backend", "theano"]),
    (("train", {"resume": "nothing"}), ["train", "--resume", "nothing"]),
    (("train",), ["train"]),
    (("show", "lsmt"), ["show", "lsmt"]),
    (("reproduce", "rnn-mnst"), ["reproduce", "rnn-mnst"]),
    (("tune", "lstm", {"trials": -1}), ["tune", "lstm", "--trials", "-1"]),
    (("predict", "last"), ["predict", "last"]),
    (("predict", "last", {"level": 0.5}), ["predict", "last", "--level", "0.5"]),
    (("gate", "none.json"), ["gate", "none.json"]),
    (("explain", "last", "dreams"), ["explain", "last", "dreams"]),
    (("report", ["last"], "page.pdf"), ["report", "last", "-o", "page.pdf"]),
    (("audit", "digits", {"csv": "a.csv"}), ["audit", "digits", "--csv", "a.csv"]),
]


def asked(verb, *arguments):
    """Call a verb; dictionaries are its keywords."""
    options = {
        key: one for each in arguments if isinstance(each, dict) for key, one in each.items()
    }
    positional = [each for each in arguments if not isinstance(each, dict)]
    return getattr(lstm_zoo, verb)(*positional, **options)


def test_every_command_has_a_verb():
    named = {COMMANDS.get(name, name) for name in VERBS}
    assert set(cli.commands) == named


@pytest.mark.parametrize("verb", [name for name in VERBS if name not in ("predict", "generate")])
def test_the_keywords_of_a_verb_are_the_options_of_its_command(verb):
    command = COMMANDS.get(verb, verb)
    own = set(inspect.signature(getattr(lstm_zoo, verb)).parameters)
    arguments = {one.name for one in cli.commands[command].params if one.opts[0][0] != "-"}
    options = set(keywords(command))
    assert own - options - arguments - {"sources", "run", "question"} == set()
    assert options - own == set()


def test_predict_and_generate_share_the_options_of_one_command():
    own = [set(inspect.signature(verb).parameters) for verb in (door.predict, door.generate)]
    assert own[0] | own[1] == set(keywords("predict")) - {"generate"} | {"run", "length"}


def test_the_choices_that_are_typed_are_those_that_are_read():
    from typing import get_args, get_type_hints

    hints = get_type_hints(door.options.Learning)
    for parameter in TRAINING:
        if parameter.choices:
            assert list(get_args(hints[parameter.name])) == parameter.choices
    kind = next(one for one in cli.commands["list"].params if one.name == "kind")
    assert list(get_args(door.options.Kind)) == list(kind.type.choices)
    form = next(one for one in cli.commands["export"].params if one.name == "form")
    assert list(get_args(door.options.Format)) == list(form.type.choices)


def test_no_verb_is_hidden_by_a_module_of_its_name():
    modules = {module.name for module in pkgutil.iter_modules(lstm_zoo.__path__)}
    assert modules & set(lstm_zoo.__all__) == set()


def test_a_verb_says_what_its_keywords_mean():
    told = inspect.getdoc(lstm_zoo.compare)
    assert told.startswith("Train every model from every seed")
    assert "    epochs: Passes over the training part (a whole number, at least 1)." in told
    assert set(SHELLS).isdisjoint(inspect.signature(lstm_zoo.compare).parameters)


def test_every_verb_is_in_the_documents():
    page = (BASELINE.parents[2] / "docs" / "python.md").read_text()
    assert [name for name in VERBS if f"zoo.{name}(" not in page] == []


def test_unknown_names_are_what_python_makes_of_them():
    with pytest.raises(AttributeError, match="no attribute 'compair'"):
        _ = lstm_zoo.compair
    assert set(lstm_zoo.__all__) <= set(dir(lstm_zoo))


def test_importing_is_light_and_the_zoo_needs_no_keras():
    script = """
import sys
import lstm_zoo as zoo
first = [name for name in ("click", "yaml", "lstm_zoo.door") if name in sys.modules]
listed, shown = zoo.list("models"), zoo.show("lstm")
assert "lstm" in repr(listed) and "units" in repr(shown), shown
heavy = ("keras", "numpy", "pandas", "matplotlib", "rich", "plotly", "scipy", "sklearn")
print(first, [name for name in heavy if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "[] []\n", done.stderr


@pytest.mark.parametrize(("call", "command"), MISTAKES, ids=lambda value: " ".join(map(str, value)))
def test_a_mistake_is_the_sentence_of_the_shell(zoo, capfd, call, command):
    told = zoo(*command)
    with pytest.raises(ZooError) as caught:
        asked(*call)
    assert told.err.startswith(f"Error: {caught.value}")
    assert caught.value.exit_code == told.code
    assert capfd.readouterr() == ("", "")


def test_an_option_that_is_none_is_named_with_those_that_are_near():
    with pytest.raises(
        UsageError, match=r"no option of compare called 'epoch'. Did you mean epoch"
    ):
        lstm_zoo.compare(["lstm"], "digits", epoch=3)
    with pytest.raises(UsageError, match="and not a set"):
        lstm_zoo.compare(["lstm"], "digits", data={"window": {1, 2}})
    with pytest.raises(
        UsageError, match=r"not a DataFrame\. Write it to a file, .* csv='FILE.csv'"
    ):
        lstm_zoo.train("lstm", pd.DataFrame({"Close": [1.0, 2.0]}))


def test_the_backend_is_chosen_once_in_a_process(tmp_path):
    here = keras.backend.backend()
    other = next(name for name in BACKENDS if name != here and backend.installed(name))
    with pytest.raises(UsageError, match=f"Keras runs on {here} in this process already"):
        lstm_zoo.train("lstm", backend=other, runs=tmp_path)
    assert os.environ.get("KERAS_BACKEND", here) == here


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("door") / "runs"


@pytest.fixture(scope="module", autouse=True)
def one_processor():
    """All trainings are done in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lstm_zoo.config.CPUS", config.CPUS[:1])
        yield


@pytest.fixture(scope="module")
def compared(runs_dir):
    models = ["simple-rnn", "gru:dropout=0.1"]
    return lstm_zoo.compare(models, "digits", seeds=2, runs=runs_dir, **QUICK)


@pytest.fixture(scope="module")
def forecaster(runs_dir):
    data = {"window": 5, "calibration": 0.2}
    return lstm_zoo.train("gru", "prices", data=data, runs=runs_dir, patience=None, **QUICK)


@pytest.mark.slow
def test_compare_gives_what_the_command_prints(compared, runs_dir, zoo_json, capfd):
    assert capfd.readouterr() == ("", "")
    command = ["compare", "simple-rnn", "gru:dropout=0.1", "--seeds", 2, "--epochs", 1]
    printed = zoo_json(*command, "--set", "units=4", "--runs", runs_dir, "-q")

    def plain(record):
        trials = [one | {"reused": None} for model in record["models"] for one in model["trials"]]
        models = [{**model, "trials": None} for model in record["models"]]
        return trials, models, record["pairs"], record["floor"]

    assert plain(json.loads(json.dumps(compared.record))) == plain(printed)


@pytest.mark.slow
def test_a_comparison_as_frames_sentences_and_charts(compared, runs_dir):
    frame, models = compared.frame, compared.models
    assert list(frame["seed"]) == [0, 1, 0, 1]
    means = frame.groupby("model", sort=False)["accuracy"].mean()
    assert np.allclose(means, models["mean"])
    assert list(models["name"]) == list(means.index) == ["simple-rnn", "gru:dropout=0.1"]
    pair = compared.pairs.iloc[0]
    assert pair["difference"] == pytest.approx(means.iloc[0] - means.iloc[1])
    assert compared.verdicts[0] in repr(compared)
    figures = compared.figures(runs_dir)
    assert {"Scores on the test part", "Loss by epoch"} <= set(figures)
    assert all(figure.data for figure in figures.values())


@pytest.mark.slow
def test_a_comparison_is_written_and_read(compared, tmp_path):
    compared.save(tmp_path / "results.json")
    again = lstm_zoo.Results.read(tmp_path / "results.json")
    assert again.frame.equals(compared.frame)
    assert results.read(tmp_path / "results.json") == again.record
    compared.save(tmp_path / "trials.csv")
    written = pd.read_csv(tmp_path / "trials.csv", float_precision="round_trip")
    assert written["score"].tolist() == again.frame["score"].tolist()
    with pytest.raises(UsageError, match=r"x.xls has to end in .json, or in .csv"):
        compared.save("x.xls")
    with pytest.raises(ZooError, match=r"nowhere/x.csv can't be written: No such file"):
        compared.save("nowhere/x.csv")


@pytest.mark.slow
def test_what_is_recorded_is_the_command_that_repeats_it(compared, runs_dir, zoo_json):
    folders = map(Path, compared.frame["run"])
    environments = [json.loads((folder / "environment.json").read_text()) for folder in folders]
    (command,) = {environment["command"] for environment in environments}
    program, *words = shlex.split(command)
    assert program == "lstm-zoo"
    again = zoo_json(*words)
    assert [trial["reused"] for model in again["models"] for trial in model["trials"]] == [True] * 4
    assert sys.argv[0] != "lstm-zoo"


@pytest.mark.slow
def test_a_run_has_its_scores_history_pictures_and_charts(forecaster, runs_dir):
    assert runs.Run(forecaster.folder).metrics == forecaster.record
    assert list(forecaster.frame["epoch"]) == [0, 1]
    assert forecaster.config["params"]["units"] == 4
    assert all(picture[:4] == b"\x89PNG" for picture in forecaster.pictures)
    assert forecaster._repr_html_().count("<img src=") == len(forecaster.pictures) > 0
    figures = forecaster.figures()
    assert "Loss by epoch" in figures
    assert all(figure.data for figure in figures.values())
    assert lstm_zoo.Run("last", runs=runs_dir).folder == forecaster.folder
    found = lstm_zoo.list_runs(runs=runs_dir, dataset="prices")
    assert list(found.frame["score"]) == [forecaster["test"]["rmse"]]


@pytest.mark.slow
def test_a_run_evaluates_predicts_explains_and_exports(forecaster, tmp_path, capfd):
    scores = forecaster.evaluate(quiet=True).frame.set_index("metric")["test"]
    assert scores["rmse"] == pytest.approx(forecaster["test"]["rmse"], rel=1e-5)
    answers = forecaster.predict(output=tmp_path / "answers.csv", quiet=True)
    error = answers.frame["actual"] - answers.frame["predicted"]
    assert np.sqrt(np.mean(error**2)) == pytest.approx(scores["rmse"], rel=1e-5)
    assert len((tmp_path / "answers.csv").read_text().splitlines()) == 1 + len(error)
    found = forecaster.explain("gates")
    assert {"update gate", "reset gate"} == set(found.frame["gate"])
    assert found.pictures[0][:4] == b"\x89PNG"
    export = forecaster.export("keras", tmp_path / "exported")
    assert (tmp_path / "exported" / "model.keras").exists()
    assert "Keras" in repr(export)
    assert forecaster.report(tmp_path / "page.md").read_text().startswith("## gru on prices")
    assert capfd.readouterr().out == ""


@pytest.mark.slow
def test_a_run_is_the_one_that_the_shell_trains(forecaster, zoo_json):
    data = ("--data", "window=5", "--data", "calibration=0.2")
    quick = ("--epochs", 1, "--set", "units=4", "--patience", "null", "-q")
    shells = Path(zoo_json("train", "gru", "--dataset", "prices", *data, *quick)["run"])
    theirs, ours = (arrays(folder / "predictions.npz") for folder in (shells, forecaster.folder))
    assert {name: one.tobytes() for name, one in ours.items()} == {
        name: one.tobytes() for name, one in theirs.items()
    }
    assert lstm_zoo.Run(shells).config == forecaster.config


def test_predict_writes_no_text_on():
    with pytest.raises(UsageError, match=r"by lstm_zoo.generate\(run, N\), not by predict"):
        lstm_zoo.predict("last", generate=3)


def test_a_frame_has_dates_to_the_millisecond():
    rows = [{"date": f"2024-01-01T00:00:00.{ms:03}", "predicted": 1.0} for ms in (0, 250)]
    assert (_frame(rows)["date"].diff()[1]).total_seconds() == 0.25


@pytest.mark.slow
def test_what_comes_next_has_dates_intervals_and_a_picture(forecaster):
    ahead = forecaster.predict(horizon=3, level=0.8, intervals="adaptive")
    frame = ahead.frame
    assert list(frame.columns) == ["date", "actual", "predicted", "lower", "upper"]
    assert frame["date"].dt.dayofweek.max() < 5
    assert (frame["lower"] < frame["predicted"]).all()
    assert (frame["predicted"] < frame["upper"]).all()
    assert "Intervals of nominal 80 %" in repr(ahead)
    assert "data:image/png;base64," in ahead._repr_html_()


@pytest.mark.slow
def test_a_training_that_fails_is_warned_of_and_stops_no_other(runs_dir, recwarn):
    models = ["simple-rnn", "gru:optimizer=sgd,learning_rate=1e30"]  # whose squared error overflows
    data = {"steps": 5, "train": 64, "validation": 32, "test": 32}
    found = lstm_zoo.compare(models, "adding", seeds=1, data=data, runs=runs_dir, **QUICK)
    (told,) = [one for one in recwarn if one.category is UserWarning]
    assert str(told.message).startswith("1 of 2 trainings failed: ")
    assert told.filename == __file__
    assert list(found.frame["status"]) == ["ok", "failed"]


def test_results_are_judged_and_reported(tmp_path, monkeypatch):
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    found = lstm_zoo.Results.read(BASELINE)
    metric, mean = found["metric"]["name"], found.models["mean"].min()
    assert lstm_zoo.gate(found, at_least={metric: mean - 1})["verdict"] == "pass"
    judged = lstm_zoo.gate(found, at_least={metric: mean + 1}, baseline=BASELINE)
    assert judged["verdict"] == "regression"
    assert "regression" in set(judged.frame["verdict"])
    page = lstm_zoo.report([found, BASELINE], tmp_path / "page.html", quiet=True)
    assert page.read_text().startswith("<!DOCTYPE html>")


def test_a_name_is_no_markup_in_a_notebook():
    record = json.loads(BASELINE.read_text())
    record["models"][0]["name"] = name = '<img src=x onerror="alert(1)">&\x1b[31m'
    for pair in record["pairs"]:
        pair["a"] = name
    shown = lstm_zoo.Results(record)._repr_html_()
    assert "<img" not in shown
    assert "&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;\\x1b[31m" in shown
    assert "\x1b" not in shown + repr(lstm_zoo.Results(record))


def test_an_audit_passes_or_not():
    found = lstm_zoo.audit("sine", data={"window": 10})
    assert found["passed"]
    assert len(found.frame) == len(found["checks"])
    assert "No leak found" in repr(found)


def test_a_ctrl_c_is_remembered_for_as_long_as_the_block():
    told = signal.set_wakeup_fd(-1)  # of the commands that this process has run
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        for _ in range(2):  # a second one ends the process no more than the first
            with pytest.raises(KeyboardInterrupt), interrupts.heeded():
                try:
                    os.kill(os.getpid(), signal.SIGINT)
                    time.sleep(5)
                finally:
                    assert interrupts.seen()
            assert not interrupts.seen()
            assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with interrupts.heeded():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
        signal.set_wakeup_fd(told)


SCRIPT = """
import signal, sys
import lstm_zoo as zoo
print("begun")
try:
    zoo.compare(["simple-rnn:units=4", "gru:units=4"], "digits", seeds=2, epochs=10000, jobs=2,
                patience=None)
except KeyboardInterrupt as error:
    print(error)
print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""


@pytest.mark.slow
def test_a_plain_script_trains_in_processes_and_outlives_a_ctrl_c(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    running = subprocess.Popen(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        for line in running.stderr:
            if "epoch 1/" in line:
                running.send_signal(signal.SIGINT)
                break
        out, err = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == 0, err
    assert out.splitlines()[0] == "begun"
    assert out.count("begun") == 1
    assert out.splitlines()[1].startswith("Interrupted; nothing finished is lost.")
    assert out.splitlines()[2:] == ["True"]
