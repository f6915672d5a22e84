"""Every recipe of the catalogue, run from end to end on a little of its data."""

from dataclasses import replace

import pytest

from lstm_zoo import catalog, data, sources

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("untimed", "undrawn")]
ZOO = catalog.load()
SMALL = [f"--data={size}" for size in ("steps=12", "train=40", "validation=20", "test=20")]
MNIST = ("mnist", "mnist-pixels", "mnist-permuted")


@pytest.fixture(scope="module")
def few():
    """Reads each source once, and of each part that it brings the first 60 examples."""
    read, known = sources.read, {}

    def reading(config, *arguments):
        source = repr((config.loader, config.data))
        if source not in known:
            raw = read(config, *arguments)
            parts = vars(raw).values() if isinstance(raw, data.Parts) else ()
            cut = [replace(part, x=part.x[:60], y=part.y[:60]) for part in parts]
            known[source] = data.Parts(*cut) if cut else raw
        return known[source]

    return reading


@pytest.mark.parametrize("recipe", list(ZOO.of("recipe")))
def test_every_recipe_runs(zoo_json, request, monkeypatch, few, recipe):
    monkeypatch.setattr(sources, "read", few)
    entry = ZOO.find(recipe)
    arguments = SMALL if entry.dataset in ("adding", "copy") else []
    if entry.dataset in MNIST:
        arguments = ["--data-dir", request.getfixturevalue("mnist_folder")]
    if entry.dataset == "imdb":
        folder = request.getfixturevalue("data_folder")
        if not (folder / "imdb.npz").exists():
            pytest.skip(f"IMDB's reviews are not in {folder}")
    outcome = zoo_json("reproduce", recipe, "--quick", "--epochs", 1, *arguments)
    assert outcome["recipe"] == recipe
    assert len(outcome["runs"]) == 1
    assert any("1 seed instead of" in text for text in outcome["differences"])
    assert outcome["differences"][-len(entry.protocol) :] == entry.protocol or not entry.protocol
    published = outcome["published"]
    assert [number["value"] for number in published] == [n["value"] for n in entry.expected]
    decided = [number["agrees"] for number in published if number["agrees"] is not None]
    assert outcome["agrees"] == (all(decided) if decided else None)
    assert bool(decided) == bool(entry.expected)
