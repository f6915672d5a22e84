"""From what a loader read to what a model trains on: parts, scaling, windows.

Each raw shape has its function, `prepare_splits` to `prepare_series`. Scalers and vocabularies are
fitted on the training rows, and nothing else. `all_test` and `texts_to_test` fit nothing: they read
other data as a run's own was read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Literal

import numpy as np

from lstm_zoo.data import (
    NO_CLASS,
    UNKNOWN,
    Dataset,
    Examples,
    Fold,
    Outputs,
    Part,
    Parts,
    Raw,
    Series,
    Splits,
    Texts,
)
from lstm_zoo.errors import DataError, UsageError, counted, listed
from lstm_zoo.framing import Framing, fitted
from lstm_zoo.parameters import NonNegativeInt, PositiveInt, Rate


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
    first, last = _cuts(rows, validation=validation, test=test)
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
        train=test.piece(slice(0)),
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
        raise DataError(
            f"validation={fraction:g} leaves a part of the {counted(len(index), 'example')} empty."
        )
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
    calibration: Rate = 0.0,
    test: Rate = 0.2,
    folds: PositiveInt = 1,
    fold: NonNegativeInt = 0,
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
        validation: the fraction of the rows, just before the calibration and the test part, that
            is the validation part; 0 for none.
        calibration: the fraction of the rows, just before the test part, whose errors say how wide
            prediction intervals are; 0 for none.
        test: the fraction of the rows, from the end, that is the test part.
        folds: the pieces of the test part that are forecast one after the other, each by a model
            trained anew on all rows before it: a walk-forward backtest.
        fold: the one of them that is the test part; 0 for all.
        split: `past` lets the inputs of a later part reach back over a cut, for the past is
            known; `strict` does not.
        period: the rows of a season; if none is given, those that the source knows, or that the
            dates' rhythm has (12 months, 4 quarters, 2 half-years, 7 days, 24 hours). The value
            of a season ago is one more trivial answer then.
    """
    if fold > folds:
        raise UsageError(f"There is no fold {fold} of {folds} (--data folds=…).")
    framed, strict = (len(raw.values), window, horizon), split == "strict"
    cuts = _cuts(framed[0], validation=validation, calibration=calibration, test=test)
    pieces = _folds(_split_in_time(*framed, cuts, strict)["test"], folds, cuts[0])
    if fold:
        cuts = tuple(cut - cuts[0] + pieces[fold - 1].known for cut in cuts)
    _refuse_short(*framed, cuts[0])
    framing = fitted(
        raw.values,
        cuts[0],
        scaling,
        columns=raw.columns,
        target=raw.target,
        window=window,
        horizon=horizon,
        predict=predict,
        targets=targets,
    )
    examples = _split_in_time(*framed, cuts, strict)
    if fold:
        piece = pieces[fold - 1].examples
        examples["test"] = examples["test"][: piece.stop - piece.start]
    fractions = {"validation": validation, "calibration": calibration}
    examples = {name: places for name, places in examples.items() if fractions.get(name, 1)}
    _refuse_empty(*framed, examples, strict)
    x, y = framing.inputs(raw.values), framing.answers(raw.values)
    parts = {name: Part(x, y, places) for name, places in examples.items()}
    season, told = _season(raw, period, examples["test"][0] + window)
    return Dataset(
        train=parts["train"],
        validation=parts.get("validation"),
        test=parts["test"],
        outputs=Outputs(horizon, "values", targets == "sequence", predict == "change"),
        series=raw,
        framing=framing,
        period=season,
        calibration=parts.get("calibration"),
        folds=() if fold or folds == 1 else pieces,
        notes=(*raw.notes, *told),
    )


def _refuse_short(rows: int, window: int, horizon: int, known: int) -> None:
    """Refuse a training part, the rows `known`, that is shorter than one example."""
    if known < window + horizon:
        raise DataError(
            f"A window of {window} and a horizon of {horizon} are too long for the {known} rows "
            f"of the training part (of {rows} in all): {_shorter(window, horizon)}."
        )


def _refuse_empty(
    rows: int, window: int, horizon: int, examples: dict[str, range], strict: bool
) -> None:
    """Refuse parts without any example."""
    for name, places in examples.items():
        if not len(places):
            raise DataError(
                f"A window of {window} and a horizon of {horizon} leave the {name} part of the "
                f"{rows} rows without any example: {_shorter(window if strict else 0, horizon)}."
            )


def one_step(dataset: Dataset) -> Dataset:
    """The same for a model that answers the next step alone, to be fed back for those after it.

    Raises:
        UsageError: it is no series, or one of several columns, whose future is not known.
    """
    if dataset.framing is None:
        raise UsageError("strategy=recursive is for a series, whose next values can be fed back.")
    if len(dataset.framing.columns) > 1:
        raise UsageError(
            f"strategy=recursive feeds forecasts back, and the future of "
            f"{listed(dataset.framing.columns[1:])} is not known: it is for a single column."
        )
    parts = {name: replace(part, y=part.y[..., :1]) for name, part in dataset.parts.items()}
    return replace(dataset, outputs=replace(dataset.outputs, size=1), **parts)


def _folds(places: range, count: int, known: int) -> tuple[Fold, ...]:
    """The examples of a test part in equal pieces, and how many rows are known before each.

    Args:
        places: the examples of the test part.
        count: the number of pieces.
        known: the rows of the training part before the first one.

    Raises:
        DataError: there are more pieces than examples.
    """
    if count > len(places) > 0:
        raise DataError(f"The test part has {len(places):,} examples, too few for {count:,} folds.")
    ends = [len(places) * piece // count for piece in range(count + 1)]
    return tuple(Fold(slice(a, b), known + a) for a, b in pairwise(ends))


def _season(raw: Series, period: int | None, known: int) -> tuple[int | None, list[str]]:
    """The period that was asked for, or that source or dates have, and what is to be told of it.

    One that nobody has asked for is none where the rows `known` at first are fewer.
    """
    if period is not None and period > known:
        raise DataError(
            f"A period of {period:,} rows is longer than the {known:,} rows known before the first "
            "forecast: give a shorter one (--data period=…), or leave it out."
        )
    if period or raw.season:
        return period or (raw.season if raw.season <= known else None), []
    if raw.dates is None:
        return None, []
    from lstm_zoo import rhythm  # and pandas, which a series without dates does without

    rows, words = rhythm.season(raw.dates) or (known + 1, "")
    if rows > known:
        return None, []
    return rows, [f"A season is {rows} rows, as the dates go {words} (or --data period=N)."]


def _shorter(window: int, horizon: int) -> str:
    """Which of the two is to blame for a series that is too short."""
    name = "window" if window >= horizon else "horizon"
    return f"try a shorter {name} (--data {name}=…)"


def _cuts(rows: int, **fractions: float) -> tuple[int, ...]:
    """The first row of each part but the training part, whose rows are those before.

    Raises:
        DataError: a part is empty that was asked for, or the test part.
    """
    sizes = {name: round(rows * fraction) for name, fraction in fractions.items()}
    empty = [n for n, size in sizes.items() if not size and (fractions[n] or n == "test")]
    if empty or sum(sizes.values()) >= rows:
        told = {n: f for n, f in fractions.items() if f or n != "calibration"}
        given = listed(f"{name}={fraction:g}" for name, fraction in told.items())
        raise DataError(f"{given} leave a part of the {rows} rows empty.")
    counts = list(sizes.values())
    return tuple(rows - sum(counts[part:]) for part in range(len(counts)))


def _split_in_time(
    rows: int, window: int, horizon: int, cuts: tuple[int, ...], strict: bool
) -> dict[str, range]:
    """The examples of each part; example i sees the rows i … i + window - 1."""
    names, edges = ("train", "validation", "calibration", "test"), pairwise((0, *cuts, rows))
    return {
        name: range(max(0, start if strict else start - window), end - window - horizon + 1)
        for name, (start, end) in zip(names, edges, strict=True)
    }


def all_test(
    raw: Series, framing: Framing, period: int | None = None, scored: bool = True
) -> Dataset:
    """A series that nothing is fitted on: all of it is test part, in a framing fitted before.

    Args:
        raw: the series.
        framing: how it is read.
        period: the rows of a season, where the command line names them.
        scored: whether there have to be examples; what comes next is asked of a window alone.

    Raises:
        DataError: it has other columns, or is too short.
    """
    if len(raw.columns) != len(framing.columns):
        raise DataError(
            f"The model was trained on {len(framing.columns)} columns, and this series has "
            f"{len(raw.columns)}."
        )
    places = range(len(raw.values) - framing.window - framing.horizon + 1)
    if len(raw.values) < framing.window or (scored and not places):
        beyond = f" and a horizon of {framing.horizon}" if scored else ""
        raise DataError(
            f"{len(raw.values)} rows are too few for a window of {framing.window}{beyond}."
        )
    y = framing.answers(raw.values) if places else np.empty((0, framing.horizon), np.float32)
    test = Part(framing.inputs(raw.values), y, places)
    every_step = framing.targets == "sequence"
    return Dataset(
        train=test.piece(slice(0)),
        validation=None,
        test=test,
        outputs=Outputs(framing.horizon, "values", every_step, framing.predict == "change"),
        series=raw,
        framing=framing,
        period=_season(raw, period, framing.window)[0],
        notes=raw.notes,
    )
