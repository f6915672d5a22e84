"""Draw the layers of every model: boxes from left to right, by what they need."""

from __future__ import annotations

from pathlib import Path

import keras
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from lstm_zoo import assembly, catalog, sources
from lstm_zoo.config import run_config
from lstm_zoo.reporting.charts import BLUE, GREY, INK, save, styled

WIDTH, HEIGHT, APART = 2.1, 1.0, 0.55
RECURRENT = (keras.layers.RNN, keras.layers.Bidirectional)


def draw(folder: Path) -> None:
    """Every model of the zoo, built for digits."""
    folder.mkdir(exist_ok=True)
    zoo = catalog.load()
    for model in zoo.of("model").values():
        terms = {"seed": 0, "threads": None, "backend": keras.backend.backend()}
        config = run_config(zoo, model.name, {}, "digits", {}, {}, **terms)
        built = assembly.build(config, sources.prepare(config, sources.read(config)))
        save(figure(built), folder / f"{model.name}.png")


@styled
def figure(model: keras.Model) -> Figure:
    """A box a layer, with its output's shape and its parameters."""
    places = _places(model)
    columns = 1 + max(x for x, _ in places.values())
    rows = 1 + max(y for _, y in places.values())
    wide, high = columns * (WIDTH + APART), rows * (HEIGHT + APART)
    drawn = Figure(figsize=(wide * 0.75, high * 0.75 + 0.2), layout="none")
    axes = drawn.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-APART / 2, wide - APART / 2), ylim=(high - APART / 2, -APART))
    axes.axis("off")
    for layer, place in places.items():
        _box(axes, layer, *_corner(place))
        for before in _before(layer):
            _arrow(axes, _corner(places[before]), _corner(place))
    return drawn


def _places(model: keras.Model) -> dict[keras.layers.Layer, tuple[int, int]]:
    """The column of each layer is one after the last of those it needs."""
    places: dict[keras.layers.Layer, tuple[int, int]] = {}
    for layer in model.layers:
        column = 1 + max((places[before][0] for before in _before(layer)), default=-1)
        row = sum(x == column for x, _ in places.values())
        places[layer] = column, row
    return places


def _before(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """The layers whose outputs it takes."""
    nodes = [node for node in layer._inbound_nodes if not node.is_input]
    return list(dict.fromkeys(parent.operation for node in nodes for parent in node.parent_nodes))


def _corner(place: tuple[int, int]) -> tuple[float, float]:
    return place[0] * (WIDTH + APART), place[1] * (HEIGHT + APART)


def _box(axes: object, layer: keras.layers.Layer, x: float, y: float) -> None:
    look = {"boxstyle": "round,pad=0,rounding_size=0.08", "lw": 1.3}
    colour = BLUE if isinstance(layer, RECURRENT) else GREY
    box = FancyBboxPatch((x, y), WIDTH, HEIGHT, fc="white", ec=colour, **look)
    axes.add_patch(box)
    output = layer.output if isinstance(layer.output, list) else [layer.output]
    shape = ", ".join(" × ".join(map(str, one.shape[1:])) for one in output)
    parameters = f"{layer.count_params():,} parameters" if layer.count_params() else ""
    lines = (
        (type(layer).__name__, 10, INK, 0.3),
        (shape, 7.5, INK, 0.56),
        (parameters, 7.5, INK, 0.78),
    )
    for text, size, ink, down in lines:
        axes.text(x + WIDTH / 2, y + down, text, ha="center", va="center", fontsize=size, c=ink)


def _arrow(axes: object, start: tuple[float, float], end: tuple[float, float]) -> None:
    far, level = end[0] - start[0] > 1.5 * (WIDTH + APART), start[1] == end[1]
    ends = (start[0] + WIDTH, start[1] + HEIGHT / 2), (end[0], end[1] + HEIGHT / 2)
    bend = 0.0
    if far and level:  # over the boxes between
        ends, bend = ((start[0] + WIDTH, start[1]), (end[0], end[1])), -0.18
    elif far:  # below them
        ends, bend = (ends[0], (end[0], end[1] + HEIGHT)), 0.2
    tip = {"arrowstyle": "-|>", "color": GREY, "lw": 1.2, "connectionstyle": f"arc3,rad={bend}"}
    axes.annotate("", xy=ends[1], xytext=ends[0], arrowprops=tip)
