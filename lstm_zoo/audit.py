"""The leak audit: does anything of a later part reach an earlier one?

Nothing is taken on trust from the code that cuts and scales. The values of the later part are
changed, the dataset is made again, and whatever a model would train on must stay the same, byte for
byte. Where the parts lie is worked out here a second time, from the parameters alone.

What a loader did before it handed over raw rows shows in two ways: in columns that are scaled over
all rows, and where it reads a CSV file, in earlier rows that change with the file's later lines.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np

from lstm_zoo import sources
from lstm_zoo.data import Dataset, Part, Parts, Raw, Series, digest
from lstm_zoo.datasets._later import write_changed
from lstm_zoo.errors import ZooError, counted, few, listed

NAMED = 3  # of what is counted, the first that are named
_ROUNDING = 1e-6  # of a scaled column's mean, spread and range
_CHUNK = 4096  # examples
_EARLIER = {"test": ("train", "validation"), "validation": ("train",)}
_WORDS = {"train": "training", "validation": "validation", "test": "test"}


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
        `audit --json`: `dataset`, `passed`, `auditable` (`fully`, or `overlap only` where the
        loader hands over ready parts), `leaks`, `duplicates` and `checks`.

    Raises:
        ZooError: the dataset can't be read, or can't be cut as asked for.
    """
    raw = sources.read(source, data_dir)
    dataset = sources.prepare(source, raw)
    checks = [*_rebuilt(source, raw, dataset), *_shared(dataset)]
    if isinstance(raw, Series):
        checks += [*_windows(dataset, source.data), *_reloaded(source, raw, data_dir)]
    if not isinstance(raw, Parts):
        checks.append(_scaled(raw, dataset, source.data))
    leaks = [check for check in checks if check.leak]
    return {
        "dataset": source.dataset,
        "passed": not leaks,
        "auditable": "overlap only" if isinstance(raw, Parts) else "fully",
        "leaks": [{"check": c.check, "part": c.part, "says": c.says} for c in leaks],
        "duplicates": _duplicates(dataset),
        "checks": [asdict(check) for check in checks],
    }


def verdict(record: dict) -> str:
    """What `audit` found, in a sentence or two."""
    leaks = len(record["leaks"])
    count = sum(check["result"] != "not done" for check in record["checks"])
    if leaks:
        said = f"A leak: {leaks} of {counted(count, 'check')} found later data in an earlier part."
    else:
        said = f"No leak found by {counted(count, 'check')}."
    if record["auditable"] == "fully":
        return said
    return (
        f"{said} The loader hands over ready parts, and what it did before can't be seen: "
        f"{record['dataset']} is not auditable beyond overlap."
    )


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
    drawn = {} if dataset.validation is None else {"validation": dataset.validation.index}
    if isinstance(raw, Series):
        spans = _spans(len(raw.values), params)
        return {name: np.arange(*spans[name]) for name in ("test", *drawn)}
    if isinstance(raw, Parts):
        return {"test": np.arange(len(raw.test.y))} | drawn
    rows = len(raw.y)
    return {"test": np.arange(rows - round(rows * params["test"]), rows)} | drawn


def _spans(rows: int, params: dict) -> dict[str, tuple[int, int]]:
    """The first row of each part of a series, and the row after its last."""
    test = rows - round(rows * params["test"])
    validation = test - round(rows * params["validation"])
    return {"train": (0, validation), "validation": (validation, test), "test": (test, rows)}


def _changed(raw: Raw, part: str, rows: np.ndarray, change: Callable) -> Raw:
    """`raw` with other values in some rows; dates stay as they are."""
    if isinstance(raw, Parts):
        side = "test" if part == "test" else "train"
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


def _duplicates(dataset: Dataset) -> list[dict]:
    """Test examples whose input an earlier part has too, from another row of the source."""
    found = []
    for name in _EARLIER["test"]:
        if name not in dataset.parts:
            continue
        pairs = _equal_inputs(dataset.test, dataset.parts[name])
        if pairs:
            named = [f"test example {row} = {_WORDS[name]} example {twin}" for row, twin in pairs]
            says = (
                f"{counted(len(pairs), 'test example')} with the input of an example of the "
                f"{_WORDS[name]} part: {few(named, NAMED)}."
            )
            found.append({"part": name, "count": len(pairs), "first": pairs[:NAMED], "says": says})
    return found


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
    found = []
    for name, values in _columns(raw):
        if _standardised(values) and not _standardised(values[known]):
            found.append(f"{name} has mean 0 and standard deviation 1")
        elif isinstance(raw, Series) and _from_0_to_1(values) and not _from_0_to_1(values[known]):
            found.append(f"{name} goes from 0 to 1")
    if found:
        says = (
            f"Scaled before it came here, with the test rows: {few(found, NAMED)} over all rows, "
            "and not over the training rows."
        )
    else:
        says = "No column looks as if it had been scaled over all rows before it came here."
    return Check("scaled over all rows", "train", "found" if found else "none", says)


def _columns(raw: Raw) -> Iterator[tuple[str, np.ndarray]]:
    """All that a scaler could have been fitted on, by name: `(rows, …)` each."""
    if isinstance(raw, Series):
        yield from zip(raw.columns, raw.values.T, strict=True)
        return
    _, steps, features = raw.x.shape
    yield "x", raw.x
    for feature in range(features):
        yield f"feature {feature}", raw.x[:, :, feature]
    for step, feature in np.ndindex(steps, features):
        yield f"feature {feature} of step {step}", raw.x[:, step, feature]


def _standardised(values: np.ndarray) -> bool:
    """Whether the mean is 0 and the standard deviation, of n or of n − 1, is 1."""
    if values.size < 2 or abs(values.mean(dtype=np.float64)) > _ROUNDING:
        return False
    spread = values.std(dtype=np.float64)
    unbiased = spread * np.sqrt(values.size / (values.size - 1))
    return min(abs(spread - 1), abs(unbiased - 1)) < _ROUNDING


def _from_0_to_1(values: np.ndarray) -> bool:
    """Whether these are numbers, more than yes and no, that go from 0 to 1."""
    ends = abs(values.min()) < _ROUNDING and abs(values.max() - 1) < _ROUNDING
    return bool(ends) and len(np.unique(values)) > 2


def _reloaded(source: sources.Source, raw: Series, data_dir: str | None) -> Iterator[Check]:
    """The earlier rows, read again from a copy of the CSV file whose later lines are changed."""
    if not source.data.get("csv"):
        return
    spans = _spans(len(raw.values), source.data)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / Path(source.data["csv"]).name
        unchanged = _read_changed(source, raw, copy, len(raw.values), data_dir)
        faithful = unchanged is not None and digest(unchanged) == digest(raw)
        for part in ("test", "validation"):
            first, end = spans[part]
            if first < end:
                again = _read_changed(source, raw, copy, first, data_dir) if faithful else None
                yield _reread(raw, again, part, first)


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


def _reread(raw: Series, again: Series | None, part: str, first: int) -> Check:
    done = f"{part} lines of the file changed"
    if again is None:
        result, says = "not done", "no telling which lines these are, and the check is left out"
    elif _start(raw, first) == _start(again, first):
        result, says = "same", f"the loader reads the same {first:,} rows before"
    else:
        result, says = "differs", "the loader reads other rows before, so it looks ahead"
    return Check(done, "train", result, f"{done.capitalize()}: {says}.")


def _start(raw: Series, rows: int) -> str:
    """The digest of a series' first rows."""
    dates = None if raw.dates is None else raw.dates[:rows]
    return digest(replace(raw, values=raw.values[:rows], dates=dates))
