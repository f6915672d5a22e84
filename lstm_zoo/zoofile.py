"""A zoo file is read: YAML, every entry and value of it checked, and nothing imported."""

from __future__ import annotations

import re
import reprlib
from collections import Counter
from dataclasses import MISSING, fields, replace
from pathlib import Path

import yaml

from lstm_zoo.entries import TASKS, Dataset, Entry, Metric, Model, Recipe
from lstm_zoo.errors import UnknownName, UsageError, ZooError, listed
from lstm_zoo.files import contents
from lstm_zoo.parameters import REQUIRED, Parameter, fill, has_function
from lstm_zoo.plugins import Plugin

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


def read(
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
