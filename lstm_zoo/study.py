"""The study of a search: its trials, in a file that outlives any process.

Optuna draws and judges. What is drawn for a trial depends on the seed, on the trial's number and on
what has ended before it, and on no state of a process: a study that is gone on with is the one that
there would have been. A trial that was begun by a process that is no more is still under way, and
is gone on with first.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lstm_zoo import locks
from lstm_zoo.errors import MissingExtra, RunError, listed
from lstm_zoo.files import contents, size_on_disk
from lstm_zoo.space import Choice, Space

try:
    import optuna
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial, TrialState
except ImportError:
    raise MissingExtra("Optuna, with which tune searches,", "tune") from None

optuna.logging.disable_default_handler()

NAME = "lstm-zoo"
_TERMS = "search"  # of the study: what determines it
_KNOWN = "known"  # of a trial: what came of it
_RANDOM = 10  # trials that are drawn at random, before any is drawn by what came of others
_JUDGES = 5  # finished trials, before any is judged by them
_BESIDE = 3  # of them that must have come as far
_STATES = {
    TrialState.COMPLETE: "finished",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "running",
}
_WORDS = {
    "builder": "model",
    "params": "parameters",
    "loader": "dataset",
    "data": "data's parameters",
    "data_sha256": "data",
    "train": "training",
}
_BEGINNING = b'{"op_code":'
_LARGEST = 1_000_000_000  # bytes
_DAMAGED = (ValueError, LookupError, TypeError, AssertionError, ArithmeticError, RecursionError)


class Trial:
    """A trial that is under way.

    Args:
        trial: Optuna's.
        space: what its values are from.
    """

    def __init__(self, trial: optuna.trial.Trial, space: Space):
        self._trial = trial
        self._told = set(trial.study.trials[trial.number].intermediate_values)
        self.number = trial.number
        self.values = {name: _suggested(trial, name, choice) for name, choice in space.items()}

    def hopeless(self, rows: Iterable[dict]) -> bool:
        """Whether others do better by far, after these epochs of its history.csv."""
        for row in rows:
            epoch = row["epoch"]
            if epoch not in self._told:  # by a process before this one, where it is
                self._told.add(epoch)
                self._trial.report(row["val_loss"], epoch)
        return self._trial.should_prune()

    def finish(self, loss: float, **known: object) -> None:
        """It has come to an end, with its least validation loss."""
        self._end(TrialState.COMPLETE, known, loss)

    def prune(self, seconds: float | None = None) -> None:
        """It was stopped as hopeless."""
        self._end(TrialState.PRUNED, {"seconds": seconds})

    def fail(self, why: str) -> None:
        """Its training failed."""
        self._end(TrialState.FAIL, {"error": why})

    def _end(self, state: TrialState, known: dict, loss: float | None = None) -> None:
        self._trial.set_user_attr(_KNOWN, known)
        self._trial.study.tell(self._trial, loss, state)


class Study:
    """The trials of one search.

    Args:
        study: Optuna's.
        space: what is searched.
    """

    def __init__(self, study: optuna.Study, space: Space):
        self._study, self._space = study, space
        self._left = [t for t in study.trials if _STATES[t.state] == "running"]

    def next(self, most: int) -> Trial | None:
        """A trial that is to be trained; None where there are as many as there are to be."""
        if self._left:
            trial = optuna.trial.Trial(self._study, self._left.pop(0)._trial_id)
        elif len(self._study.trials) < most:
            trial = self._study.ask()
        else:
            return None
        return Trial(trial, self._space)

    @property
    def trials(self) -> list[dict]:
        """All of them in the order in which they began, and what is known of each."""
        return [_told(trial, self._space) for trial in self._study.trials]


@contextmanager
def opened(file: Path, terms: dict, space: Space, *, seed: int, warm_up: int) -> Iterator[Study]:
    """The study in a file, which is made where there is none, for this process alone.

    Args:
        file: where it is.
        terms: what determines the search, as plain values.
        space: what is searched.
        seed: of what is drawn.
        warm_up: the epochs that every trial may train for.

    Raises:
        RunError: the file holds another search, or none, or can't be written, or another process
            searches in it.
    """
    try:
        file.touch()
        size_on_disk(file)
    except OSError as error:
        raise RunError(f"The study {file} can't be written: {error.strerror}.") from None
    with locks.folder(file) as own:
        if not own:
            raise RunError(f"Another process searches in the study {file}.")
        _mend(file)
        try:
            study = _loaded(file, seed, warm_up)
            known, found = study.user_attrs.get(_TERMS), Study(study, space)
            begun = len(study.trials)
            if known == json.loads(json.dumps(terms)):
                _check(found.trials)
        except _DAMAGED as error:
            raise RunError(f"The study {file} is damaged: delete it to begin again.") from error
        if known is None and begun:
            raise RunError(f"{file} holds trials that are not of tune: name another --study FILE.")
        if known is None:
            study.set_user_attr(_TERMS, terms)
        elif known != json.loads(json.dumps(terms)):
            raise RunError(_another(file, known, terms))
        yield found


def _check(trials: list[dict]) -> None:
    """Make sure that what is told of trials can be computed with.

    Raises:
        ValueError: it can't.
    """
    for trial in trials:
        numbers = [trial["loss"], trial["seconds"]]
        if any(not isinstance(number, int | float | None) for number in numbers):
            raise ValueError(f"trial {trial['number']} has {numbers}")


def _mend(file: Path) -> None:
    """Take off the line that a kill has cut short, at which Optuna would stop."""
    content = contents(file, _LARGEST)
    beginning = content[: len(_BEGINNING)]
    if not _BEGINNING.startswith(beginning):
        raise RunError(f"{file} is no study: name another --study FILE, which is made.")
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with file.open("r+b") as opened:
            opened.truncate(whole)


def _loaded(file: Path, seed: int, warm_up: int) -> optuna.Study:
    backend = optuna.storages.journal.JournalFileBackend(str(file), lock_obj=_Held())
    storage = optuna.storages.JournalStorage(backend)
    if set(optuna.get_all_study_names(storage)) - {NAME}:
        raise RunError(f"{file} holds studies that are not of tune: name another --study FILE.")
    return optuna.create_study(
        storage=storage,
        sampler=_Sampler(seed),
        pruner=optuna.pruners.MedianPruner(
            n_startup_trials=_JUDGES, n_warmup_steps=warm_up, n_min_trials=_BESIDE
        ),
        study_name=NAME,
        direction="minimize",
        load_if_exists=True,
    )


def _another(file: Path, known: dict, terms: dict) -> str:
    """Why a study is not the one that is asked for."""
    other = [name for name in terms if known.get(name) != json.loads(json.dumps(terms[name]))]
    names = listed(dict.fromkeys(_WORDS.get(name, name) for name in other))
    return (
        f"{file} is the study of another search, by its {names}: name another --study, or leave "
        "it out."
    )


class _Held:
    """Optuna's lock on the file: this process has it anyway, and a kill would leave Optuna's."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        pass


class _Sampler(optuna.samplers.BaseSampler):
    """TPE, begun anew for each trial, and for each parameter that is drawn by itself."""

    def __init__(self, seed: int):
        self._seed = seed

    def _tpe(self, *place: object) -> optuna.samplers.TPESampler:
        text = json.dumps([self._seed, *place])
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
        return optuna.samplers.TPESampler(seed=seed, n_startup_trials=_RANDOM)

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """What is drawn together."""
        return self._tpe().infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, object]:
        """Values that are drawn together."""
        return self._tpe(trial.number).sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> object:
        """One value that is drawn by itself."""
        sampler = self._tpe(trial.number, param_name)
        return sampler.sample_independent(study, trial, param_name, param_distribution)


def _suggested(trial: optuna.trial.Trial, name: str, choice: object) -> object:
    """A parameter's value in a trial; the one that was drawn before, if any."""
    if isinstance(choice, Choice):
        return choice.value(trial.suggest_categorical(name, choice.names))
    suggest = trial.suggest_int if isinstance(choice.low, int) else trial.suggest_float
    return choice.value(suggest(name, choice.low, choice.high, log=choice.log))


def _least(losses: Iterable[float]) -> float | None:
    return min(filter(math.isfinite, losses), default=None)


def _told(trial: FrozenTrial, space: Space) -> dict:
    """A trial as plain values; the loss is the least so far."""
    known = {"seconds": None, "run": None, "error": None} | trial.user_attrs.get(_KNOWN, {})
    losses = trial.intermediate_values
    return {
        "number": trial.number,
        "state": _STATES[trial.state],
        "loss": trial.value if trial.state is TrialState.COMPLETE else _least(losses.values()),
        "values": {n: space[n].value(drawn) for n, drawn in trial.params.items()},
        "epochs": max(losses, default=None),
        **known,
    }
