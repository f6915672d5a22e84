"""Points too far from their forecast: a threshold by hand, and what it finds."""

import math
from pathlib import Path

import numpy as np
import pytest

from lstm_zoo import runs, sources

pytestmark = pytest.mark.usefixtures("undrawn")

ROWS, SPIKES = 600, (520, 560)


def written(name, values):
    dates = np.datetime64("2020-01-01") + np.arange(len(values))
    lines = [f"{date},{value!r}" for date, value in zip(dates, values.tolist(), strict=True)]
    Path(name).write_text("\n".join(["Date,Value", *lines]) + "\n")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run on a noisy sine, the same sine with two spikes, and a run on digits."""
    place = tmp_path_factory.mktemp("anomalies")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        from lstm_zoo.__main__ import run

        rng = np.random.default_rng(0)
        sine = np.sin(2 * np.pi * np.arange(ROWS) / 25) + rng.normal(0, 0.05, ROWS)
        written("sine.csv", sine)
        sine[list(SPIKES)] += 3
        written("spikes.csv", sine)
        asked = ("--csv", "sine.csv", "--data", "window=25", "--epochs", "5", "-q")
        assert run(["train", "gru:units=8", *asked]) == 0
        assert run(["train", "gru:units=8", "--epochs", "1", "-q"]) == 0
        yield place


@pytest.fixture
def run(folder, monkeypatch):
    """The run on the sine."""
    monkeypatch.setenv("LSTM_ZOO_RUNS", str(folder / "runs"))
    return runs.list_runs(folder / "runs")[0]


@pytest.mark.slow
def test_the_threshold_is_an_order_statistic_of_the_validation_part(zoo, zoo_json, run):
    found = zoo_json("predict", run.folder, "--anomalies", "--false-alarms", "0.05")
    rows = found["points"]
    dataset = sources.prepare(run.config, sources.read(run.config))
    import keras

    model = keras.saving.load_model(run.folder / "model.keras")
    x, _ = dataset.validation.take(slice(None))
    values, framing = dataset.series.values[:, 0], dataset.framing
    last = dataset.validation.index + 24
    forecasts = values[last] + model.predict(x, verbose=0)[:, 0] * framing.target_scale[0]
    errors = np.sort(np.abs(values[last + 1] - forecasts))
    expected = errors[math.ceil(round(0.95 * (len(errors) + 1), 9)) - 1]
    assert rows[0]["threshold"] == pytest.approx(expected, rel=1e-4)
    assert len(rows) == len(dataset.test)
    assert all(row["anomaly"] == (row["error"] > row["threshold"]) for row in rows)
    assert all(row["error"] == abs(row["actual"] - row["predicted"]) for row in rows)
    marked = sum(row["anomaly"] for row in rows)
    assert (found["false_alarms"], found["part"], found["rows"]) == (0.05, "validation", 60)
    assert found["threshold"] == rows[0]["threshold"]
    assert found["test"] == {"rows": 120, "beyond": marked, "share": marked / 120}
    told = zoo("predict", run.folder, "--anomalies", "--false-alarms", "0.05", "-q").err
    assert "set on 60 rows of the validation part for 5 % false alarms" in told
    assert f"beyond it are {marked} rows of the 120 of the test part" in told


@pytest.mark.slow
def test_what_is_out_of_line_is_found(zoo_json, run, folder):
    """Each spike, and few others but those that look back at one."""
    rows = zoo_json(
        *("predict", run.folder, "--anomalies", "--false-alarms", "0.02"),
        "--csv",
        folder / "spikes.csv",
    )["points"]
    dates = np.datetime64("2020-01-01") + np.arange(ROWS)
    marked = {row["date"] for row in rows if row["anomaly"]}
    assert {str(dates[spike]) for spike in SPIKES} <= marked
    near = {str(day) for spike in SPIKES for day in dates[spike : spike + 26]}
    assert len(marked - near) <= 0.06 * ROWS


@pytest.mark.slow
def test_what_is_marked_is_drawn(zoo, run, folder):
    asked = ("--false-alarms", "0.05", "--csv", folder / "spikes.csv", "--picture", "marked.png")
    assert zoo("predict", run.folder, "--anomalies", *asked).code == 0
    assert Path("marked.png").read_bytes().startswith(b"\x89PNG")


def test_the_picture_has_the_marked_points_at_their_places():
    from lstm_zoo.reporting.outlook import anomalies_figure

    dates = np.datetime64("2024-01-01") + np.arange(9)
    figure = anomalies_figure(
        rows=np.arange(5, 9),
        values=np.array([1.0, 5.0, 1.0, 1.5]),
        forecasts=np.ones(4),
        marks=np.array([False, True, False, False]),
        threshold=2.0,
        column="Value",
        title="gru on prices: anomalies",
        dates=dates,
    )
    (axes,) = figure.axes
    band, marked = axes.collections
    assert sorted({y for _, y in band.get_paths()[0].vertices}) == [-1.0, 3.0]
    ((x, y),) = marked.get_offsets()
    assert (x, y) == (19729.0, 5.0)  # days from 1970 to 2024-01-07
    assert "anomalies (1)" in axes.get_legend_handles_labels()[1]


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["direct", "recursive"])
def test_of_several_steps_every_row_is_looked_at(zoo, zoo_json, folder, strategy):
    asked = ("--data", "window=25", "--data", "horizon=4", "--strategy", strategy, "--epochs", "2")
    assert zoo("train", "gru:units=4", "--csv", folder / "sine.csv", *asked, "-q").code == 0
    found = zoo_json("predict", "last", "--anomalies", "--false-alarms", "0.05")
    assert (found["rows"], found["test"]["rows"]) == (60, 120)
    with np.load(runs.find("last", Path("runs")).folder / "predictions.npz") as recorded:
        assert found["points"][0]["predicted"] == pytest.approx(recorded["y_pred"][0, 0], abs=1e-5)
        assert len(recorded["y_pred"]) == 117  # examples with four steps to come
    sine = np.loadtxt(folder / "sine.csv", delimiter=",", skiprows=1, usecols=1)
    assert [row["actual"] for row in found["points"]] == sine[-120:].tolist()
    written("newer.csv", np.append(sine, [0.0, 9.0]))
    asked = ("--anomalies", "--false-alarms", "0.05", "--csv", "newer.csv")
    newest = zoo_json("predict", "last", *asked)["points"][-1]
    assert (newest["actual"], newest["anomaly"]) == (9.0, 1)


@pytest.mark.slow
def test_what_has_no_threshold_is_told(zoo, run, folder):
    result = zoo("predict", run.folder, "--anomalies", "--false-alarms", "0.001")
    assert (result.code, "it takes 999, or --false-alarms 0.017." in result.err) == (1, True)
    assert zoo("predict", run.folder, "--anomalies", "--false-alarms", "0.017").code == 0
    digits = runs.list_runs(folder / "runs")[1]
    result = zoo("predict", digits.folder, "--anomalies")
    assert (result.code, "which is not a series" in result.err) == (2, True), result.err


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (("--anomalies", "--horizon", "3"), "--anomalies marks known points"),
        (("--false-alarms", "0.1"), "--false-alarms goes with --anomalies"),
        (("--anomalies", "--false-alarms", "0"), "a share above 0"),
        (("--anomalies", "--false-alarms", "1e-17"), "a share above 0"),
        (("--anomalies", "--picture", "a.jpg"), "--picture is a .png file"),
        (("--picture", "a.png"), "--picture goes with --horizon N or --anomalies"),
    ],
)
def test_what_goes_together_is_told(zoo, asked, told):
    result = zoo("predict", "last", *asked)
    assert (result.code, told in result.err) == (2, True), result.err
