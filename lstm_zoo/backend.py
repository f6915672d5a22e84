"""The one place that knows Keras' backends: which one runs, on how many threads, quietly."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import logging
import os
import platform
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from lstm_zoo import cores, heap
from lstm_zoo.config import BACKENDS, THREADS, available_threads, choose_backend
from lstm_zoo.errors import MissingExtra, UsageError, ZooError, reason
from lstm_zoo.quiet import quiet_imports

if TYPE_CHECKING:
    from keras import KerasTensor as Tensor
    from keras.utils import PyDataset


def start(option: str | None = None, threads: int = THREADS) -> str:
    """Import Keras on a backend and give it `threads` CPU threads; the backend's name.

    Whatever the user's keras.json says, floats are float32 and images have their channels last:
    a run is determined by its config.json alone.

    Raises:
        UnknownName: there is no such backend.
        MissingExtra: it is not installed.
        UsageError: this process has Keras on another one already, or computes with another number
            of threads.
    """
    name = choose_backend(option)
    if not installed(name):
        raise MissingExtra(f"The {name} backend", name)
    if running() not in (None, name):
        raise UsageError(
            f"Keras runs on {running()} in this process already, and can't change to {name} any "
            "more: start another process (in a notebook, restart the kernel)."
        )
    choose(name)
    heap.join()
    first = "keras" not in sys.modules
    with quiet_imports(), _hidden(_NOT_NEEDED):
        _limit_threads(name, threads)
        if name == "jax" and "JAX_COMPILATION_CACHE_DIR" not in os.environ:
            _keep_programs(threads)
        keras = _import_keras(name)
    if name != "tensorflow":
        _leave_tensorflow_out()
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    if first:
        heap.settle()
    keras.config.set_floatx("float32")
    keras.config.set_image_data_format("channels_last")
    return name


def running() -> str | None:
    """The backend that this process has imported Keras on; None where it has not."""
    keras = sys.modules.get("keras")
    return keras and keras.backend.backend()


def choose(name: str) -> None:
    """Have this process import Keras on that backend, where it does."""
    os.environ["KERAS_BACKEND"] = name
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


# Keras imports them where they are, and does not need them; they take as long as it does.
_NOT_NEEDED = ("sklearn", "pandas", "matplotlib")


@contextmanager
def _hidden(packages: tuple[str, ...]) -> Iterator[None]:
    """To what is imported meanwhile, those packages are missing, and stay so."""
    hidden = [package for package in packages if package not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        for package in hidden:
            sys.modules.pop(package, None)


def _leave_tensorflow_out() -> None:
    """Keras on another backend seeds and saves without TensorFlow, until something imports that.

    Where it sets seeds, and of most objects that it writes, it asks for TensorFlow, and imports
    it to ask, which takes seconds. Layers that compute with TensorFlow import it all the same.
    """
    from keras.src.saving import serialization_lib
    from keras.src.utils import module_utils, rng_utils

    class Imported(module_utils.LazyModule):
        available = property(lambda self: sys.modules.get(self.name) is not None)

    serialization_lib.tf = rng_utils.tf = Imported("tensorflow")


def _import_keras(name: str) -> ModuleType:
    try:
        return importlib.import_module("keras")
    except Exception as error:
        raise ZooError(
            f"Keras can't start on {name} ({reason(error)}): look at its settings, "
            "~/.keras/keras.json."
        ) from error


def _keep_programs(threads: int) -> None:
    """Have JAX keep what it compiles, for other processes and later commands.

    A program is compiled for a processor and a number of threads, which JAX does not tell apart.
    """
    made_for = hashlib.sha256(f"{_processor()} {threads}".encode()).hexdigest()[:16]
    try:
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        folder = Path(home) / "lstm-zoo" / "jax" / made_for
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # no home to write in: each process compiles for itself
        return
    settings = importlib.import_module("jax").config
    settings.update("jax_compilation_cache_dir", str(folder))
    settings.update("jax_persistent_cache_min_compile_time_secs", 0)
    settings.update("jax_persistent_cache_min_entry_size_bytes", -1)
    # Of a program that another process is just writing: it is compiled here too.
    warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache")


def _processor() -> str:
    """The kind of processor, with all that it can do where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    told = ("model name", "flags", "Features")
    return " ".join(sorted({line for line in lines if line.startswith(told)}))


def multiplies_bfloat16() -> bool:
    """Whether the processor has matrix products of bfloat16, where the system tells."""
    return any(kind in _processor().split() for kind in ("amx_bf16", "avx512_bf16", "bf16"))


def installed(name: str) -> bool:
    """Whether a backend's package is there; it is not imported."""
    return importlib.util.find_spec(name) is not None


def versions(packages: tuple[str, ...] = ("keras", *BACKENDS, "numpy")) -> dict[str, str]:
    """The versions of those packages that are installed; nothing is imported."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def devices() -> list[str]:
    """The devices that the running backend computes on."""
    import keras

    if keras.backend.backend() == "torch":  # Keras can't list torch's
        import torch

        return [f"cuda:{number}" for number in range(torch.cuda.device_count())] or ["cpu:0"]
    return [str(device) for device in keras.distribution.list_devices()]


def on_processor() -> bool:
    """Whether the running backend computes on the CPU, and not on a device that runs share."""
    return processors(devices())


def processors(devices: list[str]) -> bool:
    """Whether those are the CPU, and none is a device that runs share."""
    return all(device.startswith("cpu") for device in devices)


@contextmanager
def double_precision() -> Iterator[None]:
    """Where float64 is float64: on JAX and torch, Keras makes most results float32 otherwise.

    There is no public switch for it; the table in which Keras looks types up is restored.
    """
    from keras import backend
    from keras.src.backend.common import dtypes

    demoted = dtypes.BIT64_TO_BIT32_DTYPE
    kept = demoted["float64"]
    demoted["float64"] = "float64"
    try:
        if backend.backend() == "jax":
            with importlib.import_module("jax").enable_x64(True):
                yield
        else:
            yield
    finally:
        demoted["float64"] = kept


@contextmanager
def compiled_quickly() -> Iterator[None]:
    """What runs but once is compiled with few optimizations, on JAX, which compiles everything.

    The numbers may differ in their last bits from those of a program with all optimizations: JAX is
    told of another precision of products, which a CPU does not know, so that it never takes a
    program from outside of the block for one within.
    """
    from keras import backend

    if backend.backend() != "jax":
        yield
        return
    jax = importlib.import_module("jax")
    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", True)
    try:
        with jax.default_matmul_precision("highest"):
            yield
    finally:
        jax.config.update("jax_disable_most_optimizations", before)


def gradients(function: Callable[[Any], Tensor], arrays: Any) -> Any:
    """The gradients of a scalar function at `arrays`: lists and dictionaries of arrays.

    The function takes tensors in the same lists and dictionaries, and so come the gradients; they
    are zeros where the function does not depend on an array.
    """
    from keras import backend, ops, tree

    flat = tree.flatten(arrays)
    found = _GRADIENTS[backend.backend()](
        lambda tensors: function(tree.pack_sequence_as(arrays, tensors)),
        [ops.convert_to_tensor(array) for array in flat],
    )
    numbers = [
        np.zeros_like(array) if gradient is None else ops.convert_to_numpy(gradient)
        for array, gradient in zip(flat, found, strict=True)
    ]
    return tree.pack_sequence_as(arrays, numbers)


def _tensorflow_gradients(function: Callable, tensors: list[Tensor]) -> list[Tensor | None]:
    from tensorflow import GradientTape

    with GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(tensors)
        value = function(tensors)
    return tape.gradient(value, tensors)


def _jax_gradients(function: Callable, tensors: list[Tensor]) -> list[Tensor]:
    from jax import grad, jit

    return jit(grad(function))(tensors)


def _torch_gradients(function: Callable, tensors: list[Tensor]) -> list[Tensor | None]:
    from torch.autograd import grad

    tensors = [tensor.requires_grad_() for tensor in tensors]
    return list(grad(function(tensors), tensors, allow_unused=True))


_GRADIENTS = {
    "tensorflow": _tensorflow_gradients,
    "jax": _jax_gradients,
    "torch": _torch_gradients,
}


def scan(
    step: Callable[[list, list], tuple[list, list]],
    carried: list,
    sequences: list,
    reverse: bool = False,
) -> tuple[list, list]:
    """Take `step` along the first axis of every one of `sequences`.

    Args:
        step: takes what the step before left (first `carried`) and this step's share of each
            sequence; gives what it leaves to the next, and what it answers.
        carried: tensors, whose shapes stay the same.
        sequences: tensors of `(steps, …)`.
        reverse: from the last step to the first; answers stand at their own steps all the same.

    Returns:
        What the last step left, and the answers of all steps, each `(steps, …)`.
    """
    from keras import backend

    return _SCANS[backend.backend()](step, carried, sequences, reverse)


def _jax_scan(step: Callable, carried: list, sequences: list, reverse: bool) -> tuple[list, list]:
    from jax import lax

    return lax.scan(step, carried, sequences, reverse=reverse)


def _tensorflow_scan(
    step: Callable, carried: list, sequences: list, reverse: bool
) -> tuple[list, list]:
    import tensorflow as tf

    steps = sequences[0].shape[0]

    def shares(place: Tensor | int) -> list:
        return [sequence[place] for sequence in sequences]

    def body(number: Tensor, carried: list, written: list) -> tuple:
        place = steps - 1 - number if reverse else number
        carried, answers = step(carried, shares(place))
        written = [array.write(place, a) for array, a in zip(written, answers, strict=True)]
        return number + 1, carried, written

    shapes = step(carried, shares(0))[1]  # nothing else of it is used, and graphs leave it out
    arrays = [tf.TensorArray(a.dtype, size=steps, element_shape=a.shape) for a in shapes]
    _, carried, arrays = tf.while_loop(
        lambda number, *_: number < steps, body, (0, carried, arrays), maximum_iterations=steps
    )
    return carried, [array.stack() for array in arrays]


def bfloat16_product(a: Tensor, b: Tensor) -> Tensor:
    """The product of two matrices rounded to bfloat16, summed in float32; on JAX."""
    from jax import lax
    from jax.numpy import bfloat16, float32

    return lax.dot(a.astype(bfloat16), b.astype(bfloat16), preferred_element_type=float32)


def feed(batches: PyDataset) -> object:
    """What `fit` and `evaluate` are to read the batches from; all have the dtypes of the first.

    The pipeline that Keras makes for TensorFlow goes on measuring itself: on few processors that
    takes as long as the steps of a small model, and the end of an epoch waits for it.
    """
    from keras import backend, tree

    if backend.backend() != "tensorflow":
        return batches
    import tensorflow as tf

    signature = tree.map_structure(
        lambda array: tf.TensorSpec((None, *array.shape[1:]), array.dtype), batches[0]
    )
    dataset = tf.data.Dataset.from_generator(
        lambda: map(batches.__getitem__, range(len(batches))), output_signature=signature
    )
    options = tf.data.Options()
    options.autotune.enabled = False
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(len(batches)))
    return dataset.with_options(options)


def can_scan() -> bool:
    """Whether the running backend has `scan`."""
    from keras import backend

    return backend.backend() in _SCANS


_SCANS = {"tensorflow": _tensorflow_scan, "jax": _jax_scan}


def _limit_threads(name: str, threads: int) -> None:
    """Bind the backend to `threads` threads; possible only before it first computes."""
    if name == "tensorflow":
        _limit_tensorflow(threads)
    elif name == "torch":
        importlib.import_module("torch").set_num_threads(threads)
    elif hasattr(os, "sched_getaffinity"):  # XLA takes as many threads as it may use CPUs
        mine = sorted(os.sched_getaffinity(0))
        if len(mine) > threads:
            cores.keep_to(threads, mine, os.getpid())


def _limit_tensorflow(threads: int) -> None:
    threading = importlib.import_module("tensorflow").config.threading
    if threading.get_intra_op_parallelism_threads() == threads:
        return
    try:
        threading.set_intra_op_parallelism_threads(threads)
        threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError:  # it has begun to compute; 0 is all CPUs
        if threading.get_intra_op_parallelism_threads() == 0 and threads == available_threads():
            return
        raise UsageError(
            f"TensorFlow has begun to compute in this process, and can't change to {threads} "
            "threads any more: start another process."
        ) from None
