"""Long memory, measured: the tasks where LSTM and simple RNN part. Writes its part of RESULTS.md.

    python benchmarks/memory.py [--part NAME]… [--runs DIR] [--page]

Each part is one `lstm-zoo compare`, on one thread; what is finished in the runs folder is not
trained again, so that it can be stopped at any time and go on later. A part's numbers are kept in
`memory/NAME.json`, and the page is written from these; `--page` writes it and trains nothing.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import tempfile
from pathlib import Path

import sections

from lstm_zoo.__main__ import run
from lstm_zoo.catalog import load
from lstm_zoo.entries import Recipe
from lstm_zoo.errors import counted, listed
from lstm_zoo.records import write_json
from lstm_zoo.reporting.sentences import number, span
from lstm_zoo.reproduction import common_verdict, verdict

KEPT = Path(__file__).parent / "memory"
MODELS = "simple-rnn lstm gru --match params=16000"
ADDING = "--dataset adding --data train=25000 --epochs 8 --target-loss 0.00125 --learning-rate 0.01"
COPY = "--dataset copy --data train=20000 --epochs 10"
COPY_RATES = "--batch-size 50 --learning-rate 0.003 --tune-lr 2"
PIXELS = "--dataset mnist-pixels --epochs 1 --batch-size 100 --learning-rate 0.001"
ALL = "--clip-norm 1 --patience null --seeds 3 --backend jax --threads 1"
PARTS = {
    "adding-200": f"{MODELS} {ADDING} --data steps=200 --tune-lr 2 {ALL}",
    "adding-400": f"{MODELS} {ADDING} --data steps=400 {ALL}",
    "copy-50": f"{MODELS} {COPY} --data steps=50 {COPY_RATES} {ALL}",
    "copy-100": f"{MODELS} {COPY} --data steps=100 {COPY_RATES} {ALL}",
    "pixels": f"{MODELS} {PIXELS} {ALL}",
}
SIZES = {"adding": 70_000, "copy": 16_000, "mnist-pixels": 70_000}  # in Bai et al. 2018, Table 1
IMAGES = 60_000  # to train on, with those to validate
RECIPES = {"simple-rnn": "rnn", "lstm": "lstm", "gru": "gru"}  # the first word of their names


def main() -> None:
    """Train the parts that were asked for, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", action="append", choices=PARTS, help="all of them by default")
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--page", action="store_true", help="only write the page")
    options = parser.parse_args()
    if not options.page:
        KEPT.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            for name in options.part or PARTS:
                write_json(KEPT / f"{name}.json", measured(name, options.runs, Path(folder)))
    sections.write(sections.RESULTS, "memory.py", page(kept()))


def measured(name: str, runs: Path, folder: Path) -> dict:
    """What the part's comparison says, and the command."""
    results = folder / "results.json"
    arguments = ["compare", *shlex.split(PARTS[name])]
    if code := run([*arguments, "--runs", str(runs), "-o", str(results)]):
        sys.exit(code)
    return told(name, json.loads(results.read_text(encoding="utf-8")))


def told(name: str, results: dict) -> dict:
    """The part's results, less what says where and when they were made."""
    for model in results["models"]:
        for trial in model["trials"]:
            del trial["run"], trial["train_seconds"]
    made = {
        key: results["environment"][key] for key in ("lstm-zoo", "python", "backend", "versions")
    }
    return {"command": f"lstm-zoo compare {PARTS[name]}"} | results | {"environment": made}


def kept() -> dict[str, dict]:
    """The parts measured so far."""
    files = {name: KEPT / f"{name}.json" for name in PARTS}
    return {
        name: json.loads(file.read_text(encoding="utf-8"))
        for name, file in files.items()
        if file.exists()
    }


def page(parts: dict[str, dict]) -> str:
    """All that was measured so far."""
    texts = [introduction(parts)]
    for task, title in (("adding", "The adding problem"), ("copy", "The copy problem")):
        if lengths := of_task(parts, task):
            texts += [memory_table(title, lengths), beside_published(task, lengths)]
    if "pixels" in parts:
        texts.append(pixels(parts["pixels"]))
    return "\n\n".join(texts)


def of_task(parts: dict[str, dict], task: str) -> dict[int, dict]:
    """The parts of a task, by its steps."""
    chosen = [part for part in parts.values() if part["dataset"]["name"] == task]
    return {part["dataset"]["params"]["steps"]: part for part in chosen}


def introduction(parts: dict[str, dict]) -> str:
    """What was run, and how to do it again."""
    commands = "\n".join(part["command"] for part in parts.values())
    versions = next(iter(parts.values()))["environment"]["versions"]
    libraries = f"Keras {versions['keras']} on JAX {versions['jax']}"
    return f"""# Long memory

Written by `python benchmarks/memory.py`, with {libraries}; nothing here is typed by
hand. Three models of about 16,000 parameters each. With `--tune-lr`, each has the better of two
learning rates, chosen on the validation part from a seed that is not in the tables.

```sh
{commands}
```

A task of memory is *solved* below a hundredth of its floor, and *at the floor* within a tenth of it
(`lstm-zoo reproduce` judges so too)."""


def memory_table(title: str, lengths: dict[int, dict]) -> str:
    """A row for each length and model."""
    first = next(iter(lengths.values()))
    metric = first["metric"]["name"].replace("_", " ")
    header = ["steps", "model", "parameters", "learning rate", f"{metric}, mean", "95 % interval"]
    rows = [
        [f"{steps}", *scored(model), *recalled(model), *judged(model, part)]
        for steps, part in lengths.items()
        for model in part["models"]
    ]
    header += ["recall accuracy"] * len(recalled(first["models"][0]))
    floors = listed([f"{number(p['floor']['value'])} at {n} steps" for n, p in lengths.items()])
    return f"""## {title}

{budget(first)} Floor: {floors}.

{sections.table([*header, "solved", "at the floor"], rows)}"""


def scored(model: dict) -> list[str]:
    """A model's name, size, rate and score."""
    rate = number(model["train"]["learning_rate"])
    mean, interval = number(model["mean"]), span(model["ci95"])
    return [model["name"], f"{model['parameters']:,}", rate, mean, interval]


def recalled(model: dict) -> list[str]:
    """The mean accuracy over the steps of recall, where there are such."""
    every = [trial["metrics"] for trial in model["trials"] if trial["metrics"]]
    found = [metrics["recall_accuracy"] for metrics in every if "recall_accuracy" in metrics]
    return [number(sum(found) / len(found))] if found else []


def verdicts(model: dict, part: dict) -> list[str]:
    """The verdict of each seed."""
    scores = [trial["score"] for trial in model["trials"] if trial["score"] is not None]
    return [verdict(score, part["floor"]["value"]) for score in scores]


def judged(model: dict, part: dict) -> list[str]:
    """How many seeds are solved, and how many are at the floor."""
    seeds = verdicts(model, part)
    return [f"{seeds.count(each)} of {len(seeds)}" for each in ("solved", "at the floor")]


def budget(part: dict) -> str:
    """The updates of each training, in a sentence."""
    train, examples = part["models"][0]["train"], part["dataset"]["examples"]["train"]
    updates = train["epochs"] * -(-examples // train["batch_size"])
    said = f"{updates:,} updates with {train['batch_size']} sequences each"
    if (target := train["target_loss"]) is None:
        return f"{said}."
    return f"At most {said}; a training ends once its validation loss is below {number(target)}."


def recipe_of(model: dict, task: str) -> Recipe:
    """The recipe that has the number published of this kind of model."""
    return load().find(f"{RECIPES[model['name'].partition(':')[0]]}-{task}")


def beside_published(task: str, lengths: dict[int, dict]) -> str:
    """The verdicts beside the published ones, which are of longer sequences and larger models."""
    models = list(zip(*(part["models"] for part in lengths.values()), strict=True))
    recipes = [recipe_of(same[0], task) for same in models]
    rows = [
        published_row(recipe, same, lengths) for recipe, same in zip(recipes, models, strict=True)
    ]
    steps = recipes[0].data["steps"]
    header = ["model", f"published, {steps:,} steps", "its verdict"]
    header += [f"ours, {length} steps" for length in lengths]
    return f"""{sections.table(header, rows)}

Published: {recipes[0].expected[0]["source"]}. {reached(recipes, models, lengths)}

The published length was not run: {more_work(recipes[0], lengths[max(lengths)])}.
`lstm-zoo show {recipes[0].name}` tells of the other differences."""


def published_row(recipe: Recipe, same: tuple[dict, ...], lengths: dict[int, dict]) -> list[str]:
    """A model's published loss and verdict, and our verdict at each length."""
    told = recipe.expected[0]
    ours = [
        common_verdict(verdicts(model, part))
        for model, part in zip(same, lengths.values(), strict=True)
    ]
    return [recipe.model, f"{told['value']:g}", verdict(told["value"], told["floor"]), *ours]


def reached(recipes: list[Recipe], models: list[tuple], lengths: dict[int, dict]) -> str:
    """At which of our lengths the verdicts are the published ones."""
    same, other = [], []
    for recipe, each in zip(recipes, models, strict=True):
        _, _, theirs, *ours = published_row(recipe, each, lengths)
        for length, verdict_here in zip(lengths, ours, strict=True):
            place = f"{recipe.model} at {length} steps"
            if verdict_here == theirs:
                same.append(place)
            else:
                other.append(f"{place} ({verdict_here})")
    texts = [f"The published verdict was reached by {listed(same)}." if same else ""]
    texts += [f"Another was reached by {listed(other)}." if other else ""]
    return " ".join(filter(None, texts))


def more_work(recipe: Recipe, part: dict) -> str:
    """How much more a training of the recipe is than one of the part."""
    known, epochs = part["dataset"]["params"], part["models"][0]["train"]["epochs"]
    ours = epochs * (known.get("train") or IMAGES) * known.get("steps", 1)
    theirs = recipe.train["epochs"] * recipe.data["train"] * recipe.data.get("steps", 1)
    larger = SIZES[recipe.dataset] / 16_000
    here = f"at {known['steps']} steps" if "steps" in known else "here"
    return (
        f"a training of the recipe reads {theirs / ours:.1f} times the steps of one {here}, with "
        f"{larger:.1f} times the parameters"
    )


def pixels(part: dict) -> str:
    """MNIST pixel by pixel, beside the published numbers."""
    header = ["model", "parameters", "learning rate", "accuracy, mean", "95 % interval"]
    rows = []
    for model in part["models"]:
        published = recipe_of(model, "pixels").expected[0]
        low = published["value"] - published["tolerance"]
        said = "yes" if model["mean"] >= low else "no"
        rows.append([*scored(model), f"{published['value']:g}", said])
    recipe = recipe_of(part["models"][0], "pixels")
    train, floor = part["models"][0]["train"], number(part["floor"]["value"])
    return f"""## MNIST pixel by pixel

{counted(train["epochs"], "epoch")} in batches of {train["batch_size"]}. Floor: {floor}.

{sections.table([*header, "published", "reached, within its tolerance"], rows)}

Published: {recipe.expected[0]["source"]}. The recipe was not run: {more_work(recipe, part)}."""


if __name__ == "__main__":
    main()
