"""A look inside a trained model: gradients by lag, gates over time, attention beside gradients."""

from __future__ import annotations

from lstm_zoo.insight import attention, gates, gradients
from lstm_zoo.insight.subject import Subject


def explain(question: str, subject: Subject, examples: tuple[int, ...]) -> list[dict]:
    """What is found in a run, a dictionary for each layer and direction.

    Args:
        question: `gradients`, `gates` or `attention`.
        subject: the run.
        examples: the test examples that gates and attention show, by their number from 0.

    Raises:
        UsageError: the run's model has not what is asked for.
    """
    if question == "gradients":
        return gradients.explain(subject)
    return (gates if question == "gates" else attention).explain(subject, examples)
