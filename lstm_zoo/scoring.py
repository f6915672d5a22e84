"""All scores of an answer: a task's own metrics, and those of zoo files beside them.

A zoo file's metric may be anybody's code: whatever it does, the run is kept, and told is what came
of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real

import numpy as np

from lstm_zoo import archives, sources
from lstm_zoo.data import Part
from lstm_zoo.entries import Metric
from lstm_zoo.errors import ZooError, why
from lstm_zoo.runs import Run
from lstm_zoo.tasks import Task


class Own:
    """The metrics of zoo files that are for a task.

    Args:
        metrics: those of the zoo.
        task: the task's name.
    """

    def __init__(self, metrics: Sequence[Metric], task: str):
        self._metrics = [metric for metric in metrics if task in metric.tasks]
        self._faults: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._metrics)

    def scores(self, y_true: np.ndarray, y_pred: np.ndarray) -> dict[str, float | None]:
        """What each says; None where it fails, or is not defined."""
        return {metric.name: self._score(metric, y_true, y_pred) for metric in self._metrics}

    @property
    def faults(self) -> list[str]:
        """A sentence for each that has failed."""
        return list(self._faults.values())

    def to_dict(self) -> dict[str, dict]:
        """As metrics.json has them."""
        return {
            metric.name: {
                "function": metric.function,
                "better": metric.better,
                "from": metric.origin,
                "fault": self._faults.get(metric.name),
            }
            for metric in self._metrics
        }

    def _score(self, metric: Metric, *arrays: np.ndarray) -> float | None:
        try:
            score = sources.call(metric.function, metric, *map(_read_only, arrays))
        except (ZooError, OSError, MemoryError) as error:
            return self._failed(metric, why(error))
        if score is None:
            return None
        if not isinstance(score, Real):
            return self._failed(metric, f"{metric.function} returned a {type(score).__name__}.")
        if not math.isfinite(score):
            return self._failed(metric, f"{metric.function} returned {score}.")
        return float(score)

    def _failed(self, metric: Metric, why: str) -> None:
        self._faults.setdefault(metric.name, f"The metric {metric.name} has no number: {why}")


def _read_only(array: np.ndarray) -> np.ndarray:
    """The same numbers, which nobody changes through it."""
    view = array.view()
    view.flags.writeable = False
    return view


class Scorer:
    """Scores the answers to a task's parts.

    Args:
        task: the task.
        metrics: those of the zoo, for any task.
    """

    def __init__(self, task: Task, metrics: Sequence[Metric] = ()):
        self.task, self.own = task, Own(metrics, task.name)

    def scores(self, answers: np.ndarray, part: Part) -> dict[str, float | None]:
        """Every metric of a part, in original units, the main one first."""
        own = self.own.scores(self.task.truth(part), answers)
        return self.task.scores(answers, part) | own

    def floors(self, answers: dict[str, np.ndarray]) -> dict[str, dict]:
        """Every score of the trivial answers to the test part; the floor comes first."""
        test = self.task.dataset.test
        return {name: self.scores(answer, test) for name, answer in answers.items()}


def of_run(
    run: Run, record: dict, metrics: Sequence[Metric]
) -> tuple[dict[str, float | None], list[str]]:
    """Every score of a finished run's test part, and why one of a zoo file's metrics has none.

    Those are computed anew, from its predictions: the run may be older than they are.

    Args:
        run: the run.
        record: its metrics.json.
        metrics: those of the zoo now, for any task.
    """
    own = Own(metrics, record["task"])
    before = record.get("own_metrics", {})
    scores = {name: score for name, score in record["test"].items() if name not in before}
    if not own:
        return scores, []
    arrays = archives.arrays(run.folder / "predictions.npz", ("y_true", "y_pred"))
    return scores | own.scores(arrays["y_true"], arrays["y_pred"]), own.faults
