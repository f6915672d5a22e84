"""How often a pair of models has been looked at, each time with more seeds, or others.

Looking again after adding seeds, until a difference shows, finds one in equal models too often. So
each look is recorded in the runs folder, and costs: from the second one on, the k-th look at a pair
multiplies its p-value by k (k + 1), so that all looks together find one in 7.5 % of equal pairs at
most, and in less by far as they share their seeds (benchmarks/RESULTS.md).
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from lstm_zoo.config import RunConfig
from lstm_zoo.errors import RunError
from lstm_zoo.files import contents

FILE = "looks.jsonl"


def take(
    folder: Path, pairs: list[tuple[RunConfig, RunConfig]], seeds: list[int]
) -> tuple[list[dict], dict[tuple[str, str], int]]:
    """The lines to record for this look, and for each pair of variants which look it is.

    The same seeds again are the same look, and one seed is none: it gives no verdict.
    """
    if len(seeds) < 2:
        return [], {}
    earlier, lines, count = _read(folder), [], {}
    for a, b in pairs:
        pair = sorted((_key(a), _key(b)))
        seen = [line["seeds"] for line in earlier if line["pair"] == pair]
        if seeds not in seen:
            lines.append({"pair": pair, "seeds": seeds})
            seen.append(seeds)
        count[a.variant, b.variant] = seen.index(seeds) + 1
    return lines, count


def factor(look: int) -> int:
    """What the p-value of the k-th look is multiplied by: 1, 6, 12, 20, …"""
    return 1 if look == 1 else look * (look + 1)


def record(folder: Path, lines: list[dict]) -> None:
    """Add looks to those of the folder."""
    with (folder / FILE).open("a", encoding="utf-8") as file:
        file.writelines(f"\n{json.dumps(line)}\n" for line in lines)  # whatever a crash left before


def check(folder: Path) -> None:
    """Make sure that looks can be recorded, before anything is trained for one.

    Raises:
        RunError: they can't.
    """
    try:
        (folder / FILE).open("a").close()
        _read(folder)
    except OSError as error:
        raise RunError(f"{folder / FILE} can't be kept: {error.strerror}.") from None


def _key(config: RunConfig) -> str:
    """A model, its training and its data, whatever the seed."""
    return hashlib.sha256(config.with_seed(0).identity.encode()).hexdigest()


def _read(folder: Path) -> list[dict]:
    """The looks of the folder; a line that a crash cut short is none."""
    looks = []
    try:
        text = contents(folder / FILE).decode(errors="replace")
    except FileNotFoundError:
        return []
    for line in text.splitlines():
        try:
            look = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(look, dict) and {"pair", "seeds"} <= set(look):
            looks.append(look)
    return looks
