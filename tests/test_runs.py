import csv
import json
import math
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from lstm_zoo import records, runs
from lstm_zoo.checkpoint import State
from lstm_zoo.config import TRAINING, RunConfig
from lstm_zoo.errors import RunError
from lstm_zoo.records import read_json, write_json, write_text
from lstm_zoo.runs import History, Run, find, line, list_runs

CONFIG = RunConfig(
    model="lstm",
    variant="lstm:units=8",
    builder="a:b",
    params={},
    dataset="digits",
    loader="c:d",
    data={},
    train={p.name: p.default for p in TRAINING},
    seed=7,
    threads=1,
    backend="jax",
)
METRICS = {"schema": 1, "metric": {"name": "accuracy", "better": "higher"}}


@pytest.fixture
def noon(monkeypatch):
    """A clock that stands still."""

    class Noon(datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2026, 1, 2, 12, 0, 0)

    monkeypatch.setattr(runs, "datetime", Noon)


def recorded(folder: Path, name: str, age: int = 0, finished: bool = True) -> Run:
    run = Run(folder / name)
    run.folder.mkdir(parents=True)
    write_json(run.folder / "config.json", CONFIG.to_dict())
    if finished:
        write_json(
            run.folder / "metrics.json",
            METRICS
            | {"test": {"accuracy": 0.5}, "epochs": 3, "floor": {"name": "majority", "value": 0.1}},
        )
    os.utime(run.folder / "config.json", (1e9 - age, 1e9 - age))
    return run


def test_a_run_folder_is_named_after_what_runs_and_when(tmp_path, noon):
    run = runs.create(tmp_path / "deep" / "runs", CONFIG)
    assert run.folder == tmp_path / "deep" / "runs" / "lstm-digits-s7-20260102-120000"
    assert list(run.folder.iterdir()) == []
    assert not run.finished


def test_runs_that_start_in_the_same_second_do_not_meet(tmp_path, noon):
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: runs.create(tmp_path, CONFIG).name, range(40)))
    stem = "lstm-digits-s7-20260102-120000"
    assert sorted(made) == sorted([stem, *(f"{stem}-{n}" for n in range(2, 41))])


@pytest.mark.slow
def test_processes_that_start_in_the_same_second_do_not_meet(tmp_path):
    code = (
        "import sys, pathlib; from lstm_zoo import runs, config\n"
        f"c = config.RunConfig.from_dict({CONFIG.to_dict()!r})\n"
        "for _ in range(50): print(runs.create(pathlib.Path(sys.argv[1]), c).name)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    names = [name for process in started for name in process.communicate()[0].split()]
    assert len(names) == len(set(names)) == len(list(tmp_path.iterdir())) == 150


def test_a_run_is_found_by_name_by_path_and_as_the_last(tmp_path, monkeypatch):
    old, new = recorded(tmp_path, "b", age=9), recorded(tmp_path, "a")
    assert find("b", tmp_path) == old
    assert find("last", tmp_path) == new
    assert find(str(old.folder), tmp_path / "elsewhere") == old
    assert find(f"{old.folder}/", tmp_path / "elsewhere") == old
    monkeypatch.chdir(old.folder)
    assert find(".", Path("elsewhere")).name == "b"
    assert find("../a", Path("elsewhere")).name == "a"
    assert find("a", Path("..")).name == "a"


def test_a_run_that_cant_be_found_is_told_with_the_nearest(tmp_path):
    with pytest.raises(RunError, match=r"no run in .* yet: lstm-zoo train lstm makes one"):
        find("last", tmp_path)
    with pytest.raises(RunError, match=r"no run 'x' in .*\. lstm-zoo train lstm makes one"):
        find("x", tmp_path / "nowhere")
    recorded(tmp_path, "lstm-digits-s0-20260102-120000")
    with pytest.raises(RunError, match=r"no run 'lstm-digits-s1-20260102.*Did you mean lstm-dig"):
        find("lstm-digits-s1-20260102-120000", tmp_path)


def test_what_is_no_finished_run_is_told_as_what_it_is(tmp_path):
    recorded(tmp_path, "half", finished=False)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.txt").write_text("hello")
    with pytest.raises(RunError, match=r"The run .*half is unfinished: it has no metrics.json"):
        find("half", tmp_path)
    with pytest.raises(RunError, match="unfinished"):
        find("last", tmp_path)
    with pytest.raises(RunError, match=r"empty is not a run: it has no config.json"):
        find("empty", tmp_path)
    with pytest.raises(RunError, match=r"file.txt is not a run: it is a file"):
        find(str(tmp_path / "file.txt"), tmp_path)


@pytest.mark.parametrize(
    "name", ["..", "../..", "", "/", "~", "a\0b", "\x1b[31m", "*", "[", "\udcff"]
)
def test_a_strange_name_is_no_run(tmp_path, name):
    inner = tmp_path / "a" / "runs"
    recorded(inner, "real")
    with pytest.raises(RunError, match=r"is not a run|There is no run"):
        find(name, inner)


@pytest.mark.parametrize(
    "content, sentence",
    [
        (b"", "is damaged"),
        (b'{"schema": 1', "is damaged"),
        (b"\xff\xfe\0", "is damaged"),
        (b"[1]", "is damaged: it holds no JSON object"),
        (b"null", "is damaged: it holds no JSON object"),
        (b"[" * 100_000, "is damaged"),
        (b'{"a": ' + b"9" * 5000 + b"}", "is damaged"),
        (b"{}", "config.json does not fit this lstm-zoo"),
    ],
    ids=["empty", "cut", "binary", "list", "null", "deep", "digits", "no fields"],
)
def test_a_damaged_config_is_one_sentence_and_still_listed(tmp_path, content, sentence):
    run = recorded(tmp_path, "run")
    (run.folder / "config.json").write_bytes(content)
    with pytest.raises(RunError, match=sentence):
        _ = find("run", tmp_path).config
    assert [line(run)["model"] for run in list_runs(tmp_path)] == [None]
    assert line(run)["state"] == "damaged"


def test_a_json_file_that_cant_be_read_is_named(tmp_path):
    with pytest.raises(RunError, match=r"There is no .*metrics.json"):
        _ = Run(tmp_path).metrics
    with pytest.raises(RunError, match=r"can't be read: Is a directory"):
        read_json(tmp_path)


def test_runs_are_listed_the_oldest_first(tmp_path):
    names = ["c", "a", "b"]
    for age, name in enumerate(names):
        recorded(tmp_path, name, age=age, finished=name != "a")
    recorded(tmp_path, "a2", age=1)
    (tmp_path / "not a run").mkdir()
    (tmp_path / "file").touch()
    assert [run.name for run in list_runs(tmp_path)] == ["b", "a", "a2", "c"]
    assert [run.finished for run in list_runs(tmp_path)] == [True, False, True, True]
    assert list_runs(tmp_path / "nowhere") == []


def test_a_line_has_a_runs_main_score(tmp_path):
    run = recorded(tmp_path, "run")
    expected = {
        "run": str(run.folder),
        "state": "finished",
        "variant": "lstm:units=8",
        "model": "lstm",
        "dataset": "digits",
        "seed": 7,
        "epochs": 3,
        "metric": "accuracy",
        "score": 0.5,
        "floor": 0.1,
    }
    assert line(run) == expected
    empty = {"state": "damaged", "metric": None, "score": None, "epochs": None, "floor": None}
    for metrics in ({}, {"metric": 3}, {"metric": {"name": "accuracy"}, "test": []}):
        write_json(run.folder / "metrics.json", metrics)
        assert line(run) == expected | empty
    (run.folder / "metrics.json").unlink()
    assert line(run) == expected | empty | {"state": "unfinished"}
    with runs.held(run):
        assert line(run)["state"] == "running"
    assert line(run)["state"] == "unfinished"


def test_a_run_is_removed_whole(tmp_path):
    run, other = recorded(tmp_path, "run"), recorded(tmp_path, "other")
    (run.folder / "plots").mkdir()
    (run.folder / "plots" / "a.png").touch()
    assert runs.remove(run)
    assert list_runs(tmp_path) == [other]
    assert not run.folder.exists()


def test_a_half_removed_run_does_not_count(tmp_path, monkeypatch):
    run = recorded(tmp_path, "run")

    def fail(folder):
        raise OSError("stuck")

    monkeypatch.setattr(runs.shutil, "rmtree", fail)
    with pytest.raises(OSError, match="stuck"):
        runs.remove(run)
    assert not run.finished


def test_what_has_changed_since_it_was_chosen_stays(tmp_path):
    run = recorded(tmp_path, "run")
    assert not runs.remove(run, unfinished=True)
    with runs.held(run):
        assert not runs.remove(run)
    assert run.finished and runs.remove(run)


def test_a_folder_of_another_program_stays_and_a_damaged_run_of_ours_goes(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text('{"model_type": "bert"}')
    assert not runs.remove(Run(tmp_path / "model"))
    assert line(Run(tmp_path / "model"))["state"] == "damaged"
    (tmp_path / "model" / "environment.json").touch()
    assert runs.remove(Run(tmp_path / "model"))


def test_a_run_that_goes_while_it_is_listed_is_no_error(tmp_path):
    assert line(Run(tmp_path / "gone"))["state"] == "damaged"


def test_json_is_strict():
    value = {
        "nan": math.nan,
        "inf": [math.inf, -math.inf],
        "tuple": (1, 2.5),
        "scalars": [np.float32(0.5), np.int64(3), np.bool_(True), np.float64("nan"), np.str_("a")],
        "array": np.array([[1.0, np.nan]]),
        "one": np.array([3]),
        "none": None,
        "truth": True,
        3: "a key",
        "ä": "ö",
    }
    text = records.dumps(value)
    assert "ä" in text

    def refuse(name):
        raise AssertionError(name)

    assert json.loads(text, parse_constant=refuse) == {
        "nan": None,
        "inf": [None, None],
        "tuple": [1, 2.5],
        "scalars": [0.5, 3, True, None, "a"],
        "array": [[1.0, None]],
        "one": [3],
        "none": None,
        "truth": True,
        "3": "a key",
        "ä": "ö",
    }


def test_a_float_comes_back_bit_for_bit():
    numbers = [0.1 + 0.2, 1e-308, 5e-324, 1.7976931348623157e308, -0.0]
    assert [x.hex() for x in json.loads(records.dumps(numbers))] == [x.hex() for x in numbers]


def test_a_file_name_that_is_no_utf8_comes_back(tmp_path):
    name = os.fsdecode(b"pr\xffices.csv")
    write_json(tmp_path / "config.json", {"csv": name})
    assert read_json(tmp_path / "config.json") == {"csv": name}


def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "metrics.json"
    write_text(path, "old")

    def full(handle):
        raise OSError(28, "No space left on device")

    with pytest.raises(UnicodeEncodeError):
        write_text(path, "new \udcff")
    monkeypatch.setattr(runs.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupted_write_leaves_nothing(tmp_path, monkeypatch):
    def interrupt(handle):
        raise KeyboardInterrupt

    monkeypatch.setattr(runs.os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_json(tmp_path / "metrics.json", {})
    assert list(tmp_path.iterdir()) == []


def test_a_written_file_has_the_rights_of_any_new_file(tmp_path):
    write_text(tmp_path / "ours", "text")
    (tmp_path / "theirs").touch()
    rights = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("ours", "theirs")]
    assert rights[0] == rights[1]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"epoch,loss\n1,none\n", "it holds no numbers by epoch"),
        (b"epoch,loss\n,0.5\n", "it holds no numbers by epoch"),
        (b"epoch,loss\n1,0.5,3\n", "it holds no numbers by epoch"),
        (b"epoch,loss\n\x00\x00\n", "it holds no numbers by epoch"),
        (b"\xff\n", "it holds no numbers by epoch"),
        (None, "There is no "),
    ],
)
def test_a_history_that_is_none_is_told(tmp_path, content, told):
    if content:
        (tmp_path / "history.csv").write_bytes(content)
    with pytest.raises(RunError, match=told):
        runs.read_history(Run(tmp_path))


def test_a_row_that_a_kill_cut_short_is_left_out_of_the_history(tmp_path):
    (tmp_path / "history.csv").write_text("epoch,loss,val_loss\n0,,0.5\n1,0.25,0.1\n2,0.1")
    first, second = runs.read_history(Run(tmp_path))
    assert first == {"epoch": 0, "loss": None, "val_loss": 0.5}
    assert second == {"epoch": 1, "loss": 0.25, "val_loss": 0.1}
    assert type(first["epoch"]) is int


def test_a_history_is_on_disk_row_by_row(tmp_path):
    path = tmp_path / "history.csv"
    history = History(path)
    assert history.rows == []
    history.append({"epoch": 0, "loss": None, "val_loss": 0.5})
    assert path.read_bytes() == b"epoch,loss,val_loss\n0,,0.5\n"
    history.append({"epoch": 1, "val_loss": 0.25, "loss": 1 / 3})
    history.append({"epoch": 2, "loss": 0.125})
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["epoch", "loss", "val_loss"],
        ["0", "", "0.5"],
        ["1", repr(1 / 3), "0.25"],
        ["2", "0.125", ""],
    ]
    assert State(history.rows).columns["loss"] == [None, 1 / 3, 0.125]
    assert State(history.rows).columns["val_loss"] == [0.5, 0.25, None]
    again = History(path, history.rows[:2])
    again.append({"epoch": 2, "loss": 0.5})
    with path.open(newline="") as file:
        assert list(csv.reader(file)) == [*rows[:3], ["2", "0.5", ""]]


def test_the_runs_folder_is_the_option_or_the_environments(monkeypatch):
    monkeypatch.setenv("LSTM_ZOO_RUNS", "there")
    assert runs.runs_folder("here") == Path("here")
    assert runs.runs_folder(None) == Path("there")
    monkeypatch.delenv("LSTM_ZOO_RUNS")
    assert runs.runs_folder(None) == Path("runs")


def test_a_place_that_cant_be_written_is_told_beforehand(tmp_path):
    with pytest.raises(RunError, match=r"new can't be written: No such file"):
        records.check_writable(tmp_path / "new" / "results.json")
    runs.prepare_folder(tmp_path / "new" / "runs")
    records.check_writable(tmp_path / "new" / "results.json")
    assert list((tmp_path / "new" / "runs").iterdir()) == []
    with pytest.raises(RunError, match=r"new is a folder, and a file is to be written there"):
        records.check_writable(tmp_path / "new")
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"file can't be written: Not a directory"):
        records.check_writable(tmp_path / "file" / "results.json")
    with pytest.raises(RunError, match=r"deep can't be written: Not a directory"):
        records.check_writable(tmp_path / "file" / "deep" / "results.json")


def test_a_folder_without_the_right_to_write_is_told_beforehand(tmp_path, monkeypatch):
    def refuse(dir):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(records.tempfile, "TemporaryFile", refuse)
    with pytest.raises(RunError, match=f"^{tmp_path} can't be written: Permission denied.$"):
        records.check_writable(tmp_path / "results.json")


def test_what_is_no_regular_file_is_never_replaced(tmp_path):
    pipe, link, circle = tmp_path / "pipe", tmp_path / "link", tmp_path / "circle"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    circle.symlink_to(circle)
    for file in (pipe, link, circle):
        for write in (records.check_writable, lambda file: write_text(file, "text")):
            with pytest.raises(RunError, match=rf"^{file} is no regular file, and is not replaced"):
                write(file)
    assert stat.S_ISFIFO(pipe.lstat().st_mode)
    assert link.is_symlink()
    assert sorted(tmp_path.iterdir()) == [circle, link, pipe]


@pytest.mark.parametrize("there", [True, False])
def test_a_file_is_written_through_a_link(tmp_path, there):
    (tmp_path / "deep").mkdir()
    target, link = tmp_path / "deep" / "out.csv", tmp_path / "link.csv"
    link.symlink_to(Path("deep") / "out.csv")
    if there:
        target.write_text("old")
    records.check_writable(link)
    write_text(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert list((tmp_path / "deep").iterdir()) == [target]


def test_a_link_into_nowhere_cant_be_written(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "nowhere" / "out.csv")
    with pytest.raises(RunError, match=r"nowhere can't be written: No such file"):
        records.check_writable(tmp_path / "link")


def test_a_place_that_cant_be_looked_at_is_told_as_one_that_cant_be_written(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied", "a path of ours")

    monkeypatch.setattr(Path, "lstat", refuse)
    monkeypatch.setattr(records.tempfile, "TemporaryFile", refuse)
    with pytest.raises(RunError, match=f"^{tmp_path} can't be written: Permission denied.$"):
        records.check_writable(tmp_path / "results.json")


def test_a_file_where_the_runs_folder_should_be_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"runs folder .*file can't be made: it is a file\."):
        runs.prepare_folder(tmp_path / "file")


def test_a_run_may_be_called_run(tmp_path):
    recorded(tmp_path, "run")
    runs.prepare_folder(tmp_path)


def test_of_a_linked_run_only_the_link_is_removed(tmp_path):
    real = recorded(tmp_path / "elsewhere", "real")
    (tmp_path / "runs").mkdir()
    link = tmp_path / "runs" / "link"
    link.symlink_to(real.folder)
    (run,) = list_runs(tmp_path / "runs")
    runs.remove(run)
    assert not link.is_symlink()
    assert real.finished


@pytest.mark.parametrize(
    "change",
    [
        {"test": {"accuracy": "x"}},
        {"test": {"accuracy": [0.5]}},
        {"floor": {"name": "majority", "value": "x"}},
        {"epochs": {}},
    ],
)
def test_a_score_that_is_no_number_is_damaged(tmp_path, change):
    run = recorded(tmp_path, "run")
    write_json(run.folder / "metrics.json", run.metrics | change)
    entry = line(run)
    assert (entry["state"], entry["score"], entry["floor"]) == ("damaged", None, None)


def test_a_score_that_was_not_a_number_is_null_and_no_damage(tmp_path):
    run = recorded(tmp_path, "run")
    write_json(run.folder / "metrics.json", run.metrics | {"test": {"accuracy": math.nan}})
    assert (line(run)["state"], line(run)["score"]) == ("finished", None)


def test_a_config_out_of_range_is_told_with_its_run(tmp_path):
    run = recorded(tmp_path, "run")
    write_json(run.folder / "config.json", CONFIG.to_dict() | {"threads": -1})
    with pytest.raises(RunError, match=rf"^{run.folder}: config.json is damaged .*'threads'"):
        _ = run.config
