"""Several trainings at a time: the same numbers, and an end to every process."""

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from lstm_zoo import errors, sharing, timing, workers
from lstm_zoo.config import run_config
from lstm_zoo.data import Examples, Parts
from lstm_zoo.errors import UsageError
from lstm_zoo.reporting.progress import Lines
from lstm_zoo.runs import list_runs

pytestmark = pytest.mark.usefixtures("undrawn")

BACKEND = os.environ.get("KERAS_BACKEND", "tensorflow")
QUIET = Lines(console=None, quiet=True)
TIMED = ("train_seconds", "compile_seconds", "examples_per_second", "started", "command", "run")


def square(number, raw, progress):
    return raw * number**2, os.getpid(), sorted(os.sched_getaffinity(0))


def complain(error, raw, progress):
    raise error


def be_killed(raw, progress):
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.slow
def test_processes_stay_have_their_own_core_and_outlive_a_neighbour():
    with workers.Crew(2, BACKEND, 1) as crew:
        crew.share(np.arange(3))
        done = [outcome for _, outcome in crew.run([partial(square, n) for n in range(9)], QUIET)]
        assert sorted(values.tolist() for values, *_ in done) == [
            [0, n**2, 2 * n**2] for n in range(9)
        ]
        assert len({pid for _, pid, _ in done}) <= 2
        cores = {pid: cores for _, pid, cores in done}
        assert all(len(own) == 1 for own in cores.values())
        bad = [errors.UnknownName("model", "lsmt", ["lstm"]), ValueError("so it is"), KeyError("x")]
        tasks = [partial(complain, bad[0]), be_killed, partial(complain, bad[1])]
        tasks += [partial(square, 2)] * 3
        ended = list(crew.run(tasks, QUIET))
        found = [str(outcome) for _, outcome in ended if isinstance(outcome, Exception)]
        assert sorted(found) == sorted(
            [
                str(bad[0]),
                "The worker process was killed (SIGKILL), perhaps by want of memory: try fewer "
                "--jobs.",
                "ValueError: so it is",
            ]
        )
        assert [type(o) for t, o in ended if t is tasks[0]] == [errors.UnknownName]
        assert sum(isinstance(outcome, tuple) for _, outcome in ended) == 3


STRANGERS = """
import keras
class Worn(keras.layers.Layer):
    def call(self, x, training=False):
        if training:
            raise RuntimeError("worn out")
        return x

def build(input_shape, outputs, *, worn: bool = False):
    inputs = keras.Input(input_shape)
    x = keras.layers.Flatten()(inputs)
    x = Worn()(x) if worn else x
    return keras.Model(inputs, keras.layers.Dense(outputs.size, "softmax")(x))
"""


@pytest.mark.slow
@pytest.mark.usefixtures("untimed")
def test_the_numbers_are_the_same_bit_for_bit_whatever_the_jobs(zoo, tmp_path):
    """With a stranger's models, one that fails, one that diverges, and one under two names."""
    (tmp_path / "wearing_model.py").write_text(STRANGERS)
    (tmp_path / "own.yaml").write_text(
        "models: {mine: {builder: 'wearing_model:build', summary: Mine}}\n"
    )
    command = ("compare", "mine", "mine:worn=true", "simple-rnn:units=4", "simple-rnn:dropout=0.1")
    command += ("simple-rnn:activation=linear", "mine:worn=false", "--optimizer", "sgd")
    command += ("--learning-rate", "3", "--zoo", tmp_path / "own.yaml", "--epochs", "2")
    told = {}
    for jobs in ("1", "2"):
        end = zoo(*command, "--seeds", "2", "--runs", jobs, "-o", f"{jobs}.json", "--jobs", jobs)
        assert end.code == 1, end.err
        told[jobs] = sorted(line for line in end.err.splitlines() if "failed: " in line)
    assert told["1"] == told["2"] != []
    assert numbers(json.loads(Path("1.json").read_text())) == numbers(
        json.loads(Path("2.json").read_text())
    )
    for one, two in zip(*(sorted_runs(Path(jobs)) for jobs in ("1", "2")), strict=True):
        assert one.finished == two.finished
        files = ["config.json", "history.csv", *(["preprocessing.json"] if one.finished else [])]
        for file in files:
            if (one.folder / file).exists() or (two.folder / file).exists():
                assert (one.folder / file).read_bytes() == (two.folder / file).read_bytes()
        if one.finished:
            assert numbers(one.metrics) == numbers(two.metrics)
            with (
                np.load(one.folder / "predictions.npz") as ours,
                np.load(two.folder / "predictions.npz") as theirs,
            ):
                assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


def numbers(value):
    """Less what tells when and where."""
    if isinstance(value, dict):
        return {key: numbers(item) for key, item in value.items() if key not in TIMED}
    return [numbers(item) for item in value] if isinstance(value, list) else value


def sorted_runs(folder):
    return sorted(list_runs(folder), key=lambda run: (run.config.variant, run.config.seed))


@pytest.mark.slow
def test_a_time_budget_is_kept_by_several_at_a_time(zoo):
    command = ("compare", "simple-rnn:units=2", "gru:units=2", "--epochs", "1", "--jobs", "2")
    hopeless = zoo(*command, "--seeds", "2", "--time-budget", "0.0001")
    assert "One seed of every model takes about" in hopeless.err
    minutes = "0.3" if BACKEND == "jax" else "0.6"  # it starts in half the time
    result = zoo(*command, "--seeds", "500", "--time-budget", minutes, "-o", "r.json", "-q")
    assert result.code == 0, result.err
    results = json.loads(Path("r.json").read_text())
    done = len(results["seeds"])
    assert 1 <= done < 500
    assert [len(model["trials"]) for model in results["models"]] == [done, done]
    assert f"The time budget ended after {done} of 500 seeds." in result.out


@pytest.mark.slow
@pytest.mark.usefixtures("untimed")
def test_learning_rates_are_tried_by_several_at_a_time(zoo):
    command = ("compare", "simple-rnn:units=2", "--tune-lr", "2", "--seeds", "1", "--epochs", "1")
    for jobs in ("1", "2"):
        end = zoo(*command, "--runs", jobs, "-o", f"{jobs}.json", "--jobs", jobs)
        assert end.code == 0, end.err
    one, two = (numbers(json.loads(Path(f"{jobs}.json").read_text())) for jobs in ("1", "2"))
    assert one == two


def children(pid):
    """The processes that descend from one."""
    stats = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = path.read_text().rpartition(")")
        except OSError:
            continue
        stats.append((int(name.split()[0]), int(rest.split()[1]), rest.split()[0]))
    found = {pid}
    for _ in stats:
        found |= {child for child, parent, state in stats if parent in found and state != "Z"}
    return found - {pid}


def gone(pids, seconds=20):
    """Whether the processes end soon."""
    end = time.monotonic() + seconds
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


@pytest.mark.slow
@pytest.mark.skipif(len(workers.CPUS) < 2, reason="there is one processor")
def test_the_process_that_compares_imports_no_keras(tmp_path):
    command = ["compare", "simple-rnn", "gru", "--match", "params=gru:units=4", "--epochs", "1"]
    command += ["--seeds", "2", "--time-budget", "60", "--runs", str(tmp_path), "--json"]
    script = f"""
import sys
from lstm_zoo.__main__ import run
assert run({command}) == 0
print([name for name in ("keras", "tensorflow", "jax") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    document, modules = done.stdout.rsplit("\n", 2)[:2]
    assert modules == "[]"
    assert json.loads(document)["environment"]["devices"] == ["cpu:0"]


@pytest.mark.slow
@pytest.mark.parametrize("streams", ["2>&- <&-", "2>&1 | head -n 1"], ids=["closed", "left"])
def test_nobody_has_to_listen(tmp_path, streams):
    command = f"{sys.executable} -m lstm_zoo compare simple-rnn:units=2 --epochs 1 --seeds 2"
    shell = (
        f"set -o pipefail; {command} --jobs 2 --runs {tmp_path} -o {tmp_path}/out.json {streams}"
    )
    assert subprocess.run(["bash", "-c", shell], stdout=subprocess.DEVNULL).returncode == 0
    results = json.loads((tmp_path / "out.json").read_text())
    assert results["models"][0]["failures"] == 0


@pytest.fixture
def comparing(tmp_path):
    """A comparison in training on two processes, in a process group of its own."""
    command = ["compare", "lstm", "--epochs", "1000", "--patience", "null", "--seeds", "3"]
    command += ["--jobs", "2", "--runs", str(tmp_path)]
    process = subprocess.Popen(
        [sys.executable, "-m", "lstm_zoo", *command],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )
    seen = set()
    for line in process.stderr:
        seen |= {seed for seed in "01" if f"seed {seed}: epoch 2/" in line}
        if len(seen) == 2:
            break
    yield process
    process.kill()
    process.communicate()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="there is no /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_all_processes_quietly(comparing, tmp_path, number):
    workers_ = children(comparing.pid)
    assert len(workers_) >= 2
    os.killpg(comparing.pid, number)
    out, err = comparing.communicate(timeout=30)
    assert (comparing.returncode, out) == (130, "")
    assert "Interrupted" in err
    assert "Traceback" not in err
    assert "failed" not in err
    assert gone(workers_)
    assert [run.finished for run in list_runs(tmp_path)] == [False, False]
    assert not list(tmp_path.glob("lstm-zoo-*"))


SLOW_END = """
import os, signal, sys, threading, time
from lstm_zoo import interrupts

interrupts.watch()
for seconds in map(float, sys.argv[1:]):
    threading.Timer(seconds, os.kill, [os.getpid(), signal.SIGINT]).start()
try:
    time.sleep(60)
finally:
    print("tidies", flush=True)
    time.sleep(1)
    print("tidied", flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("signals", "code", "said"),
    [(["0.1", "0.1"], -signal.SIGINT, "tidies\ntidied\n"), (["0.1", "0.7"], 130, "tidies\n")],
    ids=["one that came twice", "a second one"],
)
def test_a_second_ctrl_c_is_the_last(signals, code, said):
    command = [sys.executable, "-c", SLOW_END, *signals]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout == said
    assert done.returncode == code


BUSY = """
import hashlib, os, signal, threading
from lstm_zoo import interrupts

interrupts.watch()
interrupts.advise("Again.")
threading.Timer(0.1, os.kill, [os.getpid(), signal.SIGINT]).start()
with interrupts.undoing(lambda: print("undone", flush=True)):
    hashlib.pbkdf2_hmac("sha256", b"", b"", 100_000_000)
"""


@pytest.mark.slow
def test_ctrl_c_does_not_wait_for_a_library():
    start = time.monotonic()
    done = subprocess.run([sys.executable, "-c", BUSY], capture_output=True, text=True)
    assert (done.stderr, done.stdout) == (
        "Interrupted; nothing finished is lost. Again.\n",
        "undone\n",
    )
    assert done.returncode == 130
    assert time.monotonic() - start < 15  # of a call of a minute


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="there is no /proc")
def test_processes_end_with_a_parent_that_is_killed(comparing, tmp_path):
    workers_ = children(comparing.pid)
    comparing.kill()
    _, err = comparing.communicate(timeout=30)
    assert gone(workers_)
    assert "Traceback" not in err
    assert not list(tmp_path.glob("lstm-zoo-*"))


@pytest.mark.slow
def test_no_code_of_the_working_folder_is_run(tmp_path):
    for name in ("multiprocessing", "pickle", "numpy"):
        (tmp_path / f"{name}.py").write_text(
            "open('run', 'a').write(__name__)\nraise SystemExit(9)\n"
        )
    door = "import sys; sys.argv[0] = 'lstm-zoo'; from lstm_zoo.__main__ import main; main()"
    asked = ["compare", "simple-rnn:units=4", "--seeds", "2", "--epochs", "1", "--jobs", "2"]
    command = [sys.executable, "-P", "-c", door, *asked, "--backend", "jax"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("jobs", ["0", "-1", "many", "1.5"])
def test_jobs_that_cannot_be_meant_are_told(zoo, jobs):
    result = zoo("compare", "lstm", "--jobs", jobs)
    assert result.code == 2
    assert "'jobs' takes a whole number, at least 1 or \"auto\", not" in result.err


@pytest.mark.parametrize(
    ("jobs", "threads", "trainings", "count"),
    [
        ("auto", 1, 9, 4),
        ("auto", 3, 9, None),
        ("auto", 2, 9, 2),
        ("auto", 1, 3, 3),
        ("auto", 1, 0, None),
        ("auto", 8, 9, None),
        (1, 1, 9, None),
        (6, 1, 9, 6),
        (6, 1, 5, 5),
        ("auto", 1, 1, 1),
        (1, 1, 1, None),
    ],
)
def test_as_many_processes_as_there_is_room_and_work_for(
    zoo_config, monkeypatch, jobs, threads, trainings, count
):
    monkeypatch.setattr("lstm_zoo.config.CPUS", (0, 1, 2, 3))
    crew = workers.crew(jobs, zoo_config(threads), trainings)
    assert getattr(crew, "jobs", None) == count


def test_a_training_on_several_devices_has_them_to_itself(zoo_config):
    config = replace(zoo_config(1), devices=2)
    for jobs in ("auto", 1):
        assert not isinstance(workers.crew(jobs, config, 9), workers.Crew)
    with pytest.raises(UsageError, match="leave --jobs or --devices out"):
        workers.crew(2, config, 9)


@pytest.fixture
def zoo_config():
    """`zoo_config(threads)`: a configuration."""
    from lstm_zoo import catalog

    def call(threads):
        words = {"seed": 0, "threads": threads, "backend": BACKEND}
        return run_config(catalog.load(), "lstm", {}, "digits", {}, {}, **words)

    return call


def test_shared_data_are_equal_and_changed_for_oneself_alone(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(7, 3, 2)).astype("float32"), np.arange(7)
    raw = Parts(Examples(x, y, ("a", "b")), Examples(x[:0], y[:0], ("a", "b")))
    shared = pickle.loads(pickle.dumps(sharing.share(raw, tmp_path / "arrays")))
    assert len(pickle.dumps(shared)) < 1500
    first, second = shared.load(), shared.load()
    first.train.x[0] = 9
    assert np.array_equal(second.train.x, x)
    assert (second.train.x.dtype, second.test.y.dtype) == (x.dtype, y.dtype)
    assert second.test.x.shape == (0, 3, 2)
    assert second.train.classes == ("a", "b")


@pytest.mark.parametrize(
    ("trainings", "jobs", "under_way", "seconds"),
    [
        ([3, 2, 1], 1, [], 6),
        ([3, 2, 1], 2, [], 3),
        ([1, 2, 3], 2, [], 4),
        ([3, 3], 2, [1, 5], 7 - 2 + 2),
        ([], 2, [4], 4),
        ([], 3, [], 0),
    ],
)
def test_the_time_of_trainings_that_go_on_together(trainings, jobs, under_way, seconds):
    assert timing.together(trainings, jobs, under_way) == seconds


def test_errors_come_whole_from_another_process():
    error = errors.MissingExtra("The jax backend", "jax")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.exit_code) == (type(error), str(error), 1)


def test_trainings_side_by_side_are_counted_together(capsys, zoo_config):
    from rich.console import Console

    lines = Lines(Console())
    lines.expect(2)
    one, two = lines.beside(), lines.beside()
    one.begin(zoo_config(1), 5)
    two.begin(zoo_config(1).with_seed(1), 5)
    one.epoch({"epoch": 1, "loss": 0.5})
    two.epoch({"epoch": 1, "loss": 0.25})
    assert capsys.readouterr().out.splitlines() == [
        "[1/2] lstm, seed 0: epoch 1/30  loss 0.5",
        "[2/2] lstm, seed 1: epoch 1/30  loss 0.25",
    ]
