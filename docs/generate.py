"""Write the pages that come from the code: `reference.md`, and a page for each model.

    python docs/generate.py [--pictures]

A test holds that what is committed is what this writes. Pictures are drawn only where asked for:
another Matplotlib draws other bytes.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from lstm_zoo import catalog
from lstm_zoo.cli import cli
from lstm_zoo.config import TRAINING
from lstm_zoo.entries import Dataset, Model
from lstm_zoo.parameters import REQUIRED, Parameter

DOCS = Path(__file__).parent
RESULTS = DOCS.parent / "benchmarks" / "RESULTS.md"
MADE = "<!-- written by docs/generate.py -->"


def main() -> None:
    """Write them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", action="store_true", help="draw the models too")
    pictures = parser.parse_args().pictures
    for path, text in pages().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    if pictures:
        from pictures import draw

        draw(DOCS / "images" / "models")


def pages() -> dict[Path, str]:
    """Every page, by where it is."""
    zoo = catalog.load()
    models = zoo.of("model").values()
    written = {DOCS / "models" / f"{model.name}.md": model_page(model) for model in models}
    return written | {
        DOCS / "models" / "README.md": models_page(models),
        DOCS / "reference.md": reference(zoo),
    }


def model_page(model: Model) -> str:
    """Equations, picture, what it is good at, its parameters, and what it was measured at."""
    title, _, doc = model.function.doc.partition("\n")
    return _page(
        f"# {model.name}",
        title,
        doc.strip("\n"),
        f"![The layers of {model.name}, built for digits](../images/models/{model.name}.png)",
        "## Parameters",
        _parameters(model.parameters),
        f"`lstm-zoo show {model.name} --dataset mnist` builds it for a dataset; "
        f"`--set {model.parameters[0].name}=…` and `{model.name}:{model.parameters[0].name}=…` "
        "give a parameter.",
        "## Measured",
        *_measured(model.name),
    )


def _measured(name: str) -> Iterator[str]:
    """The model's rows of what `benchmarks/models.py` wrote."""
    text = RESULTS.read_text(encoding="utf-8")
    section = text.partition("<!-- benchmarks/models.py -->")[2].partition("<!-- end of ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    head = rows[:2]
    own = [row for row in rows if row.startswith(f"| {name} |")]
    yield "\n".join(head + own)
    yield (
        "Five seeds each, with the defaults but for the epochs; all models side by side stand in "
        "[benchmarks/RESULTS.md](../../benchmarks/RESULTS.md#models)."
    )


def models_page(models: Iterable[Model]) -> str:
    """A line a model."""
    rows = [(f"[{m.name}]({m.name}.md)", m.summary, m.paper or "") for m in models]
    return _page("# Models", _table(("model", "", "paper"), rows))


def reference(zoo: catalog.Zoo) -> str:
    """Every command with its options, every dataset with its parameters, every recipe."""
    commands = cli.commands.items()
    recipes = [(f"`{r.name}`", r.summary) for r in zoo.of("recipe").values()]
    return _page(
        "# Reference",
        "`lstm-zoo COMMAND --help` says the same, with examples.",
        "## Options of every command",
        _options(cli),
        "## Commands",
        *(block for name, command in commands for block in _command(name, command)),
        "## Parameters of the training",
        "Options of the commands that train, keys of a recipe's `train`, and settings of a variant "
        "(`lstm:learning_rate=0.01`).",
        _parameters(TRAINING),
        "## Datasets",
        *(block for dataset in zoo.of("dataset").values() for block in _dataset(dataset)),
        "## Recipes",
        "`lstm-zoo show NAME` prints everything that one fixes.",
        _table(("recipe", ""), recipes),
    )


def _command(name: str, command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=f"lstm-zoo {name}")
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"### {name}"
    yield f"`lstm-zoo {name} {usage}`"
    yield command.help.partition("\b")[0].strip()
    yield _options(command)


def _options(command: click.Command) -> str:
    context = click.Context(command)
    records = [
        parameter.get_help_record(context)
        for parameter in command.get_params(context)
        if isinstance(parameter, click.Option) and "--help" not in parameter.opts
    ]
    rows = [(f"`{names}`", text) for names, text in filter(None, records)]
    return _table(("option", ""), rows)


def _dataset(dataset: Dataset) -> Iterator[str]:
    yield f"### {dataset.name}"
    yield dataset.summary
    yield _parameters(dataset.parameters)


def _parameters(parameters: Iterable[Parameter]) -> str:
    rows = [
        (f"`{p.name}`", "" if p.default is REQUIRED else f"`{_value(p.default)}`", p.words, p.doc)
        for p in parameters
    ]
    return _table(("parameter", "default", "is", "means"), rows) if rows else "No parameters."


def _value(value: object) -> str:
    """A value as it is typed."""
    return value if isinstance(value, str) else json.dumps(value)


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    header = list(header)
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    """A text in a table's cell: its bars would end the cell."""
    return " ".join(text.split()).replace("|", "\\|")


def _page(*blocks: str) -> str:
    return "\n\n".join(filter(None, (MADE, *blocks))) + "\n"


if __name__ == "__main__":
    main()
