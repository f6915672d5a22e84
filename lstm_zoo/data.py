"""From what a loader read to what a model trains on: parts, scaling, windows.

A loader returns one of five raw shapes, and its return annotation says which:

    Splits    the source draws all three parts itself     (adding)
    Parts     the source brings its own test part        (MNIST)
    Examples  independent rows, to be cut here            (digits)
    Texts     the same of words, to be numbered here      (text)
    Series    rows in time, to be cut and framed here     (prices)

`prepare_splits`, `prepare_parts`, `prepare_examples`, `prepare_texts` and `prepare_series` turn
these into a `Dataset`. Nothing is copied: a part is an index into arrays that all parts share, and
windows are views of the series. Scalers and vocabularies are fitted on the training rows, and
nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from lstm_zoo.errors import DataError, RunError, UsageError
from lstm_zoo.parameters import REQUIRED, Parameter, PositiveInt, Rate, fill

UNKNOWN = "[UNK]"  # any word that is in no vocabulary
NO_CLASS = -1  # of a text whose class nobody has said


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
    """Some of the examples of `x` and `y`: those whose places `index` lists."""

    x: np.ndarray
    y: np.ndarray
    index: np.ndarray

    def __len__(self) -> int:
        return len(self.index)

    def take(self, places: np.ndarray | slice) -> tuple[np.ndarray, np.ndarray]:
        """Copies of the inputs and targets at `places` of this part."""
        chosen = self.index[places]
        return self.x[chosen], self.y[chosen]


_FRAMING = (
    Parameter("columns", "list[str]", REQUIRED),
    Parameter("target", "NonNegativeInt", REQUIRED),
    Parameter("window", "PositiveInt", REQUIRED),
    Parameter("horizon", "PositiveInt", REQUIRED),
    Parameter("predict", "Literal['change', 'level']", REQUIRED),
    Parameter("targets", "Literal['last', 'sequence']", REQUIRED),
    Parameter("input_offset", "list[float]", REQUIRED),
    Parameter("input_scale", "list[PositiveFloat]", REQUIRED),
    Parameter("target_offset", "float", REQUIRED),
    Parameter("target_scale", "list[PositiveFloat]", REQUIRED),
)


@dataclass(frozen=True)
class Framing:
    """How a series becomes inputs and targets, and an answer becomes the series' unit again.

    An input is `(value - input_offset) / input_scale`, a column each. A value is
    `answer · target_scale + target_offset`, a horizon each, and where the change is predicted, the
    last value of the window more.
    """

    columns: tuple[str, ...]
    target: int
    window: int
    horizon: int
    predict: str
    targets: str
    input_offset: tuple[float, ...]
    input_scale: tuple[float, ...]
    target_offset: float
    target_scale: tuple[float, ...]

    @classmethod
    def from_dict(cls, values: dict) -> Framing:
        """The framing that preprocessing.json holds.

        Raises:
            RunError: it holds none, one of another version, or one whose numbers don't fit.
        """
        if not isinstance(values, dict):
            raise RunError("preprocessing.json does not fit this lstm-zoo: its series is none.")
        try:
            checked = fill(_FRAMING, values, "its series")
        except UsageError as error:
            raise RunError(f"preprocessing.json does not fit this lstm-zoo: {error}") from None
        framing = cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in checked.items()})
        framing._check_lengths()
        return framing

    def _check_lengths(self) -> None:
        columns = len(self.columns)
        if not columns == len(self.input_offset) == len(self.input_scale) > self.target:
            problem = f"its {columns} columns and what is said of them do not fit"
        elif len(self.target_scale) != self.horizon:
            problem = f"its horizon of {self.horizon} has {len(self.target_scale)} target scales"
        else:
            return
        raise RunError(f"preprocessing.json is damaged: {problem}.")

    def inputs(self, values: np.ndarray) -> np.ndarray:
        """Every window of `values (rows, columns)`: `(rows - window + 1, window, columns)`."""
        scaled = (values - np.array(self.input_offset)) / np.array(self.input_scale)
        windows = sliding_window_view(scaled.astype(np.float32), self.window, axis=0)
        return windows.transpose(0, 2, 1)

    def future(self, values: np.ndarray) -> np.ndarray:
        """The next `horizon` target values after each row: `(rows - horizon, horizon)`."""
        return sliding_window_view(values[1:, self.target], self.horizon)

    def answers(self, values: np.ndarray) -> np.ndarray:
        """The targets of every window that has its whole future in `values`."""
        future = self.future(values)
        rows = self.to_scale(future, values[: len(future), self.target]).astype(np.float32)
        if self.targets == "last":
            return rows[self.window - 1 :]
        return sliding_window_view(rows, self.window, axis=0).transpose(0, 2, 1)

    def to_scale(self, future: np.ndarray, last: np.ndarray) -> np.ndarray:
        """Values of `(…, horizon)` on the scale that the model answers in."""
        return (future - self._offset(last)) / np.array(self.target_scale)

    def to_units(self, answers: np.ndarray, last: np.ndarray) -> np.ndarray:
        """Answers of `(…, horizon)` in the series' unit, `last (…)` being the last value seen."""
        return answers * np.array(self.target_scale) + self._offset(last)

    def _offset(self, last: np.ndarray) -> np.ndarray | float:
        """What is added to a scaled answer; a change starts from the last value seen."""
        known = np.asarray(last)[..., None] if self.predict == "change" else 0.0
        return known + self.target_offset


@dataclass(frozen=True)
class Dataset:
    """Three parts that a model can train on, and what is needed to read its answers.

    `validation` is None where no such part was asked for. `classes` is empty for values,
    `vocabulary` and `reading` where there are no tokens, `recall` 0 where nothing is to be
    remembered; `series` and `framing` are None for anything but a series, as is `period` where none
    is known.
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
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: part for name, part in parts.items() if part is not None}

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
            "series": asdict(self.framing),
            "input": "(value - input_offset) / input_scale, a column each",
            "value": f"answer * target_scale + target_offset{last}",
            "seen_until": self._seen_until(),
        }

    def _seen_until(self) -> str | None:
        """The date of the last row that training or validation looked at; None without dates."""
        if self.series.dates is None or not len(self.train):
            return None
        part = self.validation or self.train
        row = part.index[-1] + self.framing.window + self.framing.horizon - 1
        return str(self.series.dates[row])


def digest(raw: Raw) -> str:
    """The SHA-256 of everything in `raw` that a model could learn from."""
    sha = hashlib.sha256()
    for name, value in _contents(raw):
        sha.update(name.encode())
        if isinstance(value, np.ndarray):
            array = np.ascontiguousarray(value)
            sha.update(f"{array.dtype.str}{array.shape}".encode())
            sha.update(array.view(np.uint8).data if array.size else b"")
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


def prepare(raw: Raw, rng: np.random.Generator, **params) -> Dataset:
    """The dataset that `raw` makes; `rng` draws the validation part where it is drawn."""
    if isinstance(raw, Splits):
        return prepare_splits(raw, rng, **params)
    if isinstance(raw, Parts):
        return prepare_parts(raw, rng, **params)
    if isinstance(raw, Texts):
        return prepare_texts(raw, rng, **params)
    if isinstance(raw, Examples):
        return prepare_examples(raw, rng, **params)
    return prepare_series(raw, rng, **params)


def prepare_splits(raw: Splits, rng: np.random.Generator) -> Dataset:
    """The parts as the source drew them, whatever the run's seed."""
    parts = {name: Part(part.x, part.y, np.arange(len(part.y))) for name, part in vars(raw).items()}
    return Dataset(**parts, **_asked(raw.train))


def _asked(examples: Examples) -> dict:
    """What a model of these examples is asked for, and what is needed to read its answers."""
    size, kind = len(examples.classes), "classes"
    if not size:
        size, kind = examples.y.shape[1], "values"
    every_step = kind == "classes" and examples.y.ndim == 2
    named = ("classes", "vocabulary", "recall", "reading")
    return {
        "outputs": Outputs(size, kind, every_step),
        **{name: getattr(examples, name) for name in named},
    }


def prepare_parts(raw: Parts, rng: np.random.Generator, *, validation: Rate = 0.1) -> Dataset:
    """The source's own test part; the validation part is drawn from its training part.

    Args:
        validation: the fraction of the training part set aside, drawn by the run's seed; 0 for
            none.
    """
    train, held = _drawn(np.arange(len(raw.train.y)), validation, rng)
    return Dataset(
        train=Part(raw.train.x, raw.train.y, train),
        validation=None if held is None else Part(raw.train.x, raw.train.y, held),
        test=Part(raw.test.x, raw.test.y, np.arange(len(raw.test.y))),
        **_asked(raw.train),
    )


def prepare_examples(
    raw: Examples, rng: np.random.Generator, *, validation: Rate = 0.1, test: Rate = 0.2
) -> Dataset:
    """The last rows in the source's order are the test part, whatever the run's seed.

    Args:
        validation: the fraction of the other rows set aside, drawn by the run's seed; 0 for none.
        test: the fraction of all rows, from the end, that is the test part.
    """
    rows = len(raw.y)
    cut = rows - round(rows * test)
    if cut == 0 or cut == rows:
        raise DataError(f"test={test:g} leaves a part of the {rows} rows empty.")
    train, held = _drawn(np.arange(cut), validation, rng)
    return Dataset(
        train=Part(raw.x, raw.y, train),
        validation=None if held is None else Part(raw.x, raw.y, held),
        test=Part(raw.x, raw.y, np.arange(cut, rows)),
        **_asked(raw),
    )


def prepare_texts(
    raw: Texts,
    rng: np.random.Generator,
    *,
    words: PositiveInt = 20000,
    order: Literal["drawn", "file"] = "drawn",
    validation: Rate = 0.1,
    test: Rate = 0.2,
) -> Dataset:
    """Texts cut into parts, whatever the run's seed; the words are those of the training part.

    The seeds of a comparison so share one vocabulary, and models of one size.

    Args:
        words: the size of the vocabulary: the padding, one token for every unknown word, and the
            words that come most often in the training part.
        order: of the rows, before they are cut: drawn once, the same for the same number of rows,
            or as they stand in the file.
        validation: the fraction of the rows, just before the test part in that order, that is the
            validation part; 0 for none.
        test: the fraction of the rows, from the end of that order, that is the test part.
    """
    if NO_CLASS in raw.y:
        raise DataError("These texts have no column of classes, from which to learn.")
    rows = len(raw.y)
    first, last = _cuts(rows, validation, test)
    places = np.arange(rows) if order == "file" else np.random.default_rng(0).permutation(rows)
    train, held, tested = (np.sort(part) for part in np.split(places, [first, last]))
    counts = np.bincount(raw.x[train].ravel(), minlength=len(raw.vocabulary))
    tokens, vocabulary = known_words(raw.vocabulary, counts, words)
    x = tokens[raw.x]
    return Dataset(
        train=Part(x, raw.y, train),
        validation=Part(x, raw.y, held) if validation else None,
        test=Part(x, raw.y, tested),
        **_asked(replace(raw, vocabulary=vocabulary)),
    )


def texts_to_test(raw: Texts, vocabulary: Sequence[str]) -> Dataset:
    """Texts in which nothing is counted: all of them are test part, in a vocabulary known before.

    Args:
        vocabulary: the padding, the unknown word, and the words.
    """
    places = {word: place for place, word in enumerate(vocabulary)}
    tokens = np.array([places.get(word, 1) for word in raw.vocabulary], np.int32)
    test = Part(tokens[raw.x], raw.y, np.arange(len(raw.y)))
    return Dataset(
        train=replace(test, index=test.index[:0]),
        validation=None,
        test=test,
        **_asked(replace(raw, vocabulary=tuple(vocabulary))),
    )


def known_words(
    names: tuple[str, ...], counts: np.ndarray, size: int
) -> tuple[np.ndarray, tuple[str, ...]]:
    """The token of each of `names`, `int32 (names,)`, in a vocabulary of the most frequent ones.

    Args:
        names: the words; the first is "", the padding.
        counts: how often each comes, `(names,)`; of two as frequent, the first is kept.
        size: the most entries that the vocabulary may have: padding, unknown word and words.

    Raises:
        UsageError: no word fits into so small a vocabulary.
    """
    if size < 3:
        raise UsageError(
            f"A vocabulary of {size} has no word: give 3 or more, for the padding and the unknown "
            "word count (--data words=…)."
        )
    common = 1 + np.argsort(-counts[1:], kind="stable")[: size - 2]
    common = common[counts[common] > 0]
    tokens = np.ones(len(names), np.int32)
    tokens[0] = 0
    tokens[common] = np.arange(2, 2 + len(common))
    return tokens, ("", UNKNOWN, *(names[place] for place in common))


def _drawn(
    index: np.ndarray, fraction: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray | None]:
    """`index` without a drawn fraction, and that fraction, both in order."""
    if fraction == 0:
        return index, None
    count = round(len(index) * fraction)
    if count == 0 or count == len(index):
        raise DataError(f"validation={fraction:g} leaves a part of the {len(index)} rows empty.")
    held = np.zeros(len(index), bool)
    held[rng.permutation(len(index))[:count]] = True
    return index[~held], index[held]


def prepare_series(
    raw: Series,
    rng: np.random.Generator,
    *,
    window: PositiveInt = 60,
    horizon: PositiveInt = 1,
    predict: Literal["change", "level"] = "change",
    targets: Literal["last", "sequence"] = "last",
    scaling: Literal["standard", "min-max", "none"] = "standard",
    validation: Rate = 0.1,
    test: Rate = 0.2,
    split: Literal["past", "strict"] = "past",
    period: PositiveInt | None = None,
) -> Dataset:
    """A series cut in time: an example belongs to the part in which all its targets lie.

    With `targets=sequence` that is the target after the last step; the earlier ones are in its
    past, and known. An example whose targets lie on both sides of a cut belongs to no part.

    Args:
        window: the steps that the model sees.
        horizon: the steps ahead that it answers.
        predict: the change from the last known value, or the level itself. The change is divided
            by the standard deviation of the training part's changes, and the model starts at 0.
        targets: after the window's last step only, or after every step of it.
        scaling: of the inputs (and of a level), fitted on the training part.
        validation: the fraction of the rows, just before the test part, that is the validation
            part; 0 for none.
        test: the fraction of the rows, from the end, that is the test part.
        split: `past` lets the inputs of a later part reach back over a cut, for the past is
            known; `strict` does not.
        period: the rows of a season, the source's own if it has one; the value of a season ago is
            one more trivial answer then.
    """
    cuts = _cuts(len(raw.values), validation, test)
    if cuts[0] < window + horizon:
        raise DataError(
            f"A window of {window} and a horizon of {horizon} are too long for the {cuts[0]} rows "
            f"of the training part (of {len(raw.values)} in all): {_shorter(window, horizon)}."
        )
    framing = _fitted_framing(
        raw,
        raw.values[: cuts[0]],
        scaling,
        window=window,
        horizon=horizon,
        predict=predict,
        targets=targets,
    )
    index = _split_in_time(len(raw.values), cuts, framing, split == "strict")
    if not validation:
        del index["validation"]
    for name, places in index.items():
        if not len(places):
            raise DataError(
                f"A window of {window} and a horizon of {horizon} leave the {name} part of the "
                f"{len(raw.values)} rows without any example: "
                f"{_shorter(window if split == 'strict' else 0, horizon)}."
            )
    x, y = framing.inputs(raw.values), framing.answers(raw.values)
    parts = {name: Part(x, y, places) for name, places in index.items()}
    return Dataset(
        train=parts["train"],
        validation=parts.get("validation"),
        test=parts["test"],
        outputs=Outputs(horizon, "values", targets == "sequence", predict == "change"),
        series=raw,
        framing=framing,
        period=_season(raw, period, index["test"][0] + window),
        notes=raw.notes,
    )


def _season(raw: Series, period: int | None, known: int) -> int | None:
    """The period that was asked for, or the source's where the rows `known` at first have one."""
    if period is None:
        return raw.season if raw.season and raw.season <= known else None
    if period > known:
        raise DataError(
            f"A period of {period:,} rows is longer than the {known:,} rows known before the first "
            "forecast: give a shorter one (--data period=…), or leave it out."
        )
    return period


def _shorter(window: int, horizon: int) -> str:
    """Which of the two is to blame for a series that is too short."""
    name = "window" if window >= horizon else "horizon"
    return f"try a shorter {name} (--data {name}=…)"


def _cuts(rows: int, validation: float, test: float) -> tuple[int, int]:
    """The first row of the validation part, and of the test part."""
    held, last = round(rows * validation), round(rows * test)
    if held + last >= rows or last == 0 or (validation and held == 0):
        raise DataError(
            f"validation={validation:g} and test={test:g} leave a part of the {rows} rows empty."
        )
    return rows - last - held, rows - last


def _fitted_framing(raw: Series, known: np.ndarray, scaling: str, **choices) -> Framing:
    """The framing whose every number is fitted on the `known` rows, the training part's."""
    offset, scale = _fitted_scaler(known, scaling)
    level, horizon = known[:, raw.target], choices["horizon"]
    if choices["predict"] == "change":
        changes = (level[h:] - level[:-h] for h in range(1, horizon + 1))
        spread = [float(_above_rounding(np.std(change), level)) for change in changes]
    else:
        spread = [float(scale[raw.target])] * horizon
    return Framing(
        columns=raw.columns,
        target=raw.target,
        input_offset=tuple(offset.tolist()),
        input_scale=tuple(scale.tolist()),
        target_offset=0.0 if choices["predict"] == "change" else float(offset[raw.target]),
        target_scale=tuple(spread),
        **choices,
    )


def _fitted_scaler(known: np.ndarray, scaling: str) -> tuple[np.ndarray, np.ndarray]:
    """The offset and scale of each column; a constant column keeps a scale of 1."""
    if scaling == "none":
        return np.zeros(known.shape[1]), np.ones(known.shape[1])
    if scaling == "min-max":
        offset, scale = known.min(axis=0), np.ptp(known, axis=0)
    else:
        offset, scale = known.mean(axis=0), known.std(axis=0)
    return offset, _above_rounding(scale, known)


def _above_rounding(spread: np.ndarray, known: np.ndarray) -> np.ndarray:
    """`spread`, or 1 where it is no more than what rounding makes of the `known` values."""
    rounding = 4 * np.finfo(np.float64).eps * np.abs(known).max(axis=0)
    return np.where(spread <= rounding, 1.0, spread)


def _split_in_time(
    rows: int, cuts: tuple[int, int], framing: Framing, strict: bool
) -> dict[str, np.ndarray]:
    """The examples of each part; example i sees the rows i … i + window - 1."""
    first_input = np.arange(rows - framing.window - framing.horizon + 1)
    first_target = first_input + framing.window
    last_target = first_target + framing.horizon - 1
    bounds = {"train": (0, cuts[0]), "validation": cuts, "test": (cuts[1], rows)}
    begins = first_input if strict else first_target
    return {
        name: np.flatnonzero((begins >= start) & (last_target < end))
        for name, (start, end) in bounds.items()
    }


def all_test(raw: Series, framing: Framing, period: int | None = None) -> Dataset:
    """A series that nothing is fitted on: all of it is test part, in a framing fitted before.

    Raises:
        DataError: it has other columns, or is too short.
    """
    if len(raw.columns) != len(framing.columns):
        raise DataError(
            f"The model was trained on {len(framing.columns)} columns, and this series has "
            f"{len(raw.columns)}."
        )
    index = np.arange(len(raw.values) - framing.window - framing.horizon + 1)
    if not len(index):
        raise DataError(
            f"{len(raw.values)} rows are too few for a window of {framing.window} and a horizon "
            f"of {framing.horizon}."
        )
    test = Part(framing.inputs(raw.values), framing.answers(raw.values), index)
    every_step = framing.targets == "sequence"
    return Dataset(
        train=replace(test, index=index[:0]),
        validation=None,
        test=test,
        outputs=Outputs(framing.horizon, "values", every_step, framing.predict == "change"),
        series=raw,
        framing=framing,
        period=_season(raw, period, framing.window),
        notes=raw.notes,
    )
