import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from lstm_zoo.reporting import charts

NAN = float("nan")
HISTORY = {
    "epoch": [0, 1, 2],
    "loss": [None, 0.9, NAN],
    "val_loss": [2.3, 1.0, 1.1],
    "accuracy": [None, 0.7, 0.8],
    "val_accuracy": [0.1, 0.65, 0.6],
}
CURVES = {"history": HISTORY, "best_epoch": 1, "metric": "accuracy", "title": "lstm on digits"}
ANSWERS = {
    "y_true": np.array([0, 0, 0, 0, 1, 1]),
    "y_pred": np.array([[0.9, 0.1]] * 3 + [[0.2, 0.8]] + [[0.6, 0.4]] + [[NAN, 0.5]]),
    "classes": ["no", "yes"],
    "title": "lstm on two classes",
}


VALUES = {
    "y_true": np.array([[0.0], [1.0], [2.0]]),
    "y_pred": np.array([[0.5], [1.0], [1.5]]),
    "title": "gru on adding",
}


def series(rows=10, **changed):
    """Rows 0, 1, 2, …: the model is 2 too high in training and 3 in test, the last value 1 low."""
    actual, cut = np.arange(float(rows)), rows * 3 // 5
    train, test = np.arange(2, cut), np.arange(cut, rows)
    forecasts = {"train": (train, train + 2.0), "test": (test, test + 3.0)}
    return {
        "actual": actual,
        **forecasts,
        "last_value": test - 1.0,
        "column": "Close",
        "title": "lstm on prices",
        **changed,
    }


def days(rows=10):
    return np.datetime64("2020-01-01", "ns") + np.arange(rows) * np.timedelta64(1, "D")


def drawn(axes):
    return {line.get_label(): line for line in axes.lines}


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def texts(figure):
    figure.draw_without_rendering()
    return [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("draw", "options"),
    [
        (charts.training_curves, CURVES),
        (charts.confusion_matrix, ANSWERS),
        (charts.answers, VALUES),
        (charts.forecast, series()),
        (charts.forecast, series(dates=days())),
        (charts.forecast, series(5_000)),
    ],
)
def test_a_picture_is_a_png_with_the_same_bytes_each_time(tmp_path, draw, options):
    paths = [tmp_path / "a.png", tmp_path / "b.part"]
    for path in paths:
        draw(path, **options)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert b"Software" not in paths[0].read_bytes()
    height, width, _ = imread(paths[0], format="png").shape
    assert 500 < height < 2_000
    assert 500 < width < 2_000
    assert imread(paths[0], format="png").std() > 0.02


def test_a_users_matplotlib_settings_change_nothing_and_are_left_alone(tmp_path):
    charts.training_curves(tmp_path / "a.png", **CURVES)
    with matplotlib.rc_context({"font.size": 30, "figure.dpi": 40, "savefig.bbox": "tight"}):
        charts.training_curves(tmp_path / "b.png", **CURVES)
        assert matplotlib.rcParams["font.size"] == 30
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_the_curves_are_the_history():
    figure = charts.training_figure(**CURVES)
    loss, accuracy = (drawn(axes) for axes in figure.axes)
    np.testing.assert_array_equal(loss["training"].get_ydata(), [NAN, 0.9, NAN])
    np.testing.assert_array_equal(loss["validation"].get_xydata().T, [[0, 1, 2], [2.3, 1.0, 1.1]])
    np.testing.assert_array_equal(accuracy["validation"].get_ydata(), [0.1, 0.65, 0.6])
    assert legend(figure) == ["training", "validation"]
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "accuracy"]


def test_the_kept_epoch_is_marked_and_one_epoch_is_a_point():
    history = {"epoch": [1], "loss": [0.5]}
    figure = charts.training_figure(history=history, best_epoch=1, title="x")
    (axes,) = figure.axes
    assert drawn(axes)["training"].get_marker() == "o"
    assert "last: epoch 1" in texts(figure)
    assert texts(charts.training_figure(**CURVES)).count("best: epoch 1") == 2


@pytest.mark.parametrize(
    ("losses", "scale"),
    [([1.0, 0.01], "linear"), ([1.0, 0.009], "log"), ([1.0, 0.0], "linear"), ([NAN], "linear")],
)
def test_the_loss_is_logarithmic_beyond_two_decades(losses, scale):
    history = {"epoch": list(range(len(losses))), "loss": losses}
    figure = charts.training_figure(history=history, best_epoch=0, title="x")
    assert figure.axes[0].get_yscale() == scale
    assert not any("$" in text for text in texts(figure))


def test_the_matrix_holds_each_rows_shares_and_counts():
    axes = charts.confusion_figure(**ANSWERS).axes[0]
    np.testing.assert_allclose(axes.images[0].get_array(), [[0.75, 0.25], [1, 0]])
    counts = {text.get_position()[::-1]: text.get_text() for text in axes.texts}
    assert counts == {(0, 0): "3", (0, 1): "1", (1, 0): "1"}
    assert axes.get_ylabel() == "true class"
    assert axes.get_title("left") == "accuracy 50.0%: 3 of 6 right"


@pytest.mark.parametrize(("classes", "counts", "names"), [(20, 20, 20), (21, 0, 21), (120, 0, 40)])
def test_many_classes_have_no_counts_and_fewer_names(classes, counts, names):
    probabilities, labels = np.eye(classes), [str(label) for label in range(classes)]
    axes = charts.confusion_figure(
        y_true=np.arange(classes), y_pred=probabilities, classes=labels, title="x"
    ).axes[0]
    assert len(axes.texts) == counts
    assert len(axes.get_yticklabels()) == names


def test_the_forecast_is_drawn_in_its_colours_with_its_errors():
    options = series()
    figure = charts.forecast_figure(**options)
    whole, zoom = figure.axes
    rows, values = options["test"]
    expected = {
        "actual values": (charts.BLUE, np.arange(10), np.arange(10)),
        "model, training part (RMSE 2)": (charts.RED, *options["train"]),
        "model, test part (RMSE 3)": (charts.GREEN, rows, values),
        "last value, test part (RMSE 1)": (charts.GREY, rows, rows - 1),
    }
    assert legend(figure) == list(expected)
    for label, (colour, x, y) in expected.items():
        line = drawn(whole)[label]
        assert line.get_color() == colour
        np.testing.assert_array_equal(line.get_xydata(), np.column_stack([x, y]))
        np.testing.assert_array_equal(drawn(zoom)[label].get_xdata(), x[x >= 6])
    assert "3.000 times the last value's" in whole.get_title("left")


@pytest.mark.parametrize(("colour", "strongest"), [("RED", 0), ("GREEN", 1), ("BLUE", 2)])
def test_the_colours_are_what_their_names_say(colour, strongest):
    assert np.argmax(to_rgb(getattr(charts, colour))) == strongest


def test_the_lower_panel_shows_the_last_hundred_points():
    zoom = charts.forecast_figure(**series(1_000)).axes[1]
    np.testing.assert_array_equal(drawn(zoom)["actual values"].get_xdata(), range(900, 1_000))


def test_rows_are_whole_numbers_however_many_there_are():
    axis = charts.forecast_figure(**series()).axes[0].xaxis
    assert axis.get_major_formatter()(10_000_000) == "10,000,000"


def test_dates_are_the_axis_where_there_are_dates():
    whole = charts.forecast_figure(**series(dates=days(), ahead=5)).axes[0]
    np.testing.assert_array_equal(drawn(whole)["actual values"].get_xdata(), days())
    assert whole.get_xlabel() == "date"
    assert whole.get_title("left").startswith("The last of 5 steps ahead alone")


def test_a_last_value_that_is_never_wrong_is_not_divided_by():
    options = series(actual=np.ones(10), last_value=np.ones(4))
    assert "times" not in charts.forecast_figure(**options).axes[0].get_title("left")


def test_names_are_shown_literally(tmp_path):
    options = series(column="a_$x^2$\a", title="$\\frac$ of\0 " + "long " * 100)
    figure = charts.forecast_figure(**options)
    assert figure.axes[0].get_ylabel() == "a_$x^2$\\x07"
    assert figure.get_suptitle().startswith("$\\frac$ of\\x00 long")
    assert not figure.axes[0].yaxis.label.get_parse_math()
    charts.forecast(tmp_path / "a.png", **options)


def test_a_long_name_loses_its_middle_and_a_strange_script_warns_of_nothing(tmp_path, recwarn):
    options = ANSWERS | {"classes": ["x" * 30 + "1", "名前"]}
    names = [
        name.get_text() for name in charts.confusion_figure(**options).axes[0].get_xticklabels()
    ]
    assert names == ["x" * 12 + "…" + "x" * 10 + "1", "名前"]
    charts.confusion_matrix(tmp_path / "a.png", **options)
    assert not recwarn.list


def test_answers_stand_over_their_true_values():
    figure = charts.answers_figure(**VALUES)
    (axes,) = figure.axes
    points = axes.collections[0].get_offsets()
    np.testing.assert_array_equal(points, [[0, 0.5], [1, 1.0], [2, 1.5]])
    assert axes.get_title(loc="left") == "mean squared error 0.1667"
