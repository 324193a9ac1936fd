"""`streamproc simulate`: a simulated shop in real time."""

import asyncio
import signal
import threading

import click

from streamproc.commands.flags import with_config
from streamproc.config import Config

PLAIN_WIDTH = 120  # characters of a line where there is no terminal


@click.command()
@click.option(
    "--rate",
    type=click.FloatRange(0, min_open=True),
    default=200.0,
    help="Events a second.",
    show_default=True,
)
@click.option("--users", type=click.IntRange(1), default=500, show_default=True)
@click.option("--items", type=click.IntRange(1), default=400, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=7, show_default=True, help="The same shop again.")
@click.option("--events", metavar="N", type=click.IntRange(1), help="Stop after so many.  [default: go on]")
@click.option("--watch/--no-watch", default=True, help="Show what one user does and gets.", show_default=True)
@with_config
def command(
    config: Config, rate: float, users: int, items: int, seed: int, events: int | None, watch: bool
) -> None:
    """Feed the events of a simulated shop in real time, until Ctrl-C, and show what one user gets for it."""
    from rich.console import Console

    from streamproc.kafka.admin import ensure_topics
    from streamproc.simulate.run import Settings, run

    console = Console()
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    asyncio.run(ensure_topics(config))  # before the signals are ours: waiting for Kafka can be broken off
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    sent = run(config, Settings(rate, users, items, seed, events, watch), stop, console.print)
    click.echo(f"sent {sent:,} events")
