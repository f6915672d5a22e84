"""The leak audit: does anything of a later part reach an earlier one?

Nothing is taken on trust from the code that cuts and scales. The values of the later part are
changed, the dataset is made again, and whatever a model would train on must stay the same, byte for
byte. Where the parts lie is worked out here a second time, from the parameters alone.

What a loader did before it handed over raw rows shows in two ways: in columns that are scaled over
all rows, and where it reads a CSV file, in earlier rows that change with the file's later lines.
Where the latter could not be done, the record says so.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np

from lstm_zoo import sources
from lstm_zoo.data import Dataset, Part, Parts, Raw, Series, Splits, Texts, digest
from lstm_zoo.datasets._later import write_changed
from lstm_zoo.errors import ZooError, counted, few, listed

READY = Parts | Splits  # the loader has cut the test part itself
NAMED = 3  # of what is counted, the first that are named
_ROUNDING = 1e-6  # of a scaled column's mean, spread and range
_CHUNK = 4096  # examples
_EARLIER = {
    "test": ("train", "validation", "calibration"),
    "calibration": ("train", "validation"),
    "validation": ("train",),
}
_WORDS = {name: name for name in _EARLIER} | {"train": "training"}
_UNSEEN = {
    "the split only": "hands over its rows, and what it did before can't be seen: {} is auditable "
    "for its split only.",
    "overlap only": "hands over ready parts, and what it did before can't be seen: {} is not "
    "auditable beyond overlap.",
}


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Args:
        check: what was done.
        part: the part that must know of nothing.
        result: `same` or `differs`, of what was made again; `none` or `found`, of what was looked
            for; `not done`.
        says: the same as a sentence.
    """

    check: str
    part: str
    result: str
    says: str

    @property
    def leak(self) -> bool:
        """Whether a later part reaches an earlier one."""
        return self.result in ("differs", "found")


def audit(source: sources.Source, data_dir: str | None = None) -> dict:
    """Look for leaks between the parts of a dataset, in memory.

    Returns:
        `audit --json`: `dataset`, `passed`, `auditable`, `leaks`, `duplicates`, `repeated` (the
        test examples that these are of) and `checks`. `auditable` is `fully`; `the split only`
        where the loader's own work could not be looked at; or `overlap only` where it hands over
        ready parts.

    Raises:
        ZooError: the dataset can't be read, or can't be cut as asked for.
    """
    raw = sources.read(source, data_dir)
    dataset = sources.prepare(source, raw)
    checks = [*_rebuilt(source, raw, dataset), *_shared(dataset)]
    reread = []
    if isinstance(raw, Series):
        reread = list(_reloaded(source, raw, data_dir))
        checks += [*_windows(dataset, source.data), *reread]
    if isinstance(raw, Series) or not (isinstance(raw, READY) or raw.vocabulary):
        checks.append(_scaled(raw, dataset, source.data))
    leaks = [check for check in checks if check.leak]
    repeats = _repeats(dataset)
    return {
        "dataset": source.dataset,
        "passed": not leaks,
        "auditable": _auditable(source, raw, reread),
        "leaks": [{"check": c.check, "part": c.part, "says": c.says} for c in leaks],
        "duplicates": [_duplicates(name, pairs) for name, pairs in repeats.items()],
        "repeated": len({row for pairs in repeats.values() for row, _ in pairs}),
        "checks": [asdict(check) for check in checks],
    }


def _auditable(source: sources.Source, raw: Raw, reread: list[Check]) -> str:
    """How far the loader's own work could be looked at; those of this package hold data alone."""
    if isinstance(raw, READY):
        return "overlap only"
    held = source.loader.startswith("lstm_zoo.datasets.") and not source.data.get("csv")
    seen = reread and all(check.result != "not done" for check in reread)
    return "fully" if held or seen else "the split only"


def lines(record: dict) -> list[str]:
    """A line for each check, and for what came twice in the source."""
    marks = {"differs": "LEAK", "found": "LEAK", "not done": "--"}
    checks = [f"{marks.get(one['result'], 'ok'):>4}  {one['says']}" for one in record["checks"]]
    return [*checks, *(f"note  {duplicate['says']}" for duplicate in record["duplicates"])]


def verdict(record: dict) -> str:
    """What `audit` found, and what it could not look at, in a sentence or two."""
    undone = [check["check"] for check in record["checks"] if check["result"] == "not done"]
    leaks, count = len(record["leaks"]), len(record["checks"]) - len(undone)
    if leaks:
        said = f"A leak: {leaks} of {counted(count, 'check')} found later data in an earlier part"
    else:
        said = f"No leak found by {counted(count, 'check')}"
    if undone:
        said += f"; {counted(len(undone), 'check')} could not be done: {listed(undone)}"
    if repeated := record["repeated"]:
        have = "has" if repeated == 1 else "have"
        said += (
            f"; {counted(repeated, 'test example')} {have} the input of an earlier part's example"
        )
    unseen = _UNSEEN.get(record["auditable"])
    return f"{said}. The loader {unseen.format(record['dataset'])}" if unseen else f"{said}."


# The parts made again, from changed values.


def _constant(values: np.ndarray) -> np.ndarray:
    return np.ones_like(values)


def _shuffled(values: np.ndarray) -> np.ndarray:
    return np.random.default_rng(0).permutation(values)


def _extreme(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind != "f":
        return np.full_like(values, values.max())
    largest = 1000 * (1 + float(np.abs(values).max()))
    return np.full_like(values, min(largest, float(np.finfo(values.dtype).max)))


_CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "set to a constant": _constant,
    "shuffled": _shuffled,
    "set to an extreme": _extreme,
}


def _rebuilt(source: sources.Source, raw: Raw, dataset: Dataset) -> Iterator[Check]:
    """The earlier parts, after the values of each later one have been changed in every way."""
    # Of a copy, as all the others: the order of a sum, and its last bit, depend on the layout.
    copied = sources.prepare(source, _changed(raw, "test", np.arange(0), _constant))
    before = {name: _fingerprint(copied, name) for name in copied.parts if name != "test"}
    for part, rows in _rows_of_later_parts(raw, dataset, source.data).items():
        for words, change in _CHANGES.items():
            with np.errstate(over="ignore", invalid="ignore"):  # the extreme, in float32
                after = sources.prepare(source, _changed(raw, part, rows, change))
            for name in filter(before.get, _EARLIER[part]):
                now = _fingerprint(after, name)
                differing = [what for what, sha in now.items() if sha != before[name][what]]
                yield _compared(f"{part} values {words}", name, differing)


def _compared(done: str, name: str, differing: list[str]) -> Check:
    part = f"{_WORDS[name]} part"
    if differing:
        says = f"the {listed(differing)} of the {part} change"
    else:
        says = f"the {part} stays the same, byte for byte"
    return Check(done, name, "differs" if differing else "same", f"{done.capitalize()}: {says}.")


def _rows_of_later_parts(raw: Raw, dataset: Dataset, params: dict) -> dict[str, np.ndarray]:
    """The raw rows of the test part and of the validation part, if there is one."""
    if isinstance(raw, Series):
        spans = _spans(len(raw.values), params)
        return {name: np.arange(*spans[name]) for name in _EARLIER if name in dataset.parts}
    drawn = {} if dataset.validation is None else {"validation": dataset.validation.index}
    if isinstance(raw, READY):
        return {"test": np.arange(len(raw.test.y))} | drawn
    if isinstance(raw, Texts):
        return {"test": dataset.test.index} | drawn
    rows = len(raw.y)
    return {"test": np.arange(rows - round(rows * params["test"]), rows)} | drawn


def _spans(rows: int, params: dict) -> dict[str, tuple[int, int]]:
    """The first row of each part of a series, and the row after its last."""
    test = rows - round(rows * params["test"])
    calibration = test - round(rows * params["calibration"])
    validation = calibration - round(rows * params["validation"])
    target = test + params["window"] * (params["split"] == "strict")  # of the first example
    examples, fold, folds = rows - target - params["horizon"] + 1, params["fold"], params["folds"]
    on, end = examples * (fold - 1) // folds if fold else 0, examples * (fold or folds) // folds
    cuts = [0, validation + on, calibration + on, test + on, target + end + params["horizon"] - 1]
    return dict(zip(("train", "validation", "calibration", "test"), pairwise(cuts), strict=True))


def _changed(raw: Raw, part: str, rows: np.ndarray, change: Callable) -> Raw:
    """`raw` with other values in some rows; dates stay as they are."""
    if isinstance(raw, READY):
        side = part if hasattr(raw, part) else "train"
        return replace(raw, **{side: _changed(getattr(raw, side), part, rows, change)})
    names = ("values",) if isinstance(raw, Series) else ("x", "y")
    return replace(raw, **{name: _with(getattr(raw, name), rows, change) for name in names})


def _with(values: np.ndarray, rows: np.ndarray, change: Callable) -> np.ndarray:
    changed = values.copy()
    changed[rows] = change(values[rows])
    return changed


def _fingerprint(dataset: Dataset, name: str) -> dict[str, str]:
    """The SHA-256 of each thing that a part consists of, and of all that was fitted."""
    part, inputs, targets = dataset.parts[name], hashlib.sha256(), hashlib.sha256()
    for start in range(0, len(part), _CHUNK):
        x, y = part.take(slice(start, start + _CHUNK))
        inputs.update(x.tobytes())
        targets.update(y.tobytes())
    return {
        "rows": hashlib.sha256(part.index.tobytes()).hexdigest(),
        "inputs": inputs.hexdigest(),
        "targets": targets.hexdigest(),
        "fitted numbers": repr(dataset.preprocessing()),
    }


# Where the parts lie.


def _shared(dataset: Dataset) -> Iterator[Check]:
    """Raw rows that stand in two parts."""
    for (name, part), (other, later) in combinations(dataset.parts.items(), 2):
        if part.x is not later.x:
            continue
        both = np.intersect1d(part.index, later.index)
        parts = f"the {_WORDS[name]} and the {_WORDS[other]} part"
        if len(both):
            first = few([str(row) for row in both], NAMED)
            says = f"{counted(len(both), 'row')} of the source in both {parts}: {first}."
        else:
            says = f"No row of the source is in both {parts}."
        yield Check(f"rows shared with {other}", name, "found" if len(both) else "none", says)


def _windows(dataset: Dataset, params: dict) -> Iterator[Check]:
    """Windows that reach out of their part: ahead, or with a target behind."""
    framing, spans = dataset.framing, _spans(len(dataset.series.values), params)
    for name, part in dataset.parts.items():
        whole = name == "train" or params["split"] == "strict"
        first = int(part.index.min()) + (0 if whole else framing.window)
        last = int(part.index.max()) + framing.window + framing.horizon - 1
        start, end = spans[name]
        out = first < start or last >= end
        says = (
            f"The {'windows and targets' if whole else 'targets'} of the {_WORDS[name]} part lie "
            f"in rows {first:,} to {last:,}, {'beyond' if out else 'within'} its own, {start:,} to "
            f"{end - 1:,}."
        )
        yield Check("windows across a cut", name, "found" if out else "none", says)


def _repeats(dataset: Dataset) -> dict[str, list[tuple[int, int]]]:
    """Test examples whose input an earlier part has too, from another row, each with that."""
    earlier = {name: dataset.parts[name] for name in _EARLIER["test"] if name in dataset.parts}
    pairs = {name: _equal_inputs(dataset.test, part) for name, part in earlier.items()}
    return {name: found for name, found in pairs.items() if found}


def _duplicates(name: str, pairs: list[tuple[int, int]]) -> dict:
    """The repeats of an earlier part as `audit --json` has them."""
    named = [f"test example {row} = {_WORDS[name]} example {twin}" for row, twin in pairs]
    says = (
        f"{counted(len(pairs), 'test example')} with the input of an example of the "
        f"{_WORDS[name]} part: {few(named, NAMED)}."
    )
    return {"part": name, "count": len(pairs), "first": pairs[:NAMED], "says": says}


def _equal_inputs(later: Part, earlier: Part) -> list[tuple[int, int]]:
    """The examples of `later` that `earlier` has too, each with the first there that equals it."""
    known = {content: row for row, content in reversed(_contents(earlier))}
    return [
        (row, known[content])
        for row, content in _contents(later)
        if content in known and not (later.x is earlier.x and known[content] == row)
    ]


def _contents(part: Part) -> list[tuple[int, bytes]]:
    """Each example's row in the source, and a hash of its input."""
    return [
        (row, hashlib.blake2b(part.x[row].tobytes(), digest_size=16).digest())
        for row in part.index.tolist()
    ]


# What the loader did.


def _scaled(raw: Raw, dataset: Dataset, params: dict) -> Check:
    """Columns that were scaled over all rows, the test rows with them."""
    if isinstance(raw, Series):
        known = np.arange(_spans(len(raw.values), params)["train"][1])
    else:
        known = dataset.train.index
    standardised, stretched = [], []
    for name, values in _columns(raw):
        if _standardised(values) and not _standardised(values[known]):
            standardised.append(f"{name} has mean 0 and standard deviation 1")
        elif isinstance(raw, Series) and (low := _range_to_1(values, values[known])) is not None:
            stretched.append(f"{name} goes from {low} to 1")
    found = few(standardised + stretched, NAMED)
    if standardised:
        says = f"Scaled before it came here, with the test rows: {found} over all rows,"
    elif stretched:
        says = f"Looks as if it had been scaled over all rows: {found} there,"
    else:
        says = "No column looks as if it had been scaled over all rows before it came here."
        return Check("scaled over all rows", "train", "none", says)
    return Check(
        "scaled over all rows", "train", "found", f"{says} and not over the training rows."
    )


def _columns(raw: Raw) -> Iterator[tuple[str, np.ndarray]]:
    """All that a scaler could have been fitted on, by name: `(rows, …)` each."""
    if isinstance(raw, Series):
        yield from zip(raw.columns, raw.values.T, strict=True)
        return
    x = raw.x.reshape(*raw.x.shape[:2], -1)
    yield "x", x
    for feature in range(x.shape[2]):
        yield f"feature {feature}", x[:, :, feature]
    for step, feature in np.ndindex(x.shape[1:]):
        yield f"feature {feature} of step {step}", x[:, step, feature]


def _standardised(values: np.ndarray) -> bool:
    """Whether the mean is 0 and the standard deviation, of n or of n − 1, is 1."""
    if values.size < 2 or abs(values.mean(dtype=np.float64)) > _ROUNDING:
        return False
    spread = values.std(dtype=np.float64)
    unbiased = spread * np.sqrt(values.size / (values.size - 1))
    return min(abs(spread - 1), abs(unbiased - 1)) < _ROUNDING


def _range_to_1(values: np.ndarray, known: np.ndarray) -> int | None:
    """0 or −1, if these numbers, more than yes and no, go from it to 1, and the `known` do not."""
    if len(np.unique(values)) < 3:
        return None
    return next((low for low in (0, -1) if _ends(values, low) and not _ends(known, low)), None)


def _ends(values: np.ndarray, low: int) -> bool:
    return abs(values.min() - low) < _ROUNDING and abs(values.max() - 1) < _ROUNDING


def _reloaded(source: sources.Source, raw: Series, data_dir: str | None) -> Iterator[Check]:
    """The earlier rows, read again from a copy of the CSV file whose later lines are changed."""
    if not source.data.get("csv"):
        return
    spans = _spans(len(raw.values), source.data)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / Path(source.data["csv"]).name
        hindrance = _hindrance(source, raw, copy, data_dir)
        for part in _EARLIER:
            first, end = spans[part]
            if first < end:
                again = None if hindrance else _read_changed(source, raw, copy, first, data_dir)
                yield _reread(raw, again, part, first, hindrance)


def _hindrance(source: sources.Source, raw: Series, copy: Path, data_dir: str | None) -> str | None:
    """Why a changed copy of the file would tell nothing; None where it would."""
    unchanged = _read_changed(source, raw, copy, len(raw.values), data_dir)
    if unchanged is None:
        return "no telling which lines these are"
    if digest(unchanged) == digest(raw):
        return None
    if digest(sources.read(source, data_dir)) == digest(raw):
        return "the loader reads a copy of the file otherwise"
    return "the loader is not reproducible, and reads something else from the same file each time"


def _read_changed(
    source: sources.Source, raw: Series, copy: Path, first: int, data_dir: str | None
) -> Series | None:
    """What the loader makes of its file with other numbers from row `first` on, if it can."""
    date_format = source.data.get("date_format")
    try:
        if not write_changed(source.data["csv"], copy, raw, first, date_format):
            return None
        return sources.read(replace(source, data=source.data | {"csv": str(copy)}), data_dir)
    except ZooError:
        return None


def _reread(
    raw: Series, again: Series | None, part: str, first: int, hindrance: str | None
) -> Check:
    done = f"{part} lines of the file changed"
    if again is None:
        result = "not done"
        says = f"{hindrance or 'the loader does not read them'}, and the check is left out"
    elif _start(raw, first) == _start(again, first):
        result, says = "same", f"the loader reads the same {first:,} rows before"
    else:
        result, says = "differs", "the loader reads other rows before, so it looks ahead"
    return Check(done, "train", result, f"{done.capitalize()}: {says}.")


def _start(raw: Series, rows: int) -> str:
    """The digest of a series' first rows."""
    dates = None if raw.dates is None else raw.dates[:rows]
    return digest(replace(raw, values=raw.values[:rows], dates=dates))
