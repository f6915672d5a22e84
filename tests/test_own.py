"""docs/own.md walked to the letter, and the package that it ends with, installed and used."""

import json
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "own.md").read_text()
PACKAGE = ROOT / "examples" / "own_zoo"

SEVERAL = """
import contextlib, io, json, os, sys
from lstm_zoo.__main__ import run
for arguments, environment in json.loads(sys.argv[1]):
    os.environ.update(environment)
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(arguments)
    print(json.dumps([code, out.getvalue(), err.getvalue()]), file=sys.__stdout__, flush=True)
"""


class Place:
    """An environment with pip's own way to install into it, beside what the tests have."""

    def __init__(self, folder):
        self.bin, self.here = folder / "env" / "bin", folder / "here"
        venv.create(folder / "env", with_pip=False)
        (site,) = (folder / "env").glob("lib/python*/site-packages")
        others = [place for place in sys.path if place.endswith("-packages")]
        (site / "tests.pth").write_text("\n".join([str(ROOT), *others]))
        door = ["from lstm_zoo.__main__ import main", "if __name__ == '__main__':", "    main()"]
        self._write("lstm-zoo", f"#!{self.bin}/python", *door)
        pip = f'exec {sys.executable} -m pip --python {self.bin}/python "$@"'
        self._write("pip", "#!/bin/sh", pip)
        self.here.mkdir()
        offline = {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0"}
        quiet = {"PIP_QUIET": "1", "PIP_NO_COMPILE": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        own = {"PATH": f"{self.bin}:{os.environ['PATH']}", "KERAS_BACKEND": "jax"}
        self.environment = os.environ | offline | quiet | own
        for name in ("PYTHONPATH", "LSTM_ZOO_PLUGINS", "LSTM_ZOO_FILE", "LSTM_ZOO_RUNS"):
            self.environment.pop(name, None)

    def _write(self, name, *lines):
        (self.bin / name).write_text("\n".join(lines))
        (self.bin / name).chmod(0o755)

    def sh(self, script, check=True):
        """The script's end, in the folder."""
        done = subprocess.run(
            ["bash", "-ec", script],
            cwd=self.here,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        assert not check or done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done

    def calls(self, *calls):
        """Each call's exit code, stdout and stderr, all in one process.

        A call is a list of arguments, or such a list and what the environment is from then on.
        """
        several = [call if isinstance(call, tuple) else (call, {}) for call in calls]
        command = [self.bin / "python", "-c", SEVERAL, json.dumps(several)]
        done = subprocess.run(
            command, cwd=self.here, env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


def walk(place):
    """Do what the page says: write its files, and run its commands; what these print."""
    told = []
    for before, kind, block in re.findall(r"([^\n]*)\n\n```(\w+)\n(.*?)```", PAGE, re.S):
        name = re.search(r"`([\w.]+)`", before)
        if kind == "sh":
            told += [place.sh(line).stdout for line in block.splitlines()]
        elif "More of" in before:
            file = place.here / name[1]
            file.write_text(f"{file.read_text()}\n{block}")
        else:
            (place.here / name[1]).write_text(block)
    return "".join(told)


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """The place where the page was walked, and all that its commands printed."""
    place = Place(tmp_path_factory.mktemp("own"))
    return place, walk(place)


def test_the_page_does_what_it_says_and_ends_with_the_example(walked):
    place, told = walked
    assert told.count("pool: No recurrence at all") == 2
    assert "lstm-zoo compare simple-rnn pool --zoo zoo.yaml --epochs 5" in told
    assert "gru-ramps: A GRU tells what rises from what falls" in told
    assert told.count("Beats its floor") == 4  # each training's, and the recipe's run again
    assert re.search(r"^ confidence +0\.[5-9]\d* +0\.[5-9]\d*", told, re.M)
    assert re.search(r"confidence +The mean probability of the true class \[own-zoo\]", told)
    for file in [*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.yaml"), PACKAGE / "pyproject.toml"]:
        if file.name != "__init__.py":
            assert (place.here / file.relative_to(PACKAGE)).read_text() == file.read_text()


def test_every_command_uses_the_installed_package(walked):
    place, _ = walked
    off, on = ({"LSTM_ZOO_PLUGINS": switch} for switch in "01")
    sequence = ["--dataset", "prices", "--data", "targets=sequence", "--epochs", "1"]
    compare = ["compare", "simple-rnn:units=4", "pool", "--dataset", "ramps", "--epochs", "1"]
    *good, last_step, missing, unknown, page = place.calls(
        ["list", "--json"],
        ["doctor", "--json"],
        ["train", "pool", "--dataset", "ramps", "--epochs", "2", "--json"],
        ["evaluate", "last", "--json"],
        ["predict", "last", "--json"],
        [*compare, "--seeds", "1", "--jobs", "2", "--json", "-o", "results.json"],
        ["gate", "results.json", "--at-least", "confidence=0.1", "--json"],
        ["reproduce", "gru-ramps", "--quick", "--jobs", "1", "--json"],
        ["audit", "ramps", "--json"],
        ["train", "pool", *sequence],
        (["evaluate", "last"], off),
        ["train", "pool"],
        ["report", "last", "-o", "page.md"],
    )
    assert [err for code, _, err in good if code not in (0, 4) or "left out" in err] == []
    entries, found, record, again, rows, results, gate, outcome, audit = (
        json.loads(out) for _, out, _ in good
    )
    own = {entry["name"]: entry["kind"] for entry in entries if entry["from"] == "own-zoo"}
    names = {"pool": "model", "ramps": "dataset", "gru-ramps": "recipe", "confidence": "metric"}
    assert own == names
    assert found["plugins"] == {"own-zoo": "0.1, 1 model, 1 dataset, 1 recipe and 1 metric"}

    run = place.here / record["run"]
    for file in ("config.json", "environment.json"):
        assert json.loads((run / file).read_text())["plugins"] == {"own-zoo": "0.1"}
    with np.load(run / "predictions.npz") as arrays:
        true, said = arrays["y_true"], arrays["y_pred"]
    assert record["test"]["confidence"] == pytest.approx(said[np.arange(200), true].mean())
    assert again["test"] == record["test"]
    assert [row["predicted"] for row in rows] == [["falls", "rises"][one] for one in said.argmax(1)]

    trials = [trial for model in results["models"] for trial in model["trials"]]
    assert all(0 < trial["metrics"]["confidence"] < 1 for trial in trials)
    assert results["floor"]["scores"]["confidence"] == pytest.approx(0.5, abs=0.1)
    assert [check["metric"] for check in gate["checks"]] == ["confidence", "confidence"]
    assert outcome["ours"]["confidence"]["seeds"] == 1
    assert audit["passed"]
    assert "last step alone" in last_step[1]

    assert [missing[0], unknown[0], page[0]] == [1, 2, 0]
    assert "the plugin own-zoo, and LSTM_ZOO_PLUGINS=0 switches it off" in missing[2]
    elsewhere = subprocess.run(
        [sys.executable, "-m", "lstm_zoo", "evaluate", run],
        env=os.environ | on,
        capture_output=True,
        text=True,
    )
    assert (elsewhere.returncode, elsewhere.stdout, elsewhere.stderr.count("\n")) == (1, "", 1)
    assert "with the plugin own-zoo, and it is not installed here" in elsewhere.stderr


def test_an_editable_package_is_found_and_one_of_the_working_folder_is_not(walked, tmp_path):
    place = Place(tmp_path)
    shutil.copytree(PACKAGE, place.here / "own_zoo")
    place.sh("cd own_zoo && python -c 'import setuptools; setuptools.setup()' -q egg_info")
    assert (place.here / "own_zoo" / "own_zoo.egg-info" / "entry_points.txt").is_file()
    assert "pool" not in place.sh("cd own_zoo && lstm-zoo list models").stdout
    place.sh("pip install -e ./own_zoo")
    assert "[own-zoo]" in place.sh("lstm-zoo list models").stdout
    file = place.here / "own_zoo" / "own_zoo" / "zoo.yaml"
    file.write_text(file.read_text().replace("pool:", "pond:", 1))
    done = place.sh("lstm-zoo list models && lstm-zoo show pond")
    assert "pond: No recurrence at all" in done.stdout
    file.write_text("models: [")
    done = place.sh("lstm-zoo list models")
    assert "The plugin own-zoo is left out: " in done.stderr and "pond" not in done.stdout
