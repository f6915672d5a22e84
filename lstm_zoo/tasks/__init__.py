"""What a dataset asks for, and how an answer to it is scored.

A task gathers a dataset's loss, metrics and trivial answers. It scores whole parts, in original
units, the main metric first. Where a series has a target at every step, the answer after the last
one is scored; where every step has a class (`every_step`), all of them are.
"""

from __future__ import annotations

from lstm_zoo.data import Dataset
from lstm_zoo.tasks.classification import Classification
from lstm_zoo.tasks.forecasting import Forecasting
from lstm_zoo.tasks.labelling import Labelling, LanguageModelling
from lstm_zoo.tasks.regression import Regression
from lstm_zoo.tasks.task import Task


def task_of(dataset: Dataset) -> Task:
    """The task that a dataset sets."""
    if dataset.framing:
        return Forecasting(dataset)
    if not dataset.classes:
        return Regression(dataset)
    if not dataset.outputs.every_step:
        return Classification(dataset)
    return LanguageModelling(dataset) if dataset.vocabulary else Labelling(dataset)
