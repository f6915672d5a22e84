"""Bare Keras: one epoch of each work, timed after a fit of two batches that compiles."""

from __future__ import annotations

import os
import time

import work


def main() -> None:
    """Time each work, on the backend that `KERAS_BACKEND` names."""
    parser = work.parser(__doc__)
    options = parser.parse_args()
    limit(options.threads)
    work.tell(options.work, timed)


def limit(threads: int | None) -> None:
    """Give the backend so many threads, before Keras starts it."""
    if threads is None:
        return
    if os.environ["KERAS_BACKEND"] == "tensorflow":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    else:
        work.pin(threads)


def timed(task: work.Work) -> dict:
    """The seconds of the first two batches, and of an epoch after them."""
    x, y = work.drawn(task)
    model = network(task)
    first = min(len(x), 2 * task.batch)
    start = time.perf_counter()
    model.fit(x[:first], y[:first], batch_size=task.batch, verbose=0)
    compiled = time.perf_counter()
    model.fit(x, y, batch_size=task.batch, verbose=0)
    return {"first": compiled - start, "epoch": time.perf_counter() - compiled}


def network(task: work.Work):
    """The network, compiled with Adam."""
    import keras
    from keras import layers

    kinds = {"lstm": layers.LSTM, "gru": layers.GRU, "simple-rnn": layers.SimpleRNN}
    kind = kinds[task.network]
    model = keras.Sequential([keras.Input((task.steps, task.features))])
    for units in task.units[:-1]:
        model.add(kind(units, return_sequences=True))
    model.add(kind(task.units[-1]))
    model.add(layers.Dense(work.CLASSES, activation="softmax"))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


if __name__ == "__main__":
    main()
