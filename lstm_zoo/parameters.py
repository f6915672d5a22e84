"""The parameters of a builder or loader: read from its source, never by importing it.

A function's keyword-only parameters are its schema. Their annotations are literals of a small
grammar: `int`, `float`, `str`, `bool`, `None`, `list[X]`, `Literal[…]`, `X | Y`, and the kinds that
this module names. A `File` is kept by its whole path, so that the run can be read from anywhere.
"""

from __future__ import annotations

import ast
import importlib.machinery
import importlib.util
import json
import math
import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from lstm_zoo.errors import UnknownName, UsageError, ZooError

PositiveInt = Annotated[int, "a whole number, at least 1"]
NonNegativeInt = Annotated[int, "a whole number, at least 0"]
PositiveFloat = Annotated[float, "a number above 0"]
NonNegativeFloat = Annotated[float, "a number, at least 0"]
Rate = Annotated[float, "a number from 0 to below 1"]
Activation = Annotated[str, '"tanh", "relu", "sigmoid", "elu", "gelu" or "linear"']
File = Annotated[str, "the path of a file"]

_KINDS = {
    "PositiveInt": (int, lambda v: v >= 1, PositiveInt.__metadata__[0]),
    "NonNegativeInt": (int, lambda v: v >= 0, NonNegativeInt.__metadata__[0]),
    "PositiveFloat": (float, lambda v: v > 0, PositiveFloat.__metadata__[0]),
    "NonNegativeFloat": (float, lambda v: v >= 0, NonNegativeFloat.__metadata__[0]),
    "Rate": (float, lambda v: 0 <= v < 1, Rate.__metadata__[0]),
    "Activation": (
        str,
        lambda v: f'"{v}"' in Activation.__metadata__[0],
        Activation.__metadata__[0],
    ),
    "File": (str, lambda v: v and "\0" not in v, File.__metadata__[0]),
    "int": (int, lambda v: True, "a whole number"),
    "float": (float, lambda v: True, "a number"),
    "str": (str, lambda v: True, "a text"),
    "bool": (bool, lambda v: True, "true or false"),
}

REQUIRED = object()


@dataclass(frozen=True)
class Parameter:
    """One keyword-only parameter: its annotation as written, default and meaning."""

    name: str
    annotation: str
    default: object
    doc: str = ""

    def check(self, value: object, owner: str = "") -> object:
        """`value`, as the annotation's type; `owner` says in an error whose parameter it is.

        Raises:
            UsageError: the value is of another type or out of range.
        """
        fitted = _fit(self._node, value)
        if fitted is _MISFIT:
            of = f" of {owner}" if owner else ""
            raise UsageError(f"'{self.name}'{of} takes {self.words}, not {_shown(value)}.")
        return fitted

    def parse(self, text: str, owner: str = "") -> object:
        """The value that `text` spells: as in JSON, a bare word, or a list of such.

        Raises:
            UsageError: it spells a value that the parameter does not take.
        """
        value = parse_value(text)
        for reading in (value, text, *_as_list(text)):
            if _fit(self._node, reading) is not _MISFIT:
                return self.check(reading)
        return self.check(value, owner)

    @property
    def words(self) -> str:
        """What the parameter takes, in words."""
        return _words(self._node)

    @property
    def choices(self) -> list[str]:
        """The words to choose from, for shell completion."""
        return [
            item
            for part in _alternatives(self._node)
            if _name(part) == "Literal[]"
            for item in _items(part)
            if isinstance(item, str)
        ]

    @property
    def _node(self) -> ast.expr:
        return ast.parse(self.annotation, mode="eval").body


_FRACTION = re.compile(r"[-+]?\.[0-9]+([eE][-+]?[0-9]+)?")


def parse_value(text: str) -> object:
    """A number, string, boolean, null or list as in JSON; anything else but `.5` is a bare word."""
    if _FRACTION.fullmatch(text):
        return float(text)
    try:
        return json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return text


def _as_list(text: str) -> list[list]:
    """What a text can be read as where a list is asked for: `[Open, High]`, or its only item."""
    if not text.startswith("["):
        return [[parse_value(text)]]
    items = [item.strip() for item in text[1:-1].split(",")]
    return [[parse_value(item) for item in items]] if text.endswith("]") and all(items) else []


def _shown(value: object) -> str:
    """A value as it would be typed, cut where it is long."""
    try:
        text = json.dumps(value, default=str, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        text = f"a {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:79]}…"


def fill(parameters: Iterable[Parameter], given: dict[str, object], owner: str) -> dict:
    """Every parameter's value: the given one, checked, or the default.

    Raises:
        UsageError: a required one is missing, or a value does not fit.
        UnknownName: one is given that `owner` does not take.
    """
    parameters = tuple(parameters)
    check_names(parameters, given, owner)
    return {parameter.name: _value(parameter, given, owner) for parameter in parameters}


def check_names(parameters: Iterable[Parameter], given: Iterable[str], owner: str) -> None:
    """Every name `given` is a parameter's.

    Raises:
        UnknownName: one is not.
    """
    known = [parameter.name for parameter in parameters]
    for name in given:
        if name not in known:
            raise UnknownName(f"parameter of {owner} called", str(name), known)


def _value(parameter: Parameter, given: dict, owner: str) -> object:
    value = given.get(parameter.name, parameter.default)
    if value is REQUIRED:
        doc = f": {parameter.doc}" if parameter.doc else ""
        raise UsageError(f"'{parameter.name}' of {owner} must be given{doc}.")
    return parameter.check(value, owner)


@dataclass(frozen=True)
class Function:
    """A function as its source shows it."""

    parameters: tuple[Parameter, ...]
    returns: str
    doc: str


def read_function(reference: str) -> Function:
    """The function `module:name`, read from its source without importing the module.

    Raises:
        ZooError: there is no such module or function, or its source can't be read.
    """
    path = source_file(reference)
    try:
        state = path.stat()
        return _function(reference, path, state.st_mtime_ns, state.st_size)
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ZooError(f"{path} can't be read: {error} (zoo.yaml names '{reference}').") from None


@lru_cache(maxsize=256)
def _function(reference: str, path: Path, *state: int) -> Function:
    """The function, as its file shows it in this state; a command asks for some many times."""
    module, _, name = reference.partition(":")
    tree = ast.parse(path.read_bytes(), path.name)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return _read(node, ast.get_docstring(tree) or "")
    raise ZooError(f"The module {module} has no function '{name}' (zoo.yaml names '{reference}').")


def has_function(reference: str) -> bool:
    """Whether there is a function `module:name`; the module is not imported."""
    try:
        read_function(reference)
    except ZooError:
        return False
    return True


def source_file(reference: str) -> Path:
    """The file of a `module:name`, found without importing it.

    Raises:
        ZooError: there is no such module.
    """
    module = reference.partition(":")[0]
    spec = find_module(module)
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        raise ZooError(f"There is no Python module '{module}' (zoo.yaml names '{reference}').")
    return Path(spec.origin)


def find_module(module: str) -> importlib.machinery.ModuleSpec | None:
    """A module, found without importing its packages, unlike find_spec("a.b"); None is none."""
    top, *inner = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        spec = None
    for name in inner:
        folders = list((spec and spec.submodule_search_locations) or [])
        spec = importlib.machinery.PathFinder.find_spec(name, folders)
    return spec


def package_folder(reference: str) -> Path | None:
    """The folder of the whole package that a `module:name` is in; None where it is in none."""
    spec = find_module(reference.partition(":")[0].partition(".")[0])
    inside = spec is not None and spec.submodule_search_locations and spec.origin
    return Path(spec.origin).parent if inside else None


def _read(node: ast.FunctionDef, module_doc: str) -> Function:
    docs = _argument_docs(ast.get_docstring(node) or "")
    parameters = [
        Parameter(
            name=argument.arg,
            annotation=_annotation(argument, node.name),
            default=REQUIRED if default is None else _literal(default, node.name),
            doc=docs.get(argument.arg, ""),
        )
        for argument, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    ]
    returns = ast.unparse(node.returns) if node.returns else ""
    return Function(tuple(parameters), returns, module_doc)


def _annotation(argument: ast.arg, function: str) -> str:
    written = ast.unparse(argument.annotation) if argument.annotation else "nothing"
    if argument.annotation is None or not _readable(argument.annotation):
        raise ZooError(
            f"The parameter '{argument.arg}' of {function} is annotated with {written}; lstm-zoo "
            f"reads {', '.join(_KINDS)}, None, list[…], Literal[…], and | between them."
        )
    return written


def _literal(node: ast.expr, function: str) -> object:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        raise ZooError(
            f"The default {ast.unparse(node)} of {function} is no literal, and can't be listed."
        ) from None


def _argument_docs(doc: str) -> dict[str, str]:
    """The entries of a docstring's `Args:` section."""
    section = re.search(r"^Args:\n(.*?)(?=^\S|\Z)", doc, re.S | re.M)
    entries = re.findall(
        r"^    (\w+): (.*?)(?=^    \w+: |\Z)", section[1] if section else "", re.S | re.M
    )
    return {name: " ".join(text.split()) for name, text in entries}


_MISFIT = object()


def _alternatives(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _alternatives(node.left) + _alternatives(node.right)
    return [node]


def _items(node: ast.Subscript) -> list:
    """The values of a `Literal[…]`."""
    items = ast.literal_eval(node.slice)
    return list(items) if isinstance(items, tuple) else [items]


def _name(node: ast.expr) -> str | None:
    """`int`, `None`, `list[]` and so on; None for what is no part of the grammar."""
    if isinstance(node, ast.Subscript):
        return f"{_name(node.value)}[]"
    if isinstance(node, ast.Constant) and node.value is None:
        return "None"
    return node.id if isinstance(node, ast.Name) else None


def _readable(node: ast.expr) -> bool:
    """Whether an annotation is of the grammar."""
    return all(_readable_one(part) for part in _alternatives(node))


def _readable_one(node: ast.expr) -> bool:
    name = _name(node)
    if name == "list[]":
        return _readable(node.slice)
    if name == "Literal[]":
        try:
            return bool(_items(node))
        except ValueError:
            return False
    return name == "None" or name in _KINDS


def _fit(node: ast.expr, value: object) -> object:
    """`value` as the annotation's type, or `_MISFIT`."""
    for part in _alternatives(node):
        fitted = _fit_one(part, value)
        if fitted is not _MISFIT:
            return fitted
    return _MISFIT


def _fit_one(node: ast.expr, value: object) -> object:
    name = _name(node)
    if name == "None":
        return None if value is None else _MISFIT
    if name == "Literal[]":
        same = (item for item in _items(node) if type(item) is type(value) and item == value)
        return next(same, _MISFIT)
    if name == "list[]":
        return _fit_list(node, value)
    return _fit_scalar(name, value)


def _fit_list(node: ast.Subscript, value: object) -> object:
    if not isinstance(value, list | tuple) or not value:
        return _MISFIT
    items = [_fit(node.slice, item) for item in value]
    return _MISFIT if _MISFIT in items else items


def _fit_scalar(name: str, value: object) -> object:
    base, in_range, _ = _KINDS[name]
    if base is float and type(value) is int and abs(value) <= sys.float_info.max:
        value = float(value)
    if type(value) is not base or (base is float and not math.isfinite(value)):
        return _MISFIT
    if not in_range(value):
        return _MISFIT
    return whole_path(value) if name == "File" else value


def whole_path(file: str) -> str:
    """The path from the root; a `~stranger` stays as it is."""
    return os.path.abspath(os.path.expanduser(file))  # noqa: PTH100, PTH111


def _words(node: ast.expr) -> str:
    parts = [_words_one(part) for part in _alternatives(node)]
    return " or ".join(parts)


def _words_one(node: ast.expr) -> str:
    name = _name(node)
    if name == "None":
        return "null"
    if name == "Literal[]":
        return " or ".join(json.dumps(item) for item in _items(node))
    if name == "list[]":
        return f"a list (each item {_words(node.slice)})"
    return _KINDS[name][2]
