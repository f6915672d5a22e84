"""`report`: a page to look at, made of what runs and comparisons left on disk."""

from __future__ import annotations

from pathlib import Path

import click

from lstm_zoo import records
from lstm_zoo import runs as run_folders
from lstm_zoo.cli.names import RunName
from lstm_zoo.cli.options import runs_option
from lstm_zoo.cli.settings import Settings, command, pass_settings
from lstm_zoo.errors import UsageError


@command("lstm-zoo report last -o run.html\nlstm-zoo report results.json -o page.html")
@click.argument("sources", nargs=-1, required=True, type=RunName(), metavar="RUN|RESULTS.json...")
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE.html|FILE.md",
    help="Write it there: a page for a browser, or Markdown for a pull request.",
)
@runs_option
@pass_settings
def report(settings: Settings, sources: tuple[str, ...], output: str, runs_dir: str | None) -> None:
    """A page of one or more runs and comparisons: a RUN's folder, or a RESULTS.json of compare."""
    reported(settings, sources, output, runs_dir)


def reported(
    settings: Settings, sources: tuple[str, ...], output: str, runs_dir: str | None
) -> Path:
    """The page that `report` is asked for."""
    if "" in sources:
        raise UsageError("RUN|RESULTS.json is empty.")
    page = Path(output)
    if page.suffix.lower() not in (".html", ".md"):
        raise UsageError(f"--output is a .html or .md file, and '{output}' is neither.")
    records.check_writable(page)
    from lstm_zoo.reporting import page as pages

    folder = run_folders.runs_folder(runs_dir)
    reports = [pages.report(source, folder) for source in sources]
    write = pages.html if page.suffix.lower() == ".html" else pages.markdown
    records.write_text(page, write(reports))
    settings.say(f"Report: {page}")
    return page


COMMANDS = [report]
