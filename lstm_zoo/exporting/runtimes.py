"""Exported models, loaded as a stranger loads them, and a series forecast with one.

An export's `example.py` has the source of these functions in it, so that what is checked is what is
shown. They use NumPy and the runtime, and nothing of lstm-zoo.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def load_keras(file: str) -> Callable[[np.ndarray], np.ndarray]:
    """The model, in Keras."""
    import keras

    return keras.saving.load_model(file, compile=False).predict_on_batch


def load_onnx(file: str) -> Callable[[np.ndarray], np.ndarray]:
    """The model, in ONNX Runtime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda x: session.run(None, {name: x})[0]


def load_saved_model(file: str) -> Callable[[np.ndarray], np.ndarray]:
    """The model, in TensorFlow."""
    import tensorflow as tf

    model = tf.saved_model.load(file)
    return lambda x: model.serve(x).numpy()


def load_litert(file: str) -> Callable[[np.ndarray], np.ndarray]:
    """The model, in LiteRT."""
    from ai_edge_litert.interpreter import Interpreter

    model = Interpreter(file).get_signature_runner()
    (name,) = model.get_input_details()
    return lambda x: next(iter(model(**{name: x}).values()))


def forecast(
    model: Callable[[np.ndarray], np.ndarray], values: np.ndarray, series: dict
) -> np.ndarray:
    """The next values of a series, after rows of `(steps, columns)`; both in its own unit."""
    x = (values - series["input_offset"]) / series["input_scale"]
    answer = model(x[None].astype("float32")).reshape(-1, series["horizon"])[-1]
    answer = answer * series["target_scale"] + series["target_offset"]
    return answer + (values[-1, series["target"]] if series["predict"] == "change" else 0)
