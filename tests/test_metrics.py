import inspect
import math

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from lstm_zoo import metrics
from lstm_zoo.metrics import METRICS

# Four examples of three classes; the most probable ones are 0, 0, 1, 1.
CLASSES_TRUE = np.array([0, 0, 1, 2])
CLASSES_PRED = np.array([[0.5, 0.3, 0.2], [0.8, 0.1, 0.1], [0.25, 0.5, 0.25], [0.1, 0.7, 0.2]])
# Three examples of two horizons. Errors: 1, 2, 0, -2, 0, 3.
TRUE = np.array([[10.0, 20.0], [30.0, 40.0], [50.0, 60.0]])
PRED = np.array([[11.0, 22.0], [30.0, 38.0], [50.0, 63.0]])
LAST = np.array([10.0, 20.0, 55.0])

VALUE_METRICS = ["rmse", "mae", "mse", "mape", "mase", "skill", "direction_accuracy"]


def test_every_metric_of_the_contract_has_its_direction():
    higher = {"accuracy", "f1_macro", "skill", "direction_accuracy", "recall_accuracy"}
    lower = {"cross_entropy", "rmse", "mae", "mape", "mase", "mse", "bits_per_character"}
    lower |= {"recall_cross_entropy"}
    assert {m.name for m in METRICS.values() if m.better == "higher"} == higher
    assert {m.name for m in METRICS.values() if m.better == "lower"} == lower


@pytest.mark.parametrize("name", METRICS)
def test_a_better_answer_moves_every_metric_in_its_direction(name):
    if name in VALUE_METRICS:
        true, good, bad = TRUE, TRUE + 0.01, 2 * LAST[:, None] - TRUE
    else:
        true, good = np.array([0, 1, 2]), np.eye(3) * 0.9 + 0.05
        bad = good[:, ::-1]
    given = {"scale": 1.0, "last": LAST}
    score = METRICS[name].score
    extra = {key: given[key] for key in inspect.signature(score).parameters if key in given}
    gain = score(true, good, **extra) - score(true, bad, **extra)
    assert gain > 0 if METRICS[name].better == "higher" else gain < 0


def test_accuracy_and_cross_entropy_by_hand():
    assert metrics.accuracy(CLASSES_TRUE, CLASSES_PRED) == 3 / 4
    expected = -(math.log(0.5) + math.log(0.8) + math.log(0.5) + math.log(0.2)) / 4
    assert metrics.cross_entropy(CLASSES_TRUE, CLASSES_PRED) == pytest.approx(expected)
    reference = sklearn_metrics.log_loss(CLASSES_TRUE, CLASSES_PRED)
    assert metrics.cross_entropy(CLASSES_TRUE, CLASSES_PRED) == pytest.approx(reference)


def test_f1_by_hand_counts_a_class_that_is_never_answered():
    # Class 0: 2 of 2 found, 2 answers. Class 1: 1 of 1 found, 2 answers. Class 2: none.
    assert metrics.f1_macro(CLASSES_TRUE, CLASSES_PRED) == pytest.approx((1 + 2 / 3 + 0) / 3)
    unseen = np.column_stack([CLASSES_PRED, np.zeros(4)])
    assert metrics.f1_macro(CLASSES_TRUE, unseen) == pytest.approx((1 + 2 / 3 + 0 + 0) / 4)


def test_per_class_by_hand():
    rows = metrics.per_class(CLASSES_TRUE, CLASSES_PRED, ["a", "b", "c"])
    assert rows == [
        {"class": "a", "precision": 1.0, "recall": 1.0, "f1": 1.0, "examples": 2},
        {"class": "b", "precision": 0.5, "recall": 1.0, "f1": pytest.approx(2 / 3), "examples": 1},
        {"class": "c", "precision": 0.0, "recall": 0.0, "f1": 0.0, "examples": 1},
    ]


def test_a_certain_mistake_costs_a_finite_cross_entropy():
    certain = np.array([[1, 0]], np.float32)
    assert metrics.cross_entropy(np.array([1]), certain) == pytest.approx(-math.log(2**-52))


def test_an_example_with_a_probability_that_is_no_number_is_wrong():
    broken = CLASSES_PRED.copy()
    broken[0, 2] = np.nan
    assert metrics.accuracy(CLASSES_TRUE, broken) == 2 / 4
    # Class 0 has now 1 of 2 found in 1 answer: F1 2/3.
    assert metrics.f1_macro(CLASSES_TRUE, broken) == pytest.approx((2 / 3 + 2 / 3 + 0) / 3)
    assert metrics.per_class(CLASSES_TRUE, broken, "abc")[0]["recall"] == 0.5
    assert math.isnan(metrics.cross_entropy(CLASSES_TRUE[:1], np.full((1, 3), np.nan)))


def test_errors_by_hand():
    assert metrics.mae(TRUE, PRED) == pytest.approx((1 + 2 + 0 + 2 + 0 + 3) / 6)
    assert metrics.mse(TRUE, PRED) == pytest.approx((1 + 4 + 0 + 4 + 0 + 9) / 6)
    assert metrics.rmse(TRUE, PRED) == pytest.approx(math.sqrt(18 / 6))
    assert metrics.mape(TRUE, PRED) == pytest.approx((1 / 10 + 2 / 20 + 2 / 40 + 3 / 60) / 6)
    assert metrics.mase(TRUE, PRED, scale=4.0) == pytest.approx((8 / 6) / 4)


def test_errors_agree_with_scikit_learn():
    assert metrics.rmse(TRUE, PRED) == pytest.approx(
        math.sqrt(sklearn_metrics.mean_squared_error(TRUE, PRED))
    )
    reference = sklearn_metrics.mean_absolute_percentage_error(TRUE, PRED)
    assert metrics.mape(TRUE, PRED) == pytest.approx(reference)


def test_skill_by_hand():
    # The last value's errors: 0, -10, -10, -20, 5, -5: squares 0 + 100 + 100 + 400 + 25 + 25.
    expected = 1 - math.sqrt(18 / 6) / math.sqrt(650 / 6)
    assert metrics.skill(TRUE, PRED, LAST) == pytest.approx(expected)
    assert metrics.skill(TRUE, np.repeat(LAST[:, None], 2, axis=1), LAST) == 0


def test_direction_by_hand():
    # True moves: none, up | up, up | down, up. Forecast's: up, up | up, up | none, down.
    forecast = np.array([[11.0, 22.0], [30.0, 38.0], [55.0, 54.0]])
    assert metrics.direction_accuracy(TRUE, forecast, LAST) == 3 / 5


def test_scores_that_are_not_defined_are_none():
    still = np.full((3, 1), 7.0)
    assert metrics.mape(np.array([[0.0], [1.0]]), np.ones((2, 1))) is None
    assert metrics.mase(TRUE, PRED, scale=0.0) is None
    assert metrics.skill(still, still + 1, np.full(3, 7.0)) is None
    assert metrics.direction_accuracy(still, still + 1, np.full(3, 7.0)) is None


def test_a_forecast_that_is_no_number_makes_an_error_no_number_and_a_direction_wrong():
    broken = PRED.copy()
    broken[1, 0] = np.nan
    assert math.isnan(metrics.rmse(TRUE, broken))
    assert math.isnan(metrics.skill(TRUE, broken, LAST))
    # Moves of the five that changed: right, broken, right, right (down), right (up).
    assert metrics.direction_accuracy(TRUE, broken, LAST) == 4 / 5


def test_an_exploded_float32_forecast_is_a_large_error_not_an_overflow():
    assert metrics.rmse(np.zeros((1, 1)), np.full((1, 1), 1e30, np.float32)) == pytest.approx(1e30)


def test_values_and_forecasts_of_different_shapes_are_refused():
    with pytest.raises(ValueError, match=r"\(3, 2\).*\(3,\)"):
        metrics.rmse(TRUE, PRED[:, 0])


def test_metrics_of_every_step_count_every_position():
    y_true = np.array([[0, 1], [1, 1]])
    y_pred = np.array([[[0.5, 0.5], [0.25, 0.75]], [[0.75, 0.25], [0.5, 0.5]]])
    # Most probable: 0 (the first of a tie), 1 | 0, 0.
    assert metrics.recall_accuracy(y_true, y_pred) == 2 / 4
    bits = (1 + math.log2(4 / 3) + 2 + 1) / 4
    assert metrics.bits_per_character(y_true, y_pred) == pytest.approx(bits)
