"""The reference recipes: as large as the papers say, and their numbers above the right floors."""

import math

import pytest

from lstm_zoo.catalog import load, resolve
from lstm_zoo.data import Outputs
from lstm_zoo.reproduction import verdict

pytestmark = pytest.mark.tensorflow

ZOO = load()
PIXELS = ((9, 1), Outputs(10, "classes"))
SHAPES = {
    "adding": ((9, 2), Outputs(1, "values")),
    "copy": ((9, 10), Outputs(9, "classes", True)),
    "mnist-pixels": PIXELS,
    "mnist-permuted": PIXELS,
}
SIZES = {"adding": 70_000, "copy": 16_000, "mnist-pixels": 70_000, "mnist-permuted": 70_000}
FLOORS = {"adding": lambda steps: 1 / 6, "copy": lambda steps: 10 * math.log(8) / (steps + 20)}
BAI = [entry for entry in ZOO.of("recipe").values() if entry.paper.startswith("Bai")]
MEMORY = [entry for entry in BAI if entry.dataset in FLOORS]


@pytest.mark.parametrize("recipe", BAI, ids=lambda recipe: recipe.name)
def test_a_recipe_is_as_large_as_its_paper_says(recipe):
    model = ZOO.find(recipe.model)
    params = {p.name: p.default for p in model.parameters} | recipe.params
    size = resolve(model.builder)(*SHAPES[recipe.dataset], **params).count_params()
    if recipe.name == "lstm-copy":  # the paper's 50 units, and not its size
        assert f"{size:,} parameters" in recipe.protocol[0]
    else:
        assert size == pytest.approx(SIZES[recipe.dataset], rel=0.011)


@pytest.mark.parametrize("recipe", MEMORY, ids=lambda recipe: recipe.name)
def test_the_floor_is_that_of_the_published_task(recipe):
    (number,) = recipe.expected
    floor = FLOORS[recipe.dataset](recipe.data["steps"])
    assert number["floor"] == pytest.approx(floor, rel=1e-5)


@pytest.mark.parametrize("recipe", MEMORY, ids=lambda recipe: recipe.name)
def test_what_is_published_is_solved_by_a_gru_alone_and_only_adding(recipe):
    """Bai et al. 2018, section 5.2, in words: the others converge to the trivial answer."""
    (number,) = recipe.expected
    solved = recipe.name == "gru-adding"
    assert verdict(number["value"], number["floor"]) == ("solved" if solved else "at the floor")
