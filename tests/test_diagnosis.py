"""`doctor`: what is here, and how to get what is not."""

import configparser
from importlib import metadata
from pathlib import Path

import pytest

from lstm_zoo import backend, diagnosis
from lstm_zoo.cli import machine

SETUP = Path(__file__).parents[1] / "setup.cfg"


@pytest.fixture
def declared():
    """The extras of setup.cfg, and the lines of each."""
    setup = configparser.ConfigParser()
    setup.read(SETUP)
    extras = setup["options.extras_require"]
    return {name: extras[name].split("\n") for name in extras}


def test_it_names_each_package_of_each_extra_with_its_version(declared, zoo_json):
    told = zoo_json("doctor")["extras"]
    assert told.keys() == declared.keys() - {"test", "jax", "torch"}
    for extra, line in told.items():
        names = [requirement.split()[0] for requirement in declared[extra] if requirement]
        assert line == ", ".join(f"{name} {metadata.version(name)}" for name in names)


def test_what_is_not_installed_has_the_command_that_installs_it(zoo_json, monkeypatch):
    there = backend.versions

    def without(packages):
        found = there(packages)
        return {name: found[name] for name in found if name not in ("optuna", "alembic", "scipy")}

    monkeypatch.setattr(backend, "versions", without)
    told = zoo_json("doctor")
    assert told["extras"]["tune"].startswith("not installed: pip install 'lstm-zoo[tune]'")
    assert ", without alembic: pip install 'lstm-zoo[track]'" in told["extras"]["track"]
    assert told["versions"]["scipy"] == "missing"


def test_a_clone_that_is_not_installed_has_no_such_lines(monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "metadata", missing)
    found = diagnosis.diagnose(None, None, None)
    assert found["extras"] == {} and found["versions"].keys() == {"lstm-zoo", "python"}


def test_it_keeps_to_the_width_of_a_terminal():
    found = {"extras": {"ray": "not installed: " + "word " * 20, "tune": 3}}
    lines = machine.told(found, 40).splitlines()
    assert lines[0] == "Extras:" and lines[-1] == "  tune  3"
    assert max(map(len, lines)) <= 40 and all(line.startswith(" " * 8) for line in lines[2:-1])
    assert machine.told(found).count("\n") == 2
