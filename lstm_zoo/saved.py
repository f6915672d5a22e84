"""model.keras, which may be a stranger's: it runs no code, and takes no more than it holds."""

from __future__ import annotations

import io
import json
import math
import warnings
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import keras
import numpy as np

from lstm_zoo import archives
from lstm_zoo.errors import RunError, printable
from lstm_zoo.quiet import quiet_imports

_LARGEST = 2_000_000  # bytes of a configuration: thousands of layers
_WEIGHTS, _CONFIG = "model.weights.h5", "config.json"


def load(path: Path) -> keras.Model:
    """The model in a file; custom objects in it must have been registered.

    Raises:
        RunError: it is damaged, holds code, or asks for more memory than its weights fill.
        OSError: it can't be read.
    """
    path.open("rb").close()
    try:
        with archives.opened(path) as archive:
            _check(archive)
        # On any backend, some layers import TensorFlow; and of what is damaged one sentence tells.
        with quiet_imports(), warnings.catch_warnings(action="ignore"):
            model = keras.saving.load_model(path, compile=False, safe_mode=True)
        if not model.inputs:
            raise ValueError("it does not say what it takes")
        return model
    except zipfile.BadZipFile:
        raise RunError(f"{path} is damaged: it is no Keras file.") from None
    except Exception as error:  # h5py's OSErrors too, of a file that could be opened above
        reason = printable(str(error).strip().partition("\n")[0])
        reason = reason if len(reason) <= 200 else f"{reason[:199]}…"
        raise RunError(f"{path} is damaged or not a model: {reason}") from error


def _check(archive: zipfile.ZipFile) -> None:
    """Neither its layers nor its weights ask for more memory than is stored.

    Raises:
        ValueError: they do.
    """
    held = archive.getinfo(_WEIGHTS).file_size
    if archive.getinfo(_CONFIG).file_size > _LARGEST:
        raise ValueError(f"its configuration is larger than {_LARGEST / 1e6:,.0f} MB")
    with ThreadPoolExecutor(1) as apart:  # Keras notes a thread's variables, to fill them one day
        asked = apart.submit(_size, json.loads(archive.read(_CONFIG))).result()
    with h5py.File(io.BytesIO(archive.read(_WEIGHTS))) as weights:
        said: list[int] = []
        weights.visititems(lambda _, item: said.append(getattr(item, "nbytes", 0)))
    if max(asked, sum(said)) > held:
        raise ValueError(
            f"it asks for {max(asked, sum(said)) / 1e6:,.0f} MB, and has {held / 1e6:,.0f} MB of "
            "weights"
        )


def _size(config: dict) -> int:
    """The bytes of a model's variables, none of which is made."""
    uncompiled = config | {"compile_config": None}
    try:
        with quiet_imports(), keras.StatelessScope(initialize_variables=False):
            model = keras.saving.deserialize_keras_object(uncompiled, safe_mode=True)
    except (TypeError, ValueError):
        if keras.saving.get_custom_objects():  # which may make their variables of numbers
            return 0
        raise
    return sum(math.prod(v.shape) * np.dtype(v.dtype).itemsize for v in model.variables)
