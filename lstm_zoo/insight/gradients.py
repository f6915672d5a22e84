"""How far back the loss reaches: the gradient by lag, its decay per step, and its half-life.

    g_k = mean over examples of ‖d L_T / d h_{T-k}‖₂,    k = 0 … T - 1

with `L_T` an example's loss after the last step, and d the total derivative (through the
recurrence). Where g_k goes down by a constant factor each step, g_k ≈ g_0 · decay^k, no weight
learns from what lies much further back than a few half-lives, ln 2 / -ln decay.

Sepp Hochreiter (1991): Untersuchungen zu dynamischen neuronalen Netzen, diploma thesis, TU München.
Yoshua Bengio, Patrice Simard and Paolo Frasconi (1994): Learning long-term dependencies with
gradient descent is difficult. IEEE Transactions on Neural Networks 5(2).
"""

from __future__ import annotations

import math

import keras
import numpy as np

from lstm_zoo import assembly, backend
from lstm_zoo.errors import RunError
from lstm_zoo.forecasting import Loaded
from lstm_zoo.insight.opened import OpenLayer, OpenModel
from lstm_zoo.insight.subject import Subject

SMALLEST = 1e-12  # of the largest norm; what is below is rounding
_STEADY = 1e-9  # a decay nearer to 1 than this is none


def explain(subject: Subject) -> list[dict]:
    """The gradient by lag, before training and after, of each recurrent layer and direction.

    Before training means the run's model built again from its seed.

    Returns:
        For each layer and direction a dictionary with `lag (lags,)` in steps of that layer,
        `norm_before` and `norm_after (lags,)` of h, `decay_per_step` and `half_life` (in steps;
        null where nothing decays), each `{"before", "after"}`; and for an LSTM, under `cell`, the
        same of C.

    Raises:
        UsageError: the model has no recurrent layer that can be looked into.
        RunError: the run's model is not the one that its configuration describes.
    """
    untrained = assembly.build(subject.loaded.config, subject.dataset)
    _check_same(untrained, subject.loaded)
    with backend.double_precision():
        models = {"before": OpenModel(untrained), "after": OpenModel(subject.loaded.model)}
        found = {when: _norms(model, subject) for when, model in models.items()}
    records = []
    for place, layer in enumerate(models["after"].layers):
        norms = {when: layers[place] for when, layers in found.items()}
        record = subject.entry(layer) | {"lag": list(range(len(norms["after"]["state"])))}
        for name in layer.states:
            told = _told({when: of[name] for when, of in norms.items()})
            record |= told if name == "state" else {name: told}
        records.append(record)
    return records


def _check_same(untrained: keras.Model, loaded: Loaded) -> None:
    """What was built again is what was trained, but for its numbers."""
    built, trained = ([weight.shape for weight in m.weights] for m in (untrained, loaded.model))
    kinds, known = ([type(layer) for layer in m.layers] for m in (untrained, loaded.model))
    if built != trained or kinds != known:
        raise RunError(
            f"The run {loaded.run.folder} contradicts itself: its model.keras is not the model "
            "that its config.json describes."
        )


def _told(norms: dict[str, np.ndarray]) -> dict:
    """Norms by lag, before and after, with what is fitted to them."""
    decays = {when: decay_per_step(of) for when, of in norms.items()}
    return {
        **{f"norm_{when}": of.tolist() for when, of in norms.items()},
        "decay_per_step": decays,
        "half_life": {when: half_life(decay) for when, decay in decays.items()},
    }


def _norms(model: OpenModel, subject: Subject) -> list[dict[str, np.ndarray]]:
    """For each layer, the mean norms by lag of its states: `(lags,)` each."""
    x, y = subject.sample
    found = model.gradients(x, subject.loss(y))
    return [
        {name: _mean(by_lag(of, name, layer)) for name in layer.states}
        for layer, of in zip(model.layers, found, strict=True)
    ]


def by_lag(found: dict[str, np.ndarray], name: str, layer: OpenLayer) -> np.ndarray:
    """The norm of each example's derivatives: `(examples, lags)`.

    Lag 0 is the last step that the layer reads and its mask lets through. Where an example has
    fewer steps than others, its last lags are NaN.
    """
    norms = np.linalg.norm(found[name], axis=-1)
    mask = found.get("mask", np.ones(norms.shape, bool))
    lags = np.full(norms.shape, np.nan)
    for row, values, kept in zip(lags, norms, mask, strict=True):
        read = values[kept] if layer.backwards else values[kept][::-1]
        row[: len(read)] = read
    return lags


def _mean(lags: np.ndarray) -> np.ndarray:
    """The mean over those examples that have the lag, for every lag that one has."""
    return np.nanmean(lags[:, ~np.isnan(lags).all(axis=0)], axis=0)


def decay_per_step(norms: np.ndarray) -> float | None:
    """The factor by which norms go down each step: a least-squares line through their logarithms.

    Args:
        norms: by lag, from lag 0, `(lags,)`. Counted are lags from 1, and norms above 1e-12 of the
            largest.

    Returns:
        The factor, above 1 where norms grow; None where fewer than two norms count.
    """
    lag = np.arange(len(norms))
    counted = (lag >= 1) & (norms > SMALLEST * np.max(norms))
    if counted.sum() < 2:
        return None
    return math.exp(np.polyfit(lag[counted], np.log(norms[counted]), 1)[0])


def half_life(decay: float | None) -> float | None:
    """The steps after which half is left, ln 2 / -ln decay; None where nothing decays."""
    if decay is None or decay > 1 - _STEADY:
        return None
    return math.log(2) / -math.log(decay)
