"""Simulated forecasts: what the Diebold–Mariano test says where there is nothing to find."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from lstm_zoo import baselines, statistics
from lstm_zoo.results import LEVEL

SEED = 4
PAST = 5  # the changes that the fitted autoregression sees
FORECASTERS = (
    "the last value and noise, one seed",
    "the same, 5 seeds with one noise",
    "the same, 5 seeds with a noise each",
    "an autoregression fitted to the changes",
    "the drift",
)


def size_on_noise(examples: int, horizon: int, draws: int) -> float:
    """How often it tells forecasts apart whose loss differences are white noise."""
    noise = np.random.default_rng(SEED).standard_normal((draws, examples))
    return _told_apart(noise, np.zeros_like(noise), horizon)


def size_on_overlap(examples: int, horizon: int, draws: int) -> float:
    """The same of two forecasts that are equally good `horizon` steps ahead.

    Errors so far ahead are sums of `horizon` shocks, and the losses are their squares.
    """
    rng = np.random.default_rng(SEED)
    shocks = rng.standard_normal((2, draws, examples + horizon - 1))
    errors = sliding_window_view(shocks, horizon, axis=-1).sum(axis=-1)
    return _told_apart(*errors**2, horizon)


def _told_apart(losses_a: np.ndarray, losses_b: np.ndarray, horizon: int) -> float:
    pairs = zip(losses_a, losses_b, strict=True)
    return float(np.mean([statistics.diebold_mariano(a, b, horizon)[1] < LEVEL for a, b in pairs]))


def beaten_floors(rows: int, horizon: int, draws: int) -> np.ndarray:
    """How often each of `FORECASTERS` is said to beat the last value of a random walk."""
    rng = np.random.default_rng(SEED)
    p_values = [
        _floor_tests(np.cumsum(rng.standard_normal(rows)), horizon, rng) for _ in range(draws)
    ]
    return np.mean(np.array(p_values) < LEVEL, axis=0)


def _floor_tests(walk: np.ndarray, horizon: int, rng: np.random.Generator) -> list[float]:
    """The p-value of each forecaster; the last fifth of the rows is the test part."""
    cut = len(walk) - len(walk) // 5
    starts = np.arange(cut - 1, len(walk) - horizon)
    truth = walk[starts[:, None] + np.arange(1, horizon + 1)]
    last = baselines.last_value(walk, starts, horizon)

    def p_value(forecast: np.ndarray) -> float:
        losses = [np.mean((truth - f) ** 2, axis=1) for f in (forecast, last)]
        return statistics.diebold_mariano(*losses, horizon, alternative="less")[1]

    noisy = [p_value(last + 0.01 * rng.standard_normal(last.shape)) for _ in range(5)]
    fitted = p_value(last + _fitted(walk, cut, starts, horizon))
    drift = p_value(baselines.drift(walk, starts, horizon, train_rows=cut))
    alike, apart = statistics.majority(noisy[:1] * 5), statistics.majority(noisy)
    return [noisy[0], alike, apart, fitted, drift]


def _fitted(walk: np.ndarray, cut: int, starts: np.ndarray, horizon: int) -> np.ndarray:
    """The changes from the last value that least squares on the first `cut` rows foretell."""
    seen = sliding_window_view(np.diff(walk), PAST)  # seen[i] ends with the step to row i + PAST
    known = np.arange(PAST, cut - horizon)
    ahead = np.arange(1, horizon + 1)
    changes = walk[known[:, None] + ahead] - walk[known][:, None]
    weights, *_ = np.linalg.lstsq(seen[known - PAST], changes)
    return seen[starts - PAST] @ weights


def told_apart_by(examples: int, seeds: int, draws: int) -> np.ndarray:
    """How often two equally good forecasters are told apart: over the seeds, by example, by both.

    On a random walk one is a twentieth of a step too high in every seed, and the other as much too
    low, each give or take a hundredth by its seed.
    """
    rng = np.random.default_rng(SEED)
    p_values = [_pair(rng, examples, seeds) for _ in range(draws)]
    over_seeds, by_example = np.array(p_values).T < LEVEL
    return np.mean([over_seeds, by_example, over_seeds & by_example], axis=1)


def _pair(rng: np.random.Generator, examples: int, seeds: int) -> tuple[float, float]:
    """The p-values of the paired t over the seeds' RMSE, and of the seeds' mean losses."""
    steps = rng.standard_normal(examples)
    bias = np.array([[0.05], [-0.05]]) + 0.01 * rng.standard_normal((2, seeds))
    losses = (steps - bias[..., None]) ** 2
    over_seeds = statistics.paired_t(*np.sqrt(losses.mean(axis=-1))).p_value
    return over_seeds, statistics.diebold_mariano(*losses.mean(axis=1))[1]
