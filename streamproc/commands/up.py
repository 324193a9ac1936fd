"""`streamproc up`: everything on this machine."""

import click

from streamproc.commands import flags
from streamproc.commands.flags import with_config
from streamproc.config import Config


@click.command()
@click.option("--demo", is_flag=True, help="Also run the simulated shop and show what one user gets.")
@click.option("--seconds", type=click.FloatRange(min=1.0), help="Stop after so many seconds.")
@with_config
def command(config: Config, demo: bool, seconds: float | None) -> None:
    """Run everything on this machine: Kafka (unless --bootstrap-servers is given), worker, trainer, refresh.

    Runs until Ctrl-C or SIGTERM, then stops all parts in order. Started again, it goes on where it stopped.
    """
    from streamproc.up.run import run

    run(config, flags.current().arguments, demo, seconds)
