"""A recipe of one's own: a configuration as a zoo file, which runs it again."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, replace
from pathlib import Path

import yaml

from lstm_zoo import catalog
from lstm_zoo.catalog import Zoo
from lstm_zoo.config import TRAINING, RunConfig
from lstm_zoo.entries import Entry
from lstm_zoo.errors import RunError, UsageError, listed
from lstm_zoo.files import contents
from lstm_zoo.parameters import REQUIRED, Parameter

_MARK = "# A recipe that lstm-zoo tune has found."


class _Dumper(yaml.SafeDumper):
    """YAML's safe dumper, without the anchors and aliases that a zoo file may not have."""

    def ignore_aliases(self, data: object) -> bool:
        """Every value is written where it stands."""
        return True


def name_of(config: RunConfig) -> str:
    """What the recipe of a configuration is called."""
    return f"{config.model}-{config.dataset}-tuned"


def check_target(file: Path, config: RunConfig, zoo: Zoo) -> None:
    """Make sure that writing a zoo file loses nothing, and that its code will be found.

    Raises:
        RunError: a file stands there that is of somebody's own making.
        UsageError: the file would not lie beside the user's zoo, whose code it needs.
    """
    if file.exists() and not file.read_bytes().startswith(_MARK.encode()):
        raise RunError(f"{file} is there already, and not by tune: name a new file.")
    if others := _names(file) - {name_of(config), config.model, config.dataset}:
        raise RunError(f"{file} holds {listed(sorted(others))} too: name a new file.")
    if zoo.file and file.resolve().parent != Path(zoo.file).parent:
        folder = Path(zoo.file).parent
        raise UsageError(
            f"-o {file} must lie in {folder}, beside your own zoo: its code is imported from there."
        )


def _names(file: Path) -> set[str]:
    """What a zoo file names, where it is there and can be read."""
    if not file.exists():
        return set()
    try:
        sections = yaml.safe_load(contents(file))
        return {str(name) for entries in sections.values() for name in entries}
    except (OSError, ValueError, yaml.YAMLError, AttributeError, TypeError) as error:
        raise RunError(f"{file} is there already, and is damaged: name a new file.") from error


def document(
    name: str,
    summary: str,
    config: RunConfig,
    searched: Collection[str],
    seeds: int,
    zoo: Zoo,
) -> dict:
    """A zoo of one recipe, and of what it needs from the user's own.

    The recipe says what was searched, and in what else the configuration differs from what the zoo
    gives its model and dataset.
    """
    model, source = zoo.find(config.model, "model"), zoo.find(config.dataset, "dataset")
    training = [replace(p, default=source.train.get(p.name, p.default)) for p in TRAINING]
    own = {
        "summary": summary,
        "model": config.model,
        "params": _said(model.parameters, config.params, searched),
        "dataset": config.dataset,
        "data": _said(source.parameters, config.data, ()),
        "train": _said(training, config.train, searched),
        "seeds": seeds,
    }
    said = {key: value for key, value in own.items() if value != {}}
    return _strangers(model, source) | {"recipes": {name: said}}


def text(document: dict) -> str:
    """A zoo file."""
    dumped = yaml.dump(
        document,
        Dumper=_Dumper,
        default_flow_style=None,
        sort_keys=False,
        allow_unicode=True,
        width=100,
    )
    return f"{_MARK}\n{dumped}"


def _said(parameters: Iterable[Parameter], values: dict, always: Collection[str]) -> dict:
    """The values of those named, and of those that are not the parameter's default."""
    return {
        p.name: values[p.name]
        for p in parameters
        if p.name in always or p.default is REQUIRED or values[p.name] != p.check(p.default)
    }


def _strangers(*entries: Entry) -> dict:
    """The sections with those of the entries that are the user's own."""
    built_in = catalog.load().entries
    found = {}
    for entry in entries:
        if entry.zoo:
            said = {k: v for k, v in asdict(entry).items() if v and k not in ("name", "zoo")}
            replaces = {"replace": True} if entry.name in built_in else {}
            found[f"{entry.kind}s"] = {entry.name: said | replaces}
    return found
