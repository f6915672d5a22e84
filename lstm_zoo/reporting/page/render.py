"""Reports as one self-contained HTML page, or as Markdown for a pull request."""

from __future__ import annotations

from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from lstm_zoo.errors import printable
from lstm_zoo.records import strict
from lstm_zoo.reporting.markdown import escaped
from lstm_zoo.reporting.page.chart import Chart
from lstm_zoo.reporting.page.parts import Report


def html(reports: Sequence[Report]) -> str:
    """A page that needs nothing but itself: Plotly is in it, once, and no network is allowed."""
    templates = Environment(
        loader=PackageLoader("lstm_zoo.reporting.page", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["figure"] = _figure
    page = templates.get_template("page.html")
    text = page.render(reports=reports, title=_title(reports), plotly=Markup(get_plotlyjs()))
    return text.encode("utf-8", "backslashreplace").decode()  # a name may hold half a character


def _title(reports: Sequence[Report]) -> str:
    return reports[0].title if len(reports) == 1 else f"{len(reports)} reports"


def _figure(chart: Chart) -> dict:
    """What Plotly draws, as strict JSON has it."""
    return strict(chart.figure.to_plotly_json())


def markdown(reports: Sequence[Report]) -> str:
    """Each report's sentences and scores, where it ran, and the command that repeats it."""
    return "\n".join(map(_markdown, reports))


def _markdown(report: Report) -> str:
    title = printable(report.title).replace("<", "&lt;")
    blocks = [f"## {title}", report.markdown, escaped(report.machine)]
    if report.command:
        blocks.append(f"```sh\n{printable(report.command)}\n```")
    return "\n\n".join(blocks) + "\n"
