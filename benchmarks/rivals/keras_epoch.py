"""Bare Keras: one epoch of each work, timed after a fit of two batches that compiles."""

from __future__ import annotations

import os
import time

import work


def main() -> None:
    """Time each work, on the backend that `KERAS_BACKEND` names."""
    parser = work.parser(__doc__)
    parser.add_argument("--precision", default="float32", help="a policy of Keras'")
    options = parser.parse_args()
    limit(options.threads)
    work.tell(options.work, lambda task: timed(task, options.precision))


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


def timed(task: work.Work, precision: str) -> dict:
    """The seconds of the first two batches, and of an epoch after them."""
    x, y = work.drawn(task)
    model = network(task, precision)
    first = min(len(x), 2 * task.batch)
    start = time.perf_counter()
    model.fit(x[:first], y[:first], batch_size=task.batch, verbose=0)
    compiled = time.perf_counter()
    model.fit(x, y, batch_size=task.batch, verbose=0)
    return {"first": compiled - start, "epoch": time.perf_counter() - compiled}


def network(task: work.Work, precision: str = "float32"):
    """The network, compiled with Adam; its last layer is of float32, as Keras advises."""
    import keras
    from keras import layers

    keras.config.set_dtype_policy(precision)
    kinds = {"lstm": layers.LSTM, "gru": layers.GRU, "simple-rnn": layers.SimpleRNN}
    kind = kinds[task.network]
    model = keras.Sequential([keras.Input((task.steps, task.features))])
    for units in task.units[:-1]:
        model.add(kind(units, return_sequences=True))
    model.add(kind(task.units[-1]))
    model.add(layers.Dense(work.CLASSES, activation="softmax", dtype="float32"))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


if __name__ == "__main__":
    main()
