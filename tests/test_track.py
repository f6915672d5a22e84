"""Trackers: what TensorBoard and MLflow have of trainings, read back with their own readers."""

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import keras
import mlflow
import numpy as np
import pytest
from rich.console import Console
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.context import RequestContext
from tensorboard.plugins.base_plugin import TBContext
from tensorboard.plugins.graph.graphs_plugin import GraphsPlugin
from tensorboard.plugins.hparams import api_pb2, list_session_groups
from tensorboard.plugins.hparams.backend_context import Context
from tensorboard.util import tensor_util

from lstm_zoo import catalog, sources, tracking, training
from lstm_zoo.__main__ import run as main_run
from lstm_zoo.checkpoint import Checkpoints
from lstm_zoo.config import run_config
from lstm_zoo.reporting.progress import Lines
from lstm_zoo.runs import FOLDS, list_runs, read_history

pytestmark = pytest.mark.slow

MODEL = ("simple-rnn", "--set", "units=3", "--epochs", "2")
BOTH = ("--track", "tensorboard", "--track", "mlflow")
TIMED = ("train_seconds", "compile_seconds", "examples_per_second")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with an MLflow database, which all tests of this file share."""
    folder = tmp_path_factory.mktemp("track")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        patch.setattr("lstm_zoo.config.CPUS", (0,))
        yield folder


@pytest.fixture(scope="module")
def tracked(place):
    """A run that was logged while it trained."""
    assert main_run(["train", *MODEL, "--runs", "tracked", *BOTH]) == 0
    return only(place / "tracked")


@pytest.fixture(scope="module")
def plain(place):
    """The same without trackers."""
    assert main_run(["train", *MODEL, "--runs", "plain"]) == 0
    return only(place / "plain")


def only(folder):
    (run,) = list_runs(folder)
    return run


def weights(model):
    return [weight.tobytes() for weight in model.get_weights()]


def rows(run):
    """history.csv as numbers: of each column its values by epoch."""
    history = read_history(run)
    return {
        name: {int(row["epoch"]): float(row[name]) for row in history if row[name]}
        for name in list(history[0])[1:]
    }


def scalars(folder):
    """The scalars of a folder of event files: of each tag its values by step."""
    events = EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload()
    found = {}
    for tag in events.Tags()["tensors"]:
        if events.SummaryMetadata(tag).plugin_data.plugin_name == "scalars":
            every = [
                (e.step, tensor_util.make_ndarray(e.tensor_proto).item())
                for e in events.Tensors(tag)
            ]
            assert len(dict(every)) == len(every)
            found[tag] = dict(every)
    return found


def curves(folder):
    """The same of the curves of a training, named as history.csv has them."""
    found = {}
    for part, prefix in (("train", ""), ("validation", "val_")):
        for tag, values in scalars(folder / part).items():
            found[tag.replace("epoch_", prefix, 1)] = values
    return found


def rounded(columns):
    """As TensorBoard keeps numbers."""
    return {n: {s: float(np.float32(v)) for s, v in c.items()} for n, c in columns.items()}


def board(run):
    """Where TensorBoard has a run."""
    (folder,) = [
        folder.parent
        for folder in runs_of(run).glob("tensorboard/*/events*")
        if text(folder.parent, "run") == str(run.folder.absolute())
    ]
    return folder


def runs_of(run):
    parent = run.folder.parent
    return parent.parent.parent if parent.name == FOLDS else parent


def text(folder, tag):
    events = EventAccumulator(str(folder)).Reload()
    if tag not in events.Tags()["tensors"]:
        return ""
    return tensor_util.make_ndarray(events.Tensors(tag)[0].tensor_proto).item().decode()


def provider(folder):
    multiplexer = EventMultiplexer().AddRunsFromDirectory(str(folder)).Reload()
    return TBContext(data_provider=MultiplexerDataProvider(multiplexer, str(folder)))


def sessions(folder):
    """The trainings that TensorBoard's own backend lists beside one another."""
    context = Context(provider(folder))
    statuses = [api_pb2.STATUS_SUCCESS, api_pb2.STATUS_FAILURE]
    request = api_pb2.ListSessionGroupsRequest(slice_size=100, allowed_statuses=statuses)
    handler = list_session_groups.Handler(RequestContext(), context, "", request)
    return handler.run().session_groups


def logged(run, dataset="digits"):
    """The MLflow run that is finished and has all of a run."""
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name(dataset).experiment_id
    place = str(run.folder.absolute())
    (found,) = [
        r for r in client.search_runs([experiment]) if r.data.tags.get("lstm_zoo.run") == place
    ]
    assert found.info.status == "FINISHED"
    return found


def histories(found, names):
    client = mlflow.MlflowClient()
    every = {n: client.get_metric_history(found.info.run_id, n) for n in names}
    return {n: {metric.step: metric.value for metric in metrics} for n, metrics in every.items()}


def finals(run):
    """The numbers of metrics.json that a tracker must have."""
    record = run.metrics
    names = ("parameters", "multiply_adds", "epochs", "best_epoch", "learned", *TIMED)
    found = {name: record[name] for name in names}
    for part in ("test", "validation", "train"):
        found |= {f"{part}/{name}": value for name, value in record[part].items()}
    return found | {"floor/majority": record["floor"]["value"]}


def test_tensorboard_has_the_numbers_of_the_run(tracked):
    folder = board(tracked)
    assert curves(folder) == rounded(rows(tracked))
    expected = {name: {2: value} for name, value in finals(tracked).items()}
    assert scalars(folder) == rounded(expected)


def test_tensorboard_lists_the_run_with_its_settings(tracked, place):
    (group,) = sessions(place / "tracked")
    given = dict(group.hparams)
    assert given["params.units"].number_value == 3
    assert given["train.optimizer"].string_value == "adam"
    assert given["train.clip_norm"].string_value == "null"
    (session,) = group.sessions
    assert session.status == api_pb2.STATUS_SUCCESS
    accuracy = {m.name.tag: m.value for m in session.metric_values}["test/accuracy"]
    assert accuracy == np.float32(tracked.metrics["test"]["accuracy"])
    settings = json.loads(text(board(tracked), "configuration"))
    assert settings == json.loads((tracked.folder / "config.json").read_text())


def test_tensorboard_has_the_pictures_and_the_layers(tracked):
    folder = board(tracked)
    events = EventAccumulator(str(folder)).Reload()
    pictures = sorted(tracked.folder.glob("plots/*.png"))
    assert len(pictures) == 2
    for picture in pictures:
        (event,) = events.Tensors(f"plots/{picture.stem}")
        width, height, content = tensor_util.make_ndarray(event.tensor_proto)
        assert content == picture.read_bytes()
        assert (int(height), int(width)) == keras.utils.img_to_array(
            keras.utils.load_img(picture)
        ).shape[:2]
    graphs = GraphsPlugin(provider(folder))
    graph, _ = graphs.graph_impl(RequestContext(), ".", "keras", is_conceptual=True, experiment="")
    layers = keras.saving.load_model(tracked.folder / "model.keras").layers
    assert all(f'/{layer.name}"' in graph for layer in layers)


def test_mlflow_has_the_numbers_of_the_run(tracked):
    found = logged(tracked)
    assert histories(found, rows(tracked)) == rows(tracked)
    ends = finals(tracked)
    assert {name: found.data.metrics[name] for name in ends} == ends
    assert set(found.data.metrics) == {*ends, *rows(tracked)}
    config = tracked.config
    params = config.params | {f"train.{n}": v for n, v in config.train.items()}
    told = {name.removeprefix("params."): value for name, value in found.data.params.items()}
    assert {n: told[n] for n in params} == {
        n: "null" if v is None else str(v) for n, v in params.items()
    }
    tags = found.data.tags
    assert tags["lstm_zoo.seed"] == "0"
    assert tags["lstm_zoo.data_sha256"] == config.data_sha256


def test_mlflow_has_the_files_and_a_model_that_it_loads(tracked):
    found = logged(tracked)
    kept = Path(mlflow.artifacts.download_artifacts(run_id=found.info.run_id))
    for name in ("config.json", "metrics.json", "history.csv", "plots/training.png"):
        assert (kept / name).read_bytes() == (tracked.folder / name).read_bytes()
    model = mlflow.keras.load_model(f"runs:/{found.info.run_id}/model")
    assert weights(model) == weights(keras.saving.load_model(tracked.folder / "model.keras"))


def test_the_command_says_where_to_look(place, tracked, capfd):
    with tracking.opened(["tensorboard", "mlflow"], Path("my runs"), "digits") as trackers:
        trackers.watching(Lines(Console(stderr=True)))
    assert capfd.readouterr().err.splitlines() == [
        "TensorBoard: tensorboard --logdir 'my runs/tensorboard'",
        f"MLflow: sqlite:///{place}/mlflow.db",
    ]


def test_a_tracker_changes_nothing(tracked, plain):
    assert tracked.config == plain.config
    names = [sorted(p.relative_to(r.folder) for p in r.folder.rglob("*")) for r in (tracked, plain)]
    assert names[0] == names[1]
    for name in ("history.csv", "preprocessing.json"):
        assert (tracked.folder / name).read_bytes() == (plain.folder / name).read_bytes()
    records = [{n: v for n, v in run.metrics.items() if n not in TIMED} for run in (tracked, plain)]
    assert records[0] == records[1]
    models = [keras.saving.load_model(run.folder / "model.keras") for run in (tracked, plain)]
    assert weights(models[0]) == weights(models[1])


def test_a_finished_run_is_logged_from_its_folder(plain, place, capfd):
    command = ["compare", *MODEL, "--seeds", "2", "--runs", "plain", *BOTH]
    assert main_run(command) == 0
    assert "1 training" in capfd.readouterr().err  # the other was there
    new = next(run for run in list_runs(place / "plain") if run.folder != plain.folder)
    for run in (plain, new):
        assert curves(board(run)) == rounded(rows(run))
        assert histories(logged(run), rows(run)) == rows(run)
    times = [logged(run).info.end_time for run in (plain, new)]
    assert main_run(command) == 0
    assert [logged(run).info.end_time for run in (plain, new)] == times  # each is there once
    assert len(sessions(place / "plain")) == 2


def test_the_folds_of_a_backtest_are_logged_with_their_whole(place, walk_csv):
    model = ["simple-rnn:units=2", "--csv", str(walk_csv), "--column", "Close", "--epochs", "1"]
    command = ["compare", *model, "--data", "window=4", "--folds", "2", "--seeds", "1"]
    assert main_run([*command, "--runs", "backtest", *BOTH]) == 0
    whole = only(place / "backtest")
    parts = list_runs(whole.folder / FOLDS)
    assert len(parts) == 2
    for run in (whole, *parts):
        assert curves(board(run)) == rounded(rows(run))
        assert scalars(board(run))["test/rmse"] == rounded({0: {1: run.metrics["test"]["rmse"]}})[0]
    parents = {logged(run, "prices").data.tags["mlflow.parentRunId"] for run in parts}
    assert parents == {logged(whole, "prices").info.run_id}


def test_a_training_that_fails_is_logged_as_such(place, capfd):
    command = ["train", "simple-rnn:activation=relu", "--optimizer", "sgd"]
    command += ["--learning-rate", "1e30"]
    assert main_run([*command, "--runs", "failed", *BOTH]) == 1
    said = capfd.readouterr().err.splitlines()[-1].removeprefix("Error: ")
    (group,) = sessions(place / "failed")
    assert group.sessions[0].status == api_pb2.STATUS_FAILURE
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name("digits").experiment_id
    (found,) = client.search_runs([experiment], "attributes.status = 'FAILED'")
    assert found.data.tags["lstm_zoo.failure"] == said


def test_a_run_that_goes_on_is_logged_whole(place, monkeypatch):
    keep = Checkpoints.keep

    def interrupted(self, state):
        keep(self, state)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lstm_zoo.checkpoint._SHARE", 1.0)
        patch.setattr(Checkpoints, "keep", interrupted)
        assert main_run(["train", *MODEL, "--runs", "cut", "--track", "tensorboard"]) == 130
    run = only(place / "cut")
    assert main_run(["train", "--resume", str(run.folder), "--runs", "cut", *BOTH]) == 0
    assert curves(board(run)) == rounded(rows(run))
    assert histories(logged(run), rows(run)) == rows(run)
    assert len(sessions(place / "cut")) == 1


class Breaking(Lines):
    """Listens, and has both trackers fail after the first epoch."""

    def __init__(self, folder):
        super().__init__(console=None)
        self.folder, self.said = folder, []

    def say(self, sentence):
        self.said.append(sentence)

    def epoch(self, row):
        if row["epoch"] == 1:
            (log,) = self.folder.glob("runs/tensorboard/*")
            shutil.rmtree(log / "train")
            (log / "train").touch()  # as a disk would fail that is full, at any write
            with sqlite3.connect(self.folder / "mlflow.db") as database:
                database.execute("DROP TABLE metrics")

    def _print(self, text):
        pass


def test_a_tracker_that_fails_is_left_out_and_loses_no_training(place, tmp_path, monkeypatch):
    shutil.copy(place / "mlflow.db", tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setattr("lstm_zoo.tracking.mlflow._OFTEN", 0.0)
    config = run_config(
        catalog.load(),
        "simple-rnn:units=2",
        {},
        "digits",
        {},
        {"epochs": 3},
        seed=0,
        threads=None,
        backend=keras.backend.backend(),
    )
    breaking = Breaking(tmp_path)
    with tracking.opened(["tensorboard", "mlflow"], tmp_path / "runs", "digits") as trackers:
        progress = trackers.watching(breaking)
        run = training.train(config, sources.read(config), tmp_path / "runs", progress)
        progress.ended(config, run)
    assert run.finished
    assert len(read_history(run)) == 4
    board, store = sorted([said for said in breaking.said if "failed" in said], reverse=True)
    assert board.startswith("TensorBoard failed, and nothing more is logged there: ")
    assert store.startswith("MLflow failed, and nothing more is logged there: ")


def test_ctrl_c_leaves_logs_of_all_processes_to_read(place):
    command = [sys.executable, "-m", "lstm_zoo", "compare", *MODEL[:3], "--runs", "stopped"]
    command += ["--epochs", "100000", "--patience", "null", "--seeds", "2", "--jobs", "2", *BOTH]
    command += ["--backend", "jax", "-q"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)

    def live():
        logs = list((place / "stopped").glob("tensorboard/*"))
        parts = [len(list(log.glob("train/*"))) for log in logs]
        return parts == [1, 1] and all(len(curves(log).get("loss", ())) > 2 for log in logs)

    end = time.monotonic() + 120
    while not live():
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.splitlines()[-1].startswith("Interrupted; nothing finished is lost.")
    for run in list_runs(place / "stopped"):
        (log,) = (place / "stopped").glob(f"tensorboard/*-s{run.config.seed}-*")
        known = rounded(rows(run))["loss"]
        ours = curves(log)["loss"]
        assert ours
        assert ours.items() <= known.items()
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name("digits").experiment_id
    found = client.search_runs([experiment], "attributes.status = 'KILLED'")
    assert sorted(one.data.tags["lstm_zoo.seed"] for one in found) == ["0", "1"]
    for one in found:
        run = next(
            r
            for r in list_runs(place / "stopped")
            if r.config.seed == int(one.data.tags["lstm_zoo.seed"])
        )
        ours = histories(one, ["val_loss"])["val_loss"]
        assert ours
        assert ours.items() <= rows(run)["val_loss"].items()


def test_trackers_start_without_keras():
    modules = "lstm_zoo.tracking.tensorboard, lstm_zoo.tracking.mlflow"
    names = ["keras", "tensorflow", "jax", "torch", "matplotlib"]
    script = f"import sys, {modules}; print([name for name in {names} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("name", ["tensorboard", "mlflow"])
def test_a_tracker_that_is_not_installed_is_a_sentence_before_anything(zoo, monkeypatch, name):
    monkeypatch.delitem(sys.modules, f"lstm_zoo.tracking.{name}", raising=False)
    for module in [module for module in sys.modules if module.split(".")[0] == name]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, name, None)
    result = zoo("train", *MODEL, "--track", name)
    assert result.code == 1
    assert result.err.startswith(f"Error: What --track {name} needs is not installed: pip install")
    assert result.err.count("\n") == 1
    assert not list(Path().iterdir())


def test_a_server_that_is_away_is_a_sentence_without_its_password(zoo, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ada:s@cret@127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    result = zoo("train", *MODEL, "--track", "mlflow")
    assert result.code == 1
    told = "Error: MLflow can't log to http://127.0.0.1:9: no server answers there.\n"
    assert result.err == told
    assert result.out == ""
    assert not list(Path().iterdir())
