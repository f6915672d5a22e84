"""From a name to a trained, recorded model in Python: the same rooms that the shell walks through.

python examples/quickstart.py
"""

from pathlib import Path

from lstm_zoo import backend, catalog
from lstm_zoo.config import run_config


def main(epochs: int = 3, runs: str = "runs") -> Path:
    """Train a GRU on the built-in digits; the run's folder."""
    config = run_config(
        catalog.load(),
        "gru:units=32",
        {},
        "digits",
        {},
        {"epochs": epochs},
        seed=0,
        threads=None,
        backend=backend.start(),
    )
    from lstm_zoo import sources, training
    from lstm_zoo.reporting import tables
    from lstm_zoo.reporting.progress import Lines

    run = training.train(config, sources.read(config), Path(runs), Lines(None, quiet=True))
    tables.print_run(run, "lstm-zoo predict last")
    return run.folder


if __name__ == "__main__":
    main()
