"""Long series: what is in files, what that changes (nothing), and what memory it takes."""

import os
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lstm_zoo import disk, evaluation, lag, metrics, statistics
from lstm_zoo.batches import Batches
from lstm_zoo.data import Part, Series, digest
from lstm_zoo.datasets.prices import load
from lstm_zoo.preparation import prepare_series
from lstm_zoo.tasks import task_of

ROWS = 1_000_000
STATM = Path("/proc/self/statm")
needs_proc = pytest.mark.skipif(not STATM.exists(), reason="needs /proc")


@pytest.fixture
def short(monkeypatch):
    """Arrays of a few hundred bytes are long already."""
    monkeypatch.setattr(disk, "LARGE", 256)
    monkeypatch.setattr(disk, "STRETCH", 7)


def walk(rows: int, columns: int = 1) -> Series:
    steps = np.random.default_rng(0).normal(size=(rows, columns))
    return Series(50 + steps.cumsum(axis=0), tuple("abc"[:columns]))


def prepared(raw: Series, **params):
    return prepare_series(raw, np.random.default_rng(0), **params)


def test_what_is_gathered_is_whole_whether_in_memory_or_in_a_file(monkeypatch):
    pieces = [np.arange(6.0).reshape(3, 2), np.ones((0, 2)), np.arange(4.0).reshape(2, 2).T]
    whole = np.concatenate(pieces)
    assert np.array_equal(disk.gathered(pieces), whole)
    monkeypatch.setattr(disk, "LARGE", 1)
    in_file = disk.gathered(pieces)
    disk.forget()
    assert np.array_equal(in_file, whole)
    assert not in_file.flags.writeable
    dates = np.array(["2020-01-01", "2021-01-01"], "datetime64[ns]")
    assert np.array_equal(disk.gathered([dates, dates]), np.tile(dates, 2))


def test_stretches_are_all_rows_once(short):
    assert [*disk.stretches(15)] == [slice(0, 7), slice(7, 14), slice(14, 15)]
    assert [*disk.stretches(0)] == [slice(0, 0)]


def test_an_archive_is_the_one_that_numpy_writes(tmp_path, short):
    arrays = {"a": np.arange(60.0).reshape(20, 3), "b": np.arange(20)[::-1], "c": np.ones(0)}
    disk.save(tmp_path / "ours.npz", arrays)
    np.savez_compressed(tmp_path / "numpy.npz", **arrays)
    with np.load(tmp_path / "ours.npz") as ours, np.load(tmp_path / "numpy.npz") as theirs:
        assert {**ours}.keys() == {**theirs}.keys()
        assert all(np.array_equal(ours[name], theirs[name]) for name in arrays)
        assert all(ours[name].dtype == theirs[name].dtype for name in arrays)


@pytest.mark.parametrize("params", [{}, {"horizon": 3}, {"targets": "sequence"}], ids=str)
def test_a_long_series_makes_the_same_dataset_and_scores(monkeypatch, params):
    def made() -> list:
        dataset = prepared(walk(300, 2), window=10, period=5, **params)
        task, test = task_of(dataset), dataset.test
        answers = task.truth(test) + np.random.default_rng(1).normal(size=(len(test), 1))
        floors = task.floors()
        fitted = [dataset.framing.input_offset, dataset.framing.input_scale]
        numbers = [*task.scores(answers, test).values(), task.p_beats(answers, floors["drift"])]
        taken = [array for part in dataset.parts.values() for array in part.take(slice(None))]
        return [*taken, *floors.values(), *task.record(answers).values(), *fitted, numbers]

    whole = made()
    monkeypatch.setattr(disk, "LARGE", 256)
    monkeypatch.setattr(disk, "STRETCH", 7)
    for one, other in zip(whole, made(), strict=True):
        assert np.allclose(one, other, rtol=1e-12, atol=1e-6)


def test_digests_means_and_tests_do_not_depend_on_the_stretches(monkeypatch):
    raw, (a, b) = walk(300), np.random.default_rng(2).random((2, 300))
    values, rows = raw.values[:, 0], np.arange(20, 300)

    def made() -> list:
        lags = lag.detect(values[19:-1], values, rows, 1, improves=False)
        tested = statistics.diebold_mariano(a, b, 3)
        return [digest(raw), lags, np.round(tested, 9).tolist(), round(metrics.rmse(a, b), 12)]

    whole = made()
    monkeypatch.setattr(disk, "LARGE", 256)
    monkeypatch.setattr(disk, "STRETCH", 7)
    assert made() == whole


def test_a_csv_reads_the_same_in_chunks(tmp_path, monkeypatch):
    dates = pd.date_range("2020-01-01", periods=100).astype(str)
    frame = pd.DataFrame({"date": dates, "value": np.arange(100) / 7}).astype(str)
    frame.loc[20, "value"], frame.loc[40, "value"], frame.loc[60, "date"] = "", "halted", "Source"
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame[["value"]].to_csv(tmp_path / "b.csv", index=False)

    def made(name: str) -> tuple:
        raw = load(csv=str(tmp_path / name), column="value")
        return digest(raw), raw.notes

    whole = [made("a.csv"), made("b.csv")]
    assert "Left out 2 rows that could not be read: line 42" in " ".join(whole[0][1])
    monkeypatch.setattr(disk, "LARGE", 256)
    monkeypatch.setattr(disk, "STRETCH", 7)
    assert [made("a.csv"), made("b.csv")] == whole


@pytest.mark.parametrize("form, sep", [("%d/%m/%Y", ","), ("%Y-%m-%dT%H:%M:%S+02:00", ";")])
def test_dates_that_all_rows_settle_are_read_in_chunks_too(tmp_path, short, form, sep):
    dates = pd.date_range("2020-01-01", periods=40)
    frame = pd.DataFrame({"date": dates.strftime(form), "value": np.arange(40)})
    frame.to_csv(tmp_path / "a.csv", index=False, sep=sep)
    assert np.array_equal(load(csv=str(tmp_path / "a.csv")).dates, dates.to_numpy())


def test_the_rows_of_one_series_are_found_in_any_chunk(tmp_path, short):
    names = ["A"] * 30 + ["B"] * 30
    frame = pd.DataFrame({"name": names, "value": np.arange(60)})
    frame.to_csv(tmp_path / "a.csv", index=False)
    raw = load(csv=str(tmp_path / "a.csv"), column="value", where="name=B")
    assert raw.values[:, 0].tolist() == [*range(30, 60)]


def test_the_order_of_batches_is_that_of_a_permutation():
    dataset = prepared(walk(500), window=5)
    batches = Batches(dataset.train, 32, np.random.SeedSequence(3, spawn_key=(1,)))
    batches.shuffle(4)
    stream = np.random.SeedSequence(3, spawn_key=(1, 4))
    order = np.random.default_rng(stream).permutation(len(dataset.train))
    assert np.array_equal(batches[2][0], dataset.train.take(order[64:96])[0])


@pytest.fixture(scope="module")
def long():
    return walk(ROWS)


def test_preparing_a_series_takes_little_memory_whatever_its_window(long):
    tracemalloc.start()
    dataset = prepared(long, window=60)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * 4 * ROWS + 2 * disk.LARGE
    assert dataset.train.x.shape == (ROWS - 59, 60, 1)
    assert not dataset.train.x.flags.owndata


def test_a_batch_is_cut_in_one_go(long, monkeypatch):
    dataset, taken = prepared(long, window=60), []
    batches = Batches(dataset.train, 4096, np.random.SeedSequence(0))
    batches.shuffle(0)
    take = type(dataset.train).take
    monkeypatch.setattr(
        type(dataset.train), "take", lambda part, places: taken.append(places) or take(part, places)
    )
    x, y = batches[3]
    assert (x.shape, y.shape) == ((4096, 60, 1), (4096, 1))
    assert len(taken) == 1
    chosen = dataset.train.places.start + taken[0]
    assert np.array_equal(x[7], dataset.train.x[chosen[7]])


def resident() -> int:
    """The bytes of this process in memory."""
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


class Watched:
    """A model that remembers how much memory there was in use at each batch."""

    def __init__(self):
        self.resident = []

    def predict_on_batch(self, x):
        self.resident.append(resident())
        return x


@needs_proc
def test_to_answer_a_spread_share_of_a_file_does_not_take_the_whole_file():
    x = disk.gathered(np.arange(n, n + (1 << 20), dtype=np.float64)[:, None] for n in range(8))
    share, model = Part(x, x, range(len(x))).thinned(4096), Watched()
    disk.forget()
    before = resident()
    found = evaluation.outputs(model, share, 256, every_step=False)
    assert np.array_equal(found, x[share.places])
    assert max(model.resident) < before + x.nbytes // 2


@needs_proc
def test_what_is_forgotten_takes_no_memory():
    whole = disk.gathered(np.ones(1 << 20) for _ in range(8))
    disk.forget()
    before = resident()
    assert whole.sum() == 1 << 23
    after = resident()
    disk.forget()
    assert after - before > whole.nbytes // 2
    assert resident() < before + whole.nbytes // 4
