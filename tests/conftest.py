"""What the tests share: the command line run in this process, and small data.

Of two workers the second has Keras on JAX, which starts in half of TensorFlow's time. It takes any
file but those marked `tensorflow`, whose subject that is; the first takes these, and then any.
"""

import gc
import json
import os
import re
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from xdist.scheduler import LoadFileScheduling

from lstm_zoo import backend, config, heap
from lstm_zoo.__main__ import run

DATA = os.environ.get("LSTM_ZOO_DATA")
os.environ["LSTM_ZOO_PLUGINS"] = "0"  # whatever is installed here
_SLOW = re.compile(r"^pytestmark = .*pytest\.mark\.slow\b", re.MULTILINE)
_BOTH = not os.environ.get("KERAS_BACKEND") and backend.installed("jax")


def _on_jax(worker):
    """Whether a worker such as `gw1` has Keras on JAX."""
    return _BOTH and int(worker.removeprefix("gw")) % 2 == 1


def pytest_configure(config):
    """Keras starts before a test computes with it, and so with all threads."""
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        backend.start("jax" if _on_jax(worker) else None)
    elif config.getoption("dist", "no") == "no":
        backend.start()


class _ByBackend(LoadFileScheduling):
    """A file at a time, to a worker on a backend that it may be tested on."""

    def schedule(self):
        """Where files are fewer than workers the last ones go, whichever was ready first."""
        by_name = sorted(self.assigned_work.items(), key=lambda entry: entry[0].gateway.id)
        self.assigned_work = dict(by_name)
        super().schedule()

    def _assign_work_unit(self, node):
        jax = _on_jax(node.gateway.id)
        of_tensorflow = {file: self._of_tensorflow(file) for file in self.workqueue}
        wanted = [file for file, is_one in of_tensorflow.items() if is_one != jax]
        left = [] if jax else list(of_tensorflow)
        if not (fitting := wanted or left):
            node.shutdown()
            return
        self.workqueue.move_to_end(fitting[0], last=False)
        super()._assign_work_unit(node)

    def _of_tensorflow(self, file):
        return "pytest.mark.tensorflow" in (self.config.rootpath / file).read_text()


def pytest_xdist_make_scheduler(config, log):
    """Who gets which file."""
    return _ByBackend(config, log)


def pytest_ignore_collect(collection_path, config):
    """The quick part imports no file that is slow as a whole, and so not what that imports."""
    if collection_path.suffix == ".py" and config.option.markexpr == "not slow":
        return bool(_SLOW.search(collection_path.read_text())) or None
    return None


def pytest_collection_modifyitems(items):
    """The files with the most to train come first: what is quick keeps both workers to the end."""
    trainings = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -trainings[item.path])


@pytest.fixture(autouse=True)
def unbound():
    """On JAX a process keeps to one processor: what a test starts may use them all."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, config.CPUS)


@pytest.fixture(autouse=True, scope="module")
def settled():
    """What earlier files have brought into memory stays, and Keras' collections skip it."""
    gc.collect()
    heap.settle()


@pytest.fixture
def zoo(tmp_path, monkeypatch, capfd):
    """`zoo("train", "lstm", …)` runs lstm-zoo from an empty folder: its code, stdout and stderr.

    It is as on a machine of one processor, where all trainings are done in this process.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("lstm_zoo.config.CPUS", config.CPUS[:1])
    for name in ("LSTM_ZOO_RUNS", "LSTM_ZOO_FILE", "LSTM_ZOO_DATA"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments):
        capfd.readouterr()
        try:
            code = run([str(argument) for argument in arguments])
        except SystemExit as end:  # click's completion
            code = end.code
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return SimpleNamespace(code=code, out=out, err=err)

    return call


@pytest.fixture
def zoo_json(zoo):
    """The same with --json: the document on stdout, of a command that ends well."""

    def call(*arguments):
        result = zoo(*arguments, "--json")
        assert result.code == 0, result.err
        return json.loads(result.out, parse_constant=pytest.fail)

    return call


@pytest.fixture
def untimed(monkeypatch):
    """A comparison does not measure how long it will take: that trains each model a little more."""
    from lstm_zoo import rehearsal

    monkeypatch.setattr(rehearsal, "measured", lambda *_: 0.0)


@pytest.fixture(scope="module")
def undrawn():
    """What is trained in this process has no pictures, which take a third of a short training."""
    from lstm_zoo import training

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            training, "_draw", lambda run, *_: (run.folder / "plots").mkdir(exist_ok=True)
        )
        patch.setattr(training, "_draw_training", lambda *_: None)
        yield


@pytest.fixture
def walk_csv(tmp_path):
    """A random walk of 300 days as a CSV."""
    walk = 100 + np.cumsum(np.random.default_rng(0).normal(size=300))
    dates = np.datetime64("2020-01-01") + np.arange(300)
    lines = [f"{date},{value!r}" for date, value in zip(dates, walk.tolist(), strict=True)]
    path = tmp_path / "walk.csv"
    path.write_text("\n".join(["Date,Close", *lines]) + "\n")
    return path


@pytest.fixture
def reviews_csv(tmp_path):
    """200 short reviews, first the bad ones and then the good ones, as a CSV."""
    rng = np.random.default_rng(0)
    lines = ["text,label"]
    for label, words in (("bad", ["dull", "weak", "awful"]), ("good", ["fun", "warm", "superb"])):
        for number in range(100):
            filler = rng.choice(["the", "film", "was", "and", "it's"], 4)
            lines.append(f"{' '.join(filler)} {rng.choice(words)} nr{number} {label[0]}!,{label}")
    path = tmp_path / "reviews.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="session")
def data_folder():
    """The folder of real data that LSTM_ZOO_DATA names; the test is skipped where there is none."""
    if not DATA:
        pytest.skip("the real data are not here: LSTM_ZOO_DATA names no folder")
    return Path(DATA).absolute()


@pytest.fixture(scope="session")
def folder_of(data_folder):
    """`folder_of("mnist.npz")`: the folder of real data, where it has that file."""

    def call(name):
        if not (data_folder / name).exists():
            pytest.skip(f"the real {name} is not in {data_folder}")
        return data_folder

    return call


@pytest.fixture(scope="session")
def mnist_folder(folder_of):
    """The folder of the real MNIST."""
    return folder_of("mnist.npz")
