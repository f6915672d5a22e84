import importlib
import re
import sys
import time

import pytest
import yaml

from lstm_zoo import catalog
from lstm_zoo.catalog import BUILT_IN, load, resolve
from lstm_zoo.config import data_params, model_params, run_config, train_params
from lstm_zoo.entries import PREPARERS, Dataset, Model, Recipe
from lstm_zoo.errors import UnknownName, UsageError, ZooError
from lstm_zoo.metrics import METRICS
from lstm_zoo.parameters import REQUIRED

ZOO = load()
LSTM = "lstm_zoo.models.lstm:build"


def named(kind):
    return pytest.mark.parametrize("entry", ZOO.of(kind).values(), ids=lambda entry: entry.name)


@pytest.fixture
def zoo_file(tmp_path):
    """Write a user's zoo file."""

    def write(text, name="zoo.yaml"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    yield write
    sys.path[:] = [folder for folder in sys.path if folder != str(tmp_path)]


@named("model")
def test_a_built_in_model_is_readable_and_documented(entry):
    assert entry.builder == f"lstm_zoo.models.{entry.name.replace('-', '_')}:build"
    assert entry.summary
    assert entry.paper
    assert entry.function.doc
    for parameter in entry.parameters:
        assert parameter.doc, parameter.name
        assert parameter.default is not REQUIRED
    assert model_params(entry, {}) == {p.name: p.check(p.default) for p in entry.parameters}


@named("dataset")
def test_a_built_in_dataset_is_readable_and_documented(entry):
    assert entry.summary
    assert entry.raw in PREPARERS
    for word in ("Task", "Size", "Range", "Shapes", "Parts", "Floor", "Source", "Licence"):
        assert re.search(rf"^{word}: ", entry.function.doc, re.M), word
    for parameter in entry.parameters:
        assert parameter.doc, parameter.name
    assert not {p.name for p in entry.parameters} & set(entry.places)
    assert set(data_params(entry, {})) == {p.name for p in entry.reading + entry.framing}
    assert train_params(entry, {})


@named("recipe")
@pytest.mark.parametrize("smaller", [False, True], ids=["full", "quick"])
def test_a_built_in_recipe_fits_its_model_dataset_and_training(entry, smaller):
    recipe = entry.smaller() if smaller else entry
    config = run_config(
        ZOO, recipe.model, recipe.params, recipe.dataset, recipe.data, recipe.train,
        seed=0, threads=1, backend="tensorflow",
    )  # fmt: skip
    assert recipe.params.items() <= config.params.items()
    assert recipe.data.items() <= config.data.items()
    assert recipe.train.items() <= config.train.items()
    assert recipe.seeds >= 1
    for number in recipe.expected:
        assert number["metric"].removeprefix("train_") in METRICS


@named("recipe")
def test_a_quick_recipe_is_smaller_and_nothing_else(entry):
    quick = entry.smaller()
    assert (quick.model, quick.dataset) == (entry.model, entry.dataset)
    assert quick.seeds < entry.seeds
    assert quick.train["epochs"] < entry.train["epochs"]
    for group in ("params", "data", "train"):
        for name, value in entry.quick.get(group, {}).items():
            assert name == "learning_rate" or value < getattr(entry, group)[name]


@named("recipe")
def test_a_published_number_has_a_source_and_its_own_protocols_comes_first(entry):
    for number in entry.expected:
        assert number["source"]
    if entry.expected:
        assert {"tolerance", "floor"} & set(entry.expected[0])


@pytest.mark.slow
def test_every_function_of_the_zoo_and_of_the_preparers_resolves():
    functions = [entry.builder for entry in ZOO.of("model").values()]
    functions += [entry.loader for entry in ZOO.of("dataset").values()]
    for reference in [*functions, *PREPARERS.values()]:
        assert callable(resolve(reference))


def test_the_seen_zoo_file_is_the_shipped_one():
    seen = BUILT_IN.parents[1] / "zoo.yaml"
    assert seen.resolve() == BUILT_IN


def test_names_are_found_by_kind_and_the_nearest_are_told():
    assert isinstance(ZOO.find("lstm"), Model)
    assert isinstance(ZOO.find("digits", "dataset"), Dataset)
    assert isinstance(ZOO.find("rnn-mnist", "recipe"), Recipe)
    with pytest.raises(UnknownName, match=r"no model 'lsmt'. Did you mean lstm"):
        ZOO.find("lsmt", "model")
    with pytest.raises(UnknownName, match=r"no dataset 'xyz'. There are: digits, mnist"):
        ZOO.find("xyz", "dataset")
    with pytest.raises(UsageError, match=r"'lstm' is a model, not a dataset"):
        ZOO.find("lstm", "dataset")
    with pytest.raises(UnknownName, match=r"no model, dataset or recipe 'digit'. .* digits"):
        ZOO.find("digit")


def test_a_users_file_adds_to_the_zoo_and_its_folder_to_the_import_path(zoo_file, tmp_path):
    path = zoo_file(
        f"""
models:
  mine: {{summary: Mine, builder: "mine_alone:build", params: {{units: 3}}}}
  wide: {{summary: Wide, builder: "{LSTM}", params: {{units: 512, dropout: 1e-3}}}}
recipes:
  own: {{summary: Own, model: mine, dataset: digits}}
"""
    )
    (tmp_path / "mine_alone.py").write_text("1 / 0\ndef build(*, units: int = 1): pass")
    zoo = load(path)
    assert zoo.file == str(path)
    assert set(zoo.entries) - set(ZOO.entries) == {"mine", "wide", "own"}
    assert list(zoo.entries)[: len(ZOO.entries)] == list(ZOO.entries)
    assert zoo.find("mine").zoo == str(path)
    assert zoo.find("lstm").zoo is None
    assert sys.path[-1] == str(tmp_path)
    wide = model_params(zoo.find("wide"), {})
    assert (wide["units"], wide["dropout"]) == (512, 0.001)
    assert [p.default for p in zoo.find("mine").parameters] == [3]
    assert "mine_alone" not in sys.modules
    load(path)
    assert sys.path.count(str(tmp_path)) == 1


def test_an_entry_replaces_a_built_in_one_only_where_it_says_so(zoo_file):
    entry = f"summary: Mine, builder: '{LSTM}'"
    with pytest.raises(ZooError, match="models: lstm: the name is taken by a model; `replace"):
        load(zoo_file(f"models: {{lstm: {{{entry}}}}}"))
    replaced = load(zoo_file(f"models: {{lstm: {{{entry}, replace: true}}}}"))
    assert replaced.find("lstm").summary == "Mine"
    assert list(replaced.entries) == list(ZOO.entries)
    with pytest.raises(ZooError, match="name is taken by a dataset"):
        load(zoo_file(f"models: {{digits: {{{entry}, replace: true}}}}"))
    with pytest.raises(ZooError, match="'replace' takes true or false, got 'true'"):
        load(zoo_file(f"models: {{lstm: {{{entry}, replace: 'true'}}}}"))


MODEL = "{summary: S, builder: 'a:b'}"
DATASET = "{summary: S, loader: 'a:b'}"
RECIPE = "summary: S, model: lstm, dataset: digits"


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("3", "expected `name: value` lines, got 3"),
        ("[]", "expected `name: value` lines"),
        ("model: {}", "no section 'model'. Did you mean models"),
        ("1: {}", "no section '1'"),
        ("models:", "models: expected `name: value` lines, got None"),
        ("models: [a]", "models: expected"),
        ("models: {m: 3}", "models: m: expected"),
        ("models: {m: {builder: 'a:b'}}", "models: m: summary missing"),
        ("models: {m: {}}", "models: m: builder and summary missing"),
        ("datasets: {d: {summary: S}}", "datasets: d: loader missing"),
        ("recipes: {r: {summary: S}}", "recipes: r: dataset and model missing"),
        ("models: {m: {summary: S, bilder: 'a:b'}}", "no key 'bilder'. Did you mean builder"),
        ("models: {m: {summary: S, zoo: a}}", "no key 'zoo'"),
        ("models: {m: {summary: S, loader: 'a:b'}}", "no key 'loader'"),
        ("models: {m: {summary: 3}}", "'summary' takes a text, got 3"),
        ("models: {m: {params: [1]}}", "'params' takes `name: value` lines"),
        ("models: {m: {summary: 2020-01-01}}", "'summary' takes a text"),
        (f"models: {{m: {MODEL}, m: {MODEL}}}", "the name 'm' stands twice in line 1"),
        (f"models: {{m: {MODEL}}}\nmodels: {{}}", "the name 'models' stands twice"),
        ("models: {m: {params: {a: 1, a: 2}}}", "the name 'a' stands twice"),
        (f"models: {{m: {MODEL}}}\ndatasets: {{m: {DATASET}}}", "m: the name is taken by a model"),
        (f"recipes: {{r: {{{RECIPE}, seeds: 0}}}}", "'seeds' is at least 1, not 0"),
        (f"recipes: {{r: {{{RECIPE}, seeds: true}}}}", "'seeds' takes a whole number, got True"),
        (f"recipes: {{r: {{{RECIPE}, quick: {{seeds: -1}}}}}}", "quick: 'seeds' is at least 1"),
        (f"recipes: {{r: {{{RECIPE}, quick: {{train: 3}}}}}}", "quick: 'train' takes `name"),
        (f"recipes: {{r: {{{RECIPE}, quick: {{model: gru}}}}}}", "quick: There is no key 'model'"),
        (f"recipes: {{r: {{{RECIPE}, expected: {{}}}}}}", "'expected' takes a list"),
        (f"recipes: {{r: {{{RECIPE}, expected: [3]}}}}", "expected `name: value` lines, got 3"),
        (f"recipes: {{r: {{{RECIPE}, protocol: [3]}}}}", "'protocol' takes a list of texts, got 3"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_zoo_file_is_named_with_its_place(zoo_file, text, sentence):
    path = zoo_file(text)
    with pytest.raises(ZooError, match=re.escape(sentence)) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert caught.value.exit_code == 1


NUMBER = {"metric": "accuracy", "value": 1, "tolerance": 0.1, "source": "me"}


@pytest.mark.parametrize(
    "change, sentence",
    [
        ({"source": ...}, "'source' of an expected number must be given"),
        ({"tolerance": "wide"}, "'tolerance' of an expected number takes a number or null"),
        ({"floor": 0}, "'floor' of an expected number takes a number above 0 or null, not 0"),
        ({"floor": 0.2}, "a 'tolerance', or by its verdict above a 'floor'; it takes one of them"),
        ({"sdt": 0.1}, "called 'sdt'. Did you mean std"),
        ({"value": "high"}, "'value' of an expected number takes a number"),
        ({"value": True}, "'value' of an expected number takes a number, not true"),
        ({"std": float("nan")}, "'std' of an expected number takes a number or null"),
    ],
)
def test_an_expected_number_is_checked(zoo_file, change, sentence):
    number = {key: v for key, v in (NUMBER | change).items() if v is not ...}
    recipe = {"summary": "S", "model": "lstm", "dataset": "digits", "expected": [number]}
    with pytest.raises(ZooError, match=re.escape(sentence)):
        load(zoo_file(yaml.safe_dump({"recipes": {"r": recipe}})))
    recipe["expected"] = [NUMBER]
    assert load(zoo_file(yaml.safe_dump({"recipes": {"r": recipe}}))).find("r").expected == [NUMBER]


@pytest.mark.parametrize(
    "name",
    [
        *("../x", "a/b", ".", "..", "-a", "a b", "a:units=3", "a\n", "a\x1b[31m", "a\0", "ä", ""),
        *(3, 1.5, True, None),
    ],
)
def test_a_name_that_could_be_a_path_or_an_option_is_refused(zoo_file, name):
    models = {name: {"summary": "S", "builder": "a:b"}}
    with pytest.raises(ZooError, match="a name is letters, digits"):
        load(zoo_file(yaml.safe_dump({"models": models})))


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("a: !!python/object/apply:os.system [ls]", "tags (!) are not for a zoo file in line 1"),
        ("a: !!python/name:os.system", "tags (!)"),
        ("a: !!binary aGk=", "tags (!)"),
        ("a: ! x", "tags (!)"),
        ("a: &x 1", "anchors (&)"),
        ("a: &x [*x]", "anchors (&)"),
        ("a: *x", "undefined alias|anchors"),
        ("a: [", "while parsing"),
        ("a: 'b", "while scanning"),
        ("a: b: c", "mapping values are not allowed"),
        ("\ta: 1", "while scanning"),
        ("? [a]\n: 1", "unhashable"),
        ("a: 1\n---\nb: 2", "expected a single document"),
        ("a: 2020-99-99", "month must be in"),
        ("a: " + "9" * 5000, "Exceeds the limit"),
        ("a: \x07", "not allowed"),
        (b"a: \xff", "can't decode"),
        (b"\x89PNG\r\n\x1a\n\0\0", "can't decode"),
        (b"PK\x03\x04\0\0\0", "not allowed"),
    ],
)
def test_what_is_no_plain_yaml_is_refused_in_a_sentence(zoo_file, text, sentence):
    path = zoo_file(text)
    with pytest.raises(ZooError, match=r"is not good YAML: .*[.]$") as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert any(part in str(caught.value) for part in sentence.split("|"))


def laughs() -> str:
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    return "\n".join(lines)


def merges() -> str:
    text = "&a0 {x: 1}"
    for n in range(1, 12):
        text = f"&a{n} {{<<: [{text}{f', *a{n - 1}' * 8}]}}"
    return f"c: {text}"


@pytest.mark.parametrize(
    "text",
    [
        laughs(),
        merges(),
        "a: " + "[" * 100_000,
        "a: " + "[" * 5_000 + "]" * 5_000,
        "a: " + "{a: " * 5_000 + "}" * 5_000,
        "- " * 50_000,
        "\n".join(" " * n + "a:" for n in range(500)),
        "\n".join(f"key{n}: 1" for n in range(20_000)),
    ],
    ids=["laughs", "merges", "open", "lists", "mappings", "dashes", "indents", "many keys"],
)
def test_a_bomb_is_refused_soon(zoo_file, text):
    path = zoo_file(text)
    start = time.perf_counter()
    with pytest.raises(ZooError) as caught:
        load(path)
    assert time.perf_counter() - start < 10
    assert len(str(caught.value)) < 1000


def test_numbers_are_read_as_json_has_them(zoo_file):
    text = "{a: 1e-3, b: 1E5, c: -2.e+3, d: 1, e: 1.5, f: x1e3, g: [1e-3], h: null, i: true}"
    path = zoo_file(f"models: {{m: {{summary: S, builder: 'a:b', params: {text}}}}}")
    read = load(path).find("m").params
    assert list(read.values()) == [0.001, 1e5, -2000.0, 1, 1.5, "x1e3", [0.001], None, True]
    assert yaml.safe_load("1e-3") == "1e-3", "the loader changed for everybody"


def test_a_byte_order_mark_and_an_empty_file_do_no_harm(zoo_file):
    assert set(load(zoo_file(b"\xef\xbb\xbfmodels: {}")).entries) == set(ZOO.entries)
    assert set(load(zoo_file("# nothing\n")).entries) == set(ZOO.entries)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ZooError, match=r"nowhere.yaml can't be read: No such file"):
        load(tmp_path / "nowhere.yaml")
    with pytest.raises(ZooError, match="can't be read: Is a directory"):
        load(tmp_path)


def test_a_file_that_fails_leaves_the_import_path_alone(zoo_file):
    before = list(sys.path)
    with pytest.raises(ZooError):
        load(zoo_file("models: 3"))
    assert sys.path == before


def test_a_param_of_a_zoo_file_must_be_one_of_the_function(zoo_file):
    line = f"models: {{m: {{summary: S, builder: '{LSTM}', params: {{%s}}}}}}"
    with pytest.raises(UnknownName, match=r"parameter of the model m called 'unit'. .*units"):
        _ = load(zoo_file(line % "unit: 3")).find("m").parameters
    with pytest.raises(UnknownName, match="parameter of the model m called 'True'"):
        _ = load(zoo_file(line % "on: 3")).find("m").parameters
    with pytest.raises(UsageError, match=r'of the model m takes a whole number, .* "x"'):
        _ = load(zoo_file(line % "units: x")).find("m").parameters
    with pytest.raises(UsageError, match=r"takes a whole number, .*, not a dict"):
        _ = load(zoo_file(line % "units: {2020-01-01: 1}")).find("m").parameters


def test_a_loader_that_does_not_say_what_it_returns_is_named(zoo_file, tmp_path):
    (tmp_path / "loads_nothing.py").write_text("def load(): pass\ndef other() -> data.Series: 0")
    text = "datasets: {d: {summary: S, loader: 'loads_nothing:%s'}}"
    with pytest.raises(ZooError, match="loads_nothing:load must be annotated to return Splits, Pa"):
        _ = load(zoo_file(text % "load")).find("d").parameters
    assert load(zoo_file(text % "other")).find("d").raw == "Series"


@pytest.mark.parametrize(
    "source, reason",
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import nowhere_at_all", "ModuleNotFoundError: No module named 'nowhere_at_all'"),
        ("import json; json.nothing", "AttributeError: module 'json' has no attribute"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("def build(:", "SyntaxError"),
        ("import own_resolved", "has no function 'build'"),
        ("build = 3", "has no function 'build'"),
    ],
)
def test_a_module_that_fails_is_one_sentence_that_names_it(tmp_path, monkeypatch, source, reason):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "own_resolved.py").write_text(source)
    importlib.invalidate_caches()
    monkeypatch.delitem(sys.modules, "own_resolved", raising=False)
    with pytest.raises(ZooError, match=f"The module own_resolved .*{reason}"):
        resolve("own_resolved:build")
    monkeypatch.delitem(sys.modules, "own_resolved", raising=False)


@pytest.mark.parametrize("reference", ["", ":", "nowhere_at_all:build", ".a:b", "json", "json:x"])
def test_a_reference_that_leads_nowhere_is_a_sentence(reference):
    with pytest.raises(ZooError, match=r"^The module "):
        resolve(reference)


def test_an_error_of_ours_passes_the_airlock_as_it_is(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "own_complaint.py").write_text(
        "from lstm_zoo.errors import MissingExtra\nraise MissingExtra('The jax backend', 'jax')"
    )
    with pytest.raises(ZooError, match=r"^The jax backend is not installed: pip install"):
        resolve("own_complaint:build")


def test_the_users_file_is_the_option_or_the_environments(monkeypatch):
    monkeypatch.setenv("LSTM_ZOO_FILE", "there.yaml")
    assert catalog.user_file("here.yaml") == "here.yaml"
    assert catalog.user_file(None) == "there.yaml"
    monkeypatch.setenv("LSTM_ZOO_FILE", "")
    assert catalog.user_file(None) is None
