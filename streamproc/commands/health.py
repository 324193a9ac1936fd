"""`streamproc health`: whether parts on this machine are ready, for health checks of containers."""

import click

from streamproc.commands.flags import with_config
from streamproc.config import Config

PARTS = ("worker", "trainer", "refresh", "server")


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(PARTS))
@with_config
def command(config: Config, parts: tuple[str, ...]) -> None:
    """Exit code 0 where each of PARTS (all that run, if none is named) is ready, else 1.

    It asks the parts of the data folder, as `streamproc status` does.
    """
    from streamproc.figures import Collector
    from streamproc.scrape import tokens

    health = Collector(config.data_dir, tokens=tokens(config)).look().parts
    asked = parts or tuple(part for part in PARTS if health[part] != "not running")
    click.echo(", ".join(f"{part} {health[part]}" for part in asked) or "nothing runs")
    if not asked or any(health[part] != "ready" for part in asked):
        click.get_current_context().exit(1)
