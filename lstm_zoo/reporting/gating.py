"""What the gate says: a headline, a table, Markdown, and JUnit's XML."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from lstm_zoo.errors import counted, printable
from lstm_zoo.reporting.markdown import escaped, table
from lstm_zoo.reporting.sentences import number, span, words

if TYPE_CHECKING:
    from lstm_zoo.gate import Check, Outcome

_SAID = {"pass": "Pass", "regression": "Regression", "inconclusive": "Cannot tell"}
_SAID |= {"not-comparable": "Not comparable"}
COLUMNS = ["model", "check", "baseline", "new", "difference", "one-sided 95 %", "limit", "verdict"]


def headline(outcome: Outcome) -> str:
    """The verdict in words, with the margin."""
    worst = [check for check in outcome.checks if check.verdict == outcome.verdict]
    said = sentence(worst[0]) if worst else "Nothing was asked."
    if len(worst) > 1:
        said = f"{counted(len(worst), 'check')} of {len(outcome.checks)}. {said}"
    return f"{_SAID[outcome.verdict]}: {said}{_margins(outcome.checks)}"


def _margins(checks: list[Check]) -> str:
    margins = sorted(check.margin for check in checks if check.margin is not None)
    if not margins:
        return ""
    ends = dict.fromkeys(number(margin) for margin in (margins[0], margins[-1]))
    metric = next(words(check.metric) for check in checks if check.margin is not None)
    return f" The margin is {' to '.join(ends)} in {metric}."


def sentence(check: Check) -> str:
    """A check's reason, with the model that it is of."""
    return printable(f"{check.model or ''} {check.reason}.".lstrip())


def remarks(outcome: Outcome) -> list[str]:
    """A sentence for each check that did not pass, but for what the headline says."""
    told = headline(outcome)
    failed = [sentence(check) for check in outcome.checks if check.verdict != "pass"]
    return [line for line in failed if line not in told]


def rows(outcome: Outcome) -> list[list[str]]:
    """The checks as a table of `COLUMNS`."""
    return [
        [
            printable(check.model or "–"),
            _asks(check),
            number(check.baseline),
            number(check.new),
            "–" if check.difference is None else f"{check.difference:+.4g}",
            "–" if check.lower is None else span([check.lower, check.upper]),
            number(check.limit),
            check.verdict,
        ]
        for check in outcome.checks
    ]


def _asks(check: Check) -> str:
    """What a check asks, in short: `accuracy at least 0.9`."""
    metric = words(check.metric) if check.metric else "all"
    if check.check == "baseline":
        return printable(f"{metric} against the baseline")
    return printable(f"{metric} {check.check.replace('-', ' ')} {number(check.limit)}")


def markdown(outcome: Outcome) -> str:
    """The headline, the table and the sentences as Markdown."""
    told = table(COLUMNS, rows(outcome))
    others = [*remarks(outcome), *outcome.warnings]
    return "\n\n".join([f"**{escaped(headline(outcome))}**", told, *map(escaped, others)])


def junit(outcome: Outcome) -> str:
    """The checks as JUnit's XML: what is not a pass is a failure, or an error if not comparable."""
    count = Counter(check.verdict for check in outcome.checks)
    suite = {"name": "lstm-zoo gate", "tests": str(len(outcome.checks))}
    suite |= {"failures": str(count["regression"] + count["inconclusive"])}
    suite |= {"errors": str(count["not-comparable"]), "skipped": "0"}
    root = ElementTree.Element("testsuites")
    parent = ElementTree.SubElement(root, "testsuite", suite)
    for check in outcome.checks:
        name = f"{printable(check.model or 'all models')}: {_asks(check)}"
        case = ElementTree.SubElement(parent, "testcase", classname="lstm-zoo.gate", name=name)
        if check.verdict != "pass":
            kind = "error" if check.verdict == "not-comparable" else "failure"
            ElementTree.SubElement(case, kind, type=check.verdict, message=sentence(check))
    return ElementTree.tostring(root, encoding="unicode") + "\n"
