"""Walk-forward backtests, and forecasts past the end with their intervals."""

import csv
import html
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from lstm_zoo import metrics, preparation, runs, sources, statistics
from lstm_zoo.data import Series
from lstm_zoo.errors import DataError, UsageError
from lstm_zoo.reporting.page.folds import folds_chart
from lstm_zoo.tasks import Forecasting

pytestmark = pytest.mark.usefixtures("undrawn")

ROWS = np.arange(100) ** 1.1


def prepared(**params):
    raw = Series(values=ROWS[:, None], columns=("a",))
    asked = {"window": 10, "folds": 4} | params
    return preparation.prepare_series(raw, np.random.default_rng(0), **asked)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"calibration": 0.1},
        {"horizon": 3, "calibration": 0.1},
        {"split": "strict", "window": 4},
    ],
    ids=str,
)
def test_the_folds_are_the_test_part_and_each_sees_only_its_past(params):
    whole = prepared(**params)
    assert prepared(**params | {"folds": 1}).test.places == whole.test.places
    window, horizon = whole.framing.window, whole.framing.horizon
    tested = []
    for fold in range(1, 5):
        dataset = prepared(**params, fold=fold)
        tested += dataset.test.places
        first = dataset.test.places[0] + window
        ends = {n: part.places[-1] + window + horizon for n, part in dataset.parts.items()}
        assert all(end <= first for name, end in ends.items() if name != "test")
        assert whole.folds[fold - 1].known == ends["train"]
        offset = ROWS[: ends["train"]].mean()  # of the scaler: of the fold's own past
        assert dataset.framing.input_offset == (pytest.approx(offset, rel=1e-12),)
    assert tested == list(whole.test.places)


def test_the_trivial_answers_are_fitted_anew_for_each_fold():
    dataset, task = prepared(), Forecasting(prepared())
    expected = []
    for fold in dataset.folds:
        slope = ROWS[fold.known - 1] / (fold.known - 1)
        expected += [ROWS[row] + slope for row in task.starts(dataset.test.piece(fold.examples))]
    assert task.floors()["drift"].ravel() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("params", "error", "told"),
    [
        ({"fold": 5}, UsageError, "There is no fold 5 of 4"),
        ({"folds": 21}, DataError, "The test part has 20 examples, too few for 21 folds"),
        ({"calibration": 0.001}, DataError, "calibration=0.001 and test=0.2 leave a part of"),
    ],
)
def test_folds_that_there_are_not_are_told(params, error, told):
    with pytest.raises(error, match=told):
        prepared(**params)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (
            ("compare", "lstm", "--folds", "3"),
            "--folds is for a series, and digits is none; prices",
        ),
        (("compare", "lstm", "--dataset", "prices", "--folds", "1"), "leave it out"),
        (("predict", "last", "--level", "0.8"), "--level goes with --horizon N"),
        (("predict", "last", "--horizon", "2", "--level", "1"), "--level is a share below 1"),
    ],
)
def test_what_goes_together_is_told(zoo, command, told):
    result = zoo(*command)
    assert (result.code, told in result.err) == (2, True), result.err


def test_dates_of_folds_are_escaped_in_the_page():
    hostile = "<a href='x'>"
    fold = {"fold": 1, "from": hostile, "to": "2024", "examples": 3, "score": 1.0, "floor": 1.0}
    trial = {"seed": 0, "status": "ok", "score": 1.0, "metrics": {"rmse": 1.0}, "folds": [fold]}
    found = {
        "metric": {"name": "rmse", "better": "lower"},
        "floor": {"name": "last_value"},
        "models": [{"name": "a", "trials": [trial]}],
    }
    (line, _) = folds_chart(found).figure.data
    (name,) = line.x
    assert name == html.escape(f"{hostile} to 2024") and hostile not in line.hovertext[0]


# Trained

COMMAND = ("simple-rnn:units=4", "--dataset", "prices", "--data", "window=10", "--epochs", "2")
FOLDED = ("--data", "folds=2", "--data", "calibration=0.1", "--data", "horizon=2")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The runs folder of a run of two folds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("backtest"))
        from lstm_zoo.__main__ import run

        assert run(["train", *COMMAND, *FOLDED, "-q"]) == 0
        yield Path("runs").absolute()


@pytest.fixture
def whole(folder):
    (run,) = runs.list_runs(folder)
    return run


def answers(run):
    with np.load(run.folder / "predictions.npz") as arrays:
        return dict(arrays)


@pytest.mark.slow
def test_a_backtest_is_its_folds_one_after_the_other(whole):
    folds = runs.list_runs(whole.folder / "folds")
    arrays, each = answers(whole), [answers(fold) for fold in folds]
    for name in ("y_true", "y_pred", "dates", "last"):
        assert np.array_equal(arrays[name], np.concatenate([one[name] for one in each]))
    record, counts = whole.metrics, [len(one["y_true"]) for one in each]
    assert record["test"]["rmse"] == metrics.rmse(arrays["y_true"], arrays["y_pred"])
    scores = [fold.metrics["test"]["rmse"] for fold in folds]
    assert [fold["score"] for fold in record["folds"]] == scores
    coverage = [fold.metrics["intervals"]["coverage"] for fold in folds]
    together = np.average(coverage, axis=0, weights=counts).tolist()
    assert record["intervals"]["coverage"] == pytest.approx(together)
    first, second = record["folds"]
    assert second["train_rows"] == first["train_rows"] + counts[0]


@pytest.mark.slow
def test_each_fold_is_an_ordinary_training_of_its_own(zoo, whole):
    assert zoo("train", *COMMAND, *FOLDED, "--data", "fold=2", "-q").code == 0
    (alone,) = runs.list_runs(Path("runs"))
    fold = runs.list_runs(whole.folder / "folds")[1]
    assert answers(alone)["y_pred"].tobytes() == answers(fold)["y_pred"].tobytes()


@pytest.mark.slow
def test_an_interrupted_backtest_goes_on_with_the_fold_that_is_missing(zoo, whole):
    shutil.copytree(whole.folder, "runs/cut")
    cut = runs.Run(Path("runs/cut"))
    (cut.folder / "metrics.json").unlink()
    first, second = runs.list_runs(cut.folder / "folds")
    shutil.rmtree(second.folder)
    before = (first.folder / "metrics.json").stat().st_mtime_ns
    result = zoo("train", "--resume", "cut")
    assert result.code == 0, result.err
    assert "fold 2" in result.err
    assert "fold 1" not in result.err
    assert (first.folder / "metrics.json").stat().st_mtime_ns == before
    assert answers(cut)["y_pred"].tobytes() == answers(whole)["y_pred"].tobytes()
    assert cut.metrics["test"] == whole.metrics["test"]


@pytest.mark.slow
@pytest.mark.usefixtures("untimed")
def test_a_comparison_walks_forward_beside_a_classical_model(zoo, folder, whole):
    command = ("compare", *COMMAND, "--folds", "2", "--data", "horizon=2", "--seeds", "1")
    result = zoo(*command, "--runs", folder, "-o", "results.json")
    assert result.code == 0, result.err
    assert "1 finished run of the same configuration" in result.err
    results = json.loads(Path("results.json").read_text())
    check_classical(results["classical"], whole)
    assert "by the Diebold–Mariano test" in result.out
    assert "90 % intervals cover" in result.out
    check_floors(results, result.out, whole)
    rows = [line.split() for line in result.out.splitlines() if " to 2008-" in line]
    assert [row[0] for row in rows] == ["1", "2"]
    page = zoo("report", "results.json", "-o", "page.html")
    assert page.code == 0, page.err
    text = Path("page.html").read_text()
    assert "AutoETS" in text
    assert "Walk-forward backtest" in text


def check_floors(results, out, whole):
    """The other scores of the trivial answers stand beside the models'."""
    test = answers(whole)
    errors = test["y_true"] - test["last"][:, None]
    last = results["floor_scores"]["last_value"]
    assert last["mae"] == pytest.approx(np.abs(errors).mean())
    assert last["skill"] == 0
    assert {name: one["rmse"] for name, one in results["floor_scores"].items()} == results["floors"]
    rows = [line.split() for line in out.splitlines() if line.startswith((" drift ", " mean "))]
    assert [row[1] for row in rows] == [
        f"{results['floor_scores'][name]['mae']:.4g}" for name in ("drift", "mean")
    ]


def check_classical(told, whole):
    """Its forecasts are those of statsforecast, fitted on what is known before each fold."""
    from statsforecast.models import AutoETS

    from lstm_zoo import classical

    dataset, arrays = sources.prepare(whole.config, sources.read(whole.config)), answers(whole)
    forecasts, lower, upper = classical.forecasts(dataset)
    for fold in dataset.folds:
        start = Forecasting(dataset).starts(dataset.test)[fold.examples.start]
        fitted = AutoETS(season_length=1).fit(dataset.series.values[: start + 1, 0])
        first = fitted.predict(h=2, level=[90])
        assert forecasts[fold.examples.start] == pytest.approx(first["mean"])
        assert lower[fold.examples.start] == pytest.approx(first["lo-90"])
        assert upper[fold.examples.start] == pytest.approx(first["hi-90"])
    truth = arrays["y_true"]
    assert told["coverage"] == np.mean((truth >= lower) & (truth <= upper), axis=0).tolist()
    assert told["coverage"] == pytest.approx([0.9, 0.9], abs=0.1)
    assert told["scores"]["rmse"] == metrics.rmse(arrays["y_true"], forecasts)
    losses = [metrics.losses(arrays["y_true"], one) for one in (arrays["y_pred"], forecasts)]
    p_value = statistics.diebold_mariano(*losses, 2)[1]
    assert told["models"][0]["p_value"] == pytest.approx(p_value)


# Past the end


@pytest.mark.slow
def test_the_intervals_are_those_that_the_run_recorded(zoo, whole):
    """Two ways to the same numbers: the run's own record, and a forecast from every row."""
    fold = runs.list_runs(whole.folder / "folds")[1]
    files = ("-o", "ahead.csv", "--picture", "ahead.png")
    result = zoo("predict", fold.folder, "--horizon", "2", *files)
    assert result.code == 0, result.err
    with Path("ahead.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["date", "actual", "predicted", "lower", "upper"]
    width = [float(row["upper"]) - float(row["lower"]) for row in rows]
    recorded = fold.metrics["intervals"]["width"]
    assert width == pytest.approx(recorded, rel=0.05)  # a row more or less at the cut
    assert "All 2 steps are answered at once." in result.err
    assert "Intervals of nominal 90 %, calibrated on 105 rows" in result.err
    assert Path("ahead.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_a_backtest_looks_ahead_with_its_last_model(zoo, whole):
    result = zoo("predict", whole.folder, "--horizon", "5", "--intervals", "adaptive")
    assert result.code == 0, result.err
    assert "this is simple-rnn:units=4, fold 2" in result.err
    assert "2 steps at a time: each forecast is fed back" in result.err


@pytest.mark.slow
def test_explain_looks_at_the_last_fold(zoo, whole):
    fold = runs.list_runs(whole.folder / "folds")[1]
    every, last = (zoo("explain", run.folder, "gradients", "--json") for run in (whole, fold))
    assert "this is simple-rnn:units=4, fold 2" in every.err
    records = [json.loads(result.out) for result in (every, last)]
    assert [record["norm_after"] for record in records] == [records[0]["norm_after"]] * 2
    assert records[0]["examples"] == records[1]["examples"]


@pytest.mark.slow
def test_without_a_calibration_part_there_are_no_intervals(zoo):
    assert zoo("train", *COMMAND, "-q").code == 0
    result = zoo("predict", "last", "--horizon", "3")
    assert result.code == 0
    assert "No intervals: training left no rows to calibrate them by" in result.err
    assert "lower" not in result.out


# Direct and recursive


@pytest.mark.slow
@pytest.mark.usefixtures("untimed")
def test_a_recursive_model_is_fed_its_own_answers(zoo, zoo_json):
    """Of one step it is an ordinary model; of three, the same one asked three times."""
    steps = ("--data", "horizon=3")
    models = ["simple-rnn:units=4,strategy=direct", "simple-rnn:units=4,strategy=recursive"]
    results = zoo_json("compare", *models, *COMMAND[1:], *steps, "--seeds", "1")
    assert [model["train"]["strategy"] for model in results["models"]] == ["direct", "recursive"]
    run = runs.Run(Path(results["models"][1]["trials"][0]["run"]))
    dataset = sources.prepare(run.config, sources.read(run.config))
    framing, values = dataset.framing, dataset.series.values[:, 0]
    import keras

    model = keras.saving.load_model(run.folder / "model.keras")
    windows = np.stack([values[place : place + 10] for place in dataset.test.places])
    for step in range(3):
        scaled = (windows - framing.input_offset[0]) / framing.input_scale[0]
        output = model.predict(scaled[..., None].astype("float32"), verbose=0)
        following = windows[:, -1:] + output * framing.target_scale[0]
        windows = np.concatenate([windows[:, 1:], following], axis=1)
        assert answers(run)["y_pred"][:, step] == pytest.approx(following[:, 0], abs=2e-3)
    record = zoo_json("evaluate", run.folder)
    assert record["test"] == pytest.approx(run.metrics["test"])
    assert run.read("preprocessing.json")["series"]["horizon"] == 1  # what the saved model answers


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (("--dataset", "digits"), "strategy=recursive is for a series"),
        (("--dataset", "prices", "--data", 'features=["Open"]'), "the future of Open is not known"),
    ],
)
def test_where_nothing_can_be_fed_back_it_is_told(zoo, asked, told):
    result = zoo("train", "lstm", "--strategy", "recursive", *asked)
    assert (result.code, told in result.err) == (2, True), result.err


@pytest.mark.usefixtures("untimed")
def test_a_backtest_takes_as_long_as_its_folds(monkeypatch):
    from lstm_zoo import catalog, rehearsal
    from lstm_zoo.config import run_config

    monkeypatch.setattr(rehearsal, "measured", lambda *_: 2.0)
    terms = {"seed": 0, "threads": None, "backend": "tensorflow"}
    for folds, seconds in ((1, 2.0), (3, 6.0)):
        data = {"folds": folds}
        config = run_config(catalog.load(), "simple-rnn", {}, "prices", data, {}, **terms)
        assert rehearsal.seconds(config, sources.read(config)) == seconds
