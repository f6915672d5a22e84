"""What the gate says: a headline, a table, Markdown, and JUnit's XML."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from lstm_zoo.errors import printable
from lstm_zoo.reporting.markdown import escaped, table
from lstm_zoo.reporting.sentences import number, span, words

if TYPE_CHECKING:
    from lstm_zoo.judging import Check, Outcome

_SAID = {"pass": "Pass", "regression": "Regression", "inconclusive": "Cannot tell"}
_SAID |= {"not-comparable": "Not comparable"}
_FAULTS = {"regression": "failure", "inconclusive": "failure", "not-comparable": "error"}
COLUMNS = ["model", "check", "baseline", "new", "difference", "one-sided 95 %", "limit", "verdict"]
TEXTS = ("check", "verdict")  # columns that hold no numbers


def headline(outcome: Outcome) -> str:
    """The verdict in words, with the margin."""
    return f"{_SAID[outcome.verdict]}: {_worst(outcome)}{_margins(outcome.checks)}"


def _worst(outcome: Outcome) -> str:
    """The checks that the verdict rests on: a pass counts them, a single one is quoted."""
    worst = [check for check in outcome.checks if check.verdict == outcome.verdict]
    if len(worst) < 2:
        return sentence(worst[0]) if worst else "Nothing was asked."
    if outcome.verdict == "pass":
        return "both checks." if len(worst) == 2 else f"all {len(worst)} checks."
    return f"{len(worst)} of {len(outcome.checks)} checks."


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
    return _suite(
        (
            f"{printable(check.model or 'all models')}: {_asks(check)}",
            _FAULTS.get(check.verdict),
            {"type": check.verdict, "message": sentence(check)},
        )
        for check in outcome.checks
    )


def junit_without_verdict() -> str:
    """What stands in JUnit's file until there is a verdict, and where there is none: an error."""
    told = {"type": "no-verdict", "message": "The gate did not come to a verdict."}
    return _suite([("the gate", "error", told)])


def _suite(cases: Iterable[tuple[str, str | None, dict[str, str]]]) -> str:
    """JUnit's XML of cases: a name, and of what is not a pass its kind and what is told of it."""
    root = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(root, "testsuite", name="lstm-zoo gate", skipped="0")
    kinds = []
    for name, kind, told in cases:
        case = ElementTree.SubElement(suite, "testcase", classname="lstm-zoo.gate", name=name)
        if kind:
            ElementTree.SubElement(case, kind, told)
        kinds.append(kind)
    suite.set("tests", str(len(kinds)))
    suite.set("failures", str(kinds.count("failure")))
    suite.set("errors", str(kinds.count("error")))
    return ElementTree.tostring(root, encoding="unicode") + "\n"
