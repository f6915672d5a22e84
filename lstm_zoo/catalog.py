"""zoo.yaml: names, and the functions they stand for.

Reading a zoo file imports nothing. `resolve` is the one place where a name becomes code.
"""

from __future__ import annotations

import importlib
import os
import re
import reprlib
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import MISSING, dataclass, field, fields, replace
from pathlib import Path
from typing import ClassVar

import yaml

from lstm_zoo.errors import UnknownName, UsageError, ZooError, listed, reason
from lstm_zoo.files import contents
from lstm_zoo.parameters import (
    REQUIRED,
    Function,
    Parameter,
    check_names,
    fill,
    read_function,
)

BUILT_IN = Path(__file__).with_name("zoo.yaml")

# What a loader's return annotation says: who cuts and frames what it read.
PREPARERS = {
    "Splits": "lstm_zoo.preparation:prepare_splits",
    "Parts": "lstm_zoo.preparation:prepare_parts",
    "Examples": "lstm_zoo.preparation:prepare_examples",
    "Texts": "lstm_zoo.preparation:prepare_texts",
    "Series": "lstm_zoo.preparation:prepare_series",
}

# Loader parameters that say where to look, and not what is read.
PLACES = ("data_dir",)


@dataclass(frozen=True)
class Entry:
    """What every entry of a zoo file has; `zoo` is the user's file it stands in, if any."""

    name: str
    summary: str
    paper: str = ""
    zoo: str | None = None
    kind: ClassVar[str]


@dataclass(frozen=True)
class Model(Entry):
    """A named builder, with the values that this name gives its parameters.

    `space` says what a search may choose: a range or a list for a parameter.
    """

    builder: str = ""
    params: dict = field(default_factory=dict)
    space: dict = field(default_factory=dict)
    kind: ClassVar[str] = "model"

    @property
    def function(self) -> Function:
        """The builder, as its source shows it."""
        return read_function(self.builder)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The builder's parameters, with this entry's defaults."""
        return _with_defaults(self.function.parameters, self.params, f"the model {self.name}")


@dataclass(frozen=True)
class Dataset(Entry):
    """A named loader, with the values that this name gives to it and to the training."""

    loader: str = ""
    params: dict = field(default_factory=dict)
    train: dict = field(default_factory=dict)
    kind: ClassVar[str] = "dataset"

    @property
    def function(self) -> Function:
        """The loader, as its source shows it."""
        return read_function(self.loader)

    @property
    def raw(self) -> str:
        """The raw shape that the loader returns: a key of `PREPARERS`."""
        raw = self.function.returns.rpartition(".")[2]
        if raw not in PREPARERS:
            raise ZooError(
                f"The loader {self.loader} must be annotated to return "
                f"{listed(PREPARERS, 'or')} of lstm_zoo.data, not '{raw or 'nothing'}'."
            )
        return raw

    @property
    def reading(self) -> tuple[Parameter, ...]:
        """The loader's own parameters."""
        return tuple(p for p in self.function.parameters if p.name not in PLACES)

    @property
    def framing(self) -> tuple[Parameter, ...]:
        """The parameters of what cuts and frames the data."""
        return read_function(PREPARERS[self.raw]).parameters

    @property
    def places(self) -> tuple[str, ...]:
        """The parameters that say where the loader looks."""
        return tuple(p.name for p in self.function.parameters if p.name in PLACES)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """All that `--data` can set, with this entry's defaults."""
        own = self.reading + self.framing
        return _with_defaults(own, self.params, f"the dataset {self.name}")


@dataclass(frozen=True)
class Recipe(Entry):
    """A named experiment: all that it fixes, and the numbers to set beside ours.

    `protocol` says in sentences how it differs from what was published, where no parameter does.
    """

    model: str = ""
    params: dict = field(default_factory=dict)
    dataset: str = ""
    data: dict = field(default_factory=dict)
    train: dict = field(default_factory=dict)
    seeds: int = 3
    quick: dict = field(default_factory=dict)
    expected: list = field(default_factory=list)
    protocol: list = field(default_factory=list)
    kind: ClassVar[str] = "recipe"

    def smaller(self) -> Recipe:
        """The quick version: what `quick` says over what the recipe says."""
        merged = {
            key: getattr(self, key) | value if isinstance(value, dict) else value
            for key, value in self.quick.items()
        }
        return replace(self, **merged)


_SECTIONS = {"models": Model, "datasets": Dataset, "recipes": Recipe}
_NEEDED = {"models": {"builder"}, "datasets": {"loader"}, "recipes": {"model", "dataset"}}
_QUICK = ("summary", "params", "data", "train", "seeds")
_EXPECTED = (
    Parameter("metric", "str", REQUIRED, "the number's name"),
    Parameter("value", "float", REQUIRED, "the published number"),
    Parameter("std", "float | None", None, "its standard deviation over seeds"),
    Parameter("tolerance", "float | None", None, "how far from it ours may be"),
    Parameter("floor", "PositiveFloat | None", None, "of a loss: what the trivial answer costs"),
    Parameter("source", "str", REQUIRED, "where it was published"),
)
_RANGE = (
    Parameter("low", "int | float", REQUIRED, "the least value"),
    Parameter("high", "int | float", REQUIRED, "the largest value"),
    Parameter("log", "bool", False, "whether its digits are drawn evenly, and not its values"),
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_LARGEST = 1_000_000  # bytes of a zoo file
_LONG = 10_000  # characters of a value in it; the time that YAML takes for a number is quadratic
_DEEP = 16  # brackets in brackets; a zoo needs half of that


@dataclass(frozen=True)
class Zoo:
    """Every entry by its name; names are unique across the kinds."""

    entries: dict[str, Entry]
    file: str | None = None

    def of(self, kind: str) -> dict[str, Entry]:
        """The entries of a kind: `model`, `dataset` or `recipe`."""
        return {name: entry for name, entry in self.entries.items() if entry.kind == kind}

    def find(self, name: str, kind: str | None = None) -> Entry:
        """The entry called `name`.

        Raises:
            UnknownName: there is none of that kind.
        """
        known = self.of(kind) if kind else self.entries
        if name in self.entries and name not in known:
            other = self.entries[name].kind
            hint = f" Run it with: lstm-zoo reproduce {name}" if other == "recipe" else ""
            raise UsageError(f"'{name}' is a {other}, not a {kind}.{hint}")
        if name not in known:
            raise UnknownName(kind or "model, dataset or recipe", name, known)
        return known[name]


def load(file: str | Path | None = None) -> Zoo:
    """The built-in zoo and, where one is named, the user's `file` on top of it.

    The user's file puts its own folder on the import path, last.

    Raises:
        ZooError: the file is missing, or not a zoo.
    """
    entries = _read(BUILT_IN, None, {})
    if not file:
        return Zoo(entries)
    path = Path(file).resolve()
    entries = _read(path, str(path), entries)
    import_beside(str(path))
    return Zoo(entries, str(path))


def import_beside(file: str) -> None:
    """Put the folder of a user's zoo file on the import path, last."""
    folder = str(Path(file).parent)
    if folder not in sys.path:
        sys.path.append(folder)


def resolve(reference: str) -> Callable:
    """The function `module:name`, imported: the airlock between names and code.

    Raises:
        ZooError: the module can't be imported, whatever it raises, or has no such function.
    """
    module, _, name = reference.partition(":")
    try:
        function = getattr(importlib.import_module(module), name, None)
    except ZooError:
        raise
    except (Exception, SystemExit) as error:
        raise ZooError(f"The module {module} can't be imported: {reason(error)}") from error
    if not callable(function):
        raise ZooError(f"The module {module} has no function '{name}'.")
    return function


def _with_defaults(parameters: tuple[Parameter, ...], params: dict, owner: str) -> tuple:
    """The parameters, where `params` has a value for one with that as its default."""
    check_names(parameters, params, owner)
    return tuple(
        replace(p, default=p.check(params[p.name], owner)) if p.name in params else p
        for p in parameters
    )


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """YAML's safe loader, where a double key is an error and `1e-3` a number."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        """The mapping; a key that stands twice is an error."""
        keys = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        for key, count in keys.items():
            if count > 1:
                raise _bad(f"the name '{key}' stands twice", node)
        return super().construct_mapping(node, deep)


def _bad(problem: str, where: yaml.Node | yaml.Event) -> yaml.YAMLError:
    return yaml.constructor.ConstructorError(None, None, problem, where.start_mark)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)


def _read(path: Path, zoo: str | None, base: dict[str, Entry]) -> dict[str, Entry]:
    """`base` and the entries of one zoo file, which may replace those of `base`."""
    added: dict[str, Entry] = {}
    for section, named in _parse(path).items():
        if section not in _SECTIONS:
            raise ZooError(f"{path}: {UnknownName('section', str(section), _SECTIONS)}")
        for name, values in _mapping(named, f"{path}: {section}").items():
            where = f"{path}: {section}: {name}"
            values = dict(_mapping(values, where))
            replaces = values.pop("replace", False)
            if type(replaces) is not bool:
                raise ZooError(f"{where}: 'replace' takes true or false, got {replaces!r}.")
            entry = _entry(section, name, values, where, zoo)
            taken = added.get(name) or base.get(name)
            if taken and (name in added or taken.kind != entry.kind or not replaces):
                raise ZooError(
                    f"{where}: the name is taken by a {taken.kind}; `replace: true` takes over a "
                    f"built-in {entry.kind}."
                )
            added[name] = entry
    return base | added


def _parse(path: Path) -> dict:
    try:
        text = contents(path, _LARGEST).decode("utf-8-sig")
        _check_literals(text)
        document = yaml.load(text, Loader=_Loader)
    except OSError as error:
        raise ZooError(f"The zoo file {path} can't be read: {error.strerror}.") from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        problem = " ".join(str(error).replace('"<unicode string>", ', "").split())
        raise ZooError(f"The zoo file {path} is not good YAML: {problem}.") from None
    return _mapping(document if document is not None else {}, str(path))


def _check_literals(text: str) -> None:
    """Refuse what is no plain value: it could grow without bounds, or be code."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if getattr(event, "anchor", None) or getattr(event, "tag", None):
            raise _bad("anchors (&), aliases (*) and tags (!) are not for a zoo file", event)
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEP:
            raise _bad("these brackets are nested too deeply", event)
        if len(getattr(event, "value", "")) > _LONG:
            raise _bad(f"this value is over {_LONG:,} characters long", event)


def _mapping(value: object, where: str) -> dict:
    if not isinstance(value, dict):
        raise ZooError(f"{where}: expected `name: value` lines, got {reprlib.repr(value)}.")
    return value


def _entry(section: str, name: object, values: dict, where: str, zoo: str | None) -> Entry:
    """One entry, its keys and their types checked."""
    kind = _SECTIONS[section]
    allowed = {f.name: f for f in fields(kind) if f.name not in ("name", "zoo")}
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ZooError(f"{where}: a name is letters, digits, '-', '_' and '.'.")
    _check_values(values, allowed, where)
    if kind is Recipe:
        _check_values(values.get("quick", {}), {k: allowed[k] for k in _QUICK}, f"{where}: quick")
        _check_expected(values.get("expected", []), where)
        _check_texts(values.get("protocol", []), where)
    for parameter, choice in values.get("space", {}).items():
        _check_choice(choice, f"{where}: space: {parameter}")
    missing = ({"summary"} | _NEEDED[section]) - set(values)
    if missing:
        raise ZooError(f"{where}: {listed(sorted(missing))} missing.")
    return kind(name=name, zoo=zoo, **values)


def _check_values(values: dict, allowed: dict, where: str) -> None:
    for key, value in values.items():
        if key not in allowed:
            raise ZooError(f"{where}: {UnknownName('key', str(key), allowed)}")
        _check_type(allowed[key], value, where)


def _check_type(spec: object, value: object, where: str) -> None:
    default = spec.default_factory() if spec.default_factory is not MISSING else spec.default
    wanted = str if default is MISSING else type(default)
    if type(value) is not wanted:
        words = {str: "a text", int: "a whole number", list: "a list", dict: "`name: value` lines"}
        raise ZooError(f"{where}: '{spec.name}' takes {words[wanted]}, got {reprlib.repr(value)}.")
    if spec.name == "seeds" and value < 1:
        raise ZooError(f"{where}: 'seeds' is at least 1, not {value}.")


def _check_expected(numbers: list, where: str) -> None:
    for number in numbers:
        try:
            filled = fill(_EXPECTED, _mapping(number, where), "an expected number")
        except UsageError as error:
            raise ZooError(f"{where}: {error}") from None
        if None not in (filled["tolerance"], filled["floor"]):
            raise ZooError(
                f"{where}: an expected number agrees within a 'tolerance', or by its verdict above "
                "a 'floor'; it takes one of them."
            )


def _check_choice(choice: object, where: str) -> None:
    """What a parameter is chosen from is a list, or `low` and `high`, in that order."""
    if isinstance(choice, list) and choice:
        return
    if not isinstance(choice, dict):
        raise ZooError(
            f"{where}: expected a list of values, or {{low: …, high: …}}, got "
            f"{reprlib.repr(choice)}."
        )
    try:
        low, high, log = fill(_RANGE, choice, "a range").values()
    except UsageError as error:
        raise ZooError(f"{where}: {error}") from None
    if low > high:
        raise ZooError(f"{where}: 'low' is at most 'high', and {low:g} is above {high:g}.")
    if log and low <= 0:
        raise ZooError(f"{where}: with 'log' the range begins above 0, not at {low:g}.")


def _check_texts(texts: list, where: str) -> None:
    for text in texts:
        if not isinstance(text, str):
            raise ZooError(f"{where}: 'protocol' takes a list of texts, got {reprlib.repr(text)}.")


def user_file(option: str | None) -> str | None:
    """The zoo file that the user names: the option, or LSTM_ZOO_FILE."""
    return option or os.environ.get("LSTM_ZOO_FILE") or None
