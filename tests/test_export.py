"""`export`: every model in every format, loaded again by its own runtime and compared."""

import dataclasses
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

from lstm_zoo import catalog, sources
from lstm_zoo.__main__ import run as lstm_zoo
from lstm_zoo.cli import export
from lstm_zoo.data import Outputs, Tokens
from lstm_zoo.exporting import check, exporter, formats, runtimes
from lstm_zoo.exporting.formats import FORMATS
from lstm_zoo.framing import Framing
from lstm_zoo.runs import list_runs

MODELS = catalog.load().of("model")
STEPS = 4
TASKS = {  # of each kind of input, and of answers after the last step and at every step
    "rows": ((STEPS, 3), Outputs(3, "classes")),
    "every_step": ((STEPS, 3), Outputs(2, "values", every_step=True)),
    "texts": (Tokens(STEPS, 9, padded=True), Outputs(2, "classes")),
    "characters": (Tokens(STEPS, 9, padded=False), Outputs(9, "classes", every_step=True)),
    "films": ((STEPS, 3, 3, 1), Outputs(2, "classes")),
}
KINDS = itertools.cycle(TASKS)  # each format meets each kind, as there are more models than kinds
WALK = [(form, name, next(KINDS)) for form in FORMATS for name in MODELS]


def built(name, kind, steps=STEPS):
    """An untrained model of the zoo, small, with all that there is to drop; biases are drawn too."""
    shape, outputs = TASKS[kind]
    shape = shape._replace(steps=steps) if kind in ("texts", "characters") else (steps, *shape[1:])
    units = [3, 2] if name == "stacked" else 3
    options = {"units": units, "dropout": 0.5, "recurrent_dropout": 0.5}
    model = catalog.resolve(MODELS[name].builder)(shape, outputs, **options)
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(size=weight.shape) for weight in model.get_weights()])
    return model


def inputs(kind, steps=STEPS):
    """Six examples; of texts each ends in more padding, and the last is empty."""
    rng, (shape, _) = np.random.default_rng(2), TASKS[kind]
    if not isinstance(shape, Tokens):
        return rng.normal(size=(6, steps, *shape[1:])).astype(np.float32)
    x = rng.integers(1, shape.vocabulary, (6, steps)).astype(np.int32)
    return np.where(np.arange(steps) < np.arange(6)[::-1, None], x, 0) if shape.padded else x


@pytest.mark.slow
@pytest.mark.parametrize(("form", "name", "kind"), WALK)
def test_every_model_in_every_format_answers_as_the_original(form, name, kind, tmp_path):
    form, model, x = FORMATS[form], built(name, kind), inputs(kind)
    file = tmp_path / form.file
    written = check.write(model, x, form, file)
    assert written.difference <= 1e-5
    free = form.any_steps and name != "cnn-lstm"  # whose weights are for so many steps
    assert written.input[:2] == ((None, None) if free else (None, STEPS))
    steps = 2 * STEPS if free else STEPS
    original, x = built(name, kind, steps), inputs(kind, steps)
    np.testing.assert_allclose(form.load(str(file))(x), original(x), atol=1e-5)


def test_the_command_knows_every_format():
    assert tuple(FORMATS) == export.FORMATS
