"""Bare Keras, as a tutorial has it: read MNIST, build, compile, fit, evaluate; one whole script."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import keras_epoch
import work


def main() -> None:
    """Run the script that the options describe, and print what it reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", choices=["simple-rnn", "stacked", "tutorial"])
    parser.add_argument("--images", type=int, default=60_000)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--threads", type=int, help="the library's own choice by default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", type=Path, help="evaluate both parts, predict, and save there")
    options = parser.parse_args()
    keras_epoch.limit(options.threads)
    print(json.dumps(run(options)))


def run(options: argparse.Namespace) -> dict:
    """Train and evaluate; the accuracy on the test part, and the seconds of the fit."""
    import keras

    keras.utils.set_random_seed(options.seed)
    x_train, y_train, x_test, y_test = work.mnist()
    x_train, y_train = x_train[: options.images], y_train[: options.images]
    model = NETWORKS[options.network]()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    start = time.perf_counter()
    model.fit(x_train, y_train, batch_size=32, epochs=options.epochs, verbose=0)
    seconds = time.perf_counter() - start
    _, accuracy = model.evaluate(x_test, y_test, verbose=0)
    if options.save:
        model.evaluate(x_train, y_train, verbose=0)
        model.predict(x_test, verbose=0)
        model.save(options.save)
    return {"accuracy": accuracy, "fit": seconds}


def tutorial():
    """The tutorials' network of two LSTMs with ReLU."""
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((28, 28)),
            layers.LSTM(128, activation="relu", return_sequences=True),
            layers.Dropout(0.2),
            layers.LSTM(128, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(32, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(10, activation="softmax"),
        ]
    )


NETWORKS = {
    "simple-rnn": lambda: keras_epoch.network(work.Work("simple-rnn", (32,))),
    "stacked": lambda: keras_epoch.network(work.Work("lstm", (128, 128))),
    "tutorial": tutorial,
}


if __name__ == "__main__":
    main()
