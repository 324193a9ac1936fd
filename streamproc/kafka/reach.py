"""Can a broker be reached at all? Clients retry for ever in silence; a program has to say so in the end."""

import asyncio
import logging
import time

from streamproc.config import Config
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


async def watch(config: Config) -> None:
    """Raises KafkaUnavailable when nobody could be reached for kafka.connect_timeout seconds."""
    servers, patience = config.kafka.bootstrap_servers, config.kafka.connect_timeout
    seen = time.monotonic()
    while True:
        if await reachable(servers):
            seen = time.monotonic()
        elif time.monotonic() - seen > patience:
            raise KafkaUnavailable(servers, patience)
        else:
            logger.warning("no Kafka answers at %s; trying on", servers)
        await asyncio.sleep(min(LOOK, patience / 2))
