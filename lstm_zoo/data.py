"""What a loader reads, and what a model trains on.

A loader returns one of five raw shapes, and its return annotation says which:

    Splits    the source draws all three parts itself     (adding)
    Parts     the source brings its own test part        (MNIST)
    Examples  independent rows, to be cut here            (digits)
    Texts     the same of words, to be numbered here      (text)
    Series    rows in time, to be cut and framed here     (prices)

`preparation` makes a `Dataset` of each. Nothing is copied: a part is an index into arrays that all
parts share, and windows are views of the series.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import asdict, dataclass, field, replace
from typing import Literal, NamedTuple

import numpy as np

from lstm_zoo import disk
from lstm_zoo.framing import Framing

UNKNOWN = "[UNK]"  # any word that is in no vocabulary
NO_CLASS = -1  # of a text whose class nobody has said
_TRAIN_SCORED = 10_000  # examples: to answer MNIST's 60,000 takes a quarter as long as an epoch


@dataclass(frozen=True)
class Outputs:
    """What a model has to answer.

    Args:
        size: the number of classes, or of values.
        kind: `classes` ends in a softmax, `values` is linear.
        every_step: an answer at every step, `(steps, size)`, none of which may see a later input.
        zero_start: the head starts at zero, so that the untrained model answers 0.
    """

    size: int
    kind: Literal["classes", "values"]
    every_step: bool = False
    zero_start: bool = False


class Tokens(NamedTuple):
    """The shape of an example that is a text: a number a step, each the place of its token.

    Args:
        steps: the length of the text, its padding included.
        vocabulary: the number of different tokens.
        padded: token 0 stands for no token, and only after the last one.
    """

    steps: int
    vocabulary: int
    padded: bool


# Of one example: `(steps, features)`, images of `(steps, height, width, channels)`, or tokens.
Shape = tuple[int, int] | tuple[int, int, int, int] | Tokens


@dataclass(frozen=True)
class Examples:
    """Independent rows in a fixed order, and their targets.

    Args:
        x: `float32 (examples, steps, features)`, images of `(examples, steps, height, width,
            channels)`, or with a `vocabulary` `int32 (examples, steps)`.
        y: with `classes` `int64 (examples,)`, or `(examples, steps)` where every step has a class;
            without, `float32 (examples, values)`.
        classes: a name for each class.
        vocabulary: a name for each token; where the first is empty, it is the padding.
        recall: the last steps, where something is to be remembered: they are scored apart too.
        reading: how a text becomes tokens, in a sentence for who has the model alone.
    """

    x: np.ndarray
    y: np.ndarray
    classes: tuple[str, ...] = ()
    vocabulary: tuple[str, ...] = ()
    recall: int = 0
    reading: str = ""


@dataclass(frozen=True)
class Texts(Examples):
    """Texts of one class each: `vocabulary` is "", the padding, and every word in any of them.

    Which words a model is to know is not the loader's to say: it takes the training part. In texts
    to be predicted alone, each class is `NO_CLASS`.
    """


@dataclass(frozen=True)
class Parts:
    """Examples whose source brings its own test part."""

    train: Examples
    test: Examples


@dataclass(frozen=True)
class Splits:
    """Examples that the source draws for each part, each from a random stream of its own."""

    train: Examples
    validation: Examples
    test: Examples


@dataclass(frozen=True)
class Series:
    """Rows in time.

    Args:
        values: `float64 (rows, columns)`, in the file's own units, without gaps.
        columns: a name for each column.
        target: the column to forecast, by its place in `columns`.
        dates: `datetime64[ns] (rows,)`, rising; None where the source has none.
        notes: what a user should know of how the source was read (rows dropped, say).
        season: the rows of a season, where the source knows one.
    """

    values: np.ndarray
    columns: tuple[str, ...]
    target: int = 0
    dates: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    season: int | None = None


Raw = Splits | Parts | Examples | Texts | Series


@dataclass(frozen=True)
class Part:
    """Some of the examples of `x` and `y`: those at `places`, a range where no other is between."""

    x: np.ndarray
    y: np.ndarray
    places: np.ndarray | range

    def __len__(self) -> int:
        return len(self.places)

    @property
    def index(self) -> np.ndarray:
        """The place of each example, `int (examples,)`."""
        if isinstance(self.places, range):
            return np.arange(self.places.start, self.places.stop)
        return self.places

    def piece(self, places: slice) -> Part:
        """The part of this part's examples at `places`."""
        return replace(self, places=self.places[places])

    def thinned(self, most: int) -> Part:
        """At most so many of its examples, evenly spread."""
        apart = math.ceil(len(self) / most)
        return replace(self, places=np.array(self.places[::apart])) if apart > 1 else self

    def take(self, places: np.ndarray | slice) -> tuple[np.ndarray, np.ndarray]:
        """Copies of the inputs and targets at `places` of this part."""
        chosen = self._chosen(places)
        return self.x[chosen], self.y[chosen]

    def targets(self, places: slice) -> np.ndarray:
        """Copies of the targets alone."""
        return self.y[self._chosen(places)]

    def _chosen(self, places: np.ndarray | slice) -> np.ndarray:
        if isinstance(places, slice):
            return self.piece(places).index
        if isinstance(self.places, range):
            return places + self.places.start
        return self.places[places]


class Fold(NamedTuple):
    """A piece of the test part of a series.

    Args:
        examples: the places of its examples in the test part.
        known: the rows of the training part that precedes it.
    """

    examples: slice
    known: int


@dataclass(frozen=True)
class Dataset:
    """The parts that a model can train on, and what is needed to read its answers.

    `validation` and `calibration` are None where no such part was asked for. `classes` is empty for
    values, `vocabulary` and `reading` where there are no tokens, `recall` 0 where nothing is to be
    remembered; `series` and `framing` are None for anything but a series, as is `period` where none
    is known. `folds` are the pieces of a test part that is forecast piece by piece.
    """

    train: Part
    validation: Part | None
    test: Part
    outputs: Outputs
    classes: tuple[str, ...] = ()
    vocabulary: tuple[str, ...] = ()
    recall: int = 0
    reading: str = ""
    series: Series | None = None
    framing: Framing | None = None
    period: int | None = None
    calibration: Part | None = None
    folds: tuple[Fold, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def input_shape(self) -> Shape:
        """The shape of one example."""
        shape = self.train.x.shape[1:]
        if not self.vocabulary:
            return shape
        return Tokens(*shape, len(self.vocabulary), padded=not self.vocabulary[0])

    @property
    def labelled(self) -> bool:
        """Whether the test part can be scored."""
        return not self.classes or NO_CLASS not in self.test.y

    @property
    def parts(self) -> dict[str, Part]:
        """The parts that exist, by name."""
        names = ("train", "validation", "calibration", "test")
        parts = {name: getattr(self, name) for name in names}
        return {name: part for name, part in parts.items() if part is not None}

    @property
    def scored(self) -> dict[str, Part]:
        """The parts that a model's answers are scored on: of a long training part, a share."""
        return self.parts | {"train": self.train.thinned(_TRAIN_SCORED)}

    def preprocessing(self) -> dict:
        """What a stranger needs to use a model of this dataset, as plain values."""
        shape = {"input_shape": list(self.train.x.shape[1:]), "outputs": asdict(self.outputs)}
        if self.vocabulary:
            shape["vocabulary"] = list(self.vocabulary)
        if self.reading:
            shape["input"] = self.reading
        if self.framing is None:
            return shape | {"classes": list(self.classes)}
        last = " + the window's last value" if self.framing.predict == "change" else ""
        return shape | {
            "series": asdict(self.framing.up_to(self.outputs.size)),
            "input": "(value - input_offset) / input_scale, a column each",
            "value": f"answer * target_scale + target_offset{last}",
            "seen_until": self._seen_until(),
        }

    def _seen_until(self) -> str | None:
        """The date of the last row of the parts before the test part; None without dates."""
        if self.series.dates is None or not len(self.train):
            return None
        part = self.calibration or self.validation or self.train
        row = part.places[-1] + self.framing.window + self.framing.horizon - 1
        return str(self.series.dates[row])


def digest(raw: Raw) -> str:
    """The SHA-256 of everything in `raw` that a model could learn from."""
    sha = hashlib.sha256()
    for name, value in _contents(raw):
        sha.update(name.encode())
        if isinstance(value, np.ndarray):
            sha.update(f"{value.dtype.str}{value.shape}".encode())
            for rows in disk.stretches(len(value)) if value.size else ():
                sha.update(np.ascontiguousarray(value[rows]).view(np.uint8).data)
        else:
            sha.update(repr(value).encode())
    return sha.hexdigest()


_OPTIONAL = ("vocabulary", "recall", "reading")


def _contents(raw: Raw) -> list[tuple[str, object]]:
    if isinstance(raw, Splits | Parts):
        return [item for part in vars(raw).values() for item in _contents(part)]
    fields = vars(raw).items()
    if isinstance(raw, Examples):
        return [(name, value) for name, value in fields if name not in _OPTIONAL or value]
    return [(name, value) for name, value in fields if name not in ("notes", "season")]
