"""The copy problem: ten symbols, a long pause, and then the same ten symbols again.

Task: at every step a class: blank, and in the last ten steps the symbols that came first.
Size: 10,000 sequences to train on, 1,000 to validate and 1,000 to test on, or as many as asked for.
Range: inputs 0 or 1.
Shapes: `x` float32 `(examples, steps + 20, 10)`, at each step one of ten is 1: eight symbols,
blank, and the mark that asks for the answer; `y` int64 `(examples, steps + 20)`, symbols 0 to 7,
blank 8.
Parts: drawn anew, each from a random stream of its own; the run's seed has no part in it.
Floor: the class frequencies at each step: certain of the blanks, and 1/8 for each symbol. That
costs 10 · ln 8 / (steps + 20) nats a step (0.0945 at 200 steps, 0.0204 at 1,000), and over the ten
steps of recall ln 8 = 2.079 nats, with an accuracy of 1/8.
Source: S. Hochreiter and J. Schmidhuber, Long short-term memory, Neural Computation 9(8), 1997; in
this form M. Arjovsky, A. Shah and Y. Bengio, Unitary evolution recurrent neural networks, ICML
2016, section 5.1.
Licence: none needed; it is generated.

The same for the same `seed` on every machine. A sequence is the ten symbols, `steps` - 1 blanks,
the mark, and ten blanks; what it asks for is memory of `steps` + 10 steps, of 30 bits.
"""

from __future__ import annotations

import numpy as np

from lstm_zoo.data import Examples, Splits
from lstm_zoo.datasets._generated import splits
from lstm_zoo.parameters import NonNegativeInt, PositiveInt

SYMBOLS, RECALL = 8, 10
BLANK, MARK = SYMBOLS, SYMBOLS + 1


def load(
    *,
    steps: PositiveInt = 50,
    train: PositiveInt = 10000,
    validation: PositiveInt = 1000,
    test: PositiveInt = 1000,
    seed: NonNegativeInt = 0,
) -> Splits:
    """Sequences `(examples, steps + 20, 10)`, and the class of each step `(examples, steps + 20)`.

    Args:
        steps: the length T of the pause.
        train: the sequences of the training part.
        validation: those of the validation part.
        test: those of the test part.
        seed: of the data, and of nothing else.
    """
    sizes = (train, validation, test)
    return splits(seed, sizes, lambda count, rng: _drawn(count, steps, rng))


def _drawn(count: int, steps: int, rng: np.random.Generator) -> Examples:
    symbols = rng.integers(SYMBOLS, size=(count, RECALL))
    seen = np.full((count, steps + 2 * RECALL), BLANK)
    seen[:, :RECALL] = symbols
    seen[:, -RECALL - 1] = MARK
    y = np.full(seen.shape, BLANK)
    y[:, -RECALL:] = symbols
    names = (*map(str, range(1, SYMBOLS + 1)), "blank")
    return Examples(np.eye(MARK + 1, dtype=np.float32)[seen], y, names, recall=RECALL)
