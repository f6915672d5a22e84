"""Texts as words, and words as arrays of one length."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np


class _Table(dict):
    """What `str.translate` makes of each character: letters, marks and digits stay."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        kind = unicodedata.category(character)
        if kind == "So":  # an emoji is a word
            character = f" {character} "
        elif kind == "Cf" or unicodedata.name(character, "").startswith("VARIATION SELECTOR"):
            character = ""
        elif kind[0] not in "LMN":
            character = " "
        self[code] = character
        return character


WORDS = " (letters, digits, and apostrophes between them; an emoji is one)"
_TABLE = _Table({ord("'"): "'", ord("’"): "'"})


def words_of(text: str) -> list[str]:
    """The words of a text, in lower case: `["don't", "panic"]`."""
    words = (word.strip("'") for word in text.lower().translate(_TABLE).split())
    return [word for word in words if word]


def padded(rows: Sequence[Sequence[int]], steps: int) -> np.ndarray:
    """The last `steps` numbers of each row, and 0 after them where there are fewer.

    Returns:
        `int32 (rows, steps)`.
    """
    x = np.zeros((len(rows), steps), np.int32)
    for place, row in enumerate(rows):
        last = row[-steps:]
        x[place, : len(last)] = last
    return x


def rule(steps: int, words: str = "") -> str:
    """How a text becomes an example, for who has the model alone; `words` says what these are."""
    return (
        f"the last {steps} words of a text, in lower case{words}, each as its place in the "
        "vocabulary; 1 for an unknown word, 0 after the last word of a shorter text"
    )
