"""What a search may choose for a model, and from what: `space` of its entry in zoo.yaml.

A parameter of the builder, or of the training, is chosen from a range or from a list.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

from lstm_zoo.config import TRAINING
from lstm_zoo.entries import Model
from lstm_zoo.errors import UsageError, listed
from lstm_zoo.parameters import Parameter, check_names

UNDECLARED = {"learning_rate": {"low": 3e-4, "high": 3e-2, "log": True}}
_DIGITS = 3  # of a number that is drawn: what is told of it is all of it


@dataclass(frozen=True)
class Range:
    """All numbers from `low` to `high`, whole ones where both are; with `log`, evenly by digits."""

    low: float
    high: float
    log: bool = False

    def to_dict(self) -> dict:
        """As zoo.yaml has it."""
        return {"low": self.low, "high": self.high, "log": self.log}

    def value(self, drawn: float) -> float:
        """What a number that was drawn means: the same with few digits."""
        if isinstance(self.low, int):
            return drawn
        return min(max(float(f"{drawn:.{_DIGITS}g}"), self.low), self.high)


@dataclass(frozen=True)
class Choice:
    """One value of several, whatever they are."""

    values: list

    def to_dict(self) -> list:
        """As zoo.yaml has it."""
        return self.values

    @property
    def names(self) -> list[str]:
        """Each value as a text."""
        return [_text(value) for value in self.values]

    def value(self, drawn: str) -> object:
        """What a text that was drawn means."""
        return self.values[self.names.index(drawn)]


Space = dict[str, Range | Choice]


def of(model: Model) -> Space:
    """What may be chosen for a model; the learning rate alone, where its entry declares nothing.

    Raises:
        UnknownName: there is no such parameter.
        UsageError: a parameter does not take a value that it may get.
    """
    known = {p.name: p for p in (*TRAINING, *model.parameters)}
    owner = f"the space of the model {model.name}"
    declared = model.space or UNDECLARED
    check_names(known.values(), declared, owner)
    return {name: _read(known[name], choice, owner) for name, choice in declared.items()}


def words(choice: dict | list) -> str:
    """What a parameter is chosen from, which is as zoo.yaml has it."""
    if isinstance(choice, list):
        return listed(map(_text, choice), "or")
    return f"{choice['low']:g} to {choice['high']:g}{', log' if choice['log'] else ''}"


def searched(model: Model, fixed: Collection[str]) -> Space:
    """What is left to choose where some parameters are fixed.

    Raises:
        UsageError: nothing is.
    """
    whole = of(model)
    left = {name: choice for name, choice in whole.items() if name not in fixed}
    if not left:
        raise UsageError(
            f"Nothing is left to search: {listed(whole)} {'is' if len(whole) == 1 else 'are'} all "
            f"that the space of {model.name} has, and given already."
        )
    return left


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _read(parameter: Parameter, choice: dict | list, owner: str) -> Range | Choice:
    """What a parameter is chosen from, each value as the parameter's type."""
    if isinstance(choice, list):
        return Choice([parameter.check(value, owner) for value in choice])
    low, high = (parameter.check(choice[end], owner) for end in ("low", "high"))
    if type(low) is not type(high):
        low, high = float(low), float(high)
    return Range(low, high, choice.get("log", False))
