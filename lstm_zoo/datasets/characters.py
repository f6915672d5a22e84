"""A text, character by character: what comes next?

Task: at every step the next character, from all those before it in its piece of the text.
Size: by default the first 300,000 characters of the help texts that come with Python, English prose
about the language (`pydoc_data`), in pieces of 100 characters.
Range: tokens, the places of the characters that the training part has, in the order of their code;
0 stands for any other.
Shapes: `x` int32 `(pieces, steps)`, `y` int64 `(pieces, steps)`, one character further on.
Parts: cut in the text's order: the first 80 % to train on, 10 % for validation, the last 10 % to
test on. Each is cut into pieces, one after the other; no piece reaches into another part.
Floor: a bigram model (the next character from the one before it alone) and a unigram model, both
smoothed, both counted in the training part; in bits per character.
Source: the Python Software Foundation's documentation, as installed; the texts differ between
Python versions, and so does the data's digest. Or any text file (`--data file=book.txt`).
Licence: Python's texts are under the PSF licence, version 2.

A model that reads the text backward too is refused: it would have read the answer.
"""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np

from lstm_zoo.data import Examples, Splits
from lstm_zoo.datasets._files import opened
from lstm_zoo.errors import DataError, UsageError
from lstm_zoo.parameters import File, PositiveInt, Rate

UNKNOWN = "\ufffd"


def load(
    *,
    file: File | None = None,
    encoding: str = "utf-8-sig",
    characters: PositiveInt | None = 300000,
    steps: PositiveInt = 100,
    validation: Rate = 0.1,
    test: Rate = 0.1,
) -> Splits:
    """Pieces of the text `(pieces, steps)`, and each character's next one `(pieces, steps)`.

    Args:
        file: a text file; null for Python's own help texts.
        encoding: of the file; utf-8-sig is UTF-8, with or without a mark at its beginning.
        characters: how many to read, from the beginning; null for all.
        steps: the length of a piece.
        validation: the fraction of the text, just before the test part, that is the validation
            part, which there must be here.
        test: the fraction of the text, from the end, that is the test part.

    Raises:
        DataError: the file can't be read in that encoding, or a part is shorter than a piece.
        UsageError: the fractions leave a part empty.
    """
    if validation == 0 or test == 0 or validation + test >= 1:
        raise UsageError(
            f"validation={validation:g} and test={test:g} leave a part of the text empty: it takes "
            "all three."
        )
    text = _help_texts()[:characters] if file is None else _begin(file, encoding, characters)
    ends = [round(len(text) * share) for share in (1 - validation - test, 1 - test, 1)]
    pieces = [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    shortest = min(map(len, pieces))
    if shortest <= steps:
        raise DataError(
            f"A text of {len(text):,} characters is too short: a part of it has {shortest:,}, and "
            f"pieces of {steps} and the character after them need {steps + 1} (--data steps=…)."
        )
    vocabulary = (UNKNOWN, *sorted(set(pieces[0]) - {UNKNOWN}))
    return Splits(*(_cut(piece, steps, vocabulary) for piece in pieces))


def _begin(file: str, encoding: str, characters: int) -> str:
    """The first so many characters of a file."""
    with opened(Path(file), encoding) as handle:
        return handle.read(characters)


def _help_texts() -> str:
    """Python's help texts, in the order of their names."""
    topics = importlib.import_module("pydoc_data.topics").topics
    return "\n\n".join(topics[name] for name in sorted(topics))


def _cut(text: str, steps: int, vocabulary: tuple[str, ...]) -> Examples:
    places = {character: place for place, character in enumerate(vocabulary)}
    tokens = np.array([places.get(character, 0) for character in text])
    count = (len(tokens) - 1) // steps
    x, y = (tokens[shift : count * steps + shift].reshape(count, steps) for shift in (0, 1))
    return Examples(x.astype(np.int32), y.astype(np.int64), vocabulary, vocabulary)
