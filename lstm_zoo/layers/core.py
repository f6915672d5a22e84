"""Which loop each recurrent layer of a model runs: ours, or Keras' own.

A model is built of Keras' layers, and saved as such. While it trains and answers, `applied` makes
its recurrent layers those of `lstm_zoo.layers.recurrent`: the same objects with the same weights
and options, whose loop alone is another.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import keras

from lstm_zoo import backend
from lstm_zoo.layers import recurrent

FAST = {
    keras.layers.SimpleRNN: recurrent.SimpleRNN,
    keras.layers.LSTM: recurrent.LSTM,
    keras.layers.GRU: recurrent.GRU,
}
SHORT_TRAINING = 30_000  # steps through layers, in which XLA saves TensorFlow less than it takes


@dataclass(frozen=True)
class Kernel:
    """What the recurrent layers of a model run.

    Args:
        loops: `fast`, or why it is Keras' own loop, of each recurrent layer, in the model's order.
        compiled: TensorFlow compiles the whole model with XLA. (JAX always does.)
        precision: of the faster loop's matrix products.
    """

    loops: tuple[str, ...]
    compiled: bool = False
    precision: str = "float32"

    def to_dict(self) -> dict:
        """As metrics.json has it."""
        return asdict(self) | {"words": self.words}

    @classmethod
    def from_dict(cls, values: dict) -> Kernel:
        """What metrics.json has."""
        return cls(tuple(values["loops"]), values["compiled"], values["precision"])

    @property
    def words(self) -> str:
        """What runs, in a few words."""
        fast = self.loops.count("fast")
        if not fast:
            return f"Keras' own loop: {self.loops[0]}" if self.loops else "no recurrent layer"
        which = (
            "fast loop"
            if fast == len(self.loops)
            else f"fast loop in {fast} of {len(self.loops)} layers"
        )
        precision = ", products in bfloat16" if self.precision != "float32" else ""
        return which + precision + (", compiled by XLA" if self.compiled else "")


def plan(
    model: keras.Model, core: str, steps: int, own: bool, precision: str = "float32"
) -> Kernel:
    """What the recurrent layers of a built model are to run.

    Args:
        model: as its builder left it.
        core: `keras` for Keras' own loop, `fast` for ours wherever there is one, `auto` for the
            one that measured faster.
        steps: of time, in the batches of the whole training.
        own: whether the model is one of ours, that XLA is known to compile.
        precision: of the matrix products where our loop runs; float32 on TensorFlow.
    """
    layers = recurrent_layers(model)
    loops = [_why_not(layer, core) or "fast" for layer in layers]
    if keras.backend.backend() != "tensorflow" or "fast" not in loops:
        return Kernel(tuple(loops), precision=precision if "fast" in loops else "float32")
    slow = next((loop for loop in loops if loop != "fast"), None)
    if core == "auto" and not slow and not own:
        slow = "a model of your own, which XLA may not compile"
    if core == "auto" and not slow and steps * len(layers) < SHORT_TRAINING:
        slow = "too short a training to be worth compiling"
    if core == "auto" and slow:
        return Kernel(tuple(slow if loop == "fast" else loop for loop in loops))
    return Kernel(tuple(loops), compiled=not slow)


def notes(model: keras.Model, kernel: Kernel, train: dict) -> list[str]:
    """What the user should know of what was asked for in the training's settings, and does not run.

    That is options for which there is no faster loop, and products in bfloat16 that are none, or
    slow.
    """
    if train["core"] == "keras" or not backend.can_scan():
        return []
    slow = [(layer.name, recurrent.slow_option(layer)) for layer in recurrent_layers(model)]
    found = [
        f"{name} runs Keras' own loop, which takes longer: {option} has no faster one."
        for name, option in slow
        if option
    ]
    if train["precision"] != kernel.precision:
        found.append(f"Nothing was computed in bfloat16: {kernel.words}.")
    elif kernel.precision != "float32" and not backend.multiplies_bfloat16():
        found.append("This processor does not multiply in bfloat16: float32 may be faster.")
    return found


def recurrent_layers(model: keras.Model) -> list[keras.Layer]:
    """The recurrent layers of a model, those inside of other layers too."""
    kinds = (*FAST, *FAST.values())
    return [layer for layer in model._flatten_layers() if type(layer) in kinds]


def fast_kinds(model: keras.Model, core: str) -> frozenset[str]:
    """The kinds of a model's layers that have a faster loop; none on a GPU or with Keras' loop."""
    layers = recurrent_layers(model) if core != "keras" and backend.on_processor() else []
    return frozenset(type(a).__name__ for a in layers if not recurrent.slow_option(a))


def _why_not(layer: keras.Layer, core: str) -> str | None:
    """Why a layer runs Keras' own loop; None where it does not."""
    if core == "keras":
        return "as asked"
    if not backend.can_scan():
        return f"{keras.backend.backend()} has no faster one"
    if option := recurrent.slow_option(layer):
        return option
    return None if core == "fast" or backend.on_processor() else "cuDNN's, on a GPU"


@contextmanager
def applied(model: keras.Model, kernel: Kernel) -> Iterator[None]:
    """While this lasts, the model's recurrent layers run what the kernel says."""
    layers = recurrent_layers(model)
    kept = [(type(layer), layer.supports_jit) for layer in layers]
    try:
        for layer, loop in zip(layers, kernel.loops, strict=True):
            if loop == "fast":
                layer.__class__ = FAST[type(layer)]
                layer.precision = kernel.precision
            layer.supports_jit |= kernel.compiled
        if kernel.compiled:
            model.jit_compile = True
        yield
    finally:
        for layer, (kind, supports_jit) in zip(layers, kept, strict=True):
            vars(layer).pop("precision", None)
            layer.__class__, layer.supports_jit = kind, supports_jit
