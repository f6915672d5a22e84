"""The leak audit: what is clean passes, and a leak of each kind is planted and caught."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lstm_zoo import catalog, preparation
from lstm_zoo.auditing import audit, verdict
from lstm_zoo.config import data_params
from lstm_zoo.entries import Dataset
from lstm_zoo.framing import Framing
from lstm_zoo.sources import Source

ZOO = catalog.load()
SPLITS = [
    {},
    {"validation": 0},
    {"split": "strict", "window": 5},
    {"horizon": 4, "targets": "sequence", "window": 12},
    {"predict": "level", "scaling": "min-max", "test": 0.05, "window": 3},
    {"predict": "level", "scaling": "none", "test": 0.5, "validation": 0.3, "window": 1},
]
FILES = {"fashion-mnist": "fashion-mnist.npz", "imdb": "imdb.npz"}


def audited(name, data_dir=None, **params):
    entry = ZOO.find(name, "dataset")
    return audit(Source(name, entry.loader, data_params(entry, params)), data_dir)


def caught(record):
    """Which checks found a leak, and in which part."""
    assert record["passed"] == (not record["leaks"])
    return {(leak["check"], leak["part"]) for leak in record["leaks"]}


def results(record):
    return {(check["check"], check["part"]): check["result"] for check in record["checks"]}


@pytest.fixture
def stranger(tmp_path, monkeypatch):
    """`stranger(body, returns, **params)` audits a loader of one's own, made of these lines."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def call(body, returns="Series", *, window=5, **params):
        module = f"own_{tmp_path.name}".replace("-", "_")
        (tmp_path / f"{module}.py").write_text(
            "import numpy as np, pandas as pd\n"
            "from lstm_zoo.data import Examples, Parts, Series\n"
            f"def load(*, csv: str | None = None) -> {returns}:\n"
            + "".join(f"    {line}\n" for line in body.splitlines())
        )
        entry = Dataset("own", summary="", loader=f"{module}:load")
        own = {"window": window} if returns == "Series" else {}
        return audit(Source("own", entry.loader, data_params(entry, own | params)))

    return call


@pytest.mark.slow
@pytest.mark.parametrize("name", ZOO.of("dataset"))
def test_every_dataset_of_the_zoo_passes(name, request, reviews_csv):
    folder = None
    own = {"csv": str(reviews_csv)} if name == "text" else {}
    if ZOO.find(name, "dataset").places:
        folder = request.getfixturevalue("folder_of")(FILES.get(name, "mnist.npz"))
    record = audited(name, folder, **own)
    assert record["passed"]
    assert record["checks"] and not record["leaks"]
    ready = ZOO.find(name, "dataset").raw in ("Parts", "Splits")
    assert record["auditable"] == (
        "overlap only" if ready else "the split only" if own else "fully"
    )
    assert "could not be done" not in verdict(record)
    assert ("not auditable beyond overlap" in verdict(record)) == ready


@pytest.mark.parametrize("params", SPLITS)
def test_every_way_to_cut_a_series_passes(params, walk_csv):
    record = audited("prices", csv=str(walk_csv), **params)
    assert record["passed"]
    made_again = {check for check, _ in results(record)}
    assert ("validation values shuffled" in made_again) == (params.get("validation") != 0)
    assert results(record)["test lines of the file changed", "train"] == "same"


def test_a_real_csv_passes(data_folder):
    record = audited("prices", csv=str(data_folder / "apple.csv"), column="AAPL.Close")
    assert record["passed"] and "not done" not in results(record).values()
    assert record["auditable"] == "fully"


def fitted_on(monkeypatch, rows):
    """The scaling fitted on more rows than the training part has; None for all."""
    honest = preparation.fitted
    monkeypatch.setattr(
        preparation, "fitted", lambda values, known, *a, **k: honest(values, rows, *a, **k)
    )


@pytest.mark.parametrize("scaling", ["standard", "min-max"])
def test_a_scaler_fitted_on_all_rows_is_caught(monkeypatch, scaling):
    fitted_on(monkeypatch, rows=None)
    record = audited("prices", scaling=scaling)
    assert {("test values set to an extreme", "train")} <= caught(record)
    assert ("test values set to an extreme", "validation") in caught(record)
    says = [leak["says"] for leak in record["leaks"]]
    assert (
        "Test values set to an extreme: the inputs, targets and fitted numbers of the training "
        "part change." in says
    )


def test_a_scaler_fitted_on_the_validation_part_too_is_caught(monkeypatch):
    fitted_on(monkeypatch, rows=838)
    assert {check.split()[0] for check, _ in caught(audited("prices"))} == {"validation"}


def overlapping(name, more):
    """`_split_in_time`, where a part has some examples more at its end."""
    honest = preparation._split_in_time

    def split(*args):
        index = honest(*args)
        last = index[name][-1]
        return index | {name: np.append(index[name], np.arange(last + 1, last + 1 + more))}

    return split


@pytest.mark.parametrize("name, later", [("train", "validation"), ("validation", "test")])
def test_a_window_that_reaches_into_the_next_part_is_caught(monkeypatch, name, later):
    monkeypatch.setattr(preparation, "_split_in_time", overlapping(name, 1))
    found = caught(audited("prices"))
    assert ("windows across a cut", name) in found
    assert (f"rows shared with {later}", name) in found
    assert (f"{later} values set to a constant", name) in found


def test_inputs_that_reach_back_over_a_strict_cut_are_caught(monkeypatch):
    honest = preparation._split_in_time
    monkeypatch.setattr(preparation, "_split_in_time", lambda *args: honest(*args[:-1], False))
    found = caught(audited("prices", split="strict"))
    assert found == {("windows across a cut", "validation"), ("windows across a cut", "test")}


def test_a_target_a_row_too_far_is_caught(monkeypatch):
    monkeypatch.setattr(
        Framing, "future", lambda self, values: np.append(values[2:, [0]], [[0.0]], axis=0)
    )
    record = audited("prices")
    assert ("test values set to a constant", "validation") in caught(record)
    assert ("validation values set to a constant", "train") in caught(record)


@pytest.mark.parametrize("name", ["digits", "own"])
def test_rows_drawn_twice_are_caught(monkeypatch, name, stranger):
    honest = preparation._drawn

    def drawn(index, fraction, rng):
        train, held = honest(index, fraction, rng)
        return np.sort(np.append(train, held[:3])), held

    monkeypatch.setattr(preparation, "_drawn", drawn)
    record = stranger(PARTS, "Parts") if name == "own" else audited("digits")
    assert ("rows shared with validation", "train") in caught(record)
    assert ("validation values set to a constant", "train") in caught(record)


def test_test_rows_among_those_trained_on_are_caught(monkeypatch):
    honest = preparation.prepare_examples

    def prepare(raw, rng, **params):
        dataset = honest(raw, rng, **params)
        train = dataclasses.replace(dataset.train, places=np.append(dataset.train.index, 1700))
        return dataclasses.replace(dataset, train=train)

    monkeypatch.setattr(preparation, "prepare_examples", prepare)
    record = audited("digits")
    assert {("rows shared with test", "train"), ("test values shuffled", "train")} <= caught(record)
    assert "1 row of the source in both the training and the test part: 1700." in [
        leak["says"] for leak in record["leaks"]
    ]


def test_a_shuffled_draw_that_looks_at_the_labels_is_caught(monkeypatch):
    """A split stratified by the labels of all rows: which rows are trained on depends on them."""
    honest = preparation.prepare_examples

    def prepare(raw, rng, **params):
        return honest(raw, np.random.default_rng(int(raw.y.sum())), **params)

    monkeypatch.setattr(preparation, "prepare_examples", prepare)
    assert ("test values set to a constant", "train") in caught(audited("digits"))


WALK = "values = 100 + np.cumsum(np.random.default_rng(0).normal(size=(300, 2)), axis=0)\n"
ROWS = (
    "rng = np.random.default_rng(0)\n"
    "x, y = rng.normal(size=(200, 4, 2)) + np.arange(200)[:, None, None] / 50, np.arange(200) % 2\n"
)
EXAMPLES = 'return Examples(x.astype(np.float32), y, ("a", "b"))'
PARTS = (
    f"{ROWS}return Parts(Examples(x[:150], y[:150], ('a', 'b')), "
    "Examples(x[150:], y[150:], ('a', 'b')))"
)


@pytest.mark.parametrize(
    "scale, says",
    [
        ("(values - values.mean(0)) / values.std(0)", "a has mean 0 and standard deviation 1"),
        ("(values - values.mean(0)) / values.std(0, ddof=1)", "b has mean 0"),
        ("(values - values.min(0)) / np.ptp(values, 0)", "a goes from 0 to 1"),
        ("2 * (values - values.min(0)) / np.ptp(values, 0) - 1", "b goes from -1 to 1"),
    ],
)
def test_a_loader_that_scales_a_series_by_all_its_rows_is_caught(stranger, scale, says):
    record = stranger(f'{WALK}return Series({scale}, ("a", "b"))')
    assert caught(record) == {("scaled over all rows", "train")}
    assert says in record["leaks"][0]["says"]


@pytest.mark.parametrize(
    "values",
    [
        "values",
        "(values - values[:100].mean(0)) / values[:100].std(0)",
        "(values > 100).astype(float)",
        "np.tile(np.linspace(0, 1, 30), (2, 10)).T",
        "values[::-1]",
        "np.asfortranarray(values)",
    ],
)
def test_a_series_that_no_later_row_has_scaled_passes(stranger, values):
    assert stranger(f'{WALK}return Series({values}, ("a", "b"))')["passed"]


@pytest.mark.parametrize(
    "axis, says",
    [
        ("None", "x has mean 0"),
        ("(0, 1)", "feature 0 has mean 0"),
        ("0", "feature 1 of step 2 has mean 0 and standard deviation 1"),
    ],
)
def test_a_loader_that_scales_examples_by_all_rows_is_caught(stranger, axis, says):
    record = stranger(f"{ROWS}x = (x - x.mean({axis})) / x.std({axis})\n{EXAMPLES}", "Examples")
    assert caught(record) == {("scaled over all rows", "train")}
    assert says in record["leaks"][0]["says"] or "more" in record["leaks"][0]["says"]


def test_examples_scaled_one_by_one_pass(stranger):
    each = "x = (x - x.mean((1, 2), keepdims=True)) / x.std((1, 2), keepdims=True)"
    assert stranger(f"{ROWS}{each}\n{EXAMPLES}", "Examples")["passed"]


def test_ready_parts_are_said_to_be_auditable_for_overlap_only(stranger):
    record = stranger(PARTS, "Parts")
    assert record["passed"] and record["auditable"] == "overlap only"
    assert verdict(record).endswith("own is not auditable beyond overlap.")


READ = 'frame = pd.read_csv(csv, parse_dates=["Date"]).sort_values("Date")\nv = frame["Close"]\n'
RETURN = (
    '\nkeep = v.notna()\nreturn Series(v[keep].to_numpy(float)[:, None], ("Close",), 0, '
    'frame["Date"][keep].to_numpy("datetime64[ns]"))'
)
LOOKS_AHEAD = {
    "a centred mean": "v = v.rolling(5, center=True).mean()",
    "a back-fill": "v = v.where(frame.index % 5 < 2).bfill()",
    "the next value": "v = v.shift(-1)",
    "scaled by all": "v = (v - v.mean()) / v.std() * 3 + 7",
    "ranks": "v = v.rank()",
    "no dates": "return Series(v.rolling(5, center=True, min_periods=1).mean().to_numpy()[:, None],"
    ' ("Close",))',
}
LOOKS_BACK = {
    "nothing": "",
    "a trailing mean": "v = v.rolling(5).mean()",
    "the past's scale": "v = (v - v.expanding().mean()) / v.expanding(3).std()",
    "a forward fill": "v = v.where(frame.index % 5 < 2).ffill()",
    "no dates": 'return Series(v.to_numpy()[:, None], ("Close",))',
}


@pytest.mark.parametrize("kind", LOOKS_AHEAD)
def test_a_loader_that_looks_ahead_in_its_file_is_caught(stranger, walk_csv, kind):
    record = stranger(f"{READ}{LOOKS_AHEAD[kind]}{RETURN}", csv=str(walk_csv))
    assert caught(record) == {
        ("test lines of the file changed", "train"),
        ("validation lines of the file changed", "train"),
    }
    assert "so it looks ahead" in record["leaks"][0]["says"]


@pytest.mark.parametrize("kind", LOOKS_BACK)
def test_a_loader_that_looks_back_in_its_file_passes(stranger, walk_csv, kind):
    record = stranger(f"{READ}{LOOKS_BACK[kind]}{RETURN}", csv=str(walk_csv))
    assert record["passed"]
    assert results(record)["test lines of the file changed", "train"] == "same"


def test_a_file_with_the_newest_row_first_passes(stranger, walk_csv):
    head, *lines = walk_csv.read_text().splitlines()
    walk_csv.write_text("\n".join([head, *reversed(lines)]))
    assert audited("prices", csv=str(walk_csv))["passed"]
    assert stranger(f"{READ}{RETURN}", csv=str(walk_csv))["passed"]


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["utf-16", "cp1252"])
def test_a_file_as_germans_write_it_passes(tmp_path, encoding):
    prices = 1000 + np.cumsum(np.random.default_rng(0).normal(size=100))
    cells = [f"{price:,.2f} €".translate(str.maketrans(",.", ".,")) for price in prices]
    lines = [
        f'{1 + day % 28:02d}.{1 + day // 28:02d}.2024;"{cell}"' for day, cell in enumerate(cells)
    ]
    path = tmp_path / "kurse.csv"
    path.write_text("\n".join(["", "Datum;Schlußkurs", *lines]), encoding=encoding)
    record = audited("prices", csv=str(path), window=5)
    assert results(record)["test lines of the file changed", "train"] == "same"


def test_a_file_of_several_series_passes(walk_csv):
    head, *lines = walk_csv.read_text().splitlines()
    both = [f"{line},{name}" for name in "AB" for line in lines]
    walk_csv.write_text("\n".join([f"{head},Name", *both]))
    record = audited("prices", csv=str(walk_csv), where="Name=A")
    assert record["passed"] and "not done" not in results(record).values()


@pytest.mark.parametrize("reading", ["v.set_axis(v.index[::-1])", "v"])
def test_lines_that_can_not_be_told_leave_the_check_out(stranger, walk_csv, reading):
    """A loader that names its column otherwise, or turns the rows round and drops the dates."""
    body = f'{READ}v = {reading}.sort_index()\nreturn Series(v.to_numpy()[:, None], ("price",))'
    record = stranger(body, csv=str(walk_csv))
    assert record["passed"]
    assert results(record)["test lines of the file changed", "train"] == "not done"
    assert verdict(record) == (
        "No leak found by 16 checks; 2 checks could not be done: test lines of the file changed "
        "and validation lines of the file changed. The loader hands over its rows, and what it did "
        "before can't be seen: own is auditable for its split only."
    )


@pytest.mark.parametrize(
    ("reading", "says"),
    [
        ("v = v + np.random.default_rng().normal(size=300)", "the loader is not reproducible"),
        ("v = v + len(csv)", "the loader reads a copy of the file otherwise"),
        ("v = v.where(v.map(lambda x: 0 < x < 300)).astype('int64')", "does not read them"),
    ],
)
def test_a_file_that_can_not_be_read_again_is_told_as_such(stranger, walk_csv, reading, says):
    record = stranger(f"{READ}{reading}{RETURN}", csv=str(walk_csv))
    undone = [check["says"] for check in record["checks"] if check["result"] == "not done"]
    assert len(undone) == 2 and all(says in one for one in undone)
    assert record["passed"] and record["auditable"] == "the split only"


def test_what_a_stranger_reads_from_no_csv_is_audited_for_its_split_only(stranger):
    record = stranger(f'{WALK}return Series(values, ("a", "b"))')
    assert record["auditable"] == "the split only"
    assert verdict(record).endswith("own is auditable for its split only.")


def test_what_comes_twice_in_the_source_is_counted_named_and_no_leak(stranger):
    record = stranger(f"{ROWS}x[[150, 190, 195]] = x[3]\n{EXAMPLES}", "Examples", validation=0)
    assert record["passed"]
    assert record["duplicates"] == [
        {
            "part": "train",
            "count": 2,
            "first": [(190, 3), (195, 3)],
            "says": "2 test examples with the input of an example of the training part: test "
            "example 190 = training example 3 and test example 195 = training example 3.",
        }
    ]
    assert "; 2 test examples have the input of an earlier part's example." in verdict(record)


def test_a_validation_example_is_named_as_such(stranger):
    record = stranger(f"{ROWS}x[160:] = x[:40]\n{EXAMPLES}", "Examples")
    found = record["duplicates"]
    assert record["repeated"] == 40
    assert [duplicate["part"] for duplicate in found] == ["train", "validation"]
    assert sum(duplicate["count"] for duplicate in found) == 40
    assert all(row == 160 + twin for duplicate in found for row, twin in duplicate["first"])


def test_windows_that_a_season_repeats_are_counted(stranger):
    body = "return Series(np.tile(np.arange(10.0), 30)[:, None], ('a',))"
    record = stranger(body)
    train, validation = record["duplicates"]
    assert train["count"] == validation["count"] == record["repeated"] == 60


def test_on_the_command_line(zoo, zoo_json, monkeypatch, walk_csv):
    clean = zoo("audit", "prices", "--csv", walk_csv, "--data", "window=5")
    assert clean.code == 0
    assert clean.out.splitlines()[-1].startswith("No leak found by 18 checks")
    record = zoo_json("audit", "digits")
    assert record["passed"] and record["leaks"] == []
    monkeypatch.setattr(preparation, "_split_in_time", overlapping("train", 2))
    leaking = zoo("audit", "prices", "--json")
    assert leaking.code == 3
    document = json.loads(leaking.out)
    assert not document["passed"]
    assert all(set(leak) == {"check", "part", "says"} for leak in document["leaks"])
    shown = zoo("audit", "prices")
    assert shown.code == 3
    assert "LEAK  The windows and targets of the training part lie in rows 0 to 734" in shown.out


@pytest.mark.slow
def test_a_leak_outlives_a_closed_pipe(tmp_path):
    values = np.linspace(-1, 1, 300) ** 3
    (tmp_path / "scaled.csv").write_text("\n".join(["v", *map(str, values)]))
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "lstm_zoo", "audit", "prices", "--csv", "scaled.csv"]
    done = subprocess.run(
        [*command, "--data", "window=5"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)},
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (3, "")


def test_wrong_input_is_a_sentence(zoo, tmp_path):
    assert zoo("audit", "digit").code == 2
    assert "window" in zoo("audit", "prices", "--data", "windw=5").err
    assert zoo("audit", "digits", "--csv", "x.csv").code == 2
    missing = zoo("audit", "prices", "--csv", tmp_path / "none.csv")
    assert missing.code == 1 and "no file" in missing.err
