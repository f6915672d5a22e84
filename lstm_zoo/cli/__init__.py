"""The command line: click commands of a few lines each, one file a subject.

At the top of these files stand the light floors only. Everything heavier is imported in a
command's body: that is what makes `--help`, `list` and `show NAME` start in a blink.
"""

from __future__ import annotations

import click

from lstm_zoo import __version__
from lstm_zoo.cli import (
    audit,
    catalog,
    explain,
    export,
    finished,
    gate,
    longest,
    machine,
    report,
    runs,
    training,
    tune,
)
from lstm_zoo.cli.settings import global_options

EPILOG = """\b
Start here:
  lstm-zoo compare simple-rnn lstm        two networks on built-in data
  lstm-zoo train lstm --dataset mnist     one network on MNIST
  lstm-zoo list                           everything there is
"""


@click.group(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="lstm-zoo", message="%(prog)s %(version)s")
@global_options(hidden=False)
def cli() -> None:
    """Recurrent networks, trained and compared: every number with its seeds, its interval and the
    trivial answer it must beat.

    The options here are accepted after the command as well.
    """


MAKING = (catalog, training, tune, longest)
USING = (finished, runs, explain, export, report, gate, audit, machine)
for room in (*MAKING, *USING):
    for command in room.COMMANDS:
        cli.add_command(command)
