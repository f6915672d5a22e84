"""`list` and `show`: the zoo itself."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import click

from lstm_zoo import space
from lstm_zoo.catalog import Zoo
from lstm_zoo.cli.names import Name
from lstm_zoo.cli.options import data_dir_option, dataset_params, series_options, series_params
from lstm_zoo.cli.settings import Settings, command, json_option, pass_settings, print_json, tell
from lstm_zoo.config import BACKENDS, choose_backend, parse_settings, run_config, train_params
from lstm_zoo.entries import HOME, Dataset, Entry, Metric, Model, Recipe
from lstm_zoo.errors import UsageError, listed, printable
from lstm_zoo.parameters import REQUIRED, Parameter

KINDS = {"models": "model", "datasets": "dataset", "recipes": "recipe", "metrics": "metric"}


@command("lstm-zoo list models", name="list")
@click.argument("kind", type=click.Choice(list(KINDS)), required=False)
@json_option
@pass_settings
def list_(settings: Settings, kind: str | None, as_json: bool) -> None:
    """The zoo: models, datasets, recipes, and metrics beside each task's own, a line each."""
    entries = listed_entries(settings, kind)
    if as_json:
        print_json([line(entry) for entry in entries])
        return
    for text in (*told_entries(entries), "lstm-zoo show NAME tells more."):
        tell(text)


def listed_entries(settings: Settings, kind: str | None) -> list[Entry]:
    """The entries that `list` is asked for."""
    kinds = [KINDS[kind]] if kind else KINDS.values()
    return [entry for kind in kinds for entry in settings.zoo.of(kind).values()]


def told_entries(entries: list[Entry]) -> Iterator[str]:
    """The same for a person, a section a kind."""
    for title, kind in KINDS.items():
        if rows := [(entry.name, _summary(entry)) for entry in entries if entry.kind == kind]:
            yield _section(title.capitalize(), rows)


def line(entry: Entry) -> dict:
    """An entry in short."""
    return {
        "name": entry.name,
        "kind": entry.kind,
        "summary": entry.summary,
        "paper": entry.paper or None,
        "from": entry.origin,
    }


def _summary(entry: Entry) -> str:
    paper = f" ({entry.paper})" if entry.paper else ""
    origin = f" [{Path(entry.origin).name}]" if entry.origin != HOME else ""
    return f"{entry.summary}{paper}{origin}"


@command("lstm-zoo show lstm --dataset digits --set units=32")
@click.argument("name", type=Name())
@click.option("--dataset", type=Name("dataset"), help="Build the model for it: layers and costs.")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="A model's parameter.")
@click.option("--data", "datas", multiple=True, metavar="KEY=VALUE", help="A dataset's parameter.")
@series_options
@data_dir_option
@json_option
@pass_settings
def show(
    settings: Settings,
    name: str,
    dataset: str | None,
    sets: tuple[str, ...],
    as_json: bool,
    **options: object,
) -> None:
    """All about a model, a dataset, a recipe or a metric."""
    about = shown(settings, name, dataset, sets, **options)
    if as_json:
        print_json(about)
        return
    for text in told(about):
        tell(text)


def shown(
    settings: Settings, name: str, dataset: str | None, sets: tuple[str, ...], **options: object
) -> dict:
    """What `show` is asked for, as plain values."""
    zoo, datas = settings.zoo, options["datas"]
    entry = zoo.find(name)
    if not isinstance(entry, Model) and (dataset or sets):
        raise UsageError(f"--dataset and --set go with a model, and '{name}' is a {entry.kind}.")
    if datas and not (dataset or isinstance(entry, Dataset)):
        raise UsageError("--data goes with a dataset.")
    if not dataset and (short := series_params(options)):
        raise UsageError(f"--{next(iter(short)).replace('_', '-')} goes with --dataset.")
    about = _about(zoo, entry, sets, datas)
    if dataset:
        about["built"] = _built(settings, name, dataset, sets, options)
    return about


def _about(zoo: Zoo, entry: Entry, sets: tuple[str, ...], datas: tuple[str, ...]) -> dict:
    """All that needs no network."""
    about = line(entry)
    if isinstance(entry, Recipe):
        return about | _recipe(zoo, entry)
    if isinstance(entry, Metric):
        return about | {name: getattr(entry, name) for name in ("function", "better", "tasks")}
    given = sets if isinstance(entry, Model) else datas
    values = parse_settings(entry.parameters, list(given), f"the {entry.kind} {entry.name}")
    about["description"] = entry.function.doc
    about["parameters"] = [_parameter(p, values) for p in entry.parameters]
    if isinstance(entry, Model):
        about["space"] = {name: choice.to_dict() for name, choice in space.of(entry).items()}
    if isinstance(entry, Dataset):
        about["training"] = train_params(entry, {})
    return about


def _parameter(parameter: Parameter, values: dict) -> dict:
    default = None if parameter.default is REQUIRED else parameter.default
    return {
        "name": parameter.name,
        "type": parameter.words,
        "default": default,
        "value": values.get(parameter.name, default),
        "meaning": parameter.doc,
    }


def _recipe(zoo: Zoo, recipe: Recipe) -> dict:
    """Everything that a recipe fixes, the defaults that it leaves included."""
    run = run_config(
        zoo,
        recipe.model,
        recipe.params,
        recipe.dataset,
        recipe.data,
        recipe.train,
        seed=0,
        threads=None,
        backend=BACKENDS[0],
    )
    return {
        "model": run.model,
        "params": run.params,
        "dataset": run.dataset,
        "data": run.data,
        "train": run.train,
        "seeds": list(range(recipe.seeds)),
        "quick": recipe.quick,
        "expected": recipe.expected,
        "protocol": recipe.protocol,
    }


def _built(
    settings: Settings,
    model: str,
    dataset: str,
    sets: tuple[str, ...],
    options: dict,
) -> dict:
    """The model built for a dataset: its layers, shapes and costs."""
    from lstm_zoo import backend

    zoo = settings.zoo
    entry, source = zoo.find(model, "model"), zoo.find(dataset, "dataset")
    params = parse_settings(entry.parameters, list(sets), f"the model {model}")
    data = dataset_params(dataset, source.parameters, options)
    name = choose_backend(settings.backend)
    run = run_config(zoo, model, params, dataset, data, {}, seed=0, threads=None, backend=name)
    backend.start(name, run.threads)
    from lstm_zoo import assembly, cost, sources

    network = assembly.build(run, sources.prepare(run, sources.read(run, options["data_dir"])))
    return {
        "dataset": dataset,
        "input_shape": list(network.input_shape[1:]),
        "layers": [
            {
                "name": layer.name,
                "type": type(layer).__name__,
                "output": " × ".join(map(str, _first(layer.output).shape[1:])),
                "parameters": layer.count_params(),
            }
            for layer in network.layers
        ],
        "parameters": network.count_params(),
        "multiply_adds": cost.multiply_adds(network),
    }


def _first(outputs: object) -> object:
    """A layer's output, or the first of several."""
    return outputs[0] if isinstance(outputs, list | tuple) else outputs


def told(about: dict) -> Iterator[str]:
    """The same for a person."""
    yield f"{about['name']}: {about['summary']}."
    for text in (about["paper"], about.get("description")):
        if text:
            yield f"\n{text}"
    if about["from"] != HOME:
        yield f"\nFrom: {about['from']}"
    if about["kind"] == "recipe":
        yield from _told_recipe(about)
        return
    if about["kind"] == "metric":
        better, tasks = about["better"].capitalize(), listed(about["tasks"])
        yield f"{better} is better. Beside the own metrics of {tasks}: {about['function']}"
        return
    rows = [
        (f"{p['name']} = {_shown(p['value'])}", f"{p['meaning']} [{p['type']}]")
        for p in about["parameters"]
    ]
    yield ""
    yield _section("Parameters", rows)
    if about.get("space"):
        yield _section("Searched by tune", [(n, space.words(c)) for n, c in about["space"].items()])
    if about["kind"] == "dataset":
        yield _section("Training, unless you say otherwise", _rows(about["training"]))
    if "built" in about:
        yield from _told_built(about["built"])


def _told_recipe(about: dict) -> Iterator[str]:
    yield ""
    for title in ("params", "data", "train"):
        owner = {"params": about["model"], "data": about["dataset"], "train": "Training"}[title]
        yield _section(owner, _rows(about[title]))
    yield f"Seeds: {', '.join(map(str, about['seeds']))}"
    for number in about["expected"] or [None]:
        yield _expected(number)
    if about["protocol"]:
        yield "\nWhere it differs from what was published:"
        for text in about["protocol"]:
            yield click.wrap_text(text, _width(), "- ", "  ")
    yield f"\nlstm-zoo reproduce {about['name']}"
    if about["quick"]:
        yield f"lstm-zoo reproduce {about['name']} --quick   {_quick(about['quick'])}"


def _expected(number: dict | None) -> str:
    if number is None:
        return "No number is published for it."
    std = f" ± {number['std']:g}" if number.get("std") else ""
    return (
        f"Published: {number['metric']} {number['value']:g}{std}{_agreement(number)} "
        f"({number['source']})"
    )


def _agreement(number: dict) -> str:
    """How ours is to agree with a published number."""
    if number.get("tolerance") is not None:
        return f", tolerance {number['tolerance']:g}"
    if number.get("floor"):
        return f", by its verdict above a floor of {number['floor']:g}"
    return ", of another protocol"


def _quick(quick: dict) -> str:
    """What the smaller version is."""
    if "summary" in quick:
        return quick["summary"]
    groups = [each if isinstance(each, dict) else {name: each} for name, each in quick.items()]
    return ", ".join(f"{name} {_shown(value)}" for group in groups for name, value in group.items())


def _told_built(built: dict) -> Iterator[str]:
    shape = " × ".join(map(str, built["input_shape"]))
    rows = [
        (layer["name"], f"{layer['type']}, {layer['output']}, {layer['parameters']:,} parameters")
        for layer in built["layers"]
    ]
    yield _section(f"Built for {built['dataset']} ({shape})", rows)
    cost = built["multiply_adds"]
    yield (
        f"{built['parameters']:,} parameters; "
        + (f"{cost:,} multiply-adds an example." if cost else "multiply-adds can't be counted.")
    )


def _rows(values: dict) -> list[tuple[str, str]]:
    return [(name, _shown(value)) for name, value in values.items()]


def _shown(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _width() -> int:
    return min(100, shutil.get_terminal_size().columns)


def _section(title: str, rows: list[tuple[str, str]]) -> str:
    """A titled two-column list, as wide as the terminal."""
    formatter = click.HelpFormatter(width=_width())
    with formatter.section(title):
        if rows:
            formatter.write_dl([tuple(map(printable, row)) for row in rows], col_max=34)
    return formatter.getvalue()


COMMANDS = [list_, show]
