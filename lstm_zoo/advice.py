"""Where another backend would train faster, as it was measured."""

from __future__ import annotations

from collections.abc import Iterable

from lstm_zoo import backend
from lstm_zoo.errors import how_to_install, listed

# How many times as fast as TensorFlow JAX trains a layer, on a CPU: benchmarks/RESULTS.md, One run.
# In a short training TensorFlow runs Keras' own loop, beside which JAX is faster still.
JAX_FASTER = {"LSTM": 1.1, "GRU": 1.4, "SimpleRNN": 1.9}
_WORDS = {"LSTM": "an LSTM", "GRU": "a GRU", "SimpleRNN": "a simple RNN"}


def faster_backend(running: str, kinds: Iterable[str]) -> str | None:
    """What someone who trains on `running` should know of JAX, for layers of those kinds.

    None if nothing: elsewhere nothing was measured.
    """
    kinds = [kind for kind in JAX_FASTER if kind in kinds]
    if running != "tensorflow" or not kinds:
        return None
    first = "" if backend.installed("jax") else f", after {how_to_install('jax')}"
    faster = (
        f"JAX trains {times_as_fast(kinds)} as fast in long trainings, and more so in short ones"
    )
    return f"{faster}, by our measurements: --backend jax{first}."


def times_as_fast(kinds: Iterable[str] = tuple(JAX_FASTER)) -> str:
    """`an LSTM 1.2 times and a GRU 1.4 times`."""
    return listed([f"{_WORDS[kind]} {JAX_FASTER[kind]:.2g} times" for kind in kinds])
