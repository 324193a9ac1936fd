"""`streamproc serve`: recommendations over HTTP, and the console."""

import click

from streamproc.commands.flags import with_config
from streamproc.commands.threads import one_thread
from streamproc.config import Config


@click.command()
@with_config
def command(config: Config) -> None:
    """Answer requests for recommendations, and take events, over HTTP, until Ctrl-C or SIGTERM."""
    one_thread()
    from streamproc.logs import logging_as
    from streamproc.server.run import run

    with logging_as("serve", config):
        run(config)
