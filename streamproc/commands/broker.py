"""`streamproc broker`: the embedded Kafka alone, in the foreground."""

import signal
import threading
from typing import TYPE_CHECKING

import click

from streamproc.commands.flags import with_config
from streamproc.config import Config
from streamproc.errors import BrokerFailed

if TYPE_CHECKING:
    from streamproc.broker.kafka import Broker

LOOK = 0.2  # seconds between two looks at the process


@click.command()
@click.option("--port", type=click.IntRange(0, 65_535), help="On 127.0.0.1; 0: any free one.")
@with_config
def command(config: Config, port: int | None) -> None:
    """Run the embedded Kafka alone, until Ctrl-C or SIGTERM."""
    from streamproc.broker.kafka import Broker

    if port is not None:
        config = config.model_copy(update={"broker": config.broker.model_copy(update={"port": port})})
    _run(Broker(config))


def _run(broker: "Broker") -> None:
    """Until a signal; raises BrokerFailed when Kafka ends by itself."""
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    with broker:
        click.echo(f"Kafka is ready at {broker.bootstrap_servers} (process {broker.pid})")
        while not stopping.wait(LOOK):
            if (code := broker.poll()) is not None:
                raise BrokerFailed(f"the embedded broker ended with code {code}", broker.last_words())
