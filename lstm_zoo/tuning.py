"""The same small search for every model's learning rate, chosen on the validation part alone.

The rate that suits an LSTM is often too large for a simple recurrent layer, which then loses for
its rate and not for its kind. With `--tune-lr K` each model is trained at K rates around the
configured one, from a seed that the comparison does not use, and is compared at the rate with the
least validation loss. The search reads history.csv and nothing else: the test part chooses nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from lstm_zoo import backtest
from lstm_zoo.config import RunConfig
from lstm_zoo.errors import TrainingError, UsageError, listed
from lstm_zoo.runs import Run, read_history

TUNING_SEED = 2_718_281_828  # of no comparison that counts its seeds from a small number
MOST_RATES = 9


def rates(centre: float, count: int) -> list[float]:
    """Learning rates, a factor √10 apart, around the configured one.

    The configured rate is always one of them; an even count has one more below it than above, as a
    simple recurrent layer wants a smaller rate than an LSTM. The grid of a larger count holds that
    of a smaller one, so its runs can be used again. It gets wider and not finer, since one seed
    can't tell closer rates apart: 2 to 9 rates, which reach from a hundredth of the rate to a
    hundred times.

    Args:
        centre: the configured rate, kept as it is; the others have three significant digits.
        count: how many.

    Returns:
        The rates, the smallest first.

    Raises:
        UsageError: there is nothing to choose from, or there are too many.
    """
    if not 2 <= count <= MOST_RATES:
        raise UsageError(
            f"--tune-lr takes from 2 to {MOST_RATES} learning rates to choose from, not {count}."
        )
    below = count // 2
    if not math.isfinite(centre * 10 ** ((count - below - 1) / 2)):
        raise UsageError(f"A learning rate of {centre:g} leaves no room for larger ones.")
    steps = range(-below, count - below)
    return [float(f"{centre * 10 ** (step / 2):.3g}") if step else centre for step in steps]


@dataclass(frozen=True)
class Choice:
    """The learning rate that a model is compared at.

    Args:
        config: the model's configuration, with the chosen rate.
        losses: the least validation loss at each rate tried, the smallest rate first; None where
            the training failed.
    """

    config: RunConfig
    losses: dict[float, float | None]

    @property
    def rate(self) -> float:
        """The chosen rate."""
        return self.config.train["learning_rate"]

    @property
    def at_edge(self) -> bool:
        """Whether it is the smallest or the largest rate tried."""
        return self.rate in (min(self.losses), max(self.losses))

    @property
    def sentence(self) -> str:
        """What was chosen, from what."""
        smallest, largest = min(self.losses), max(self.losses)
        failed = [f"{rate:g}" for rate, loss in self.losses.items() if loss is None]
        remarks = [f"validation loss {self.losses[self.rate]:.4g}"]
        if failed:
            remarks.append(f"the training failed at {listed(failed)}")
        if self.at_edge:
            remarks.append("at the edge of the grid: a wider search may find a better one")
        return (
            f"{self.config.variant}: learning rate {self.rate:g} of {len(self.losses)} tried, "
            f"from {smallest:g} to {largest:g} ({'; '.join(remarks)})."
        )


def tune(config: RunConfig, count: int, train: Callable[[RunConfig], Run]) -> Choice:
    """Train a model at `count` learning rates, and choose the one with the least validation loss.

    Of equal losses, as where no rate does better than the untrained weights, the one nearest to the
    configured rate is chosen.

    Args:
        config: the model as it is configured; its rate is the middle of the grid.
        count: the rates to try.
        train: trains a configuration, from `TUNING_SEED`, and returns the finished run.

    Raises:
        UsageError: there is no validation part to choose on, or `count` can't be meant.
        TrainingError: the training fails at every rate.
    """
    centre = config.train["learning_rate"]
    losses = _losses(config.variant, searched(config, count), train)
    reached = {rate: loss for rate, loss in losses.items() if loss is not None}
    best = min(reached, key=lambda rate: (reached[rate], abs(math.log(rate / centre))))
    return Choice(_with_rate(config, best), losses)


def searched(config: RunConfig, count: int) -> list[RunConfig]:
    """The runs that `tune` trains.

    Raises:
        UsageError: there is no validation part to choose on, or `count` can't be meant.
    """
    if config.data.get("validation") == 0:
        raise UsageError(
            "Choosing a learning rate (--tune-lr) needs a validation part, and validation=0 leaves "
            "none."
        )
    return [_searched(config, rate) for rate in rates(config.train["learning_rate"], count)]


def of_search(config: RunConfig, variant: str) -> RunConfig:
    """A training by which something is chosen: from a seed of the search's own.

    For a backtest it is trained once, on what is known before the first fold: the validation parts
    of later folds lie in what earlier ones are tested on.
    """
    data = config.data | ({"folds": 1} if backtest.whole(config) else {})
    return replace(config.with_seed(TUNING_SEED), variant=variant, data=data)


def _searched(config: RunConfig, rate: float) -> RunConfig:
    """A run of the search, which its name tells."""
    return _with_rate(of_search(config, f"{config.variant} at rate {rate:g}"), rate)


def _with_rate(config: RunConfig, rate: float) -> RunConfig:
    return replace(config, train=config.train | {"learning_rate": rate})


def _losses(
    name: str, tried: list[RunConfig], train: Callable[[RunConfig], Run]
) -> dict[float, float | None]:
    """The least validation loss by rate; None where the training failed, which not all may."""
    losses, why = {}, None
    for config in tried:
        rate = config.train["learning_rate"]
        try:
            losses[rate] = least_validation_loss(train(config))
        except TrainingError as error:
            losses[rate], why = None, error
    if all(loss is None for loss in losses.values()):
        raise TrainingError(
            f"{name} can be trained at none of the {len(tried)} learning rates from "
            f"{min(losses):g} to {max(losses):g}: {why}"
        )
    return losses


def least_validation_loss(run: Run) -> float:
    """The least that is a number.

    Raises:
        TrainingError: none is.
    """
    losses = [row["val_loss"] for row in read_history(run)]
    numbers = [loss for loss in losses if loss is not None and math.isfinite(loss)]
    if not numbers:
        raise TrainingError("The validation loss is never a number.")
    return min(numbers)
