import dataclasses
import hashlib
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_zoo import preparation
from lstm_zoo.data import Examples, Outputs, Part, Parts, Series, digest
from lstm_zoo.errors import DataError, RunError
from lstm_zoo.framing import Framing
from lstm_zoo.preparation import prepare_series

# The changes from row to row are 1, 2, 3, …
GROWING = np.array([1, 2, 4, 7, 11, 16, 22, 29, 37, 46], float)


def series(*columns: np.ndarray, target: int = 0) -> Series:
    names = tuple("abc"[: len(columns)])
    return Series(np.stack(columns, axis=1).astype(float), names, target)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def prepared(values=GROWING, **params):
    raw = values if isinstance(values, Series) else series(values)
    defaults = {"window": 3, "scaling": "none", "validation": 0.2, "test": 0.2}
    return prepare_series(raw, rng(), **(defaults | params))


def places(dataset) -> dict[str, list[int]]:
    return {name: part.index.tolist() for name, part in dataset.parts.items()}


def test_windows_and_targets_by_hand():
    dataset = prepared(predict="level")
    x, y = dataset.train.take(slice(None))
    assert x.tolist() == [[[1], [2], [4]], [[2], [4], [7]], [[4], [7], [11]]]
    assert y.tolist() == [[7], [11], [16]]
    assert dataset.test.take(slice(None))[0].tolist() == [[[16], [22], [29]], [[22], [29], [37]]]
    assert dataset.test.take(slice(None))[1].tolist() == [[37], [46]]
    assert (x.dtype, y.dtype) == (np.float32, np.float32)
    assert dataset.input_shape == (3, 1)
    assert dataset.outputs == Outputs(1, "values", every_step=False, zero_start=False)


def test_a_change_is_divided_by_the_spread_of_the_training_parts_changes():
    dataset = prepared()
    # The training rows are 1 … 16, their changes 1 … 5, of a standard deviation of √2.
    assert dataset.framing.target_scale == (pytest.approx(2**0.5, rel=1e-12),)
    y = dataset.train.take(slice(None))[1]
    assert y.ravel() == pytest.approx(np.array([3, 4, 5]) / 2**0.5)
    assert dataset.outputs == Outputs(1, "values", every_step=False, zero_start=True)


def test_several_horizons_by_hand():
    dataset = prepared(horizon=3, validation=0, test=0.3)
    # Seven training rows, 1 … 22: changes over 1, 2 and 3 rows.
    spread = [np.std(c) for c in ([1, 2, 3, 4, 5, 6], [3, 5, 7, 9, 11], [6, 9, 12, 15])]
    assert dataset.framing.target_scale == pytest.approx(spread)
    y = dataset.train.take(slice(None))[1]
    assert y == pytest.approx(np.array([[3, 7, 12], [4, 9, 15]]) / spread)
    # The windows that start at 2 and 3 have targets on both sides of row 7.
    assert places(dataset) == {"train": [0, 1], "test": [4]}
    assert dataset.outputs.size == 3


def test_a_target_at_every_step_by_hand():
    level = prepared(predict="level", targets="sequence")
    assert level.train.take(slice(None))[1].tolist() == [
        [[2], [4], [7]],
        [[4], [7], [11]],
        [[7], [11], [16]],
    ]
    change = prepared(targets="sequence", horizon=2, validation=0, test=0.3)
    y, scale = change.train.take(slice(None))[1], np.array(change.framing.target_scale)
    assert y[0] * scale == pytest.approx(np.array([[1, 3], [2, 5], [3, 7]]))
    assert change.outputs == Outputs(2, "values", every_step=True, zero_start=True)


def test_every_target_is_the_input_one_step_on():
    dataset = prepared(predict="level", targets="sequence", scaling="standard")
    for part in dataset.parts.values():
        x, y = part.take(slice(None))
        assert np.array_equal(x[:, 1:], y[:, :-1])


@pytest.mark.parametrize("scaling, offset, scale", [("min-max", 1, 15), ("none", 0, 1)])
def test_a_scaler_is_fitted_on_the_training_rows(scaling, offset, scale):
    dataset = prepared(scaling=scaling, predict="level")
    x, y = dataset.test.take(slice(None))
    assert x[0].ravel() == pytest.approx((GROWING[5:8] - offset) / scale)
    assert y.ravel() == pytest.approx((GROWING[8:] - offset) / scale)


def test_the_standard_scaler_leaves_the_training_rows_with_mean_0_and_spread_1():
    framing = prepared(scaling="standard").framing
    scaled = framing.inputs(GROWING[:6, None])[:, 0].ravel().tolist()
    scaled += framing.inputs(GROWING[:6, None])[-1, 1:].ravel().tolist()
    assert np.mean(scaled) == pytest.approx(0, abs=1e-6)
    assert np.std(scaled) == pytest.approx(1)


def test_each_column_has_its_own_scale_and_the_target_is_one_of_them():
    raw = series(GROWING, 100 * GROWING, target=1)
    dataset = prepared(raw, scaling="min-max", predict="level")
    x, y = dataset.train.take(slice(None))
    assert np.allclose(x[:, :, 0], x[:, :, 1])
    assert y.ravel() == pytest.approx((GROWING[3:6] - 1) / 15)
    change = prepared(raw)
    assert change.framing.target_scale == (pytest.approx(100 * 2**0.5),)
    assert change.framing.answers(raw.values)[0] == pytest.approx(300 / (100 * 2**0.5))


def test_the_default_split_is_70_10_20_and_reaches_back():
    dataset = prepare_series(series(np.arange(1000.0) ** 1.5), rng(), window=60)
    assert [len(part) for part in dataset.parts.values()] == [700 - 60, 100, 200]
    assert places(dataset)["test"] == list(range(740, 940))


def test_a_strict_part_sees_nothing_before_its_cut():
    values = np.arange(12.0) ** 2
    dataset = prepared(values, window=2, validation=0.25, test=0.25, split="strict")
    assert places(dataset) == {"train": [0, 1, 2, 3], "validation": [6], "test": [9]}


def test_without_a_validation_part_its_rows_are_trained_on():
    dataset = prepared(validation=0)
    assert dataset.validation is None
    assert places(dataset) == {"train": [0, 1, 2, 3, 4], "test": [5, 6]}


choices = st.fixed_dictionaries(
    {
        "window": st.integers(1, 7),
        "horizon": st.integers(1, 4),
        "predict": st.sampled_from(["change", "level"]),
        "targets": st.sampled_from(["last", "sequence"]),
        "scaling": st.sampled_from(["standard", "min-max", "none"]),
        "validation": st.sampled_from([0, 0.05, 0.1, 0.3, 0.5]),
        "test": st.sampled_from([0.05, 0.2, 0.5]),
        "split": st.sampled_from(["past", "strict"]),
    }
)
walks = st.integers(10, 120).map(lambda rows: rng().normal(size=(rows, 2)))


def by_definition(rows: int, params: dict) -> dict[str, list[int]]:
    """The examples of each part, one at a time."""
    test = range(rows - round(rows * params["test"]), rows)
    held = range(test.start - round(rows * params["validation"]), test.start)
    parts = {"train": range(held.start), "validation": held, "test": test}
    found = {name: [] for name in parts if name != "validation" or params["validation"]}
    for start in range(rows - params["window"] - params["horizon"] + 1):
        seen = range(start, start + params["window"])
        asked = range(seen.stop, seen.stop + params["horizon"])
        needed = {*asked, *seen} if params["split"] == "strict" else {*asked}
        for name in found:
            if needed <= set(parts[name]):
                found[name].append(start)
    return found


@settings(deadline=None)
@given(walks, choices)
def test_an_example_belongs_to_the_part_in_which_all_its_targets_lie(values, params):
    expected = by_definition(len(values), params)
    try:
        dataset = prepare_series(series(*values.T), rng(), **params)
    except DataError:
        assert not all(expected.values())
        return
    assert places(dataset) == expected
    for part in dataset.parts.values():
        x, y = part.take(slice(None))
        last = part.index + params["window"] - 1
        answers = (y[:, -1] if y.ndim == 3 else y).astype(float)
        true = values[last[:, None] + np.arange(1, params["horizon"] + 1), 0]
        assert np.allclose(dataset.framing.to_units(answers, values[last, 0]), true, atol=1e-5)
        offset, scale = dataset.framing.input_offset, dataset.framing.input_scale
        assert np.allclose(x[:, -1] * scale + offset, values[last], atol=1e-5)


@settings(deadline=None)
@given(walks, choices, st.data())
def test_no_later_value_reaches_an_earlier_part(values, params, draw):
    try:
        before = prepare_series(series(*values.T), rng(), **params)
    except DataError:
        return
    rows = len(values)
    test = rows - round(rows * params["test"])
    held = test - round(rows * params["validation"])
    cut = draw.draw(st.sampled_from([held, test]))
    changed = values.copy()
    changed[cut:] = changed[cut:] * -1e6 + 1e9
    after = prepare_series(series(*changed.T), rng(), **params)
    assert after.framing == before.framing
    safe = ["train"] if cut == held else [name for name in before.parts if name != "test"]
    for name in safe:
        for one, other in zip(
            before.parts[name].take(slice(None)), after.parts[name].take(slice(None)), strict=True
        ):
            assert one.tobytes() == other.tobytes()


def test_windows_are_views_and_the_parts_share_them():
    dataset = prepare_series(series(np.arange(500.0) ** 2), rng(), window=50, targets="sequence")
    for whole in (dataset.train.x, dataset.train.y):
        assert np.shares_memory(whole[0], whole[1])
        assert whole.base is not None
    for part in (dataset.validation, dataset.test):
        assert part.x is dataset.train.x
        assert part.y is dataset.train.y


def test_what_is_taken_is_a_copy():
    dataset = prepared()
    x, y = dataset.train.take(slice(0, 2))
    assert len(x) == len(y) == 2
    x[:], y[:] = 99, 99
    assert not np.any(dataset.train.take(slice(None))[0] == 99)
    again = dataset.train.take(np.array([2, 0]))[0]
    assert again[:, 0, 0].tolist() == [4, 1]


@pytest.mark.parametrize("places", [range(3, 13), np.arange(3, 13)])
def test_a_part_is_thinned_evenly_and_a_short_one_is_whole(places):
    numbers = np.arange(20)
    part = Part(numbers, -numbers, places)
    assert part.thinned(4).take(slice(None))[0].tolist() == [3, 6, 9, 12]
    assert part.thinned(4).take(np.array([2, 0]))[1].tolist() == [-9, -3]
    assert part.thinned(10) is part


def test_a_long_training_part_alone_is_scored_on_a_share():
    def examples(count):
        return Examples(np.zeros((count, 1, 1), np.float32), np.zeros((count, 1), np.float32))

    parts = Parts(examples(25_000), examples(35_000))
    dataset = preparation.prepare_parts(parts, rng(), validation=0.0)
    counts = {name: len(part) for name, part in dataset.scored.items()}
    assert counts == {"train": 8334, "test": 35_000}


@settings(deadline=None)
@given(
    st.sampled_from(["change", "level"]),
    st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=2),
    st.floats(-1e6, 1e6),
)
def test_units_and_scale_undo_each_other(predict, future, last):
    framing = Framing(
        ("a",), 0, 3, 2, predict, "last", (5.0,), (2.0,), 5.0 * (predict == "level"), (2.0, 3.0)
    )
    scaled = framing.to_scale(np.array([future]), np.array([last]))
    offset = last if predict == "change" else 5.0
    assert scaled[0] == pytest.approx([(future[0] - offset) / 2, (future[1] - offset) / 3])
    assert framing.to_units(scaled, np.array([last]))[0] == pytest.approx(future, abs=1e-8)
    assert framing.to_units(scaled[0], last) == pytest.approx(future, abs=1e-8)


@pytest.mark.parametrize("scaling", ["standard", "min-max", "none"])
@pytest.mark.parametrize("predict", ["change", "level"])
@pytest.mark.parametrize("value", [0.1, 123456.789, 0.0, -3.3e9])
def test_a_constant_series_has_a_scale_of_1(scaling, predict, value):
    # The standard deviation of 733 times 0.1 is 1.4e-17 in floating point, and no scale.
    dataset = prepared(np.full(733, value), scaling=scaling, predict=predict, horizon=2)
    assert dataset.framing.input_scale == (1.0,)
    assert dataset.framing.target_scale == (1.0, 1.0)
    assert np.abs(dataset.test.take(slice(None))[0] - (scaling == "none") * value).max() < 1e-6 * (
        1 + abs(value)
    )


def test_a_steady_climb_has_no_spread_of_changes():
    for step in (1.0, 0.1, 1e-7):
        dataset = prepared(step * np.arange(700), horizon=2)
        assert dataset.framing.target_scale == (1.0, 1.0)
        assert dataset.test.take(slice(None))[1] == pytest.approx(
            np.tile([step, 2 * step], (139, 1))
        )


def test_a_small_spread_on_a_high_level_is_kept():
    values = 1e9 + 1e-3 * rng().normal(size=700)
    assert prepared(values, scaling="standard").framing.input_scale[0] == pytest.approx(1e-3, 0.1)


@pytest.mark.parametrize(
    "params, sentence",
    [
        ({"window": 6}, r"window of 6 and a horizon of 1 are too long for the 6 rows of the train"),
        ({"window": 10**30}, r"are too long for the 6 rows of the training part \(of 10 in all\)"),
        ({"horizon": 4}, "are too long for the 6 rows"),
        ({"horizon": 3}, "leave the validation part of the 10 rows without any example"),
        ({"horizon": 3, "validation": 0}, "leave the test part of the 10 rows without any"),
        ({"split": "strict"}, "leave the validation part of the 10 rows without any example"),
        ({"test": 0}, "validation=0.2 and test=0 leave a part of the 10 rows empty"),
        ({"validation": 0.01}, "validation=0.01 and test=0.2 leave a part of the 10 rows empty"),
        ({"validation": 0.5, "test": 0.5}, "leave a part of the 10 rows empty"),
        ({"validation": 0.9, "test": 0.9}, "leave a part of the 10 rows empty"),
    ],
)
def test_what_leaves_a_part_empty_is_told(params, sentence):
    with pytest.raises(DataError, match=sentence):
        prepared(**params)


def test_a_series_of_a_few_rows_is_told():
    for rows in range(4):
        with pytest.raises(DataError, match=f"{rows} rows"):
            prepare_series(series(np.arange(float(rows))), rng())


def test_a_framing_comes_back_from_json_as_it_was():
    raw = series(rng().normal(size=100), rng(1).normal(size=100))
    dataset = prepared(raw, scaling="standard", horizon=3)
    stored = json.loads(json.dumps(dataset.preprocessing()))
    assert stored["input_shape"] == [3, 2]
    assert stored["outputs"]["size"] == 3
    framing = Framing.from_dict(stored["series"])
    assert framing == dataset.framing
    assert framing.inputs(raw.values).tobytes() == dataset.train.x.tobytes()


@pytest.mark.parametrize("change", [{"window": ...}, {"colour": 3}, None])
def test_a_damaged_framing_is_a_run_error(change):
    values = dataclasses.asdict(prepared().framing)
    values = change and {k: v for k, v in (values | change).items() if v is not ...}
    with pytest.raises(RunError, match=r"preprocessing.json does not fit this lstm-zoo"):
        Framing.from_dict(values)


@pytest.mark.parametrize(
    "change",
    [
        {"window": "x"},
        {"window": 0},
        {"window": -3},
        {"horizon": None},
        {"horizon": 3},
        {"target": 2},
        {"target": -1},
        {"target": "x"},
        {"input_offset": ["x"]},
        {"input_offset": [1.0]},
        {"input_offset": None},
        {"input_scale": [0, 1]},
        {"input_scale": [1.0]},
        {"columns": "ab"},
        {"columns": ["a"]},
        {"target_offset": None},
        {"target_scale": None},
        {"target_scale": [0]},
        {"target_scale": [1.0, 2.0]},
        {"predict": "x"},
        {"targets": "x"},
    ],
    ids=str,
)
def test_a_framing_whose_numbers_do_not_fit_is_a_run_error(change):
    raw = series(rng().normal(size=100), rng(1).normal(size=100))
    values = dataclasses.asdict(prepared(raw).framing)
    assert Framing.from_dict(values).columns == raw.columns
    with pytest.raises(RunError, match=r"^preprocessing.json (does not fit|is damaged)") as told:
        Framing.from_dict(values | change)
    assert (told.value.exit_code, str(told.value).count("\n")) == (1, 0)


def test_another_series_is_framed_as_the_first_one_was():
    first, other = prepared(scaling="min-max", predict="level"), series(GROWING[::-1] * 10)
    whole = preparation.all_test(other, first.framing)
    assert whole.framing is first.framing
    assert list(whole.parts) == ["train", "test"]
    assert len(whole.train) == 0
    assert whole.test.index.tolist() == list(range(7))
    x, y = whole.test.take(slice(None))
    assert x[0].ravel() == pytest.approx((np.array([460, 370, 290]) - 1) / 15)
    assert y[0].ravel() == pytest.approx((220 - 1) / 15)
    assert (whole.input_shape, whole.outputs) == (first.input_shape, first.outputs)


def test_a_season_is_the_sources_own_or_the_one_asked_for():
    known = dataclasses.replace(series(rng().normal(size=100)), season=79)
    with pytest.raises(DataError, match="period of 81 rows is longer than the 80 rows known"):
        prepared(known, period=81)
    assert prepared(known, period=80).period == 80
    assert prepared(known).period == 79
    assert prepared(dataclasses.replace(known, season=81)).period is None
    with pytest.raises(DataError, match="period of 4 rows is longer than the 3 rows known"):
        preparation.all_test(known, prepared(known).framing, 4)


def test_another_series_must_fit():
    framing = prepared().framing
    with pytest.raises(DataError, match="trained on 1 columns, and this series has 2"):
        preparation.all_test(series(GROWING, GROWING), framing)
    with pytest.raises(DataError, match="3 rows are too few for a window of 3 and a horizon of 1"):
        preparation.all_test(series(GROWING[:3]), framing)
    assert len(preparation.all_test(series(GROWING[:4]), framing).test) == 1


def examples(rows: int = 100, start: int = 0) -> Examples:
    x = np.arange(start, start + rows, dtype=np.float32).reshape(rows, 1, 1)
    return Examples(x, (np.arange(rows) % 3).astype(np.int64), ("a", "b", "c"))


@pytest.mark.parametrize("seed", range(3))
def test_the_test_part_of_examples_is_the_end_whatever_the_seed(seed):
    dataset = preparation.prepare(examples(), rng(seed))
    assert dataset.test.index.tolist() == list(range(80, 100))
    train, held = dataset.train.index.tolist(), dataset.validation.index.tolist()
    assert len(held) == 8
    assert sorted(train + held) == list(range(80))
    assert (train, held) == (sorted(train), sorted(held))
    assert dataset.outputs == Outputs(3, "classes")
    assert dataset.preprocessing()["classes"] == ["a", "b", "c"]


def test_the_drawn_validation_part_depends_on_the_random_stream_alone():
    drawn = [
        preparation.prepare(examples(), rng(seed)).validation.index.tolist() for seed in (0, 0, 1)
    ]
    assert drawn[0] == drawn[1] != drawn[2]
    other = preparation.prepare(examples(start=50), rng(0))
    assert other.validation.index.tolist() == drawn[0]


def test_examples_are_not_copied():
    raw = examples()
    for part in preparation.prepare(raw, rng()).parts.values():
        assert part.x is raw.x
        assert part.y is raw.y
        assert np.array_equal(part.take(slice(None))[0], raw.x[part.index])


def test_the_sources_own_test_part_is_kept_whole():
    raw = Parts(examples(50), examples(20, start=1000))
    for seed in range(3):
        dataset = preparation.prepare(raw, rng(seed), validation=0.2)
        assert dataset.test.x is raw.test.x
        assert dataset.test.index.tolist() == list(range(20))
        assert (len(dataset.train), len(dataset.validation)) == (40, 10)
        assert not set(dataset.train.index) & set(dataset.validation.index)
    whole = preparation.prepare(raw, rng(), validation=0)
    assert whole.validation is None
    assert list(whole.parts) == ["train", "test"]
    assert whole.train.index.tolist() == list(range(50))


@pytest.mark.parametrize("params", [{"test": 0}, {"test": 0.99}, {"validation": 0.01}])
def test_fractions_that_leave_a_part_of_the_examples_empty_are_told(params):
    with pytest.raises(DataError, match=r"=0.* leaves a part of the \d+ (rows|examples) empty"):
        preparation.prepare(examples(10), rng(), **params)


def test_a_series_goes_through_the_same_door():
    assert preparation.prepare(series(GROWING), rng(), window=3, validation=0).framing.window == 3


DATES = np.array(["2020-01-01", "2020-01-02"], "datetime64[ns]")
DAYS = np.array([18262, 18263]) * 86400 * 10**9  # since 1970, in nanoseconds
RAW = Series(np.array([[1.0, 2.0], [3.0, 4.0]]), ("a", "b"), 0, DATES)


def test_a_digest_is_the_same_everywhere():
    content = b"values<f8(2, 2)" + np.array([1.0, 2, 3, 4]).tobytes() + b"columns('a', 'b')target0"
    content += b"dates<M8[ns](2,)" + DAYS.tobytes()
    assert digest(RAW) == hashlib.sha256(content).hexdigest()
    assert digest(dataclasses.replace(RAW, notes=("left out 3 rows",))) == digest(RAW)
    fortran = dataclasses.replace(RAW, values=np.asfortranarray(RAW.values))
    assert digest(fortran) == digest(RAW)


def test_a_digest_changes_with_every_bit():
    seen = {digest(RAW)}
    for bit in range(RAW.values.nbytes * 8):
        values = np.frombuffer(RAW.values.tobytes(), np.uint8).copy()
        values[bit // 8] ^= 1 << bit % 8
        seen.add(digest(dataclasses.replace(RAW, values=values.view(float).reshape(2, 2))))
    assert len(seen) == 1 + 2 * 2 * 64


def test_a_digest_changes_with_everything_a_model_could_learn_from():
    changes = [
        {},
        {"columns": ("a", "c")},
        {"columns": ("ab",)},
        {"target": 1},
        {"dates": None},
        {"dates": DATES + np.timedelta64(1, "ns")},
        {"values": RAW.values.astype(np.float32)},
        {"values": RAW.values.reshape(1, 4)},
        {"values": RAW.values[:0]},
    ]
    assert len({digest(dataclasses.replace(RAW, **change)) for change in changes}) == len(changes)
    one, two = examples(4), examples(4, start=1)
    raws = [one, two, Parts(one, two), Parts(two, one), dataclasses.replace(one, classes=("a",))]
    raws += [dataclasses.replace(one, y=one.y[::-1])]
    assert len({digest(raw) for raw in raws}) == len(raws)
