"""`streamproc serve`: recommendations over HTTP, and the console."""

import click

from streamproc.commands.flags import with_config
from streamproc.commands.threads import one_thread
from streamproc.config import Config


@click.command()
@with_config
def command(config: Config) -> None:
    """Answer requests for recommendations, and take events, over HTTP, until Ctrl-C or SIGTERM."""
    import logging

    one_thread()
    from streamproc.server.run import run

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    run(config)
