"""Speed, measured side by side: ours, bare Keras and PyTorch, in fresh processes in turn.

    python -m benchmarks NAME… | all [--images N] [--rounds K] [--page]

from the root of the repository; MNIST is looked for where `LSTM_ZOO_DATA` says. Each part keeps its
numbers in `speed/NAME.json`, and its section of RESULTS.md is written from all that is kept;
`--page` writes it and measures nothing.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import sections
import speed


def count(text: str) -> int:
    """A count, as argparse reads it."""
    if int(text) < 1:
        raise argparse.ArgumentTypeError("at least 1 is needed")
    return int(text)


def main() -> None:
    """Measure the parts that were asked for, and write the page."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__.split("\n")[0]
    )
    names = {"metavar": "NAME", "choices": [*speed.PARTS, "all"], "help": ", ".join(speed.PARTS)}
    parser.add_argument("names", nargs="*", default="all", **names)
    parser.add_argument("--images", type=count, help="in an epoch; each part has its own default")
    parser.add_argument("--rounds", type=count, help="of all sides; each part has its own default")
    parser.add_argument("--output", type=Path, default=speed.HERE, help="folder of all it writes")
    parser.add_argument("--page", action="store_true", help="only write the page")
    options = parser.parse_args()
    if not options.page:
        names = speed.PARTS if "all" in options.names else options.names
        for name in names:
            numbers = speed.measured(name, options.images, options.rounds)
            speed.keep(options.output, name, numbers)
    kept = speed.kept(options.output)
    if not kept:
        parser.error(f"{options.output / 'speed'} holds no measurement yet: name a part")
    page = speed.page(kept)
    sections.write(options.output / sections.RESULTS.name, "speed.py", page)


if __name__ == "__main__":
    main()
