"""Can a broker be reached at all? Clients retry for ever in silence; a program has to say so in the end."""

import asyncio
import logging
import time

from streamproc.config import KafkaConfig
from streamproc.errors import KafkaUnavailable

logger = logging.getLogger(__name__)

LOOK = 2.0  # seconds between two looks
ANSWER = 2.0  # seconds for one address


def addresses(servers: str) -> list[tuple[str, int]]:
    """Host and port of each of `host:port,host:port`; IPv6 hosts in brackets."""
    pairs = [server.strip().rpartition(":") for server in servers.split(",")]
    return [(host.strip("[]"), int(port)) for host, _, port in pairs]


async def reachable(servers: str) -> bool:
    """Whether somebody listens at one of the addresses."""
    for host, port in addresses(servers):
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), ANSWER)
        except (OSError, TimeoutError):
            continue
        writer.close()
        return True
    return False


async def wait(kafka: KafkaConfig) -> None:
    """Until somebody can be reached. Raises KafkaUnavailable after kafka.connect_timeout seconds."""
    until = time.monotonic() + kafka.connect_timeout
    while not await reachable(kafka.bootstrap_servers):
        if time.monotonic() > until:
            raise KafkaUnavailable(kafka.bootstrap_servers, kafka.connect_timeout)
        logger.warning("no Kafka answers at %s; trying on", kafka.bootstrap_servers)
        await asyncio.sleep(min(LOOK, kafka.connect_timeout / 2))


async def watch(kafka: KafkaConfig) -> None:
    """For ever, unless nobody can be reached for kafka.connect_timeout seconds: KafkaUnavailable."""
    while True:
        await wait(kafka)
        await asyncio.sleep(LOOK)
