"""Can a broker be reached at all? Clients retry for ever in silence; a program has to say so in the end."""

import asyncio
import time

from aiokafka.errors import KafkaError

from streamproc.config import KafkaConfig
from streamproc.errors import KafkaRefused, KafkaUnavailable
from streamproc.kafka.security import log_in
from streamproc.logs import get_logger

logger = get_logger(__name__)

LOOK = 2.0  # seconds between two looks
LOGIN_LOOK = 10.0  # the same where each look is a login, which brokers count
ANSWER = 2.0  # seconds for one address
LOGIN_ANSWER = 10.0  # the same with TLS and a login


def addresses(servers: str) -> list[tuple[str, int]]:
    """Host and port of each of `host:port,host:port`; IPv6 hosts in brackets."""
    pairs = [server.strip().rpartition(":") for server in servers.split(",")]
    return [(host.strip("[]"), int(port)) for host, _, port in pairs]


async def log_in_somewhere(kafka: KafkaConfig) -> None:
    """Where connections are encrypted: one of the addresses lets us in.

    Raises KafkaRefused, saying what to correct, where one answers but does not, ConfigError, and OSError,
    KafkaError or TimeoutError where none answers.
    """
    if kafka.security.encrypted:
        await _reach(kafka)


async def reachable(kafka: KafkaConfig) -> bool:
    """Whether somebody listens at one of the addresses, and lets us in. Raises KafkaRefused, ConfigError."""
    if kafka.security.encrypted:
        return await _can_log_in(kafka)
    for host, port in addresses(kafka.bootstrap_servers):
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), ANSWER)
        except (OSError, TimeoutError):
            continue
        writer.close()
        return True
    return False


async def _can_log_in(kafka: KafkaConfig) -> bool:
    try:
        await log_in_somewhere(kafka)
    except (OSError, KafkaError, TimeoutError) as error:
        logger.warning("cannot log in to Kafka", error=error)
        return False
    return True


async def _reach(kafka: KafkaConfig) -> None:
    failed: list[Exception] = []
    for host, port in addresses(kafka.bootstrap_servers):
        try:
            async with asyncio.timeout(LOGIN_ANSWER):
                return await log_in(kafka, host, port, LOGIN_ANSWER)
        except (KafkaRefused, OSError, KafkaError, TimeoutError) as error:
            failed.append(error)
    raise next((error for error in failed if isinstance(error, KafkaRefused)), failed[-1])


async def wait(kafka: KafkaConfig, patient: bool = False) -> None:
    """Until somebody can be reached. Raises KafkaUnavailable after kafka.connect_timeout seconds.

    Raises KafkaRefused at once; after the same time where `patient`: logins are changed while parts run.
    """
    until = time.monotonic() + kafka.connect_timeout
    while not await _let_in(kafka, patient and time.monotonic() < until):
        if time.monotonic() > until:
            raise KafkaUnavailable(kafka.bootstrap_servers, kafka.connect_timeout)
        logger.warning("no Kafka answers yet; trying on", servers=kafka.bootstrap_servers)
        await asyncio.sleep(min(LOOK, kafka.connect_timeout / 2))


async def _let_in(kafka: KafkaConfig, patient: bool) -> bool:
    try:
        return await reachable(kafka)
    except KafkaRefused as error:
        if not patient:
            raise
        logger.warning("Kafka does not let us in", error=error)
        return False


async def watch(kafka: KafkaConfig) -> None:
    """For ever, unless nobody can be reached for kafka.connect_timeout seconds: KafkaUnavailable."""
    while True:
        await wait(kafka, patient=True)
        await asyncio.sleep(LOGIN_LOOK if kafka.security.encrypted else LOOK)
