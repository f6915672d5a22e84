"""The wheel: installed, it works from an empty folder.

What it needs is the tests' own here; `.ci/ends` lets it bring that into an empty environment.
"""

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from lstm_zoo import catalog

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]
ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The `lstm-zoo` of an environment that has the wheel, beside what the tests have."""
    folder = tmp_path_factory.mktemp("install")
    left_out = shutil.ignore_patterns(".git", ".venv", "build", "*.egg-info", "runs")
    source = shutil.copytree(ROOT, folder / "source", symlinks=True, ignore=left_out)
    wheel = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, source]
    subprocess.run(wheel, check=True)
    venv.create(folder / "env", with_pip=False)
    python = folder / "env" / "bin" / "python"
    (site,) = (folder / "env").glob("lib/python*/site-packages")
    others = [place for place in sys.path if place.endswith("-packages")]
    (site / "tests.pth").write_text("\n".join(others))
    (built,) = folder.glob("lstm_zoo-*.whl")
    pip = [sys.executable, "-m", "pip", "--python", python]
    subprocess.run([*pip, "install", "-q", "--no-deps", "--no-compile", built], check=True)
    return python.with_name("lstm-zoo")


def test_the_wheel_lists_shows_and_trains_from_an_empty_folder(installed, tmp_path):
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home")}

    def call(*arguments):
        done = subprocess.run(
            [installed, *arguments, "--json"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    assert [entry["name"] for entry in call("list")] == list(catalog.load().entries)
    assert call("show", "rnn-mnist")["train"]["epochs"] == 3
    assert call("audit", "digits")["passed"]
    record = call("train", "simple-rnn", "--dataset", "prices", "--epochs", "1")
    assert (tmp_path / record["run"] / "metrics.json").is_file()


def test_the_wheel_has_every_file_of_the_package(installed):
    (package,) = installed.parents[1].glob("lib/python*/site-packages/lstm_zoo")

    def files(folder):
        found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
        return {path for path in found if "__pycache__" not in path.parts}

    assert files(package) == files(ROOT / "lstm_zoo")
