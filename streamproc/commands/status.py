"""`streamproc status`: how the parts on this machine are doing."""

import json
import time

import click

from streamproc.commands.flags import with_config
from streamproc.config import Config

BETWEEN = 1.0  # seconds between two looks, for the rate


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@with_config
def command(config: Config, as_json: bool) -> None:
    """Show how the parts on this machine are doing; exit code 1 where none runs."""
    from rich.console import Console

    from streamproc.figures import Collector
    from streamproc.scrape import tokens
    from streamproc.up.status import panel

    collector = Collector(config.data_dir, tokens=tokens(config))
    figures = collector.look()
    if figures.any_running:
        time.sleep(BETWEEN)
        figures = collector.look()
    if as_json:
        click.echo(json.dumps(figures.as_dict()))
    else:
        Console().print(panel(figures, "as it is now"))
    if not figures.any_running:
        click.get_current_context().exit(1)
