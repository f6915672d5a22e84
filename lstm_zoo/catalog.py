"""zoo.yaml: names, and the functions they stand for.

Reading a zoo file imports nothing, and neither does looking for plugins, whose zoo files are read
where a name is not found without them, and where everything is listed. `resolve` is the one place
where a name becomes code.
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
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import yaml

from lstm_zoo import plugins
from lstm_zoo.errors import UnknownName, UsageError, ZooError, listed, reason, why
from lstm_zoo.files import contents
from lstm_zoo.parameters import (
    REQUIRED,
    Function,
    Parameter,
    check_names,
    fill,
    has_function,
    read_function,
)
from lstm_zoo.plugins import Plugin

BUILT_IN = Path(__file__).with_name("zoo.yaml")
HOME = "lstm-zoo"  # what the built-in entries are from

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

# What a metric can be for: the names of lstm_zoo.tasks.
TASKS = (
    "classification",
    "forecasting",
    "regression",
    "sequence labelling",
    "language modelling",
)


@dataclass(frozen=True)
class Entry:
    """What every entry of a zoo file has.

    `zoo` is the user's file that it stands in, if any, and `plugin` the plugin that brought it.
    """

    name: str
    summary: str
    paper: str = ""
    zoo: str | None = None
    plugin: Plugin | None = None
    kind: ClassVar[str]

    @property
    def origin(self) -> str:
        """Where it is from: `HOME`, a plugin's name, or a file of the user's."""
        return self.zoo or (self.plugin.name if self.plugin else HOME)

    def check(self) -> None:
        """Its functions are there, and take what it says.

        Raises:
            ZooError: they are not, or do not.
        """


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

    def check(self) -> None:
        """The builder is there, and takes the entry's values."""
        _ = self.parameters


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

    def check(self) -> None:
        """The loader is there, and takes the entry's values."""
        _ = self.parameters


@dataclass(frozen=True)
class Metric(Entry):
    """A named score beside a task's own.

    Args:
        function: `module:function`, called with what `lstm_zoo.metrics` says: `(y_true, y_pred)`.
        better: `higher` or `lower`.
        tasks: those that it scores.
    """

    function: str = ""
    better: str = ""
    tasks: list = field(default_factory=list)
    kind: ClassVar[str] = "metric"

    def check(self) -> None:
        """The function is there."""
        read_function(self.function)


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


_SECTIONS = {"models": Model, "datasets": Dataset, "recipes": Recipe, "metrics": Metric}
_NEEDED = {
    "models": {"builder"},
    "datasets": {"loader"},
    "recipes": {"model", "dataset"},
    "metrics": {"function", "better", "tasks"},
}
_OWN = ("name", "zoo", "plugin")  # what an entry has of its file
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
class Found:
    """An installed plugin: the entries of its file by their names, or what is wrong with it."""

    plugin: Plugin
    entries: dict[str, Entry] = field(default_factory=dict)
    fault: str | None = None


@dataclass(frozen=True)
class Zoo:
    """Every entry by its name; names are unique across the kinds.

    `entries` are the built-in ones and those of the user's `file`.
    """

    entries: dict[str, Entry]
    file: str | None = None

    @cached_property
    def plugins(self) -> list[Found]:
        """The installed plugins, looked for when this is first asked for.

        Each adds names to the built-in ones and to those of the plugins before it. One that names
        anything again, or is at fault otherwise, adds nothing.
        """
        taken, found = load().entries if self.file else self.entries, []
        for plugin in plugins.installed():
            found.append(_brought(plugin, taken))
            taken = taken | found[-1].entries
        return found

    @cached_property
    def everything(self) -> dict[str, Entry]:
        """All entries, those of plugins last; what the user's file names is none of theirs."""
        brought = {name: one for found in self.plugins for name, one in found.entries.items()}
        return self.entries | {k: v for k, v in brought.items() if k not in self.entries}

    @property
    def left_out(self) -> list[Found]:
        """The plugins that were looked for and are at fault."""
        return [found for found in vars(self).get("plugins", ()) if found.fault]

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Those that score a task beside its own."""
        return tuple(self.of("metric").values())

    def of(self, kind: str) -> dict[str, Entry]:
        """The entries of a kind: `model`, `dataset`, `recipe` or `metric`."""
        return {name: entry for name, entry in self.everything.items() if entry.kind == kind}

    def find(self, name: str, kind: str | None = None) -> Entry:
        """The entry called `name`.

        Raises:
            UnknownName: there is none of that kind.
        """
        entry = self.entries.get(name) or self.everything.get(name)
        if entry is None:
            known = self.of(kind) if kind else self.everything
            raise UnknownName(kind or "model, dataset or recipe", name, known)
        if kind not in (None, entry.kind):
            recipe = entry.kind == "recipe"
            hint = f" Run it with: lstm-zoo reproduce {name}" if recipe else ""
            raise UsageError(f"'{name}' is a {entry.kind}, not a {kind}.{hint}")
        return entry


def _brought(plugin: Plugin, taken: dict[str, Entry]) -> Found:
    """What a plugin adds to the names that are taken; whatever is wrong with it is a sentence."""
    try:
        entries = _read(plugin.file(), taken, plugin=plugin)
        for entry in entries.values():
            entry.check()
    except Exception as error:
        return Found(plugin, fault=why(error))
    return Found(plugin, entries)


def load(file: str | Path | None = None) -> Zoo:
    """The built-in zoo and, where one is named, the user's `file` on top of it.

    The user's file puts its own folder on the import path, last.

    Raises:
        ZooError: the file is missing, or not a zoo.
    """
    entries = _read(BUILT_IN, {})
    if not file:
        return Zoo(entries)
    path = Path(file).resolve()
    entries |= _read(path, entries, zoo=str(path))
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


def _read(
    path: Path,
    base: dict[str, Entry],
    zoo: str | None = None,
    plugin: Plugin | None = None,
) -> dict[str, Entry]:
    """The entries of one zoo file; the user's may replace those of `base`."""
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
            entry = replace(_entry(section, name, values, where), zoo=zoo, plugin=plugin)
            taken = added.get(name) or base.get(name)
            if taken and (name in added or taken.kind != entry.kind or not replaces or plugin):
                raise ZooError(f"{where}: {_taken(taken, plugin)}")
            added[name] = entry
    return added


def _taken(by: Entry, plugin: Plugin | None) -> str:
    """Why an entry can't have the name of another one."""
    if plugin:
        return f"the name is taken by a {by.kind} of {by.origin}, and a plugin replaces none."
    return f"the name is taken by a {by.kind}; `replace: true` takes over a built-in {by.kind}."


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


def _entry(section: str, name: object, values: dict, where: str) -> Entry:
    """One entry, its keys and their types checked."""
    kind = _SECTIONS[section]
    allowed = {f.name: f for f in fields(kind) if f.name not in _OWN}
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
    if kind is Metric:
        _check_metric(name, values, where)
    return kind(name=name, **values)


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


def _check_metric(name: str, values: dict, where: str) -> None:
    """A metric's direction and tasks are such, and its name is none of lstm_zoo.metrics."""
    if values["better"] not in ("higher", "lower"):
        raise ZooError(f"{where}: 'better' takes higher or lower, got '{values['better']}'.")
    others = [task for task in values["tasks"] if task not in TASKS]
    if others or not values["tasks"]:
        got = reprlib.repr(others[0]) if others else "none"
        raise ZooError(f"{where}: 'tasks' takes a list of {listed(TASKS, 'or')}, got {got}.")
    if has_function(f"lstm_zoo.metrics:{name}"):
        raise ZooError(f"{where}: the name is taken by a metric of lstm-zoo.")


def _check_texts(texts: list, where: str) -> None:
    for text in texts:
        if not isinstance(text, str):
            raise ZooError(f"{where}: 'protocol' takes a list of texts, got {reprlib.repr(text)}.")


def user_file(option: str | None) -> str | None:
    """The zoo file that the user names: the option, or LSTM_ZOO_FILE."""
    return option or os.environ.get("LSTM_ZOO_FILE") or None
