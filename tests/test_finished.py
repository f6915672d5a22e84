"""`evaluate`, `predict` and `runs`, on runs that are really trained once for this file."""

import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from lstm_zoo.__main__ import run as lstm_zoo
from lstm_zoo.runs import Run, list_runs

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("undrawn")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A runs folder with a run of digits and one of each kind of series."""
    runs = tmp_path_factory.mktemp("runs")
    shared = ["--epochs", "1", "-q", "--runs", str(runs)]
    assert lstm_zoo(["train", "simple-rnn", *shared]) == 0
    for data in ("horizon=1", "horizon=3", "targets=sequence"):
        arguments = ["train", "gru", "--dataset", "prices", "--data", data, "--data", "window=20"]
        assert lstm_zoo([*arguments, *shared]) == 0
    assert (
        lstm_zoo(["train", "lstm", "--dataset", "prices", "--data", 'features=["Open"]', *shared])
        == 0
    )
    return runs


@pytest.fixture
def runs(folder, monkeypatch):
    monkeypatch.setenv("LSTM_ZOO_RUNS", str(folder))
    return list_runs(folder)


@pytest.fixture
def zoo(zoo, folder, monkeypatch):
    """The command line, with the runs of this file."""
    monkeypatch.setenv("LSTM_ZOO_RUNS", str(folder))
    return zoo


def rows_of(path):
    with Path(path).open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("number", range(5))
def test_evaluate_gives_the_recorded_metrics_again(zoo, zoo_json, runs, number):
    again, record = zoo_json("evaluate", runs[number].name), runs[number].metrics
    for key in ("test", "validation", "train", "floor", "floors", "learned", "per_class"):
        assert again[key] == record[key]


def test_predict_of_classes_names_class_and_probability(zoo, runs):
    assert zoo("predict", runs[0].name, "-o", "out.csv").code == 0
    rows = rows_of("out.csv")
    assert list(rows[0]) == ["index", "actual", "predicted", "probability"]
    with np.load(runs[0].folder / "predictions.npz") as arrays:
        assert [int(row["predicted"]) for row in rows] == arrays["y_pred"].argmax(axis=1).tolist()
        assert [int(row["actual"]) for row in rows] == arrays["y_true"].tolist()
        np.testing.assert_allclose(
            [float(row["probability"]) for row in rows], arrays["y_pred"].max(axis=1), rtol=1e-5
        )
    assert rows[0]["index"] == "1438"


def test_predict_of_a_series_has_dates_and_the_files_unit(zoo, runs):
    assert zoo("predict", runs[1].name, "-o", "out.csv").code == 0
    rows = rows_of("out.csv")
    assert list(rows[0]) == ["date", "actual", "predicted"]
    assert rows[-1]["date"] == "2008-10-14"
    assert float(rows[-1]["actual"]) == 362.71
    with np.load(runs[1].folder / "predictions.npz") as arrays:
        assert [float(row["predicted"]) for row in rows] == arrays["y_pred"][:, 0].tolist()


def test_predict_of_several_steps_says_which(zoo, runs):
    assert zoo("predict", runs[2].name, "-o", "out.csv").code == 0
    rows = rows_of("out.csv")
    assert [row["step"] for row in rows[:4]] == ["1", "2", "3", "1"]
    assert rows[1]["date"] == rows[3]["date"]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_predict_past_the_end_feeds_its_answers_back(zoo_json, runs, number):
    """Its own horizon is answered at once; what follows is said with that appended."""
    steps = zoo_json("predict", runs[number].name, "--horizon", "7")
    dates = ["2008-10-15", "2008-10-16", "2008-10-17", "2008-10-20"]
    assert [step["date"] for step in steps[:4]] == dates
    assert [step["actual"] for step in steps] == [None] * 7
    import keras

    from lstm_zoo import sources
    from lstm_zoo.framing import Framing

    framing = Framing.from_dict(runs[number].read("preprocessing.json")["series"])
    model = keras.saving.load_model(runs[number].folder / "model.keras")
    values = sources.read(runs[number].config).values[-20:, 0]
    expected = []
    while len(expected) < 7:
        scaled = (values[-20:] - framing.input_offset[0]) / framing.input_scale[0]
        output = model.predict(scaled[None, :, None].astype("float32"), verbose=0)
        answers = output.reshape(-1, framing.horizon)[-1] * framing.target_scale + values[-1]
        expected += answers.tolist()
        values = np.append(values, answers)
    assert [step["predicted"] for step in steps] == pytest.approx(expected[:7], abs=1e-3)


def test_predict_past_the_end_needs_every_columns_future(zoo, runs):
    result = zoo("predict", runs[4].name, "--horizon", "2")
    assert (result.code, "Open" in result.err) == (2, True)


def test_new_data_is_scaled_as_the_training_part_was(zoo, zoo_json, runs, walk_csv):
    rows = zoo_json("predict", runs[1].name, "--csv", walk_csv)
    record = zoo_json("evaluate", runs[1].name, "--csv", walk_csv)
    truth = np.array([row["actual"] for row in rows])
    predicted = np.array([row["predicted"] for row in rows])
    assert len(rows) == 300 - 20
    assert record["test"]["rmse"] == pytest.approx(np.sqrt(np.mean((truth - predicted) ** 2)))
    assert record["train"] == record["validation"] == {}
    assert list(record["floors"]) == ["last_value", "seasonal"]


def test_what_does_not_fit_the_run_is_said(zoo, runs, walk_csv, tmp_path):
    short = tmp_path / "short.csv"
    short.write_text("".join(walk_csv.read_text().splitlines(keepends=True)[:10]))
    for arguments, code, hint in (
        ((runs[0].name, "--csv", walk_csv), 2, "digits is read from none"),
        ((runs[0].name, "--horizon", "3"), 2, "not a series"),
        ((runs[1].name, "--csv", short), 1, "too few"),
        ((runs[4].name, "--csv", walk_csv), 2, "Open"),
        ((runs[1].name, "--csv", walk_csv, "--column", "Clsoe"), 2, "Close"),
    ):
        result = zoo("predict", *arguments)
        assert (result.code, hint in result.err) == (code, True), result.err


def test_an_output_that_cant_be_written_is_said_first(zoo, runs, tmp_path):
    (tmp_path / "file").write_text("")
    for output in ("file/out.csv", "."):
        assert zoo("predict", runs[1].name, "-o", output).code == 1


@pytest.fixture
def broken(runs, tmp_path):
    """A copy of a run to break."""
    return Path(shutil.copytree(runs[1].folder, tmp_path / "broken"))


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("model.keras", b"PK\x03\x04 nothing"),
        ("model.keras", None),
        ("config.json", b"{"),
        ("config.json", b'{"schema": 1}'),
        ("config.json", b"[]"),
        ("preprocessing.json", b"\xff\xfe"),
        ("preprocessing.json", b'{"series": {"window": 3}}'),
        ("metrics.json", None),
    ],
)
def test_a_damaged_run_is_one_sentence(zoo, broken, walk_csv, file, content):
    if content is None:
        (broken / file).unlink()
    else:
        (broken / file).write_bytes(content)
    result = zoo("predict", broken, "--csv", walk_csv)
    assert result.code == 1
    assert result.err.count("\n") == 1
    assert "broken" in result.err or file in result.err


def changed(file, **change):
    """A JSON file of a run, with other values."""
    values = json.loads(file.read_text()) | change
    file.write_text(json.dumps(values))


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("config.json", {"train": {}}),
        ("config.json", {"threads": -1}),
        ("config.json", {"backend": "tf"}),
        ("config.json", {"schema": 99}),
        ("config.json", {"data": {}}),
        ("preprocessing.json", {"series": None}),
        ("preprocessing.json", {"seen_until": "x"}),
    ],
    ids=str,
)
def test_a_doctored_run_is_one_sentence(zoo, broken, walk_csv, file, change):
    changed(broken / file, **change)
    result = zoo("predict", broken, "--csv", walk_csv)
    assert result.code == 1, result.err
    assert result.err.count("\n") == 1
    assert "broken" in result.err
    assert "damaged" in result.err


def test_a_config_of_another_horizon_is_told(zoo, broken):
    config = json.loads((broken / "config.json").read_text())
    changed(broken / "config.json", data=config["data"] | {"horizon": 2})
    result = zoo("evaluate", broken)
    assert (result.code, "gives 1 outputs, and the data asks for 2" in result.err) == (1, True)


def test_a_model_that_keras_refuses_is_told_shortly(zoo, broken):
    with zipfile.ZipFile(broken / "model.keras") as file:
        parts = {name: file.read(name) for name in file.namelist()}
    config = json.loads(parts["config.json"])
    config["class_name"] = "x" * 5000
    with zipfile.ZipFile(broken / "model.keras", "w") as file:
        for name, content in (parts | {"config.json": json.dumps(config)}).items():
            file.writestr(name, content)
    result = zoo("evaluate", broken)
    assert result.code == 1
    assert "model.keras is damaged or not a model: " in result.err
    assert len(result.err.partition("not a model: ")[2]) <= 201


def test_a_model_that_may_not_be_read_is_not_called_damaged(zoo, broken, monkeypatch):
    opened = Path.open

    def refuse(path, *args, **kwargs):
        if path.name == "model.keras":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *args, **kwargs)

    monkeypatch.setattr(Path, "open", refuse)
    result = zoo("evaluate", broken)
    assert (result.code, "model.keras: Permission denied" in result.err) == (1, True)
    assert "damaged" not in result.err


@pytest.mark.parametrize(("number", "hint"), [(0, False), (1, True)])
def test_data_that_have_changed_are_told(zoo, runs, tmp_path, number, hint):
    folder = shutil.copytree(runs[number].folder, tmp_path / "broken")
    changed(folder / "config.json", data_sha256="0" * 64)
    result = zoo("evaluate", folder)
    assert (result.code, "has changed" in result.err, "--csv" in result.err) == (1, True, hint)


def test_options_of_a_csv_need_one(zoo, runs):
    for option in (("--column", "Close"), ("--where", "Stock=A")):
        result = zoo("evaluate", runs[1].name, *option)
        assert (result.code, "go with --csv" in result.err) == (2, True)


def test_the_steps_past_the_end_are_bounded(zoo, runs):
    result = zoo("predict", runs[1].name, "--horizon", "100001")
    assert (result.code, "at most 100,000 steps" in result.err) == (2, True)


def test_another_column_of_other_data_is_told(zoo, runs, walk_csv):
    renamed = walk_csv.with_name("renamed.csv")
    renamed.write_text(walk_csv.read_text().replace("Close", "Price"))
    result = zoo("evaluate", runs[1].name, "--csv", renamed, "-q")
    assert (result.code, result.err) == (0, "'Price' is read as 'Close', which was trained on.\n")
    assert "is read as" not in zoo("evaluate", runs[1].name, "--csv", walk_csv).err


def test_what_comes_next_asks_for_no_more_than_a_window(zoo, zoo_json, runs, tmp_path):
    series = (tmp_path / "short.csv", "--column", "v")
    for rows, code in ((19, 1), (20, 0)):
        series[0].write_text("\n".join(["v", *(str(100 + row % 7) for row in range(rows))]))
        result = zoo("predict", runs[2].name, "--csv", *series, "--horizon", 3)
        assert result.code == code, result.err
        assert ("19 rows are too few for a window of 20." in result.err) == (rows == 19)
    forecasts = zoo_json("predict", runs[2].name, "--csv", *series, "--horizon", 3)
    assert [row["index"] for row in forecasts] == [20, 21, 22]
    scored = zoo("evaluate", runs[2].name, "--csv", *series)
    assert "20 rows are too few for a window of 20 and a horizon of 3." in scored.err


def test_an_output_that_is_a_pipe_stays_one(zoo, runs, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    result = zoo("predict", runs[1].name, "-o", "pipe")
    assert (result.code, "no regular file" in result.err) == (1, True)
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize(
    ("step", "first"),
    [("D", "2024-01-01"), ("m", "2024-01-01T00:00"), ("s", "2024-01-01T00:00:00")],
)
def test_all_dates_of_a_column_are_written_alike(step, first):
    from lstm_zoo.forecasting import named

    dates = np.datetime64("2024-01-01", "ns") + np.arange(3) * np.timedelta64(1, step)
    assert [len(named(dates)(row)) for row in range(3)] == [len(first)] * 3
    assert named(dates)(0) == first


def test_runs_lists_and_filters(zoo, zoo_json, runs):
    assert [entry["run"] for entry in zoo_json("runs")] == [str(run.folder) for run in runs]
    of_gru = zoo_json("runs", "--model", "gru")
    assert {(entry["model"], entry["metric"]) for entry in of_gru} == {("gru", "rmse")}
    assert len(of_gru) == 3
    assert zoo_json("runs", "--unfinished") == []
    assert runs[0].name in zoo("runs").out


def test_runs_named_are_listed_as_they_are_named(zoo_json, runs):
    listed = zoo_json("runs", "last", runs[0].name)
    assert [entry["run"] for entry in listed] == [str(runs[4].folder), str(runs[0].folder)]


def test_runs_side_by_side_tell_what_differs(zoo, zoo_json, runs):
    names = [run.name for run in runs[1:3]]
    found = zoo_json("runs", *names, "--compare")
    assert found["settings"] == {"data.horizon": [1, 3]}
    rmse = [run.metrics["test"]["rmse"] for run in runs[1:3]]
    assert found["scores"]["rmse"] == rmse
    assert found["scores"]["floor rmse"] == [run.metrics["floor"]["value"] for run in runs[1:3]]
    told = zoo("runs", *names, "--compare").out
    assert f"1: {runs[1].folder}\n2: {runs[2].folder}" in told
    assert re.search(r"data.horizon +1 +3 *\n", told)
    assert "A run has one seed: lstm-zoo compare trains from several" in told


def test_runs_side_by_side_are_two_at_least(zoo, runs):
    alone = zoo("runs", "last", "--compare")
    assert alone.code == 2
    assert "--compare takes two runs or more, and this is 1." in alone.err
    assert zoo("runs", "--compare", "--remove").code == 2


def test_old_runs_are_told_from_new_ones(zoo, zoo_json, folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    old, *new = list_runs(copy)
    ago = time.time() - 40 * 24 * 60 * 60
    os.utime(old.folder / "config.json", (ago, ago))
    listed = zoo_json("runs", "--older", 30, "--runs", copy)
    assert [entry["run"] for entry in listed] == [str(old.folder)]
    assert zoo("runs", "--older", 30, "--runs", copy, "--remove", "--yes").code == 0
    assert list_runs(copy) == new


def test_a_run_is_removed_by_its_name(zoo, folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    first, *others = list_runs(copy)
    twice = zoo("runs", first.name, first.folder, "--runs", copy, "--remove", "--yes")
    assert (twice.code, twice.err) == (0, "1 run removed.\n")
    assert list_runs(copy) == others
    (copy / "config.json").touch()  # not of a run
    stays = zoo("runs", copy, "--remove", "--yes")
    assert (stays.code, "lstm-zoo did not write it" in stays.err) == (0, True)
    assert list_runs(copy) == others


def test_verbose_shows_the_configuration_of_a_run(zoo, runs):
    result = zoo("evaluate", runs[0].name, "-v")
    assert json.dumps(runs[0].config.to_dict(), indent=2) in result.err
    assert "config" not in result.out


def test_runs_removes_after_a_question(zoo, broken, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    refused = zoo("runs", "--runs", tmp_path, "--remove")
    assert (refused.code, "--yes removes without a question" in refused.err) == (2, True)
    assert broken.exists()
    assert zoo("runs", "--runs", tmp_path, "--remove", "--yes").code == 0
    assert not broken.exists()


def test_ctrl_c_in_mid_epoch_ends_in_130_and_touches_nothing_finished(folder):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    command = [sys.executable, "-m", "lstm_zoo", "train", "lstm", "--epochs", "1000"]
    process = subprocess.Popen(
        [*command, "--runs", str(folder)], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    for line in process.stderr:
        if "epoch 2/" in line:
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out == ""
    assert "Interrupted" in err
    assert "Traceback" not in err
    assert {path: path.read_bytes() for path in before} == before
    unfinished = [run for run in list_runs(folder) if not run.finished]
    assert len(unfinished) == 1
    assert not (unfinished[0].folder / "metrics.json").exists()
    assert len((unfinished[0].folder / "history.csv").read_text().splitlines()) >= 4


INTERRUPTED = """
import sys, threading, _thread, time, signal, os
import keras
from lstm_zoo import __main__, recorder

def swallow(self, epoch, logs=None):
    '''What TensorFlow does to an interrupt that comes while it traces.'''
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)
    except KeyboardInterrupt:
        raise ValueError("None values not supported.")

recorder.Recorder.on_epoch_end = swallow
__main__.main()
"""


def test_an_interrupt_that_a_library_makes_an_error_of_is_one_all_the_same(tmp_path):
    command = ["compare", "lstm", "gru", "--jobs", "1", "--runs", str(tmp_path)]
    command += ["-o", f"{tmp_path}/results.json"]
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, *command], capture_output=True, text=True
    )
    assert done.returncode == 130
    assert "failed" not in done.stderr
    assert "Interrupted" in done.stderr
    assert not (tmp_path / "results.json").exists()


def test_runs_in_training_are_not_removed(folder, tmp_path):
    command = [sys.executable, "-m", "lstm_zoo", "train", "lstm", "--epochs", "1000"]
    process = subprocess.Popen(
        [*command, "--runs", str(tmp_path)],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    for line in process.stderr:
        if "epoch 1/" in line:
            break
    assert lstm_zoo(["runs", "--remove", "--yes", "--runs", str(tmp_path)]) == 0
    (run,) = list_runs(tmp_path)
    assert run.running
    process.kill()
    process.communicate()
    assert not run.running
    assert lstm_zoo(["runs", "--remove", "--yes", "--runs", str(tmp_path)]) == 0
    assert list_runs(tmp_path) == []


def test_a_terminal_shows_a_bar_and_a_closed_pipe_is_no_error(runs, tmp_path):
    """On a pseudo-terminal, in another process: with the numbers of the run in this one."""
    import pty

    main, end = pty.openpty()
    command = [sys.executable, "-m", "lstm_zoo", "train", "simple-rnn", "--epochs", "1"]
    process = subprocess.Popen(
        [*command, "--runs", str(tmp_path)], stdout=end, stderr=end, stdin=subprocess.DEVNULL
    )
    os.close(end)
    shown = b""
    while True:
        try:
            shown += os.read(main, 4096)
        except OSError:
            break
    assert process.wait() == 0
    text = shown.decode()
    assert "epoch 1/1" in text
    assert "Next: lstm-zoo compare" in text
    (run,) = list_runs(tmp_path)
    assert run.metrics["test"] == runs[0].metrics["test"]
    shell = f"set -o pipefail; {sys.executable} -m lstm_zoo show lstm | true"
    assert subprocess.run(["bash", "-c", shell], check=False).returncode == 0


def test_other_data_that_the_run_has_seen_are_no_test(zoo, runs, tmp_path):
    import matplotlib.cbook
    import pandas as pd

    with matplotlib.cbook.get_sample_data("goog.npz") as arrays:
        prices = pd.DataFrame(arrays["price_data"])[["date", "close"]]
    prices["close"] = prices["close"].astype(float)
    prices.to_csv(tmp_path / "same.csv", index=False)
    longer = prices.iloc[100:]
    longer.to_csv(tmp_path / "later.csv", index=False)
    options = ("--csv", tmp_path / "later.csv", "--column", "close")
    told = zoo("evaluate", runs[1].name, *options).err
    assert "no test of it" in told
    rows = 1047 - round(1047 * 0.2)  # before the test part
    assert f"{rows - 100 - 20:,} of the {1047 - 100 - 20:,} windows" in told


LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
from lstm_zoo.__main__ import main
main()
"""


def test_a_disk_that_takes_no_more_leaves_no_finished_run(tmp_path):
    """No file may pass 20 kB here: model.keras can't be written whole."""
    command = ["train", "lstm", "--epochs", "1", "--runs", str(tmp_path / "runs")]
    done = subprocess.run([sys.executable, "-c", LIMITED, *command], capture_output=True, text=True)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    (run,) = (tmp_path / "runs").iterdir()
    assert not Run(run).finished
