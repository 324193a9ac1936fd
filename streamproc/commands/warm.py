"""`streamproc warm`: what is compiled on first use, compiled now."""

import click

from streamproc.commands.flags import with_config
from streamproc.commands.threads import one_thread
from streamproc.config import Config


@click.command()
@with_config
def command(config: Config) -> None:
    """Compile everything that worker and trainer run, for this machine and these [heads] settings.

    It takes a few minutes once; afterwards every start takes about a second. For images and installations:
    the result is kept in the user's cache folder.
    """
    one_thread()
    from rich.console import Console

    from streamproc.clock import SystemClock
    from streamproc.trainer.warming import warm
    from streamproc.worker.warmup import warm_up

    clock = SystemClock()
    began = clock.seconds()
    with Console(stderr=True).status("compiling; this takes a few minutes, once"):
        warm(config)
        warm_up(config, clock)
    click.echo(f"compiled and loaded in {clock.seconds() - began:.0f} s")
