"""Kill `compare` again and again: writes what was lost into `RESULTS.md`.

    python benchmarks/kills.py [--kills N] [--seed S]

SIGKILL goes, at a moment drawn at random, to a process of a comparison: to the one that was called,
to one of its workers, or to all of them at once. Then the same command is called again, and killed
again, until it ends; and then another comparison begins. After each kill the runs folder is looked
through, and what is there is compared with what the same comparison left that nobody killed. Then a
smaller one, in one process, is killed before each of its changes of a file, and in the middle of
writing one, whatever its size. It needs `pip install psutil`.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil
import sections

sys.path.append(str(Path(__file__).parents[1] / "tests"))
import zygote

COMPARE = ("compare", "simple-rnn:units=8,dropout=0.2", "gru:units=8", "--seeds", "3")
OPTIONS = ("--epochs", "6", "--jobs", "2", "-o", "results.json")
VICTIMS = ("the command", "a worker", "all processes")
SIZES = range(0, 48_000, 1_000)  # bytes of a file, after which its writer is killed
END = 300  # seconds within which everything has to have ended, on a busy machine too


def main() -> None:
    """Kill, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=sections.RESULTS)
    options = parser.parse_args()
    counts = survived(options.kills, options.seed) + survived_writes()
    sections.write(options.output, "kills.py", page(counts))


def survived(kills: int, seed: int) -> Counter:
    """What happened in so many kills.

    Raises:
        AssertionError: something was lost, damaged, left behind, or is another number.
    """
    draw, counts = random.Random(seed), Counter()
    with tempfile.TemporaryDirectory() as folder:
        whole = Comparison(Path(folder) / "whole")
        seconds = whole.finish()
        while sum(counts[victim] for victim in VICTIMS) < kills:
            killed = Comparison(Path(folder) / f"killed{counts['comparisons']}")
            while killed.is_killed(draw.uniform(0, seconds), draw.choice(VICTIMS), draw, counts):
                killed.check(whole)
            killed.check(whole)
            assert zygote.scores(killed.folder) == zygote.scores(whole.folder), (
                "the comparison came to something else"
            )
            assert not list(killed.temporary.glob("[!.]*")), "a temporary file is left"
            counts["comparisons"] += 1
    return counts


class Comparison:
    """The comparison in a folder of its own, which holds its runs and all its temporary files."""

    def __init__(self, folder: Path):
        self.folder, self.temporary = folder, folder / "temporary"
        self.temporary.mkdir(parents=True)
        self.finished: dict[str, bytes] = {}

    def start(self) -> psutil.Popen:
        """Call it."""
        return psutil.Popen(
            [sys.executable, "-m", "lstm_zoo", *COMPARE, *OPTIONS],
            cwd=self.folder,
            env=os.environ | {"TMPDIR": str(self.temporary)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def finish(self) -> float:
        """Let it end; its seconds."""
        start = time.perf_counter()
        assert self.start().wait() == 0
        return time.perf_counter() - start

    def is_killed(self, after: float, victim: str, draw: random.Random, counts: Counter) -> bool:
        """Call it, and kill so many seconds later; False where it has ended before that."""
        process = self.start()
        try:
            process.wait(after)
        except psutil.TimeoutExpired:
            pass
        else:
            return False
        family = [process, *process.children(recursive=True)]
        chosen = {
            "the command": family[:1],
            "a worker": [draw.choice(family[1:] or family)],
            "all processes": family,
        }[victim]
        for one in chosen:
            one.send_signal(signal.SIGKILL)
        counts[victim] += 1
        process.wait(END)
        _, alive = psutil.wait_procs(family, END)
        assert not alive, f"{alive} are left"
        return True

    def check(self, whole: Comparison) -> None:
        """Every finished run is whole, and what it is in the other comparison; none is gone."""
        now = self.answers()
        assert self.finished.items() <= now.items(), "a finished run is gone, or another one"
        assert set(now.values()) <= set(whole.answers().values()), "a run came to something else"
        self.finished = now

    def answers(self) -> dict[str, bytes]:
        """What each finished run predicts."""
        return zygote.answers(self.folder / "runs")


def survived_writes() -> Counter:
    """What happened in the kills of a process that is changing a file.

    Raises:
        AssertionError: something was lost, damaged, or is another number.
    """
    with tempfile.TemporaryDirectory() as folder:
        calls = zygote.Zygote(Path(folder))
        whole = zygote.Whole(calls)
        changes = [{"at": number} for number in range(1, whole.events + 1)]
        writes = [{"most": size} for size in SIZES]
        counts = Counter(
            {
                "changes": zygote.survived(calls, whole, changes),
                "writes": zygote.survived(calls, whole, writes),
            }
        )
        calls.end()
    return counts


def page(counts: Counter) -> str:
    """The section of RESULTS.md."""
    rows = [[victim, str(counts[victim])] for victim in VICTIMS]
    rows += [
        ["a process, before it opens, renames, makes or removes a file", str(counts["changes"])]
    ]
    rows += [["a process, in the middle of writing a file", str(counts["writes"])]]
    return f"""# Kills

`lstm-zoo {" ".join((*COMPARE, *OPTIONS))}`, killed with SIGKILL at moments drawn at random, and
called again until it ended: {counts["comparisons"]} comparisons. Then
`lstm-zoo {" ".join(zygote.ALONE)}`, killed before each of its changes of a file, and where one gets
larger than a number of bytes. After every kill each finished run was there, whole, and came to what
it comes to without a kill, and no process was left; when a comparison had ended, no temporary file
was.

{sections.table(["killed", "times"], rows)}"""


if __name__ == "__main__":
    main()
