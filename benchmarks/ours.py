"""Ours: one epoch of each work as `lstm-zoo train` trains it, timed as the rivals' is.

The batches are drawn by the seed, the model is built by the zoo, and the compilation is that of any
run; a fit of two batches comes first, and is told apart.
"""

from __future__ import annotations

import json
import time

import numpy as np
from rivals import work

from lstm_zoo import backend


def main() -> None:
    """Time each work, on the backend that `KERAS_BACKEND` names."""
    parser = work.parser(__doc__.splitlines()[0])
    parser.add_argument("--precision", default="float32")
    options = parser.parse_args()
    backend.start(threads=options.threads or 1)
    work.tell(options.work, lambda task: timed(task, options.precision))


def timed(task: work.Work, precision: str) -> dict:
    """The seconds of the first two batches, and of an epoch after them."""
    from lstm_zoo import assembly, fitting, recorder
    from lstm_zoo.layers import core

    config, dataset = configured(task, precision), data(task)
    model = assembly.build(config, dataset)
    # As of a training that is long enough to be worth compiling.
    kernel = core.plan(model, "auto", core.SHORT_TRAINING, own=True, precision=precision)
    with core.applied(model, kernel):
        start = time.perf_counter()
        batches = fitting.prepared(model, config, dataset, kernel)
        hooks = recorder.Callbacks(add_history=True, model=model)
        fed = backend.feed(batches)
        model.fit(fed, steps_per_epoch=2, shuffle=False, callbacks=hooks, verbose=0)
        compiled = time.perf_counter()
        batches.shuffle(0)
        model.fit(fed, shuffle=False, callbacks=hooks, verbose=0)
        return {"first": compiled - start, "epoch": time.perf_counter() - compiled}


def configured(task: work.Work, precision: str):
    """The run of that work."""
    from lstm_zoo import catalog, config

    variant = f"{task.network}:units={task.units[0]}"
    if len(task.units) > 1:
        variant = f"stacked:units={json.dumps(task.units, separators=(',', ':'))}"
    train = {"batch_size": task.batch, "epochs": 1, "precision": precision}
    return config.run_config(
        catalog.load(),
        variant,
        {},
        "mnist",
        {"validation": 0.0},
        train,
        seed=0,
        threads=None,
        backend=config.choose_backend(None),
    )


def data(task: work.Work):
    """The drawn examples as a dataset without a validation part."""
    from lstm_zoo import preparation
    from lstm_zoo.data import Examples, Parts

    x, y = work.drawn(task)
    examples = Examples(x, y, tuple("0123456789"))
    return preparation.prepare_parts(
        Parts(examples, examples), np.random.default_rng(0), validation=0.0
    )


if __name__ == "__main__":
    main()
