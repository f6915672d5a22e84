"""How a series becomes what a model reads and answers, and an answer the series' unit again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from lstm_zoo import disk
from lstm_zoo.errors import RunError, UsageError
from lstm_zoo.parameters import REQUIRED, Parameter, fill

_FRAMING = (
    Parameter("columns", "list[str]", REQUIRED),
    Parameter("target", "NonNegativeInt", REQUIRED),
    Parameter("window", "PositiveInt", REQUIRED),
    Parameter("horizon", "PositiveInt", REQUIRED),
    Parameter("predict", "Literal['change', 'level']", REQUIRED),
    Parameter("targets", "Literal['last', 'sequence']", REQUIRED),
    Parameter("input_offset", "list[float]", REQUIRED),
    Parameter("input_scale", "list[PositiveFloat]", REQUIRED),
    Parameter("target_offset", "float", REQUIRED),
    Parameter("target_scale", "list[PositiveFloat]", REQUIRED),
)


@dataclass(frozen=True)
class Framing:
    """How a series becomes inputs and targets, and an answer becomes the series' unit again.

    An input is `(value - input_offset) / input_scale`, a column each. A value is
    `answer · target_scale + target_offset`, a horizon each, and where the change is predicted, the
    last value of the window more.
    """

    columns: tuple[str, ...]
    target: int
    window: int
    horizon: int
    predict: str
    targets: str
    input_offset: tuple[float, ...]
    input_scale: tuple[float, ...]
    target_offset: float
    target_scale: tuple[float, ...]

    @classmethod
    def from_dict(cls, values: dict) -> Framing:
        """The framing that preprocessing.json holds.

        Raises:
            RunError: it holds none, one of another version, or one whose numbers don't fit.
        """
        if not isinstance(values, dict):
            raise RunError("preprocessing.json does not fit this lstm-zoo: its series is none.")
        try:
            checked = fill(_FRAMING, values, "its series")
        except UsageError as error:
            raise RunError(f"preprocessing.json does not fit this lstm-zoo: {error}") from None
        framing = cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in checked.items()})
        framing._check_lengths()
        return framing

    def _check_lengths(self) -> None:
        columns = len(self.columns)
        if not columns == len(self.input_offset) == len(self.input_scale) > self.target:
            problem = f"its {columns} columns and what is said of them do not fit"
        elif len(self.target_scale) != self.horizon:
            problem = f"its horizon of {self.horizon} has {len(self.target_scale)} target scales"
        else:
            return
        raise RunError(f"preprocessing.json is damaged: {problem}.")

    def up_to(self, horizon: int) -> Framing:
        """The same of fewer steps ahead."""
        return replace(self, horizon=horizon, target_scale=self.target_scale[:horizon])

    def rows(self, places: range) -> range:
        """The rows that the windows at `places` forecast, one step ahead or more."""
        return range(places.start + self.window, places.stop - 1 + self.window + self.horizon)

    def inputs(self, values: np.ndarray) -> np.ndarray:
        """Every window of `values (rows, columns)`: `(rows - window + 1, window, columns)`."""
        offset, scale = np.array(self.input_offset), np.array(self.input_scale)
        scaled = disk.gathered(
            ((values[rows] - offset) / scale).astype(np.float32)
            for rows in disk.stretches(len(values))
        )
        return sliding_window_view(scaled, self.window, axis=0).transpose(0, 2, 1)

    def scaled(self, values: np.ndarray) -> np.ndarray:
        """Values of the only column as the model reads them."""
        return ((values - self.input_offset[0]) / self.input_scale[0]).astype(np.float32)

    def value(self, scaled: np.ndarray) -> np.ndarray:
        """What the model has read, in the series' unit."""
        return scaled.astype(np.float64) * self.input_scale[0] + self.input_offset[0]

    def future(self, values: np.ndarray) -> np.ndarray:
        """The next `horizon` target values after each row: `(rows - horizon, horizon)`."""
        return sliding_window_view(values[1:, self.target], self.horizon)

    def answers(self, values: np.ndarray) -> np.ndarray:
        """The targets of every window that has its whole future in `values`."""
        future, last = self.future(values), values[:, self.target]
        rows = disk.gathered(
            self.to_scale(future[rows], last[rows]).astype(np.float32)
            for rows in disk.stretches(len(future))
        )
        if self.targets == "last":
            return rows[self.window - 1 :]
        return sliding_window_view(rows, self.window, axis=0).transpose(0, 2, 1)

    def to_scale(self, future: np.ndarray, last: np.ndarray) -> np.ndarray:
        """Values of `(…, horizon)` on the scale that the model answers in."""
        return (future - self._offset(last)) / np.array(self.target_scale)

    def to_units(self, answers: np.ndarray, last: np.ndarray) -> np.ndarray:
        """Answers of `(…, horizon)` in the series' unit, `last (…)` being the last value seen."""
        return answers * np.array(self.target_scale) + self._offset(last)

    def _offset(self, last: np.ndarray) -> np.ndarray | float:
        """What is added to a scaled answer; a change starts from the last value seen."""
        known = np.asarray(last)[..., None] if self.predict == "change" else 0.0
        return known + self.target_offset


def fitted(values: np.ndarray, known: int, scaling: str, **choices) -> Framing:
    """The framing whose every number is fitted on the first rows, the training part's.

    Args:
        values: `(rows, columns)`.
        known: how many rows are the training part's.
        scaling: standard, min-max or none.
        choices: what of a `Framing` is chosen: columns, target, window, horizon, predict, targets.
    """
    offset, scale = _fitted_scaler(values[:known], scaling)
    target, horizon = choices["target"], choices["horizon"]
    level = values[:known, target]
    if choices["predict"] == "change":
        spread = [float(_spread_of_changes(level, h)) for h in range(1, horizon + 1)]
    else:
        spread = [float(scale[target])] * horizon
    return Framing(
        input_offset=tuple(offset.tolist()),
        input_scale=tuple(scale.tolist()),
        target_offset=0.0 if choices["predict"] == "change" else float(offset[target]),
        target_scale=tuple(spread),
        **choices,
    )


def _fitted_scaler(known: np.ndarray, scaling: str) -> tuple[np.ndarray, np.ndarray]:
    """The offset and scale of each column; a constant column keeps a scale of 1."""
    if scaling == "none":
        return np.zeros(known.shape[1]), np.ones(known.shape[1])
    if scaling == "min-max":
        offset, scale = known.min(axis=0), np.ptp(known, axis=0)
    else:
        offset, scale = _mean_and_std(lambda rows: known[rows], len(known))
    return offset, _above_rounding(scale, known)


def _spread_of_changes(level: np.ndarray, ahead: int) -> np.ndarray:
    """The standard deviation of the change over `ahead` rows."""
    changed, before = level[ahead:], level[:-ahead]
    _, spread = _mean_and_std(lambda rows: changed[rows] - before[rows], len(changed))
    return _above_rounding(spread, level)


def _mean_and_std(terms: Callable[[slice], np.ndarray], rows: int) -> tuple:
    """Of the `terms` of all rows, each column's."""
    mean = disk.mean(terms, rows, axis=0)
    return mean, np.sqrt(disk.mean(lambda some: (terms(some) - mean) ** 2, rows, axis=0))


def _above_rounding(spread: np.ndarray, known: np.ndarray) -> np.ndarray:
    """`spread`, or 1 where it is no more than what rounding makes of the `known` values."""
    rounding = 4 * np.finfo(np.float64).eps * disk.largest(known)
    return np.where(spread <= rounding, 1.0, spread)
