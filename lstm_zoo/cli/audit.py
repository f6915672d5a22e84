"""`audit`: does any row to test on reach what is trained on?"""

from __future__ import annotations

import click

from lstm_zoo.cli.endings import telling
from lstm_zoo.cli.names import Name
from lstm_zoo.cli.options import data_dir_option, dataset_params, given, series_options
from lstm_zoo.cli.settings import Settings, command, json_option, pass_settings, print_json
from lstm_zoo.config import data_params
from lstm_zoo.errors import printable

LEAK = 3


@command("lstm-zoo audit digits\nlstm-zoo audit prices --csv prices.csv --data window=30")
@click.argument("dataset", type=Name("dataset"))
@click.option("--data", "datas", multiple=True, metavar="KEY=VALUE", help="One of the dataset.")
@series_options
@data_dir_option
@json_option
@pass_settings
def audit(settings: Settings, dataset: str, as_json: bool, **options: object) -> None:
    """Look for leaks between the parts of DATASET: later rows that reach earlier ones.

    The exit code is 3 where there is a leak, and 0 where none was found.
    """
    record = audited(settings, dataset, **options)
    from lstm_zoo import auditing

    with telling():
        if as_json:
            print_json(record)
        else:
            for line in auditing.lines(record):
                click.echo(printable(line))
            click.echo(auditing.verdict(record))
    if not record["passed"]:
        click.get_current_context().exit(LEAK)


def audited(settings: Settings, dataset: str, **options: object) -> dict:
    """What `audit` is asked to look for."""
    entry = settings.zoo.find(dataset, "dataset")
    params = data_params(entry, dataset_params(entry.name, entry.parameters, given(options)))
    from lstm_zoo import auditing
    from lstm_zoo.sources import Source

    source = Source(dataset, entry.loader, params, zoo=entry.zoo)
    return auditing.audit(source, options["data_dir"])


COMMANDS = [audit]
