"""Light at the door: what the first commands import."""

import json
import os
import subprocess
import sys

import pytest

from lstm_zoo import __version__, catalog
from lstm_zoo.cli import cli

pytestmark = pytest.mark.slow

HEAVY = ["keras", "tensorflow", "jax", "torch", "numpy", "scipy", "sklearn", "pandas"]
HEAVY += ["matplotlib", "rich"]
METADATA = "importlib.metadata"  # takes as long to import as click, and only plugins need it

SCRIPT = f"""
import contextlib, io, json, sys
from lstm_zoo.__main__ import run
found = {{}}
for arguments in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        try:
            code = run(arguments)
        except SystemExit as end:
            code = end.code
    found[" ".join(arguments)] = [code or 0, len(out.getvalue()) > 50, [
        name for name in {[*HEAVY, METADATA]!r} if name in sys.modules
    ]]
print(json.dumps(found))
"""


def imported(calls, before="", plugins="0"):
    """What each call printed and imported, in one fresh process: code, printed, heavy names."""
    command = [sys.executable, "-c", before + SCRIPT, json.dumps(calls)]
    environment = os.environ | {"LSTM_ZOO_PLUGINS": plugins}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_help_list_and_show_import_nothing_heavy():
    zoo = catalog.load()
    calls = [["--help"], ["list"], ["list", "--json"], *(["show", name] for name in zoo.entries)]
    calls += [[command, "--help"] for command in cli.commands]
    assert imported(calls) == {" ".join(call): [0, True, []] for call in calls}


def test_plugins_are_looked_for_last():
    calls = [["--help"], *(["show", name] for name in catalog.load().entries), ["list"]]
    found = imported(calls, plugins="1")
    assert [names for _, _, names in found.values()] == [[]] * (len(calls) - 1) + [[METADATA]]


def test_the_check_sees_a_heavy_import():
    assert imported([["list"]], "import numpy, rich")["list"][2] == ["numpy", "rich"]


def test_python_m_and_version():
    done = subprocess.run(
        [sys.executable, "-m", "lstm_zoo", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"lstm-zoo {__version__}\n"
