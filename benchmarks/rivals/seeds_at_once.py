"""Several seeds in one program: an epoch of each work, its update mapped over the seeds by JAX.

The layers run our faster loop, and the update is compiled as a whole; there is no loop of Keras'.
"""

from __future__ import annotations

import time

import keras_epoch
import numpy as np
import work


def main() -> None:
    """Time each work for so many seeds at once, on one thread."""
    parser = work.parser(__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    from lstm_zoo import backend, heap

    backend.start("jax", threads=1)
    heap.keep()
    work.tell(options.work, lambda task: timed(task, options.seeds))


def timed(task: work.Work, seeds: int) -> dict:
    """The seconds of the first two batches, and of an epoch after them, divided by the seeds."""
    import jax

    from lstm_zoo.layers import core

    models = [keras_epoch.network(task) for _ in range(seeds)]
    state, update = updates(models)
    batches = stacked(task, seeds)
    with core.applied(models[0], core.plan(models[0], "fast", 1, own=True)):
        start = time.perf_counter()
        for batch in batches[:2]:
            state, loss = update(state, *batch)
        jax.block_until_ready(loss)
        compiled = time.perf_counter()
        for batch in batches:
            state, loss = update(state, *batch)
        jax.block_until_ready(loss)
    return {"first": compiled - start, "epoch": (time.perf_counter() - compiled) / seeds}


def stacked(task: work.Work, seeds: int) -> list[tuple[np.ndarray, ...]]:
    """The batches, each the same for every seed: `(seeds, batch, …)`."""
    batches = task.images // task.batch
    x, y = (np.split(array, batches) for array in work.drawn(task))
    return [tuple(np.stack([a] * seeds) for a in pair) for pair in zip(x, y, strict=True)]


def updates(models: list) -> tuple:
    """The weights and the optimizer's state of all seeds, and what takes them one update on."""
    import jax
    import keras

    model, optimizer = models[0], models[0].optimizer
    optimizer.build(model.trainable_variables)

    fixed = [variable.value for variable in model.non_trainable_variables]

    def loss(weights, x, y):
        answers, _ = model.stateless_call(weights, fixed, x, training=True)
        return keras.ops.mean(keras.losses.sparse_categorical_crossentropy(y, answers))

    def update(state, x, y):
        weights, inner = state
        value, gradient = jax.value_and_grad(loss)(weights, x, y)
        return optimizer.stateless_apply(inner, gradient, weights), value

    each = [[v.value for v in one.trainable_variables] for one in models]
    inner = [[v.value for v in optimizer.variables]] * len(models)
    stack = [[jax.numpy.stack(same) for same in zip(*a, strict=True)] for a in (each, inner)]
    return tuple(stack), jax.jit(jax.vmap(update), donate_argnums=0)


if __name__ == "__main__":
    main()
