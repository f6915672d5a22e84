"""Compiled models, for the next training of the same configuration from another seed.

To trace and compile takes a small model longer than to train. What depends on the seed lies in the
variables, and those are set anew.
"""

from __future__ import annotations

from collections.abc import Hashable

import keras

_MOST = 8  # models, of some 40 MiB each on JAX
_LARGEST = 5_000_000  # parameters of one: with more, compiling is little of a training
_kept: dict[Hashable, keras.Model] = {}


def taken(fresh: keras.Model, key: Hashable) -> keras.Model:
    """A compiled model in the state of `fresh`, which was just built; `fresh` if none is kept.

    It is kept no longer: how its training ends is not known.

    Args:
        fresh: the model from the new seed.
        key: all that the compiled model depends on.
    """
    model = _kept.pop(key, fresh)
    if model is not fresh:
        copy(fresh.variables, model.variables)
    return model


def keep(model: keras.Model, key: Hashable) -> None:
    """Keep a model whose training is over."""
    if model.count_params() <= _LARGEST:
        _kept[key] = model
    while len(_kept) > _MOST:
        del _kept[next(iter(_kept))]


def copy(source: list[keras.Variable], target: list[keras.Variable]) -> None:
    """Give the variables of `target` the values of those of `source`, in their order."""
    for new, old in zip(source, target, strict=True):
        old.assign(new)
