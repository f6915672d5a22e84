"""A model written in a format, loaded again in its runtime, and compared with the original."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from lstm_zoo import interrupts
from lstm_zoo.exporting.formats import Format
from lstm_zoo.quiet import quiet_imports

TOLERANCE = 1e-4
_LONGER = 32  # examples that are compared at another length too


@dataclass(frozen=True)
class Sample:
    """Inputs `(examples, steps, …)`, and what the original says of them."""

    x: np.ndarray
    answers: np.ndarray

    @classmethod
    def of(cls, model: keras.Model, x: np.ndarray) -> Sample:
        """The sample of these inputs."""
        return cls(x, keras.ops.convert_to_numpy(model(x)))


@dataclass(frozen=True)
class Written:
    """A model in a file, and how far its answers are from the original's.

    Args:
        input: the shape that it takes, None where a size is free: examples, and mostly steps.
        output: the shape of its answers.
        difference: the largest, as a share of the answer where that is above 1.
    """

    input: tuple[int | None, ...]
    output: tuple[int | None, ...]
    difference: float

    @property
    def same(self) -> bool:
        """Whether it answers as the original does."""
        return self.difference <= TOLERANCE  # and not where it is no number


def write(model: keras.Model, x: np.ndarray, form: Format, file: Path) -> Written:
    """Write a model, for any number of steps where the model, the format and its runtime allow it.

    Args:
        model: the original.
        x: the inputs to compare on.
        form: the format.
        file: where to.
    """
    own = Sample.of(model, x)
    longer = _longer(model, x[:_LONGER]) if form.any_steps else None
    if longer:
        try:
            written = _compared(at_steps(model, None), [own, longer], form, file)
            if written.same:
                return written
        except Exception as error:
            if interrupts.seen():
                raise KeyboardInterrupt from error
    return _compared(at_steps(model, x.shape[1]), [own], form, file)


def at_steps(model: keras.Model, steps: int | None) -> keras.Model:
    """The same layers and weights for another number of steps; None for any.

    Raises:
        Exception: a layer's own, that there is no such model.
    """
    (x,) = model.inputs
    inputs = keras.Input((steps, *x.shape[2:]), dtype=x.dtype, name=x.name)
    other = keras.models.clone_model(model, input_tensors=inputs)
    other.set_weights(model.get_weights())
    return other


def _longer(model: keras.Model, x: np.ndarray) -> Sample | None:
    """A sample of one step more, by the model made for so many; None where there is none.

    That tells more than a model of any number of steps would, whose layers can't check their shapes
    before they compute. The first step comes twice, since padding may follow the last one.
    """
    x = np.concatenate([x[:, :1], x], axis=1)
    try:
        return Sample.of(at_steps(model, x.shape[1]), x)
    except Exception as error:
        if interrupts.seen():
            raise KeyboardInterrupt from error
        return None


def _compared(model: keras.Model, samples: list[Sample], form: Format, file: Path) -> Written:
    """Write the model, and have its runtime answer what the original has answered."""
    _remove(file)
    with quiet_imports(), warnings.catch_warnings(action="ignore"):
        try:
            form.write(model, file)
            answer = form.load(str(file))
            first = Sample(samples[0].x[:1], samples[0].answers[:1])  # in a batch of another size
            found = [_difference(answer, sample) for sample in (first, *samples)]
            return Written(model.input_shape, model.output_shape, float(np.max(found)))
        except Exception as error:
            failure = error
    raise failure  # out here, where no converter's pages of remarks come with it


def _remove(file: Path) -> None:
    """Remove what an earlier try has left."""
    if file.is_dir():
        shutil.rmtree(file)
    else:
        file.unlink(missing_ok=True)


def _difference(answer: Callable[[np.ndarray], np.ndarray], sample: Sample) -> float:
    answers = np.asarray(answer(sample.x))
    if answers.shape != sample.answers.shape:
        return float("inf")
    off = np.abs(answers.astype(np.float64) - sample.answers)
    return float(np.max(off / np.maximum(1, np.abs(sample.answers))))
