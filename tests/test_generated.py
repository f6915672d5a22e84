"""The data sets that are generated: known floors, known streams, known best answers."""

import json
from itertools import pairwise
from math import sqrt

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from lstm_zoo import baselines, data
from lstm_zoo.datasets import adding, digits, moving_digits, sine
from lstm_zoo.errors import UsageError

pytestmark = pytest.mark.usefixtures("undrawn")


def test_the_adding_problem_sums_what_is_marked():
    parts = adding.load(steps=7, train=500, validation=50, test=60)
    for part, size in ((parts.train, 500), (parts.validation, 50), (parts.test, 60)):
        assert part.x.shape == (size, 7, 2)
        assert part.x.dtype == part.y.dtype == np.float32
        assert (part.x[:, :, 1].sum(axis=1) == 2).all()
        marked = [row[row[:, 1] == 1, 0].sum() for row in part.x]
        np.testing.assert_allclose(part.y[:, 0], marked, rtol=1e-6)


def test_marks_fall_anywhere_or_one_in_each_half():
    anywhere = adding.load(steps=4, train=6000, validation=1, test=1).train.x[:, :, 1]
    pairs, counts = np.unique(anywhere, axis=0, return_counts=True)
    assert len(pairs) == 6  # 4 choose 2, each equally often
    assert abs(counts / 6000 - 1 / 6).max() < 0.02
    halves = adding.load(steps=5, positions="halves", train=500, validation=1, test=1).train.x
    assert (halves[:, :2, 1].sum(axis=1) == 1).all()
    assert (halves[:, 2:, 1].sum(axis=1) == 1).all()


def test_the_floor_of_adding_is_a_sixth():
    parts = adding.load(train=20000, validation=1, test=20000)
    assert np.mean((parts.test.y - parts.train.y.mean()) ** 2) == pytest.approx(1 / 6, abs=0.003)


def test_each_part_has_a_stream_of_its_own():
    first = adding.load(steps=9, train=30, validation=20, test=10)
    more = adding.load(steps=9, train=99, validation=20, test=10)
    assert (first.test.x == more.test.x).all()
    assert (first.validation.y == more.validation.y).all()
    other = adding.load(steps=9, train=30, validation=20, test=10, seed=1)
    assert not np.array_equal(first.test.x, other.test.x)


def test_the_same_seed_is_the_same_data_on_every_machine():
    small = adding.load(steps=5, train=3, validation=2, test=2)
    assert data.digest(small) == (
        "fe7df379396f925da33aa8f6b8bad0b679b2b7a137a0de17d29ff9dce5939cc8"
    )


def test_one_step_is_too_few_to_add():
    with pytest.raises(UsageError, match="at least 2 steps, not 1"):
        adding.load(steps=1)


def test_what_is_left_of_the_sine_without_its_waves_is_the_noise():
    series = sine.load(rows=4000, noise=0.3).values[:, 0]
    assert np.std(series[100:] - series[:-100]) == pytest.approx(0.3 * sqrt(2), rel=0.05)
    smooth = sine.load(rows=400, noise=0.0).values[:, 0]
    assert np.ptp(smooth) <= 2 * 1.5
    np.testing.assert_allclose(smooth[100:], smooth[:-100], atol=1e-9)
    starts = np.arange(150, 300)
    seasonal = baselines.seasonal(smooth, starts, horizon=3, period=100)
    np.testing.assert_allclose(seasonal[:, 2], smooth[starts + 3], atol=1e-9)


@pytest.mark.parametrize(
    ("periods", "season"), [((20, 50), 100), ((12.5, 20), 100), ((7,), 7), ((2.5, 0.75), 15)]
)
def test_the_season_of_the_sine_is_when_all_its_waves_repeat(periods, season):
    assert sine.load(periods=periods, amplitudes=(1.0,) * len(periods)).season == season
    turns = season / np.array(periods)
    np.testing.assert_allclose(turns, np.round(turns))


def test_as_many_amplitudes_as_periods():
    with pytest.raises(UsageError, match="2 periods and 1 amplitude: "):
        sine.load(amplitudes=(1.0,))


def test_a_film_is_a_digit_that_moves_a_pixel_a_frame_round_the_canvas():
    films = moving_digits.load(steps=12, size=9, train=200, validation=30, test=40)
    assert films.train.x.shape == (200, 12, 9, 9, 1) and films.train.x.dtype == np.float32
    assert films.test.y.shape == (40,) and films.test.y.dtype == np.int64
    assert films.train.classes[:3] == ("north", "north-east", "east")
    for film, direction in zip(films.train.x, films.train.y, strict=True):
        step = moving_digits.DIRECTIONS[films.train.classes[direction]]
        for before, after in pairwise(film):
            np.testing.assert_array_equal(np.roll(before, step, axis=(0, 1)), after)


def test_the_films_of_each_part_show_digits_of_its_own():
    films = moving_digits.load(steps=2, size=8, train=2000, validation=300, test=600)
    images = digits.load().x
    drawn = {}
    for name, part in vars(films).items():
        frames = part.x[:, 0, :, :, 0]
        inks = np.sort(frames.reshape(len(frames), -1), axis=1)  # the same wherever the digit is
        drawn[name] = {row.tobytes() for row in inks}
    known = [np.sort(image, axis=None).tobytes() for image in images]
    spans = {"train": slice(0, 1257), "validation": slice(1257, 1437), "test": slice(1437, 1797)}
    for name, span in spans.items():
        assert drawn[name] <= set(known[span])


def test_one_frame_tells_no_direction_and_two_tell_it():
    """The first and the last frame: a classifier that knows the place of every pixel is at 1/8."""
    films = moving_digits.load(steps=5, size=12, train=3000, validation=1, test=2000)
    flat = {name: part.x.reshape(len(part.y), 5, 144) for name, part in vars(films).items()}
    for frame in (0, -1):
        one = LogisticRegression(max_iter=30, tol=0.1).fit(flat["train"][:, frame], films.train.y)
        assert one.score(flat["test"][:, frame], films.test.y) == pytest.approx(1 / 8, abs=0.03)
    corners = {name: place(part.x) for name, part in vars(films).items()}
    for name, part in vars(films).items():  # the place of the ink on the torus, in angles
        turned = np.angle(corners[name][:, 1] / corners[name][:, 0]) * 12 / (2 * np.pi)
        steps = np.array([*moving_digits.DIRECTIONS.values()])[part.y]
        np.testing.assert_allclose(turned, steps, atol=1e-3)


def place(films):
    """The phase of the ink's first wave along rows and columns: `(examples, frames, 2)`."""
    wave = np.exp(2j * np.pi * np.arange(films.shape[2]) / films.shape[2])
    ink = films[..., 0].astype(np.float64)
    return np.stack([ink.sum(axis=3) @ wave, ink.sum(axis=2) @ wave], axis=-1)


def test_directions_come_equally_often_and_start_anywhere():
    films = moving_digits.load(steps=2, size=8, train=8000, validation=1, test=1).train
    assert np.bincount(films.y, minlength=8) / 8000 == pytest.approx(np.full(8, 1 / 8), abs=0.015)


def test_the_same_films_for_the_same_seed_and_part():
    sizes = {"steps": 3, "size": 8, "validation": 2, "test": 2}
    small = moving_digits.load(train=3, **sizes)
    assert data.digest(small) == (
        "a13a31991f85b04da23f185214f8d9c0b24db0cc0e1c44e4b83dc3eac01cdaad"
    )
    more = moving_digits.load(train=9, **sizes)
    np.testing.assert_array_equal(small.test.x, more.test.x)
    assert not np.array_equal(small.test.x, moving_digits.load(train=3, seed=1, **sizes).test.x)


def test_too_few_frames_or_too_small_a_canvas():
    with pytest.raises(UsageError, match=r"at least 2 frames \(steps\), not 1"):
        moving_digits.load(steps=1)
    with pytest.raises(UsageError, match=r"at least 8 pixels \(size\), not 7"):
        moving_digits.load(size=7)


@pytest.mark.slow
@pytest.mark.usefixtures("untimed")
def test_a_gru_learns_to_add_and_says_so(zoo, zoo_json):
    result = zoo(
        *("compare", "gru:units=16", "gru:units=1", "--dataset", "adding", "--seeds", "2"),
        *("--data", "steps=8", "--data", "train=2000", "--epochs", "25"),
        *("--learning-rate", "0.01", "-o", "r.json", "-q"),
    )
    assert result.code == 0, result.err
    with open("r.json") as file:  # noqa: PTH123
        results = json.load(file)
    assert results["task"] == "regression"
    assert results["metric"] == {"name": "mse", "better": "lower"}
    assert results["floor"]["value"] == pytest.approx(1 / 6, abs=0.01)
    assert results["models"][0]["mean"] < 0.01
    assert results["models"][0]["floor_test"]["beaten"]
    run = results["models"][0]["trials"][0]["run"]
    rows = zoo_json("predict", run)
    assert set(rows[0]) == {"index", "actual", "predicted"}
    errors = [(row["actual"] - row["predicted"]) ** 2 for row in rows]
    assert np.mean(errors) == pytest.approx(results["models"][0]["trials"][0]["score"], rel=1e-6)
    assert zoo_json("evaluate", run)["test"]["mse"] == pytest.approx(np.mean(errors), rel=1e-6)
    one = zoo_json(
        *("compare", "gru:units=16", "gru:units=1", "--dataset", "adding", "--seeds", "1"),
        *("--data", "steps=8", "--data", "train=2000", "--epochs", "25"),
        *("--learning-rate", "0.01"),
    )
    assert one["pairs"][0]["examples_test"]["test"] == "paired t over the test examples"
    assert one["pairs"][0]["examples_test"]["p_value"] < 0.001
    assert zoo("report", "r.json", "-o", "page.html").code == 0


@pytest.mark.slow
@pytest.mark.usefixtures("untimed")
def test_the_sine_is_forecast_nearly_as_well_as_can_be(zoo_json):
    results = zoo_json(
        *("compare", "gru", "--dataset", "sine", "--seeds", "2", "--epochs", "15"),
        *("--data", "rows=1500"),
    )
    assert results["floors"]["seasonal"] == pytest.approx(0.1 * sqrt(2), rel=0.1)
    assert 0.09 < results["models"][0]["mean"] < results["floors"]["seasonal"]
    assert results["models"][0]["floor_test"]["beaten"]
