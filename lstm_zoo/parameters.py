"""The parameters of a builder or loader: read from its source, never by importing it.

A function's keyword-only parameters are its schema. Their annotations are literals of a small
grammar: `int`, `float`, `str`, `bool`, `None`, `list[X]`, `Literal[…]`, `X | Y`, and the kinds
with a range that this module names.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from lstm_zoo.errors import UnknownName, UsageError, ZooError

PositiveInt = Annotated[int, "a whole number, at least 1"]
NonNegativeInt = Annotated[int, "a whole number, at least 0"]
PositiveFloat = Annotated[float, "a number above 0"]
Rate = Annotated[float, "a number from 0 to below 1"]

_RANGES = {
    "PositiveInt": (int, lambda v: v >= 1, PositiveInt.__metadata__[0]),
    "NonNegativeInt": (int, lambda v: v >= 0, NonNegativeInt.__metadata__[0]),
    "PositiveFloat": (float, lambda v: v > 0, PositiveFloat.__metadata__[0]),
    "Rate": (float, lambda v: 0 <= v < 1, Rate.__metadata__[0]),
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

    def check(self, value: object) -> object:
        """`value`, as the annotation's type.

        Raises:
            UsageError: the value is of another type or out of range.
        """
        fitted = _fit(self._node, value)
        if fitted is _MISFIT:
            raise UsageError(
                f"'{self.name}' takes {self.words}, not {json.dumps(value, default=str)}."
            )
        return fitted

    def parse(self, text: str) -> object:
        """The value that `text` spells: as in JSON, or a bare word.

        Raises:
            UsageError: it spells a value that the parameter does not take.
        """
        value = parse_value(text)
        try:
            return self.check(value)
        except UsageError:
            if isinstance(value, str) or _fit(self._node, text) is _MISFIT:
                raise
            return text

    @property
    def words(self) -> str:
        """What the parameter takes, in words."""
        return _words(self._node)

    @property
    def choices(self) -> list[str]:
        """The words to choose from, for shell completion."""
        return [
            node.value
            for part in _alternatives(self._node)
            if _name(part) == "Literal"
            for node in _items(part)
            if isinstance(node.value, str)
        ]

    @property
    def _node(self) -> ast.expr:
        return ast.parse(self.annotation, mode="eval").body


def parse_value(text: str) -> object:
    """A number, string, boolean, null or list as in JSON; anything else is a bare word."""
    try:
        return json.loads(text, parse_constant=str)
    except ValueError:
        return text


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
            raise UnknownName(f"parameter of {owner} called", name, known)


def _value(parameter: Parameter, given: dict, owner: str) -> object:
    value = given.get(parameter.name, parameter.default)
    if value is REQUIRED:
        raise UsageError(f"{owner} needs '{parameter.name}': {parameter.doc}")
    try:
        return parameter.check(value)
    except UsageError as error:
        raise UsageError(f"{owner}: {error}") from None


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
    module, _, name = reference.partition(":")
    tree = ast.parse(_source(module, reference))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return _read(node, ast.get_docstring(tree) or "")
    raise ZooError(f"The module {module} has no function '{name}' (zoo.yaml names '{reference}').")


def _source(module: str, reference: str) -> str:
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        spec = None
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        raise ZooError(f"There is no Python module '{module}' (zoo.yaml names '{reference}').")
    return Path(spec.origin).read_text(encoding="utf-8")


def _read(node: ast.FunctionDef, module_doc: str) -> Function:
    docs = _argument_docs(ast.get_docstring(node) or "")
    parameters = [
        Parameter(
            name=argument.arg,
            annotation=ast.unparse(argument.annotation) if argument.annotation else "str",
            default=REQUIRED if default is None else _literal(default, node.name),
            doc=docs.get(argument.arg, ""),
        )
        for argument, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    ]
    returns = ast.unparse(node.returns) if node.returns else ""
    return Function(tuple(parameters), returns, module_doc)


def _literal(node: ast.expr, function: str) -> object:
    try:
        return ast.literal_eval(node)
    except ValueError:
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


def _items(node: ast.Subscript) -> list[ast.expr]:
    return node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]


def _name(node: ast.expr) -> str | None:
    if isinstance(node, ast.Subscript):
        node = node.value
    if isinstance(node, ast.Constant) and node.value is None:
        return "None"
    return node.id if isinstance(node, ast.Name) else None


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
    if name == "Literal":
        allowed = [item.value for item in _items(node)]
        return next((a for a in allowed if type(a) is type(value) and a == value), _MISFIT)
    if name == "list":
        return _fit_list(node, value)
    if name not in _RANGES:
        raise ZooError(f"lstm-zoo can't read the annotation {ast.unparse(node)}.")
    return _fit_scalar(name, value)


def _fit_list(node: ast.Subscript, value: object) -> object:
    if not isinstance(value, list | tuple) or not value:
        return _MISFIT
    items = [_fit(node.slice, item) for item in value]
    return _MISFIT if _MISFIT in items else items


def _fit_scalar(name: str, value: object) -> object:
    base, in_range, _ = _RANGES[name]
    if base is float and type(value) is int:
        value = float(value)
    if type(value) is not base or (base is float and not math.isfinite(value)):
        return _MISFIT
    return value if in_range(value) else _MISFIT


def _words(node: ast.expr) -> str:
    parts = [_words_one(part) for part in _alternatives(node)]
    return " or ".join(parts)


def _words_one(node: ast.expr) -> str:
    name = _name(node)
    if name == "None":
        return "null"
    if name == "Literal":
        return " or ".join(json.dumps(item.value) for item in _items(node))
    if name == "list":
        return f"a list, each item {_words(node.slice)}"
    return _RANGES[name][2] if name in _RANGES else ast.unparse(node)
