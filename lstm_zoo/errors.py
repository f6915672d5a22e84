"""The errors that a user can mend. Each is one sentence and knows its exit code.

ZooError                  a file, column or run that isn't there, bad data, …    exit 1
├── UsageError            a name, option or value that can't be meant            exit 2
│   └── UnknownName       … with the nearest names
├── DataError             data that is missing, damaged or does not fit          exit 1
├── RunError              a run folder that is unfinished, damaged or none       exit 1
├── TrainingError         a training that failed                                 exit 1
│   ├── Diverged          … because its loss is no number any more, or exploded
│   ├── ProcessLost       … because its process was killed, or crashed
│   └── Pruned            … because a search had it end: others do better
├── CheckFailed           what was made is not what it must be                   exit 3
└── MissingExtra          an optional package that is not installed              exit 1
"""

from __future__ import annotations

import difflib
import errno
import re
from collections.abc import Iterable, Sequence

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_ERROR = re.compile(r"\w*(Error|Exception): ")
MANY = 25  # names, beyond which a sentence counts them


class ZooError(Exception):
    """An error that the user can mend; its text is the one sentence shown."""

    exit_code = 1

    def __reduce__(self) -> tuple:  # its text alone, whatever its kind was made from
        return _told, (type(self), str(self))


def _told(kind: type[ZooError], sentence: str) -> ZooError:
    """An error as it came from another process."""
    return kind.__new__(kind, sentence)


class UsageError(ZooError):
    """A name, option or value that can't be meant."""

    exit_code = 2


class UnknownName(UsageError):
    """A name that does not exist, shown with the nearest ones that do, and a `hint` after them."""

    def __init__(self, kind: str, name: str, known: Iterable[str], hint: str = ""):
        super().__init__(f"There is no {kind} '{name}'. {suggestion(name, known)} {hint}".rstrip())


class DataError(ZooError):
    """Data that is missing, damaged or does not fit."""


class RunError(ZooError):
    """A run folder that is unfinished, damaged, or not a run."""


class TrainingError(ZooError):
    """A training that failed, with its reason."""


class Diverged(TrainingError):
    """A training whose loss is no longer a number, or has exploded."""


class ProcessLost(TrainingError):
    """A training whose process was killed, or crashed.

    Args:
        sentence: how it ended.
        log: what the process was at, where it could still say so.
    """

    def __init__(self, sentence: str, log: str = ""):
        super().__init__(sentence)
        self.log = log


class Pruned(TrainingError):
    """A training that a search ended, as others do better. It failed in no other way.

    Args:
        sentence: where it ended.
        seconds: what its epochs took.
    """

    def __init__(self, sentence: str, seconds: float):
        super().__init__(sentence)
        self.seconds = seconds

    def __reduce__(self) -> tuple:
        return type(self), (str(self), self.seconds)


class CheckFailed(ZooError):
    """What was made is not what it must be.

    Args:
        sentence: what was found.
        record: the same for a program.
    """

    exit_code = 3

    def __init__(self, sentence: str, record: dict):
        super().__init__(sentence)
        self.record = record


class MissingExtra(ZooError):
    """An optional package that is not installed.

    Args:
        what: what needs it, as the sentence's subject ("The jax backend").
        extra: the extra of lstm-zoo that installs it.
    """

    def __init__(self, what: str, extra: str):
        super().__init__(f"{what} is not installed: {how_to_install(extra)}.")


def how_to_install(extra: str) -> str:
    """The command that installs an extra."""
    return f"pip install 'lstm-zoo[{extra}]' (in a clone: pip install '.[{extra}]')"


def suggestion(name: str, known: Iterable[str], most: int = MANY) -> str:
    """A sentence with the names nearest to `name`, or with `most` of them where none is near."""
    known = list(known)
    folded = {candidate.casefold(): candidate for candidate in known}
    near = difflib.get_close_matches(name.casefold(), folded, n=3, cutoff=0.5)
    if near:
        return f"Did you mean {listed([folded[key] for key in near], 'or')}?"
    return f"There are: {few(known, most)}." if known else "There are none."


def few(names: Sequence[str], most: int = 12) -> str:
    """The names as a list, or the first of them and how many there are."""
    more = [f"{len(names) - most:,} more"] if len(names) > most else []
    return listed([*names[:most], *more])


def printable(text: str) -> str:
    """`text` on one line, harmless on a terminal."""
    return harmless(text.replace("\n", " "))


def harmless(text: str) -> str:
    """`text` with its control characters as escapes, but for the ends of its lines."""
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)


def _telling(message: str) -> str:
    """The line of another library's message that says what is wrong."""
    lines = [line.strip() for line in _COLOUR.sub("", message).splitlines() if line.strip()]
    if not lines:
        return ""
    if lines[0] == "Graph execution error:":  # TensorFlow's, with the error itself further down
        return next((line for line in lines if _ERROR.match(line)), lines[0])
    if lines[0].startswith("Exception encountered when calling"):  # Keras', of a layer
        return " ".join(lines[:2])
    return lines[0]


def reason(error: BaseException, most: int = 300) -> str:
    """Another library's error, in a line."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "The disk is full."
    first = printable(_telling(str(error)))
    return f"{type(error).__name__}: {first[:most]}".rstrip(": ")


def why(error: BaseException) -> str:
    """An error as a sentence: one of ours is one already."""
    return str(error) if isinstance(error, ZooError) else reason(error)


def listed(names: Iterable[object], last: str = "and") -> str:
    """`a, b and c`; `nothing` where there are none."""
    *head, tail = [str(name) for name in names] or ["nothing"]
    return f"{', '.join(head)} {last} {tail}" if head else tail


def counted(number: int, noun: str) -> str:
    """`1 seed`, `5 seeds`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
