"""Trainings that fail: each with its reason, and tried again where that may help."""

import errno
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from lstm_zoo import records, scratch, trials
from lstm_zoo.runs import list_runs

pytestmark = pytest.mark.usefixtures("undrawn")

MODELS = '''
import faulthandler, os, signal
from pathlib import Path
import keras

@keras.saving.register_keras_serializable("own")
class Deadly(keras.layers.Layer):
    """Ends its process while the step is traced, as often as it is told."""

    def __init__(self, deaths, way, **options):
        super().__init__(**options)
        self.deaths, self.way = deaths, way

    def call(self, x, training=None):
        died = len(list(Path().glob("died-*")))
        if training and died < self.deaths:
            Path(f"died-{died}").touch()
            faulthandler._sigsegv() if self.way == "crash" else os.kill(os.getpid(), signal.SIGKILL)
        return x

    def get_config(self):
        return super().get_config() | {"deaths": self.deaths, "way": self.way}

def build(input_shape, outputs, *, deaths: int = 1, way: str = "crash"):
    inputs = keras.Input(input_shape)
    x = Deadly(deaths, way)(keras.layers.Flatten()(inputs))
    return keras.Model(inputs, keras.layers.Dense(outputs.size, "softmax")(x))
'''
COMPARE = ("--zoo", "own.yaml", "--epochs", "1", "--seeds", "1", "--jobs", "2", "--json")


@pytest.fixture
def compared(tmp_path):
    """`compared("deadly", …)`: the process, and its results file."""
    (tmp_path / "deadly_model.py").write_text(MODELS)
    text = "models: {deadly: {builder: 'deadly_model:build', summary: Ends its process}}\n"
    (tmp_path / "own.yaml").write_text(text)

    def call(*models):
        command = [sys.executable, "-m", "lstm_zoo", "compare", *models, *COMPARE]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        return done, json.loads(done.stdout)

    return call


@pytest.mark.slow
@pytest.mark.parametrize(("way", "name"), [("crash", "SIGSEGV"), ("kill", "SIGKILL")])
def test_a_process_that_is_lost_is_tried_once_more(compared, tmp_path, way, name):
    done, results = compared(f"deadly:way={way}", "simple-rnn:units=2")
    assert done.returncode == 0, done.stderr
    assert (
        f"deadly:way={way}, seed 0, once more: The worker process was killed ({name})"
        in done.stderr
    )
    assert [model["failures"] for model in results["models"]] == [0, 0]
    finished = [run for run in list_runs(tmp_path / "runs") if run.finished]
    assert len(finished) == 2


@pytest.mark.slow
def test_one_that_is_lost_again_has_failed_and_takes_no_other_with_it(compared, tmp_path):
    done, results = compared("deadly:deaths=9", "simple-rnn:units=2")
    assert done.returncode == 1
    deadly, other = results["models"]
    assert (deadly["failures"], other["failures"]) == (1, 0)
    assert "SIGSEGV" in deadly["trials"][0]["error"]
    assert len(list(tmp_path.glob("died-*"))) == 2
    failures = [
        run.read("failure.json") for run in list_runs(tmp_path / "runs") if not run.finished
    ]
    assert all("SIGSEGV" in failure["error"] for failure in failures)
    assert all("deadly_model.py" in failure["log"] for failure in failures)


@pytest.mark.slow
def test_a_training_that_diverges_leaves_its_reason_and_is_not_tried_again(zoo, tmp_path):
    options = ("--optimizer", "sgd", "--learning-rate", "1e30", "--epochs", "2")
    model = "simple-rnn:activation=relu"
    result = zoo("compare", model, "--seeds", "1", "--jobs", "1", *options)
    assert result.code == 1
    assert "once more" not in result.err
    (run,) = list_runs(tmp_path / "runs")
    failure = run.read("failure.json")
    assert failure["error"].startswith("The training diverged")
    assert "Traceback" in failure["log"]


@pytest.mark.slow
def test_a_run_that_finishes_after_all_has_no_failure(tmp_path, zoo):
    assert zoo("train", "simple-rnn:units=2", "--epochs", "1", "--seed", "3").code == 0
    (run,) = list_runs(tmp_path / "runs")
    (run.folder / "metrics.json").unlink()
    records.write_json(run.folder / "failure.json", {})
    assert zoo("train", "--resume", "last").code == 0
    assert not (run.folder / "failure.json").exists()


LEAVE = """
import os, sys
from lstm_zoo import scratch
with scratch.folder() as folder:
    (folder / "arrays").write_bytes(b"0" * 1000)
    print(folder, flush=True)
    sys.stdin.read()
"""


def test_a_folder_that_a_killed_process_left_goes_with_the_next_one(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    killed, living = (
        subprocess.Popen([sys.executable, "-c", LEAVE], env=environment, **pipes) for _ in range(2)
    )
    left, used = (tmp_path / process.stdout.readline().strip() for process in (killed, living))
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert left.exists()
    with scratch.folder() as own:
        assert not left.exists()
        assert {used, own} == set(tmp_path.iterdir())
    living.communicate()
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_what_is_lost_at_the_end_costs_no_results(zoo, untimed, tmp_path, monkeypatch):
    floors = trials._floors

    def removing(*arguments):
        (list_runs(tmp_path / "runs")[0].folder / "metrics.json").unlink(missing_ok=True)
        return floors(*arguments)

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(trials, "_floors", removing)
    monkeypatch.setattr(trials.looks, "record", full)
    result = zoo("compare", "simple-rnn:units=2", "--seeds", "2", "--epochs", "1", "-o", "r.json")
    assert result.code == 1
    assert "This look at the results can't be recorded: The disk is full." in result.err
    (model,) = json.loads(Path("r.json").read_text())["models"]
    assert model["failures"] == 1
    assert model["trials"][0]["error"].startswith("There is no runs/simple-rnn")
