"""Where attention looks, beside the gradient's own opinion of which steps matter.

    α_t            the weight that the last step gives to the state of step t
    ‖d L / d x_t‖  how much the loss would change with the input of step t

An attention weight says which states are read, and a state has read every step before it; the
gradient counts every way from x_t to the loss. Where the two disagree, the weights are no
explanation of what the model looks at: Sarthak Jain and Byron C. Wallace (2019): Attention is not
explanation. NAACL.
"""

from __future__ import annotations

import numpy as np
from keras import layers
from scipy import stats

from lstm_zoo import backend
from lstm_zoo.errors import UsageError
from lstm_zoo.insight.opened import OpenModel
from lstm_zoo.insight.subject import Subject
from lstm_zoo.models.attention_lstm import attention_weights


def explain(subject: Subject, examples: tuple[int, ...] = (0,)) -> list[dict]:
    """Attention weights and gradients over the steps, and how far the two agree.

    Args:
        subject: the run.
        examples: the test examples to show, by their number from 0.

    Returns:
        One dictionary, in a list, with `agreement`: Spearman's rank correlation of weights and
        gradients over the steps of an example, as a mean over examples (`spearman`), and the share
        of examples in which both give the same step the most (`same_step`), null where neither
        differs from step to step; and `shown`, for each chosen example its `input (steps, …)`, its
        `weights (steps,)`, and its `gradient (steps,)` as shares of its sum, without padding.

    Raises:
        UsageError: the model has no attention over the steps of its recurrent layer, or the test
            part has no such example.
    """
    _check(subject)
    shown = subject.chosen(examples)
    with backend.double_precision():
        model = OpenModel(subject.loaded.model)
    sampled = _looks(model, subject, *subject.sample)
    looks = _looks(model, subject, *shown)
    return [
        subject.entry(model.layers[0])
        | {
            "agreement": _agreement(*sampled),
            "shown": [
                {
                    "example": number,
                    "input": subject.input(x[kept]),
                    "weights": alpha[kept].tolist(),
                    "gradient": (gradient[kept] / (gradient[kept].sum() or 1)).tolist(),
                }
                for number, x, alpha, gradient, kept in zip(examples, shown[0], *looks, strict=True)
            ],
        }
    ]


def _check(subject: Subject) -> None:
    """Make sure that the model has a layer `attention` that gives its weights."""
    for layer in subject.loaded.model.layers:
        known = isinstance(layer, layers.AdditiveAttention | layers.Attention)
        if known and layer.name == "attention" and isinstance(layer.output, list | tuple):
            return
    raise UsageError(
        f"{subject.loaded.run.name} ({subject.loaded.config.variant}) has no layer 'attention' "
        "that gives its weights, as attention-lstm has."
    )


def _looks(
    model: OpenModel, subject: Subject, x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights, norms of the gradients, and which steps are no padding: `(examples, steps)` each."""
    weights = attention_weights(subject.loaded.model, x)
    weights = weights[:, -1] if weights.ndim == 3 else weights
    with backend.double_precision():
        found = model.gradients(x, subject.loss(y))
    first = model.layers[0].name  # both its directions read the input
    read = [of for layer, of in zip(model.layers, found, strict=True) if layer.name == first]
    gradients = np.linalg.norm(sum(of["input"] for of in read), axis=-1)
    if weights.shape != gradients.shape:
        raise UsageError(
            f"{subject.loaded.run.name} attends to {weights.shape[1]} steps, and its layer "
            f"{first} reads {gradients.shape[1]}: explain needs one for each."
        )
    return weights, gradients, read[0].get("mask", np.ones(weights.shape, bool))


def _agreement(
    weights: np.ndarray, gradients: np.ndarray, mask: np.ndarray
) -> dict[str, float | None]:
    """How far weights and gradients agree, over the steps of each example that count."""
    rows = [
        (alpha[kept], gradient[kept])
        for alpha, gradient, kept in zip(weights, gradients, mask, strict=True)
        if np.ptp(alpha[kept]) > 0 and np.ptp(gradient[kept]) > 0
    ]
    if not rows:
        return {"spearman": None, "same_step": None}
    ranks = [stats.spearmanr(alpha, gradient).statistic for alpha, gradient in rows]
    same = [np.argmax(alpha) == np.argmax(gradient) for alpha, gradient in rows]
    return {"spearman": float(np.mean(ranks)), "same_step": float(np.mean(same))}
