"""What Keras tells of a training: written down, shown, and the reason to stop it."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import keras

from lstm_zoo import interrupts, runs
from lstm_zoo.checkpoint import State
from lstm_zoo.errors import Diverged, Pruned

if TYPE_CHECKING:
    from lstm_zoo.telling import Progress


@dataclass(frozen=True)
class End:
    """When a training is over.

    Args:
        epochs: the most.
        patience: the epochs without a better validation loss that are too many; None sets none.
        target: the validation loss that is good enough; None sets none.
        most: the training loss beyond which it has exploded.
    """

    epochs: int
    patience: int | None
    target: float | None
    most: float

    def come(self, state: State) -> bool:
        """Whether it is over after the epochs that are done."""
        late = self.patience is not None and state.epochs - state.best_epoch > self.patience
        good = self.target is not None and state.best <= self.target
        return state.epochs >= self.epochs or late or good


class Recorder(keras.callbacks.Callback):
    """Writes history.csv, keeps the weights with the least validation loss, and stops early.

    The untrained weights are a candidate too: epoch 0.

    Args:
        state: where the training stands; it is kept up to date.
        history: where the epochs are written.
        end: when to stop.
        validation: the validation part; None where there is none.
        watched: the names of the metrics beside the loss.
        progress: who is told of every epoch.
    """

    def __init__(
        self,
        state: State,
        history: runs.History,
        end: End,
        validation: object | None,
        watched: tuple[str, ...],
        progress: Progress,
    ):
        super().__init__()
        self._state, self._history, self._end = state, history, end
        self._validation, self._progress = validation, progress
        self._columns = ["loss", *watched]
        if validation is not None:
            self._columns += [f"val_{name}" for name in self._columns]
        self._start = time.perf_counter() - state.seconds
        self._began: list[float] = []

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Epoch 0: what the untrained weights score on the validation part."""
        if self._validation is not None and not self._state.rows:
            scores = self.model.evaluate(
                self._validation, verbose=0, callbacks=[self], return_dict=True
            )
            self._append(0, {f"val_{name}": value for name, value in scores.items()})

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """What the first batch takes, in which the step is traced and compiled."""
        interrupts.go_on()
        if batch == len(self._began) < 2:
            self._began.append(time.perf_counter())
            if batch:
                self._state.compile_seconds += self._began[1] - self._began[0]

    def on_test_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Go on with the validation, unless the user has interrupted."""
        interrupts.go_on()

    def on_epoch_end(self, epoch: int, logs: dict) -> None:
        """Record the epoch, keep its weights if they are the best, or stop."""
        interrupts.go_on()
        hopeless = self._append(epoch + 1, logs)
        self._check(logs)
        self._state.seconds = time.perf_counter() - self._start
        self.model.stop_training = self._end.come(self._state)
        if hopeless and not self.model.stop_training:
            raise Pruned(f"Hopeless after epoch {epoch + 1}.", self._state.seconds)

    def _check(self, logs: dict) -> None:
        """A loss that is no number, or beyond the most, is a diverged training's."""
        finite = all(math.isfinite(value) for value in logs.values())
        if finite and logs["loss"] <= self._end.most:
            return
        what = f"exploded to {logs['loss']:.3g}" if finite else "is not a number"
        raise Diverged(
            f"The training diverged: the loss of epoch {self._state.epochs} {what}. "
            "A smaller --learning-rate may help."
        )

    def _append(self, epoch: int, logs: dict) -> bool | None:
        """Take an epoch in; whether it is told to be hopeless."""
        row = {"epoch": epoch} | {name: logs.get(name) for name in self._columns}
        self._history.append(row)
        hopeless = self._progress.epoch(row)
        state = self._state
        if self._validation is None:
            state.best_epoch = epoch
        elif logs["val_loss"] < state.best:
            state.best, state.best_epoch = logs["val_loss"], epoch
            state.weights = self.model.get_weights()
        return hopeless


class Ticker(keras.callbacks.Callback):
    """Tells a progress bar of every batch."""

    def __init__(self, progress: Progress):
        super().__init__()
        self._progress = progress

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """One step on."""
        self._progress.batch()


class Callbacks(keras.callbacks.CallbackList):
    """Callbacks that need no batch's logs.

    Keras hands them over in a thread, for each batch, which takes as long as a small model's step.
    """

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Tell every callback."""
        for callback in self.callbacks:
            callback.on_train_batch_begin(batch)

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Tell every callback."""
        for callback in self.callbacks:
            callback.on_train_batch_end(batch)
