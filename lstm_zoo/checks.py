"""What a loader or a builder handed over, checked before anything is trained on it.

Keras is imported where a model is checked: reading data needs none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lstm_zoo import disk, interrupts
from lstm_zoo.data import NO_CLASS, Dataset, Examples, Parts, Raw, Series, Splits, Texts
from lstm_zoo.errors import DataError, TrainingError, listed, reason

if TYPE_CHECKING:
    import keras

LARGEST = float(np.finfo(np.float32).max)


def check_raw(raw: Raw, promised: str, loader: str) -> None:
    """The raw data is what the loader's annotation promises, and can be trained on.

    Raises:
        DataError: it is not.
    """
    kinds: dict[str, Callable] = {"Splits": _parts, "Parts": _parts}
    kinds |= {"Examples": _examples, "Texts": _texts, "Series": _series}
    promised = promised.rpartition(".")[2]
    if type(raw).__name__ != promised:
        faults = [f"it returned a {type(raw).__name__}, and its annotation says {promised}"]
    else:
        faults = kinds[promised](raw)
    if faults:
        raise DataError(f"The loader {loader} is at fault: {listed(faults)}.")


def _parts(raw: Splits | Parts) -> list[str]:
    faults = [fault for part in vars(raw).values() for fault in _examples(part)]
    for name, part in vars(raw).items():
        if faults:
            break
        if part.x.shape[1:] != raw.train.x.shape[1:]:
            shapes = raw.train.x.shape[1:], part.x.shape[1:]
            faults = [f"x has {shapes[0]} to train and {shapes[1]} in its {name} part"]
        elif _meaning(part) != _meaning(raw.train):
            faults = [f"the targets or tokens of its {name} part are others than those to train on"]
    return faults


def _meaning(raw: Examples) -> tuple:
    return raw.classes, raw.vocabulary, raw.recall, raw.y.shape[1:]


def _examples(raw: Examples) -> list[str]:
    if fault := _not_arrays(x=raw.x, y=raw.y):
        return fault
    rules = _tokens(raw) if raw.vocabulary else _numbers(raw)
    rules |= {
        f"x has {len(raw.x)} rows and y {len(raw.y)}": len(raw.x) == len(raw.y),
        "there is no example": len(raw.y) > 0,
    }
    rules |= _classes(raw) if raw.classes or raw.y.dtype.kind in "iu" else _values(raw)
    if faults := [fault for fault, holds in rules.items() if not holds]:
        return faults
    if raw.classes and _beyond(raw.y, len(raw.classes)):
        return [f"y goes from {raw.y.min()} to {raw.y.max()}, of {len(raw.classes)} classes"]
    if raw.vocabulary and _beyond(raw.x, len(raw.vocabulary)):
        return [f"x goes from {raw.x.min()} to {raw.x.max()}, of {len(raw.vocabulary)} tokens"]
    return _not_finite("x", raw.x) or _not_finite("y", raw.y)


def _texts(raw: Texts) -> list[str]:
    if not raw.vocabulary or raw.vocabulary[0]:
        return ["its vocabulary does not begin with an empty name, the padding's"]
    if not isinstance(raw.y, np.ndarray):
        return _examples(raw)
    return _examples(replace(raw, y=np.where(raw.y == NO_CLASS, 0, raw.y)))


def _beyond(numbers: np.ndarray, count: int) -> bool:
    return numbers.min() < 0 or numbers.max() >= count


def _numbers(raw: Examples) -> dict[str, bool]:
    shapes = "(examples, steps, features) or (examples, steps, height, width, channels)"
    return {f"x has the shape {raw.x.shape}, not {shapes}": raw.x.ndim in (3, 5)}


def _tokens(raw: Examples) -> dict[str, bool]:
    padded = raw.x.ndim == 2 and not raw.vocabulary[0]
    words = raw.x != 0
    return {
        "x has padding before a token, or no token in a row": not padded
        or (words[:, :1].all() and (words[:, :-1] >= words[:, 1:]).all()),
        f"x has the shape {raw.x.shape}, not (examples, steps) as tokens have": raw.x.ndim == 2,
        f"x is {raw.x.dtype}, not whole numbers": raw.x.dtype.kind in "iu",
        "a token's name is no text": all(isinstance(name, str) for name in raw.vocabulary),
    }


def _classes(raw: Examples) -> dict[str, bool]:
    shapes = [raw.y.shape[:1], raw.x.shape[:2]]
    return {
        f"y has the shape {raw.y.shape}, not {listed(shapes, 'or')}": raw.y.shape in shapes,
        f"y is {raw.y.dtype}, not whole numbers": raw.y.dtype.kind in "iu",
        f"it asks to recall {raw.recall} of {raw.x.shape[1]} steps": 0
        <= raw.recall
        <= raw.x.shape[1],
        "there are fewer than two classes": len(raw.classes) > 1,
        "a class' name is no text": all(isinstance(name, str) for name in raw.classes),
    }


def _values(raw: Examples) -> dict[str, bool]:
    values = raw.y.ndim == 2 and raw.y.shape[1] > 0
    return {f"y has the shape {raw.y.shape}, not (examples, values)": values}


def _series(raw: Series) -> list[str]:
    if fault := _not_arrays(values=raw.values):
        return fault
    shape, dates = raw.values.shape, raw.dates
    if raw.values.ndim != 2 or len(raw.columns) != shape[1]:
        return [f"values has the shape {shape}, not (rows, {len(raw.columns)}), its columns"]
    if raw.target not in range(shape[1]):
        return [f"the target is column {raw.target}, of {shape[1]}"]
    if dates is not None and (np.shape(dates) != shape[:1] or dates.dtype.kind != "M"):
        return [f"dates are not {shape[0]} datetime64, one a row"]
    return _not_finite("values", raw.values)


def _not_arrays(**arrays: object) -> list[str]:
    return [
        f"{name} is no array of numbers"
        for name, array in arrays.items()
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub"
    ]


def _not_finite(name: str, array: np.ndarray) -> list[str]:
    largest = float(np.max(disk.largest(array)))
    if np.isnan(largest):
        return [f"{name} has values that are no numbers (NaN)"]
    return [f"{name} has values beyond what float32 holds"] if largest > LARGEST else []


def check_model(model: keras.Model, dataset: Dataset, builder: str, tried: bool = True) -> None:
    """The model takes the dataset's examples and answers its task.

    Args:
        model: what the builder returned.
        dataset: what it was built for.
        builder: its name.
        tried: whether a model of classes answers two examples first, which takes JAX half a second.

    Raises:
        TrainingError: it does not.
    """
    fault = _model_fault(model, dataset)
    if not fault and tried and dataset.outputs.kind == "classes":
        fault = _not_probabilities(model, dataset)
    if fault:
        raise TrainingError(f"The builder {builder} is at fault: {fault}.")


def _model_fault(model: keras.Model, dataset: Dataset) -> str | None:
    import keras

    if not isinstance(model, keras.Model):
        return f"it returned a {type(model).__name__}, not a keras.Model"
    if len(getattr(model, "inputs", None) or ()) != 1 or len(model.outputs) != 1:
        return "the model needs one input and one output, of keras.Input's making"
    given, answered = model.input_shape[1:], model.output_shape[1:]
    example, known = dataset.train.x.shape[1:], dataset.vocabulary
    if any(a not in (None, b) for a, b in zip(given, example, strict=False)) or len(given) != len(
        example
    ):
        tokens = ", token numbers (lstm_zoo.models.entrance makes vectors of them)"
        return f"the model takes {given}, and an example is {example}{tokens * bool(known)}"
    asked = dataset.outputs
    allowed = [(asked.size,)] + [(example[0], asked.size)] * asked.every_step
    if answered not in allowed:
        return f"the model answers {answered}, and {listed(allowed, 'or')} is asked for"
    if any(isinstance(layer, keras.layers.Lambda) for layer in model.layers):
        return "it uses Lambda, code that a saved model must not carry"
    return None


def _not_probabilities(model: keras.Model, dataset: Dataset) -> str | None:
    import keras

    x, _ = dataset.train.take(slice(0, 2))
    try:
        sums = keras.ops.convert_to_numpy(model(x)).sum(axis=-1)
    except Exception as error:  # a stranger's layer may raise anything
        if interrupts.seen():
            raise KeyboardInterrupt from error
        return f"the model fails on two examples ({reason(error)})"
    if np.allclose(sums, 1, atol=1e-3) or np.isnan(sums).any():
        return None
    return "the model's outputs are no probabilities; a model of classes ends in softmax"
