"""`streamproc worker`: events to slates and journal, for a share of the partitions."""

import click

from streamproc.commands.flags import with_config
from streamproc.commands.threads import one_thread
from streamproc.config import Config


@click.command()
@with_config
def command(config: Config) -> None:
    """Turn events into recommendations, until Ctrl-C or SIGTERM. Start more of it to share the partitions."""
    one_thread()
    from streamproc.logs import logging_as
    from streamproc.worker.run import run

    with logging_as("worker", config):
        run(config)
