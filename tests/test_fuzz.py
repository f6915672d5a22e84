"""Anything at all in a CSV, a zoo file, a results.json or a run's folder: a result or a sentence.

No traceback, no control character on the terminal, and an end in time.
"""

import contextlib
import copy
import io
import json
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lstm_zoo.__main__ import run as lstm_zoo
from lstm_zoo.catalog import load
from lstm_zoo.config import parse_variant
from lstm_zoo.datasets import prices, text
from lstm_zoo.errors import ZooError
from lstm_zoo.runs import list_runs

pytestmark = pytest.mark.slow
LONGEST = 30  # seconds that a call may take, of one that takes less than a second

ZOO = load()
BASELINE = Path(__file__).parent.parent / "examples" / "ci" / "baseline.json"
REPORTED = ("config.json", "metrics.json", "preprocessing.json", "history.csv", "predictions.npz")
COMPUTED = ("config.json", "metrics.json", "preprocessing.json", "model.keras", "environment.json")


def fuzz(examples):
    """So many inputs, the same ones in every run of the tests."""
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


HOSTILE = st.sampled_from(
    [
        *("", "x", "../../x", "/dev/zero", "\x1b[31m", "\x9b31m", "\u202e", "\0", "[/b]", "<b>"),
        *("nan", "2020-01-01", "os:system", "lstm:units=9", "=1+1", "a" * 3000),
    ]
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, 1, -1, 2, 10**12, 10**400, 1e308, -1e308, 1e-320, 0.5]),
    HOSTILE,
    st.text(max_size=5),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(HOSTILE, inner, max_size=3),
    max_leaves=4,
)
CUTS = st.tuples(st.floats(0, 1), st.integers(0, 60), st.binary(max_size=40))


def places(value, path=()):
    """The way to every value of a document; of a list, to the first ones."""
    yield path
    items = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list):
        items = enumerate(value[:3])
    for key, inner in items:
        yield from places(inner, (*path, key))


@st.composite
def edited(draw, document):
    """A JSON document with one to three values replaced, or gone."""
    document = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from([*places(document)][1:] or [()]))
        if not path:
            return draw(VALUES)
        *above, key = path
        holder = document
        for step in above:
            holder = holder[step]
        if draw(st.integers(0, 4)):
            holder[key] = draw(VALUES)
        else:
            del holder[key]
    return document


def spliced(content, cut):
    """Bytes with some of them replaced by others."""
    share, length, put = cut
    place = int(share * len(content))
    return content[:place] + put + content[place + length :]


def changed(content, name):
    """What a file may have become."""
    cuts = st.floats(0, 1).map(lambda share: content[: int(share * len(content))])
    ways = [CUTS.map(lambda cut: spliced(content, cut)), cuts]
    if name.endswith(".json"):
        texts = edited(json.loads(content)).map(lambda value: json.dumps(value).encode())
        ways = [texts] * 4 + ways
    return st.one_of(ways)


def called(*arguments):
    """The exit code of a call that ends as it may: in time, and with harmless words."""
    start = time.monotonic()
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = lstm_zoo([str(argument) for argument in arguments])
    assert time.monotonic() - start < LONGEST
    told = err.getvalue()
    assert code in range(6)
    assert code in (0, 3, 4, 5) or told.startswith("Error: ")
    assert all(c.isprintable() or c == "\n" for c in told + out.getvalue())
    return code


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A place for the files, the runs that are changed among them."""
    folder = tmp_path_factory.mktemp("fuzz")
    days = np.datetime64("2020-01-01") + np.arange(120)
    walk = 100 + np.cumsum(np.random.default_rng(0).normal(size=120))
    lines = [f"{day},{value:.4f}" for day, value in zip(days, walk, strict=True)]
    (folder / "walk.csv").write_text("\n".join(["Date,Close", *lines]) + "\n")
    words = [f"{word} film,{label}" for word, label in (("dull", "bad"), ("fun", "good")) * 30]
    (folder / "texts.csv").write_text("\n".join(["text,label", *words]) + "\n")
    trained = ("--epochs", "1", "-q", "--runs", folder / "runs")
    series = ("--csv", folder / "walk.csv", "--data", "window=4")
    called("train", "simple-rnn:units=1", *series, *trained)
    texts = ("--dataset", "text", "--csv", folder / "texts.csv", "--data", "steps=3")
    called("train", "gru:units=1,embedding=2", *texts, *trained)
    return folder


@pytest.fixture(scope="module")
def runs(folder):
    """A run of a series, and one of texts."""
    found = list_runs(folder / "runs")
    assert [run.finished for run in found] == [True] * 2
    return found


def broken(folder, run, file, content):
    """A copy of a run in which one file holds something else."""
    copied = folder / "broken" / "run"
    shutil.rmtree(copied, ignore_errors=True)
    shutil.copytree(run.folder, copied)
    (copied / file).write_bytes(content)
    return copied


@fuzz(120)
@given(data=st.data())
def test_a_report_of_any_run_is_a_page_or_a_sentence(folder, runs, data):
    run, file = data.draw(st.sampled_from(runs)), data.draw(st.sampled_from(REPORTED))
    content = data.draw(changed((run.folder / file).read_bytes(), file))
    copied = broken(folder, run, file, content)
    page = folder / data.draw(st.sampled_from(["page.md", "page.html"]))
    page.unlink(missing_ok=True)
    code = called("report", copied, "-o", page)
    assert page.exists() == (code == 0)
    assert called("runs", "--runs", copied.parent) == 0


COMMANDS = (
    ("evaluate",),
    ("predict",),
    ("predict", "--horizon", "2"),
    ("explain", "gates"),
    ("explain", "gradients"),
)


@fuzz(30)
@given(data=st.data())
def test_any_run_is_evaluated_or_told_of(folder, runs, data):
    run, file = data.draw(st.sampled_from(runs)), data.draw(st.sampled_from(COMPUTED))
    content = data.draw(changed((run.folder / file).read_bytes(), file))
    command, *rest = data.draw(st.sampled_from(COMMANDS))
    called(command, broken(folder, run, file, content), *rest)


@fuzz(200)
@given(data=st.data())
def test_any_results_are_judged_and_shown_or_told_of(folder, data):
    file, page = folder / "results.json", folder / "page.md"
    file.write_bytes(data.draw(changed(BASELINE.read_bytes(), file.name)))
    against = data.draw(st.sampled_from([("--baseline", BASELINE), ("--at-least", "accuracy=0.5")]))
    called("gate", file, *against, "--junit", folder / "gate.xml")
    called("report", file, "-o", page)


SECTIONS = st.sampled_from(["models", "datasets", "recipes", "metrics"])
NAMES = SECTIONS | st.sampled_from(["lstm", "m", "builder", "summary", "x"])
KEYS = ["params", "paper", "train", "replace", "quick", "expected", "seeds", "function", "tasks"]
ENTRIES = st.dictionaries(
    NAMES | st.sampled_from(KEYS),
    VALUES | st.sampled_from(["lstm_zoo.models.lstm:build", "nowhere:build", "lstm", "digits"]),
    max_size=5,
)
ZOOS = st.one_of(
    st.binary(max_size=200),
    st.text(st.sampled_from("{}[]:-&*!|>'\"%@`,?#~ \n\tab01e."), max_size=60).map(str.encode),
    st.dictionaries(NAMES, st.dictionaries(NAMES, ENTRIES, max_size=2) | VALUES, max_size=3).map(
        lambda zoo: json.dumps(zoo).encode()
    ),
    st.builds(
        lambda values: json.dumps({"models": {"m": GOOD | values}}).encode(),
        st.dictionaries(st.sampled_from(["params", "paper", "summary"]), VALUES, max_size=2),
    ),
    st.builds(
        lambda values: json.dumps({"metrics": {"m": SCORE | values}}).encode(),
        st.dictionaries(st.sampled_from(["function", "better", "tasks"]), VALUES, max_size=2),
    ),
)
SCORE = {"function": "a:b", "better": "lower", "tasks": ["regression"], "summary": "One"}
GOOD = {"builder": "lstm_zoo.models.lstm:build", "summary": "One"}


@fuzz(150)
@given(content=ZOOS)
@example(b"a: 1" + b":1" * 4000 + b".5")
def test_any_zoo_file_is_a_zoo_or_a_sentence(folder, content):
    file = folder / "zoo.yaml"
    file.write_bytes(content)
    try:
        zoo = load(file)
    except ZooError as error:
        assert "\n" not in str(error)
    else:
        assert called("list", "--zoo", file) == 0
        for name in zoo.entries.keys() & {"m", "x"}:
            called("show", name, "--zoo", file)


CELLS = st.one_of(
    HOSTILE,
    st.sampled_from(["1", "2.5", "1,5", "1e400", "-", "$3", "2015-02-17", "2/13/15", '"', "Date"]),
)
ROWS = st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=12)
CSVS = st.one_of(
    st.binary(max_size=300),
    st.builds(
        lambda separator, rows: "\n".join(map(separator.join, rows)).encode("utf-8", "replace"),
        st.sampled_from(",;\t|"),
        ROWS.map(lambda rows: [["text", "label", "Close"], *rows]),
    ),
    st.text(max_size=100).map(lambda content: content.encode("utf-16", "replace")),
)


@fuzz(100)
@given(content=CSVS, loader=st.sampled_from([prices.load, text.load]))
def test_any_csv_is_data_or_a_sentence(folder, content, loader):
    file = folder / "any.csv"
    file.write_bytes(content)
    try:
        raw = loader(csv=str(file))
    except ZooError as error:
        assert str(error).isprintable()
    else:
        named = (*raw.notes, *getattr(raw, "columns", ()), *getattr(raw, "classes", ()))
        assert all(name.isprintable() for name in named)


@fuzz(15)
@given(content=CSVS, number=st.sampled_from([0, 1]))
def test_any_csv_is_predicted_or_told_of(folder, runs, content, number):
    file = folder / "new.csv"
    file.write_bytes(content)
    called("predict", runs[number].folder, "--csv", file)


@fuzz(100)
@given(variant=st.text(max_size=20) | HOSTILE.map(lambda value: f"lstm:units={value}"))
def test_any_variant_is_a_model_or_a_sentence(variant):
    with contextlib.suppress(ZooError):
        parse_variant(ZOO, variant)
