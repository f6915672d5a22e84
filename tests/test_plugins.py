"""Plugins, written by hand here: how they are found, and what of a broken one comes of it."""

import importlib
import json
import re
import sys
import zipfile
from pathlib import Path

import pytest

from lstm_zoo import catalog, config, provenance
from lstm_zoo.errors import RunError, UnknownName
from lstm_zoo.plugins import Plugin

MODEL = "models: {%s: {builder: '%s.net:build', summary: A net of somebody's}}"
NET = "raise SystemExit('imported')\ndef build(input_shape, outputs, *, units: int = 3): ..."


@pytest.fixture
def install(tmp_path, monkeypatch):
    """`install("tiny", "models: …")` is what pip leaves of a package with that zoo file."""
    monkeypatch.setenv("LSTM_ZOO_PLUGINS", "1")
    monkeypatch.setattr("sys.path", [str(tmp_path / "site"), *sys.path])

    def call(name, text=None, points=None, package=None, site="site", version="1.0"):
        package = package or name
        folder = tmp_path / site / package.replace(".", "/")
        folder.mkdir(parents=True)
        if package == name:
            (folder / "__init__.py").write_text("raise SystemExit('imported')")
        (folder / "net.py").write_text(NET)
        if text is not None:
            (folder / "zoo.yaml").write_text(text)
        known = tmp_path / site / f"{name}-{version}.dist-info"
        known.mkdir()
        (known / "METADATA").write_text(f"Name: {name}\nVersion: {version}\n")
        points = points or f"own = {package}:zoo.yaml"
        (known / "entry_points.txt").write_text(f"[lstm_zoo.zoo]\n{points}\n")

    return call


def named(*names):
    return {name: catalog.load().everything[name].origin for name in names}


def test_a_plugin_adds_names_and_nothing_of_it_is_imported(install, zoo, zoo_json):
    install("tiny", MODEL % ("net", "tiny"))
    found = catalog.load()
    assert list(found.everything) == [*found.entries, "net"]
    assert found.find("net").plugin == Plugin("tiny", "1.0", "tiny:zoo.yaml")
    (entry,) = (entry for entry in zoo_json("list", "models") if entry["name"] == "net")
    assert entry["from"] == "tiny"
    assert {e["from"] for e in zoo_json("list") if e != entry} == {"lstm-zoo"}
    assert re.search(r"net +A net of somebody's \[tiny\]", zoo("list").out)
    assert [p["name"] for p in zoo_json("show", "net")["parameters"]] == ["units"]
    assert zoo("list").err == ""
    assert not {"tiny", "tiny.net"} & set(sys.modules)


def test_they_are_looked_for_where_a_name_is_not_found_without(install):
    install("tiny", MODEL % ("net", "tiny"))
    for name, looked in (("lstm", False), ("net", True), ("nat", True)):
        zoo = catalog.load()
        try:
            zoo.find(name)
        except UnknownName as error:
            assert re.search(r"Did you mean .*net", str(error))
        assert ("plugins" in vars(zoo)) == looked


def test_they_can_be_switched_off(install, zoo, monkeypatch):
    install("tiny", MODEL % ("net", "tiny"))
    install("torn", "models: 3")
    monkeypatch.setenv("LSTM_ZOO_PLUGINS", "0")
    assert catalog.load().plugins == []
    result = zoo("show", "net")
    assert result.code == 2 and "There is no model, dataset or recipe 'net'" in result.err
    off = "LSTM_ZOO_PLUGINS switches off the plugins installed here: tiny and torn."
    assert result.err.endswith(f"{off}\n")
    assert zoo("list").err == ""


METRIC = "metrics: {%s: {function: 'torn.net:build', better: %s, tasks: %s, summary: S}}"
FAULTS = [
    (None, None, "zoo.yaml can't be read: No such file"),
    ("{}", "own = torn:other.yaml", "other.yaml can't be read: No such file"),
    ("{}", "own = nowhere:zoo.yaml", "There is no package 'nowhere'"),
    ("{}", "own = torn.net:zoo.yaml", "There is no package 'torn.net'"),
    ("{}", "own = torn", "has to be PACKAGE:FILE, such as own_zoo:zoo.yaml"),
    ("{}", "own = ../torn:zoo.yaml", "has to be PACKAGE:FILE"),
    ("{}", "own", "has to be PACKAGE:FILE"),
    ("models: [", None, "is not good YAML"),
    ("models: !!python/name:os.system", None, "tags (!) are not for a zoo file"),
    ("models: 3", None, "models: expected `name: value` lines, got 3"),
    ("model: {}", None, "no section 'model'"),
    ("models: {net: {summary: S}}", None, "models: net: builder missing"),
    (MODEL % ("lstm", "torn"), None, "lstm: the name is taken by a model of lstm-zoo, and a plug"),
    (MODEL % ("digits", "torn"), None, "digits: the name is taken by a dataset of lstm-zoo"),
    (
        "models: {lstm: {builder: 'torn.net:build', summary: S, replace: true}}",
        None,
        "lstm: the name is taken by a model of lstm-zoo, and a plugin replaces none",
    ),
    (MODEL % ("net", "nowhere"), None, "There is no Python module 'nowhere.net'"),
    ("models: {net: {builder: 'torn.net:make', summary: S}}", None, "no function 'make'"),
    ("models: {net: {builder: 'torn.net:build', summary: S, params: {a: 1}}}", None, "called 'a'"),
    ("datasets: {d: {loader: 'torn.net:build', summary: S}}", None, "must be annotated to return"),
    (METRIC % ("accuracy", "higher", "[regression]"), None, "taken by a metric of lstm-zoo"),
    (METRIC % ("m", "high", "[regression]"), None, "'better' takes higher or lower, got 'high'"),
    (METRIC % ("m", "lower", "[]"), None, "'tasks' takes a list of classification, forecasting, "),
    (METRIC % ("m", "lower", "[x, {}]"), None, "or language modelling, got 'x'."),
    (METRIC % ("m", "lower", "3"), None, "'tasks' takes a list, got 3"),
]


@pytest.mark.parametrize(("text", "points", "told"), FAULTS, ids=[fault[2] for fault in FAULTS])
def test_a_broken_plugin_is_named_and_left_out(install, zoo, text, points, told):
    install("torn", text, points)
    install("well", MODEL % ("sound", "well"))
    result = zoo("list", "--json")
    assert (result.code, result.err.count("\n")) == (0, 1)
    assert result.err.startswith("The plugin torn is left out: ") and told in result.err
    names = [entry["name"] for entry in json.loads(result.out)]
    assert set(names) - set(catalog.load().entries) == {"sound"}
    assert zoo("list", "-q").err == ""
    missing = zoo("show", "net")
    assert missing.code == 2 and told in missing.err
    assert zoo("show", "lstm").err == ""
    assert zoo("show", "sound").code == 0


def test_of_two_plugins_with_one_name_the_first_by_theirs_has_it(install, zoo):
    install("zebra", MODEL % ("net", "zebra"))
    install("ant", MODEL % ("net", "ant"))
    assert named("net") == {"net": "ant"}
    assert "The plugin zebra is left out: " in zoo("list").err
    assert "net: the name is taken by a model of ant, and a plugin replaces none" in zoo("list").err


def test_what_the_users_file_names_is_taken_from_there(install, zoo, tmp_path):
    install("tiny", MODEL % ("net", "tiny") + "\nmetrics: {}")
    install("more", MODEL % ("other", "more"))
    file = tmp_path / "own.yaml"
    file.write_text("models: {net: {builder: 'lstm_zoo.models.gru:build', summary: My own}}")
    both = catalog.load(file)
    assert [found.fault for found in both.plugins] == [None, None]
    assert both.find("net").builder == both.everything["net"].builder == "lstm_zoo.models.gru:build"
    assert both.find("other").origin == "more"
    assert "My own [own.yaml]" in zoo("list", "--zoo", file).out


def test_names_come_from_a_namespace_and_from_the_first_folder_of_the_path(install, monkeypatch):
    install("under", MODEL % ("net", "company.under"), package="company.under")
    install("Two_Words", MODEL % ("two", "Two_Words"))
    install("Two-Words", "models: 3", package="Two-Words", site="later", version="0.9")
    later = Path(sys.path[0]).with_name("later")
    monkeypatch.setattr("sys.path", [*sys.path, str(later)])
    assert [found.plugin.version for found in catalog.load().plugins] == ["1.0", "1.0"]
    assert named("net", "two") == {"net": "under", "two": "two-words"}
    assert catalog.load().find("net").parameters[0].name == "units"


def test_a_package_in_a_zip_file_is_left_out(install, monkeypatch, tmp_path):
    install("tiny", MODEL % ("net", "tiny"))
    with zipfile.ZipFile(tmp_path / "tiny.zip", "w") as archive:
        for file in (tmp_path / "site").rglob("*"):
            archive.write(file, file.relative_to(tmp_path / "site"))
    monkeypatch.setattr("sys.path", [str(tmp_path / "tiny.zip"), *sys.path[1:]])
    (found,) = catalog.load().plugins
    assert "can't be read: Not a directory" in found.fault


@pytest.mark.parametrize("reader", ["importlib.metadata", "importlib_metadata"])
def test_metadata_that_is_damaged_does_no_harm(install, tmp_path, reader):
    install("tiny", MODEL % ("net", "tiny"))
    for name, file, content in (
        ("bad", "entry_points.txt", b"\xff[lstm_zoo.zoo]\nown = bad:zoo.yaml"),
        ("worse", "entry_points.txt", b"no = such\n[section\n[lstm_zoo.zoo]"),
        ("worst", "METADATA", b"\xff"),
        ("none", "other", b""),
    ):
        folder = tmp_path / "site" / f"{name}-1.dist-info"
        folder.mkdir()
        (folder / file).write_bytes(content)
    install("nameless", MODEL % ("other", "nameless"))
    (tmp_path / "site" / "nameless-1.0.dist-info" / "METADATA").unlink()
    importlib.import_module(reader)  # the latter reads for the former from then on
    assert named("net", "other") == {"net": "tiny", "other": "nameless-1.0.dist-info"}
    faults = [found.fault for found in catalog.load().plugins]
    assert sum("is not to be read" in (fault or "") for fault in faults) == 1
    assert "bad-1.dist-info" in [found.plugin.name for found in catalog.load().plugins]


def test_the_shell_completes_names_of_plugins(install, zoo, monkeypatch):
    install("tiny", MODEL % ("net", "tiny"))
    monkeypatch.setenv("_LSTM_ZOO_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "lstm-zoo train ne")
    monkeypatch.setenv("COMP_CWORD", "2")
    assert zoo().out.split() == ["plain,net"]


def test_doctor_lists_them_with_what_they_bring_or_why_not(install, zoo_json, monkeypatch):
    install("torn", "models: 3")
    install("tiny", MODEL % ("net", "tiny"))
    told = zoo_json("doctor")["plugins"]
    assert list(told) == ["tiny", "torn"]
    assert told["tiny"] == "1.0, 1 model"
    assert (
        told["torn"].startswith("1.0, is left out: ") and "expected `name: value`" in told["torn"]
    )
    monkeypatch.setenv("LSTM_ZOO_PLUGINS", "0")
    assert zoo_json("doctor")["plugins"] == {"none": "LSTM_ZOO_PLUGINS=0 switches them off"}


def run_of(zoo, model):
    return config.run_config(
        zoo, model, {}, "digits", {}, {}, seed=0, threads=1, backend="tensorflow"
    )


def test_a_run_names_its_plugin_and_is_run_again_where_that_is(install, monkeypatch, tmp_path):
    install("tiny", MODEL % ("net", "tiny"))
    zoo = catalog.load()
    run = run_of(zoo, "net")
    assert (run.plugins, run.built_in) == ({"tiny": "1.0"}, False)
    assert run_of(zoo, "lstm").built_in
    recorded = config.RunConfig.from_dict(json.loads(json.dumps(run.to_dict())))
    assert config.trusted(recorded, zoo) == run
    hidden = config.RunConfig.from_dict(run.to_dict() | {"plugins": {}})
    assert config.trusted(hidden, zoo).plugins == {"tiny": "1.0"}
    assert config.trusted(run_of(zoo, "lstm"), zoo).built_in
    monkeypatch.setattr("sys.path", sys.path[1:])
    refused = "trained with the plugin tiny, and it is not installed here: install it if you tru"
    with pytest.raises(RunError, match=refused):
        config.trusted(recorded, catalog.load())
    monkeypatch.setenv("LSTM_ZOO_PLUGINS", "0")
    with pytest.raises(RunError, match=r"tiny, and LSTM_ZOO_PLUGINS=0 switches it off"):
        config.trusted(recorded, catalog.load())
    with pytest.raises(RunError, match=r"'tiny.net:build', and the built-in zoo names no such"):
        config.trusted(hidden, catalog.load())


def test_a_run_of_a_plugin_that_is_at_fault_or_another_one_now_is_refused(install, tmp_path):
    install("tiny", MODEL % ("net", "tiny"))
    run = run_of(catalog.load(), "net")
    file = tmp_path / "site" / "tiny" / "zoo.yaml"
    file.write_text("models: 3")
    with pytest.raises(RunError, match=r"the plugin tiny, and it is left out here: .*got 3"):
        config.trusted(run, catalog.load())
    file.write_text("models: {}")
    with pytest.raises(RunError, match=r"'tiny.net:build', and the plugin tiny names no such"):
        config.trusted(run, catalog.load())
    for damage in ({"plugins": ["tiny"]}, {"plugins": None}):
        with pytest.raises(RunError, match=r"config.json is damaged: 'plugins' is"):
            config.RunConfig.from_dict(run.to_dict() | damage)


def test_no_run_can_have_more_imported_than_a_plugin_names(install):
    install("tiny", MODEL % ("net", "tiny"))
    run = run_of(catalog.load(), "net").to_dict()
    for builder in ("os:system", "tiny.net:other", "tiny:build", "lstm_zoo.errors:why"):
        with pytest.raises(RunError, match=f"'{builder}', and the plugin tiny names no such"):
            config.trusted(config.RunConfig.from_dict(run | {"builder": builder}), catalog.load())


def test_a_runs_code_is_the_plugins_whole_package(install, tmp_path):
    install("tiny", MODEL % ("net", "tiny"))
    site, tiny = tmp_path / "site-packages", tmp_path / "site" / "tiny"
    (tiny / "models").mkdir()
    (tiny / "models" / "__init__.py").touch()
    (tiny / "models" / "deep.py").write_text("def build(): ...")
    site.mkdir()
    (site / "alone.py").write_text("def build(): ...")
    sys.path.insert(0, str(site))

    def code(*references):
        provenance.code.cache_clear()
        return provenance.code(*references)

    deep, alone = code("tiny.models.deep:build"), code("alone:build")
    assert deep == code("tiny.net:build")
    (tiny / "net.py").write_text("changed = True")
    (site / "other.py").write_text("changed = True")
    assert code("tiny.models.deep:build") != deep
    assert code("alone:build") == alone
    (site / "alone.py").write_text("changed = True")
    assert code("alone:build") != alone
    provenance.code.cache_clear()
