"""Comparisons on a Ray cluster, which is a real one: several nodes on this machine."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from lstm_zoo import catalog, parcel, records, runs
from lstm_zoo.config import run_config
from lstm_zoo.runs import list_runs

MODEL = "simple-rnn:units=4,dropout=0.2"
HOG = '''
import keras

assert "_ray_pkg_" in __file__, "this is no copy that came with the task"

def build(input_shape, outputs, *, units: int = 8):
    """Adam's memory of a large one is three times what it takes to build it."""
    x = inputs = keras.Input(input_shape)
    x = keras.layers.Flatten()(x)
    for _ in range(2):
        x = keras.layers.Dense(units, kernel_initializer="zeros")(x)
    return keras.Model(inputs, keras.layers.Dense(outputs.size, "softmax")(x))
'''


def start_cluster(monkeypatch, nodes, **environment):
    """A head without a processor, and nodes of one each."""
    for name, value in environment.items():
        monkeypatch.setenv(name, str(value))
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    return cluster, [cluster.add_node(num_cpus=1) for _ in range(nodes)]


@pytest.fixture(scope="module")
def two_nodes():
    with pytest.MonkeyPatch.context() as patch:
        cluster, nodes = start_cluster(patch, 2, RAY_USAGE_STATS_ENABLED=0)
        yield cluster, nodes
        cluster.shutdown()


@pytest.fixture
def comparing(tmp_path):
    """`comparing("--seeds", "2")`: the process of a comparison, whose runs are in tmp_path/runs."""

    def call(*arguments, models=(MODEL,), command="compare", **environment):
        command = [sys.executable, "-m", "lstm_zoo", command, *models, "--executor", "ray"]
        return subprocess.Popen(
            [*command, *arguments],
            cwd=tmp_path,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return call


def until(process, text):
    """Read what it says until that is said."""
    for line in process.stderr:
        if text in line:
            return
    pytest.fail(f"'{text}' was never said")


def scores(results):
    return [[trial["score"] for trial in model["trials"]] for model in results["models"]]


def working():
    """The processes that train for a driver, on any node of this machine."""
    every = (process.info["cmdline"] for process in psutil.process_iter(["cmdline"]))
    return [words for words in every if words and words[0].startswith("ray::done")]


def ends(condition, seconds=30):
    """Whether something comes to hold in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.2)
    return False


@pytest.fixture(scope="module")
def leaving():
    """Processes that have a minute to end by themselves, while other tests go on."""
    every = []
    yield every
    assert not psutil.wait_procs(every, 90)[1]


@pytest.mark.slow
@pytest.mark.parametrize("killed", [True, False])
def test_a_cluster_of_our_own_leaves_nothing(comparing, leaving, killed):
    before = set(Path("/dev/shm").iterdir())
    with tempfile.TemporaryDirectory() as temporary:  # a socket's path has to be short
        asked = ("--trials", "2", "--seeds", "1", "--epochs", "2", "--backend", "jax")
        search = {"command": "tune", "models": ("simple-rnn",)}
        process = comparing(*asked, TMPDIR=temporary, **search)
        if killed:
            until(process, "epoch 1/2")
            family = psutil.Process(process.pid).children(recursive=True)
            process.kill()
            process.communicate()
            _, left = psutil.wait_procs(family, 15)
            assert {one.name() for one in left} <= {"ray::DashboardAgent", "ray::RuntimeEnvAgent"}
            leaving += left  # these two look after a head that is gone for a minute
        else:
            out, err = process.communicate()
            assert process.returncode == 0, err
            assert "Ray cluster: 1 node" in err
            assert "The search took 2 trials" in out
            assert [path.name for path in Path(temporary).glob("[!.]*")] == []
    assert set(Path("/dev/shm").iterdir()) <= before


@pytest.mark.slow
def test_a_node_that_dies_costs_its_running_trials_alone(
    two_nodes, comparing, zoo, untimed, tmp_path
):
    cluster, nodes = two_nodes
    asked = ("--seeds", "3", "--epochs", "25", "--json")
    process = comparing(*asked, "--ray-address", cluster.address)
    until(process, "[2/3]")  # and so each node trains
    cluster.remove_node(nodes.pop(), allow_graceful=False)
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert "once more: its process was lost." in err
    found = json.loads(out)  # and nothing else is on stdout
    assert found["environment"]["command"].startswith("lstm-zoo compare simple-rnn")

    there = list_runs(tmp_path / "runs")
    assert len(there) == 3
    assert all(run.finished for run in there)
    again = zoo("compare", MODEL, *asked)
    assert "3 finished runs" in again.err
    assert scores(json.loads(again.out)) == scores(found)
    local = zoo("compare", MODEL, *asked, "--runs", "local")
    assert scores(json.loads(local.out)) == scores(found)
    there.sort(key=lambda run: run.config.seed)
    for mine, theirs in zip(list_runs(tmp_path / "local"), there, strict=True):
        assert predictions(mine) == predictions(theirs)


def predictions(run):
    with np.load(run.folder / "predictions.npz") as arrays:
        return arrays["y_pred"].tobytes()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_a_comparison_that_is_interrupted_leaves_the_cluster_free(
    two_nodes, comparing, tmp_path, number, code
):
    asked = ("--seeds", "1", "--epochs", "400", "--patience", "null", "--backend", "jax")
    process = comparing(*asked, "--ray-address", two_nodes[0].address)
    until(process, "epoch 2/400")
    assert working()
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code
    if number == signal.SIGINT:
        assert err.rstrip().endswith("The same command goes on where this one was.")
    assert ends(lambda: not working())
    assert not list_runs(tmp_path / "runs")


@pytest.mark.slow
def test_a_machine_without_memory_is_told_and_takes_no_other_run_with_it(
    comparing, tmp_path, monkeypatch
):
    memory = psutil.virtual_memory()
    most = (memory.total - memory.available + 4e9) / memory.total
    if most > 0.95:
        pytest.skip("this machine has no 4 GB to spare")
    (tmp_path / "zoo").mkdir()
    (tmp_path / "zoo" / "hog.py").write_text(HOG)
    own = tmp_path / "zoo" / "own.yaml"
    own.write_text("models: {hog: {builder: 'hog:build', summary: Large}}\n")
    watch = {"RAY_memory_usage_threshold": most, "RAY_memory_monitor_refresh_ms": 100}
    watch |= {"RAY_task_oom_retries": 0}
    cluster, _ = start_cluster(monkeypatch, 1, **watch)
    try:
        asked = ("--zoo", str(own), "--seeds", "1", "--epochs", "1", "--jobs", "2", "--json")
        address = ("--ray-address", cluster.address)
        process = comparing(*asked, *address, models=("hog", "hog:units=20000"))
        out, err = process.communicate()
    finally:
        cluster.shutdown()
    assert process.returncode == 1
    assert "Its machine ran out of memory" in err.splitlines()[-1]
    assert [model["failures"] for model in json.loads(out)["models"]] == [0, 1]
    (lost,) = (run for run in list_runs(tmp_path / "runs") if not run.finished)
    assert lost.config.variant == "hog:units=20000"
    assert "OOM" in lost.read("failure.json")["log"]


PLUGIN = """
models: {flat: {builder: 'tiny.flat:build', summary: Flat}}
metrics:
  half: {function: 'tiny.half:half', better: higher, tasks: [classification], summary: A half}
"""


@pytest.mark.slow
def test_a_plugin_comes_along(two_nodes, comparing, tmp_path):
    cluster, _ = two_nodes
    for file, content in (
        ("tiny/__init__.py", ""),
        ("tiny/flat.py", HOG),
        ("tiny/half.py", "assert '_ray_pkg_' in __file__\ndef half(y_true, y_pred): return 0.5"),
        ("tiny/zoo.yaml", PLUGIN),
        ("tiny-1.dist-info/METADATA", "Name: tiny\nVersion: 1\n"),
        ("tiny-1.dist-info/entry_points.txt", "[lstm_zoo.zoo]\nown = tiny:zoo.yaml\n"),
    ):
        (tmp_path / "site" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "site" / file).write_text(content)
    path = f"{tmp_path / 'site'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    asked = ("--seeds", "1", "--epochs", "1", "--json", "--ray-address", cluster.address)
    process = comparing(*asked, models=(MODEL, "flat"), PYTHONPATH=path, LSTM_ZOO_PLUGINS="1")
    out, err = process.communicate()
    assert process.returncode == 0, err
    (trial,) = json.loads(out)["models"][1]["trials"]
    record = json.loads((tmp_path / trial["run"] / "metrics.json").read_text())
    assert record["test"]["half"] == 0.5
    assert json.loads((tmp_path / trial["run"] / "config.json").read_text())["plugins"] == {
        "tiny": "1"
    }


def test_what_is_for_ray_and_what_the_cluster_lacks_is_told(zoo):
    wrong = zoo("compare", "lstm", "--ray-address", "here:1")
    assert (wrong.code, "--ray-address is for --executor ray" in wrong.err) == (2, True)
    wrong = zoo("compare", "lstm", "--executor", "rai")
    assert (wrong.code, "'ray'" in wrong.err) == (2, True)
    two = ("--devices", "2", "--backend", "jax")
    wrong = zoo("compare", "lstm", "--executor", "ray", *two)
    assert (wrong.code, "--devices is for one machine" in wrong.err) == (2, True)
    wrong = zoo("compare", "lstm", "--executor", "ray", "--gpus-per-run", "0")
    assert (wrong.code, "a number above 0" in wrong.err) == (2, True)


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "here", "127.0.0.1:port"])
def test_a_cluster_that_is_not_there_is_told_at_once(zoo, address):
    wrong = zoo("compare", "lstm", "--executor", "ray", "--ray-address", address)
    assert (wrong.code, f"There is no Ray cluster at {address}:" in wrong.err) == (1, True)


def test_ray_that_is_not_installed_is_told(zoo, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name, *of: None if name == "ray" else found(name, *of)
    )
    missing = zoo("compare", "lstm", "--executor", "ray")
    assert (missing.code, "lstm-zoo[ray]" in missing.err) == (1, True)


def test_a_parcel_comes_whole_and_counts_only_at_its_end(tmp_path):
    words = {"seed": 0, "threads": 1, "backend": "jax"}
    config = run_config(catalog.load(), "lstm", {}, "digits", {}, {}, **words)
    sent = runs.create(tmp_path / "there", config)
    records.write_json(sent.folder / "config.json", config.to_dict())
    (sent.folder / "plots").mkdir()
    (sent.folder / "plots" / "training.png").write_bytes(b"a picture")
    failed = parcel.unpack(parcel.pack(tmp_path / "there", ValueError("no")), tmp_path, config)
    assert str(failed) == "no"
    (kept,) = list_runs(tmp_path)
    assert not kept.finished
    assert (kept.folder / "plots" / "training.png").read_bytes() == b"a picture"

    records.write_json(sent.folder / "metrics.json", {"schema": 1})
    run = parcel.unpack(parcel.pack(tmp_path / "there", None), tmp_path, config)
    assert run.finished
    assert run.config == config
    assert run.metrics == {"schema": 1}
    assert parcel.unpack(parcel.Parcel({}, OSError("no disk")), tmp_path, config).args == (
        "no disk",
    )
