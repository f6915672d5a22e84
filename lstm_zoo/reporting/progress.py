"""How a training goes on, on stderr: a bar on a terminal, a line an epoch in a log."""

from __future__ import annotations

import copy
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from lstm_zoo.config import RunConfig
from lstm_zoo.errors import harmless
from lstm_zoo.runs import Run


@dataclass
class _Count:
    """Of trainings: how many have begun, and how many there are to be."""

    begun: int = 0
    total: int = 1


class Lines:
    """A line an epoch; with `quiet`, nothing."""

    def __init__(self, console: Console, quiet: bool = False):
        self._console, self._quiet = console, quiet
        self._count = _Count()
        self._label, self._epochs = "", 0

    def beside(self) -> Lines:
        """The same for a training that goes on at the same time; they are counted together."""
        return copy.copy(self)

    def expect(self, trainings: int) -> None:
        """So many trainings follow."""
        self._count.begun, self._count.total = 0, trainings

    def begin(self, config: RunConfig, batches: int, done: int = 0) -> None:
        """A training starts, or goes on after the epochs done."""
        total = self._count.total
        self._count.begun = min(self._count.begun + 1, total)  # one may begin once more
        count = f"[{self._count.begun}/{total}] " if total > 1 else ""
        self._label = f"{count}{config.variant}, seed {config.seed}"
        self._epochs = config.train["epochs"]
        if done:
            self._print(f"{self._label}: goes on after epoch {done}.")

    def batch(self, count: int = 1) -> None:
        """Batches are done."""

    def epoch(self, row: dict) -> None:
        """A line of history.csv; the untrained model's is not shown."""
        if row["epoch"]:
            self._print(f"{self._label}: {self._describe(row)}")

    def end(self) -> None:
        """The training is over."""

    def ended(self, config: RunConfig, outcome: Run | Exception) -> None:
        """What came of it."""

    def say(self, sentence: str) -> None:
        """Something that the user should know."""
        self._print(sentence)

    def _describe(self, row: dict) -> str:
        values = [f"{name} {row[name]:.4g}" for name in row if name != "epoch"]
        return f"epoch {row['epoch']}/{self._epochs}  " + "  ".join(values)

    def _print(self, text: str) -> None:
        if not self._quiet:
            self._console.print(harmless(text), markup=False, highlight=False, soft_wrap=True)


class Bar(Lines):
    """A bar for each training under way, above them what is to be said."""

    def __init__(self, console: Console):
        super().__init__(console)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[scores]}", markup=False),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._task: TaskID | None = None
        self._batches = 0

    def begin(self, config: RunConfig, batches: int, done: int = 0) -> None:
        """A new bar."""
        super().begin(config, batches)
        self._batches = batches
        total = batches * self._epochs
        so_far = {"total": total, "completed": batches * done}
        self._task = self._progress.add_task(self._label, scores="", **so_far)
        self._progress.start()

    def batch(self, count: int = 1) -> None:
        """So many steps on."""
        self._progress.advance(self._task, count)

    def epoch(self, row: dict) -> None:
        """The newest score, beside the bar."""
        if row["epoch"]:
            name, value = list(row.items())[-1]
            scores = f"epoch {row['epoch']}/{self._epochs}  {name} {value:.4g}"
            done = {"completed": row["epoch"] * self._batches}  # where no batch is told of
            self._progress.update(self._task, scores=scores, refresh=True, **done)

    def end(self) -> None:
        """The bar goes."""
        if self._task is None:
            return
        self._progress.remove_task(self._task)
        self._task = None
        if not self._progress.task_ids:
            self._progress.stop()


def progress(console: Console, quiet: bool = False) -> Lines:
    """What fits the console."""
    return Bar(console) if console.is_terminal and not quiet else Lines(console, quiet)
