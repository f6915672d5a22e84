"""The state of a training after a whole epoch, in a file from which it goes on.

What the next epoch depends on is in the variables of the model and of its optimizer, the streams
of dropout among them, and in its number, which orders the batches.
"""

from __future__ import annotations

import io
import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

import keras
import numpy as np

from lstm_zoo import archives
from lstm_zoo.errors import RunError
from lstm_zoo.records import dumps, write_bytes
from lstm_zoo.runs import Run

_DAMAGED = (OSError, LookupError, TypeError, ValueError, AttributeError, RecursionError)
_SHARE = 0.015  # of a training's seconds, that the writing may take


@dataclass
class State:
    """How far a training has come.

    Args:
        rows: those of history.csv.
        best: the least validation loss so far.
        best_epoch: the epoch that had it.
        seconds: what the epochs took.
        compile_seconds: what the first batch took, in which the step is traced and compiled.
        weights: those of the best epoch; none without a validation part.
    """

    rows: list[dict] = field(default_factory=list)
    best: float = math.inf
    best_epoch: int = 0
    seconds: float = 0.0
    compile_seconds: float = 0.0
    weights: list[np.ndarray] = field(default_factory=list)

    @property
    def epochs(self) -> int:
        """How many are done."""
        return self.rows[-1]["epoch"] if self.rows else 0

    @property
    def columns(self) -> dict[str, list]:
        """The values so far, a list a column; None where a row has none."""
        names = list(self.rows[0]) if self.rows else []
        return {name: [row.get(name) for row in self.rows] for name in names}

    def told(self) -> dict:
        """All but the weights, as JSON has it."""
        return {one.name: getattr(self, one.name) for one in fields(self)[:-1]}


class Checkpoints:
    """The file of one training.

    Args:
        run: whose folder it lies in.
        model: compiled, and its optimizer built.
    """

    def __init__(self, run: Run, model: keras.Model):
        self._path, self._model = run.checkpoint, model
        self._start, self._spent, self._last = time.perf_counter(), 0.0, 0.0

    def keep(self, state: State) -> None:
        """Write the state and all variables, where that takes little of the training's time."""
        start = time.perf_counter()
        if self._spent + self._last > _SHARE * (start - self._start):
            return
        arrays = {"state": np.array(dumps(state.told()))} | _named("best", state.weights)
        for name, group in self._variables():
            arrays |= _named(name, [variable.numpy() for variable in group])
        held = io.BytesIO()
        np.savez(held, **arrays)
        write_bytes(self._path, held.getbuffer())
        self._last = time.perf_counter() - start
        self._spent += self._last

    def resume(self) -> State:
        """Set all variables as they were; the state, which is a new one where nothing is kept.

        Raises:
            RunError: the file is damaged, or of another model.
        """
        if not self._path.exists():
            return State()
        try:
            known = archives.arrays(self._path)
            told = json.loads(str(known["state"]))
            state = State(**told | {"best": _number(told["best"])})
            if "best/0" in known:
                state.weights = _read(known, "best", self._model.weights)
            read = [_read(known, name, group) for name, group in self._variables()]
        except _DAMAGED as error:
            raise RunError(f"{self._path} is damaged: delete it to begin again.") from error
        for (_, variables), values in zip(self._variables(), read, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        return state

    def _variables(self) -> list[tuple[str, list[keras.Variable]]]:
        """All that a training changes."""
        model = self._model
        return [("model", model.variables), ("optimizer", model.optimizer.variables)]


def _number(told: float | None) -> float:
    """A loss, which is infinite where JSON has none."""
    return math.inf if told is None else told


def _named(group: str, values: list[np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays by the names that they have in the file."""
    return {f"{group}/{place}": value for place, value in enumerate(values)}


def _read(archive: Mapping, group: str, variables: list[keras.Variable]) -> list[np.ndarray]:
    """The arrays of those variables.

    Raises:
        ValueError: one is of another shape or kind.
    """
    found = [archive[f"{group}/{place}"] for place in range(len(variables))]
    for value, variable in zip(found, variables, strict=True):
        if (value.shape, value.dtype.name) != (tuple(variable.shape), variable.dtype):
            raise ValueError(f"{variable.path} is of another kind")
    return found
