"""The formats: how a model is written in each, and what loads it again. Keras' own exporters do it.

They convert what TensorFlow traces, and some ways of computing have no word in a format. So cuDNN's
operators are left out of it, and for LiteRT the loop over the steps is unrolled.
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from lstm_zoo.errors import MissingExtra
from lstm_zoo.exporting import runtimes

if TYPE_CHECKING:
    import keras
    import numpy as np


@dataclass(frozen=True)
class Format:
    """One way to write a model.

    Args:
        name: as the command line has it.
        words: as a sentence has it.
        file: the model's place in an export.
        runtime: what loads it.
        package: the runtime's package.
        needs: the modules of the extra `export` that it takes.
        write: a model into a file.
        load: the file again, as a function of inputs.
        any_steps: whether it can hold a model of any number of steps.
        backend: the one that it is written on; None for any.
    """

    name: str
    words: str
    file: str
    runtime: str
    package: str
    needs: tuple[str, ...]
    write: Callable[[keras.Model, Path], None]
    load: Callable[[str], Callable[[np.ndarray], np.ndarray]]
    any_steps: bool = True
    backend: str | None = "tensorflow"

    def check_installed(self) -> None:
        """Make sure that what it takes is there.

        Raises:
            MissingExtra: it is not.
        """
        for module in self.needs:
            if importlib.util.find_spec(module) is None:
                raise MissingExtra(f"{module}, which the format {self.words} needs,", "export")

    @property
    def version(self) -> str:
        """The runtime's."""
        return version(self.package)


def _write_keras(model: keras.Model, file: Path) -> None:
    model.save(file)


def _write_onnx(model: keras.Model, file: Path) -> None:
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    avoid_cudnn(model)
    _export(model, file, "onnx")
    _name_free_dimensions(file)


def _write_saved_model(model: keras.Model, file: Path) -> None:
    avoid_cudnn(model)
    _export(model, file, "tf_saved_model")


def _write_litert(model: keras.Model, file: Path) -> None:
    avoid_cudnn(model)
    for layer in _with(model, "unroll"):
        layer.unroll = True
    _export(model, file, "litert")


def _export(model: keras.Model, file: Path, format_name: str) -> None:
    from keras import InputSpec

    (x,) = model.inputs
    signature = [InputSpec(dtype=x.dtype, shape=x.shape, name=x.name)]
    model.export(str(file), format=format_name, verbose=False, input_signature=signature)


def avoid_cudnn(model: keras.Model) -> None:
    """What is traced on a GPU must run elsewhere too."""
    for layer in _with(model, "use_cudnn"):
        layer.use_cudnn = False


def _with(model: keras.Model, option: str) -> list[keras.Layer]:
    """The model's layers that have an option, those inside of other layers too."""
    return [layer for layer in model._flatten_layers() if hasattr(layer, option)]


def _name_free_dimensions(file: Path) -> None:
    """Call the free dimensions of inputs and outputs what they are: tf2onnx numbers them."""
    import onnx

    model = onnx.load(file)
    for tensor in (*model.graph.input, *model.graph.output):
        for size, name in zip(tensor.type.tensor_type.shape.dim, ("batch", "steps"), strict=False):
            if not size.HasField("dim_value"):
                size.dim_param = name
    onnx.save(model, file)


_ALL = (
    Format(
        name="keras",
        words="Keras",
        file="model.keras",
        runtime="Keras",
        package="keras",
        needs=(),
        write=_write_keras,
        load=runtimes.load_keras,
        backend=None,
    ),
    Format(
        name="onnx",
        words="ONNX",
        file="model.onnx",
        runtime="ONNX Runtime",
        package="onnxruntime",
        needs=("onnx", "tf2onnx", "onnxruntime"),
        write=_write_onnx,
        load=runtimes.load_onnx,
    ),
    Format(
        name="saved-model",
        words="SavedModel",
        file="saved_model",
        runtime="TensorFlow",
        package="tensorflow",
        needs=(),
        write=_write_saved_model,
        load=runtimes.load_saved_model,
    ),
    Format(
        name="litert",
        words="LiteRT",
        file="model.tflite",
        runtime="LiteRT",
        package="ai-edge-litert",
        needs=("ai_edge_litert",),
        write=_write_litert,
        load=runtimes.load_litert,
        any_steps=False,
    ),
)

FORMATS = {form.name: form for form in _ALL}
