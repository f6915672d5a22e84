"""From a configuration to the model that it names."""

from __future__ import annotations

import keras
import numpy as np

from lstm_zoo import backend, checks, data
from lstm_zoo.config import RunConfig
from lstm_zoo.errors import UsageError
from lstm_zoo.sources import Streams, call
from lstm_zoo.tasks import task_of


@backend.compiled_quickly()
def build(config: RunConfig, dataset: data.Dataset) -> keras.Model:
    """The run's untrained model, its weights and dropout drawn from their own streams.

    Raises:
        UsageError: it can't be built so, or answers too late for the dataset.
        TrainingError: the builder is at fault.
    """
    streams = Streams.of(config.seed)
    keras.utils.set_random_seed(_number(streams.weights))
    model = call(config.builder, config, dataset.input_shape, dataset.outputs, **config.params)
    checks.check_model(model, dataset, config.builder, tried=not config.built_in)
    if task_of(dataset).every_step and len(model.output_shape) == 2:
        raise UsageError(
            f"{config.model} reads the whole sequence before it answers, and {config.dataset} asks "
            "for an answer at every step, from what stands before it alone: take a model that "
            "reads forward, such as lstm or gru."
        )
    dropout = np.random.default_rng(streams.dropout)
    for variable in model.variables:
        if variable.path.endswith("seed_generator_state"):
            variable.assign(dropout.integers(2**31, size=variable.shape).astype(variable.dtype))
    return model


def _number(stream: np.random.SeedSequence) -> int:
    """A seed for what takes a number."""
    return int(stream.generate_state(1)[0])
