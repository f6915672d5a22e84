"""What is said and drawn of the records of `explain`."""

import numpy as np
import pytest

from lstm_zoo.errors import UsageError
from lstm_zoo.reporting import insight, insight_charts

BASE = {"run": "runs/a", "model": "lstm", "dataset": "adding", "seed": 0}
LAYER = {"layer": "lstm", "direction": None, "examples": 100}


def fitted(before, after):
    return {
        "norm_before": before,
        "norm_after": after,
        "decay_per_step": {"before": 0.5, "after": 1.2},
        "half_life": {"before": 1.0, "after": None},
    }


GRADIENTS = BASE | LAYER | {"lag": [0, 1, 2]} | fitted([4.0, 2.0, 1.0], [0.5, 0.6, 0.0])
GRADIENTS["cell"] = fitted([2.0, 1.0, 0.5], [1.0, 1.0, 1.0])
GATES = {
    **BASE,
    **LAYER,
    "gates": {"forget_gate": {"mean": 0.5, "shut": 0.25, "open": 0.125}},
    "shown": [
        {
            "example": 3,
            "input": [[0.0, 1.0], [0.5, 0.0]],
            "state": [[0.1, 0.2], [0.3, -0.4]],
            "forget_gate": [[0.1, 0.9], [0.2, 0.7]],
            "candidate": [[0.0, 0.0], [0.0, 0.0]],
        }
    ],
}
ATTENTION = {
    **BASE,
    **LAYER,
    "agreement": {"spearman": 0.25, "same_step": 0.5},
    "shown": [
        {
            "example": 0,
            "input": ["a", "dull", "film"],
            "weights": [0.1, 0.7, 0.2],
            "gradient": [0.5, 0.4, 0.1],
        }
    ],
}


def texts(figure):
    figure.draw_without_rendering()
    return [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]


def test_labels_are_as_short_as_tells_runs_and_layers_apart():
    other = GRADIENTS | {"run": "runs/b", "model": "gru"}
    assert insight.labels([GRADIENTS, other]) == ["lstm", "gru"]
    longer = GRADIENTS | {"run": "runs/b", "dataset": "copy"}
    assert insight.labels([GRADIENTS, longer]) == ["lstm on adding", "lstm on copy"]
    seeds = GRADIENTS | {"run": "runs/b", "seed": 1}
    assert insight.labels([GRADIENTS, seeds])[1] == "lstm on adding, seed 1"
    same = GRADIENTS | {"run": "runs/b"}
    assert insight.labels([GRADIENTS, same]) == ["runs/a", "runs/b"]
    back = GRADIENTS | {"direction": "backward"}
    forth = GRADIENTS | {"direction": "forward"}
    assert insight.labels([forth, back]) == ["lstm, lstm forward", "lstm, lstm backward"]


def test_gradients_are_told_with_a_dash_where_nothing_decays():
    columns, rows, lines = insight.gradients([GRADIENTS])
    assert columns[2:] == ["decay before", "decay after", "half-life before", "half-life after"]
    assert rows[0] == ("lstm", "state", "0.5", "1.2", "1", "–")
    assert rows[1][1] == "cell"
    assert len(lines) == 1
    silent = GRADIENTS | {"norm_before": [0.0, 0.0, 0.0]}
    assert "No gradient reaches lstm before training" in insight.gradients([silent])[2][1]


def test_attention_is_told_with_its_words():
    lines = insight.attention([ATTENTION])[2]
    assert "1 'dull' (0.7), 2 'film' (0.2) and 0 'a' (0.1)" in lines[1]
    assert "most gradient at 0 'a' (0.5)" in lines[1]


def test_lines_of_gradients_begin_at_one():
    figure = insight_charts.gradients([GRADIENTS, GRADIENTS | {"run": "runs/b", "model": "gru"}])
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    expected = {
        "state h, before training": [1, 0.5, 0.25],
        "state h, after training": [1, 1.2, np.nan],
        "cell C, before training": [1, 0.5, 0.25],
        "cell C, after training": [1, 1, 1],
    }
    assert list(lines) == list(expected)
    for label, values in expected.items():
        np.testing.assert_allclose(lines[label].get_ydata(), values)
        assert lines[label].is_dashed() == ("before" in label)
    assert figure.axes[0].get_yscale() == "log"
    assert "lstm\nhalf-life h 1 → –, C 1 → –" in texts(figure)
    assert not any("$" in text for text in texts(figure))


def test_nothing_is_drawn_where_no_gradient_is():
    silent = GRADIENTS | {"norm_before": [0.0, 0.0, 0.0]}
    figure = insight_charts.gradients([silent])
    assert np.isnan(figure.axes[0].lines[0].get_ydata()).all()


def test_units_are_sorted_by_what_they_remember():
    figure = insight_charts.gates([GATES])
    images = {axes.get_ylabel(): axes.images[0] for axes in figure.axes if axes.images}
    np.testing.assert_array_equal(images["forget\ngate"].get_array(), [[0.9, 0.7], [0.1, 0.2]])
    np.testing.assert_array_equal(images["state"].get_array(), [[0.2, -0.4], [0.1, 0.3]])
    assert images["forget\ngate"].get_clim() == (0, 1)
    assert images["state"].get_clim() == (-0.4, 0.4)
    assert list(images) == ["forget\ngate", "candidate", "state"]


def test_the_same_kind_of_gate_stands_in_one_row():
    gru = {"update_gate": [[0.5]], "reset_gate": [[0.5]], "candidate": [[0.0]], "state": [[0.0]]}
    shown = [{"example": 0, "input": [[0.0]]} | gru]
    figure = insight_charts.gates([GATES, GATES | {"model": "gru", "shown": shown}])
    figure.draw_without_rendering()
    rows = {}
    for axes in figure.axes:
        if axes.images and axes.get_visible() and axes.get_ylabel():
            rows.setdefault(round(axes.get_position().y0, 6), set()).add(axes.get_ylabel())
    expected = [{"forget\ngate", "update\ngate"}, {"reset\ngate"}, {"candidate"}, {"state"}]
    assert [rows[height] for height in sorted(rows, reverse=True)] == expected


def test_a_picture_has_room_for_twelve_columns():
    widths = []
    for count in (1, 4, 12):
        records = [GATES | {"run": f"runs/{place}", "seed": place} for place in range(count)]
        widths.append(insight_charts.gates(records).get_figwidth())
    assert widths[0] < widths[1] < widths[2] <= 32
    with pytest.raises(UsageError, match=r"13 columns .* are too many"):
        insight_charts.gates([GATES] * 13)


def test_attention_is_drawn_below_its_words():
    figure = insight_charts.attention([ATTENTION])
    above, below = figure.axes
    words = {text.get_text(): text.get_position()[0] for text in above.texts}
    assert words == {"a": 0, "dull": 1, "film": 2}
    assert [bar.get_height() for bar in below.patches] == [0.1, 0.7, 0.2]
    assert below.lines[0].get_ydata().tolist() == [0.5, 0.4, 0.1]


def test_of_many_words_those_with_the_most_attention_are_drawn():
    weights = np.arange(60) / 1770
    shown = {"example": 0, "input": [f"w{n}" for n in range(60)], "gradient": [0.0] * 60}
    record = ATTENTION | {"shown": [shown | {"weights": weights.tolist()}]}
    above = insight_charts.attention([record]).axes[0]
    assert {text.get_text() for text in above.texts} == {"w55", "w57", "w59"}  # room between them


def test_of_many_words_beside_gates_every_other_one_is_drawn():
    shown = GATES["shown"][0] | {"input": [f"w{n}" for n in range(60)]}
    figure = insight_charts.gates([GATES | {"shown": [shown]}])
    assert [text.get_text() for text in figure.axes[0].texts] == [f"w{n}" for n in range(0, 60, 2)]
