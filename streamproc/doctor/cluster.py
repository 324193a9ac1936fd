"""What is checked on the Kafka cluster. Nothing is changed, but for a topic of the moment for the clock."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError
from kafka.protocol.broker_version_data import infer_broker_version_from_api_versions

from streamproc.clock import Clock
from streamproc.config import Config
from streamproc.contracts.topics import Topic, topics
from streamproc.doctor.finding import Finding, fine
from streamproc.errors import StreamprocError
from streamproc.kafka import reach
from streamproc.kafka.admin import CHECKED, Standing, describe
from streamproc.kafka.clients import always, close, new_producer
from streamproc.kafka.security import client_settings
from streamproc.trainer.published import journal_bounds, read_published

PATIENCE = 15.0  # seconds for any question
CLOCK_WARN, CLOCK_FAIL = 1.0, 60.0  # seconds between the broker's clock and ours


async def look(config: Config, clock: Clock) -> list[Finding]:
    """All checks of the cluster; where it does not answer, that is all there is to say."""
    servers = config.kafka.bootstrap_servers
    remedy = "Start it (`streamproc up`, `streamproc broker`), or set kafka.bootstrap_servers"
    try:
        client_settings(config.kafka)  # a certificate or password that cannot be read is a finding, too
        async with asyncio.timeout(PATIENCE):
            await reach.log_in_somewhere(config.kafka)
    except StreamprocError as error:
        return [Finding("broker", "failure", error.message, error.remedy or remedy)]
    except (KafkaError, OSError, TimeoutError) as error:
        return [Finding("broker", "failure", _silent(servers, error), remedy)]
    admin = AIOKafkaAdminClient(**client_settings(config.kafka), request_timeout_ms=int(PATIENCE * 1000))
    try:
        async with asyncio.timeout(PATIENCE):
            await admin.start()
            cluster = await admin.describe_cluster()
            standings = await describe(admin, topics(config))
            version = await _version(admin)
    except (KafkaError, OSError, TimeoutError) as error:
        await _quietly(admin.close())
        return [Finding("broker", "failure", _silent(servers, error), remedy)]
    try:
        found = [brokers(len(cluster["brokers"]), version, config), *settings(config, standings)]
        found.append(await _clock(admin, config, clock))
    finally:
        await _quietly(admin.close())
    return [*found, await _journal(config, standings)]


def _silent(servers: str, error: Exception) -> str:
    return f"no Kafka answers at {servers}: {error or type(error).__name__}"


async def _version(admin: AIOKafkaAdminClient) -> str:
    """A broker tells no version, but which requests it understands."""
    client = admin._client
    connection = await client._get_conn(client.get_random_node())
    return ".".join(map(str, infer_broker_version_from_api_versions(connection._versions)))


def brokers(count: int, version: str, config: Config) -> Finding:
    """`version`: the newest Kafka all of whose requests it understands."""
    servers, copies = config.kafka.bootstrap_servers, config.kafka.replication_factor
    told = f"{count} broker{'s' * (count != 1)} at {servers}, Kafka {version} or newer"
    if count < copies:
        remedy = "Start more brokers, or lower kafka.replication_factor before the topics are made"
        return Finding("broker", "failure", f"{told}, but kafka.replication_factor is {copies}", remedy)
    return fine("broker", told)


def settings(config: Config, standings: dict[str, Standing]) -> Iterator[Finding]:
    """Each topic: whether it is there, and as the configuration wants it."""
    for topic in topics(config):
        check, standing = f"topic {topic.name}", standings.get(topic.name)
        if standing is None:
            yield Finding(check, "warning", "is not there", "It is made when the first part starts")
            continue
        wrong = list(_differences(topic, standing))
        grave = any(name in ("partitions", *CHECKED) for name, _, _ in wrong)
        if not wrong:
            copies = standing.replication_factor
            yield fine(check, f"{standing.partitions} partitions, {copies} copies, settings are right")
            continue
        told = "; ".join(f"{name} is {found or 'not set'}, wanted {right}" for name, found, right in wrong)
        yield Finding(check, "failure" if grave else "warning", told, _correction(topic, wrong))


def clocks(ahead: float) -> Finding:
    """`ahead`: seconds that the broker's clock is ahead of ours."""
    told = f"the broker's is {abs(ahead):.3f} s {'ahead of' if ahead > 0 else 'behind'} ours"
    if abs(ahead) < CLOCK_WARN:
        return fine("clock", told)
    remedy = "Run a time service (chrony, ntpd) on both: events are judged by the broker's clock"
    return Finding("clock", "failure" if abs(ahead) >= CLOCK_FAIL else "warning", told, remedy)


def journal(begin: int, end: int, published: int) -> Finding:
    """Whether it reaches from what is published to its end."""
    told = f"offsets {begin} to {end}; learned and published up to {published}"
    if end < published:
        remedy = "Its end is lost: bring it back, or start over with another kafka.prefix"
        return Finding("journal", "failure", told, remedy)
    if begin > published:
        remedy = "Records were removed before they were learned: longer kafka.journal_retention"
        return Finding("journal", "failure", told, remedy)
    return fine("journal", told)


def _differences(topic: Topic, standing: Standing) -> Iterator[tuple[str, str, str]]:
    if standing.partitions != topic.partitions:
        yield "partitions", str(standing.partitions), str(topic.partitions)
    if standing.replication_factor < topic.replication_factor:
        yield "replication factor", str(standing.replication_factor), str(topic.replication_factor)
    for name, right in topic.settings.items():
        found = standing.settings.get(name, "")
        if set(found.split(",")) != set(right.split(",")):
            yield name, found, right


def _correction(topic: Topic, wrong: list[tuple[str, str, str]]) -> str:
    changes = ",".join(f"{name}={right}" for name, _, right in wrong if name in topic.settings)
    remedies = []
    if any(name == "partitions" for name, _, _ in wrong):
        remedies.append("set kafka.partitions to what is there, or take another kafka.prefix")
    if any(name == "replication factor" for name, _, _ in wrong):
        remedies.append("add copies with kafka-reassign-partitions")
    if changes:
        remedies.append(
            f"kafka-configs --alter --entity-type topics --entity-name {topic.name} --add-config {changes}"
        )
    return "; ".join(remedies)


async def _clock(admin: Any, config: Config, clock: Clock) -> Finding:
    name = f"{config.kafka.prefix}doctor-{uuid4().hex[:12]}"
    topic = NewTopic(name, 1, 1, topic_configs={"message.timestamp.type": "LogAppendTime"})
    producer = new_producer(config)
    try:
        async with asyncio.timeout(PATIENCE):
            await admin.create_topics([topic])
            await producer.start()
            await producer.send_and_wait(name, b"what time is it", partition=0)  # connects
            before = clock.now_ms()
            answer = await producer.send_and_wait(name, b"what time is it", partition=0)
            ours = (before + clock.now_ms()) / 2
        return clocks((answer.timestamp - ours) / 1000)
    except (KafkaError, OSError, TimeoutError) as error:
        told = f"could not be compared: {error or type(error).__name__}"
        return Finding("clock", "warning", told, "Allow making topics with this prefix, or compare by hand")
    finally:
        await close(producer)
        await _quietly(admin.delete_topics([name]))


async def _journal(config: Config, standings: dict[str, Standing]) -> Finding:
    names = topics(config)
    if not {names.journal.name, names.model.name, names.users.name} <= standings.keys():
        return fine("journal", "nothing yet")
    try:
        async with asyncio.timeout(PATIENCE):
            last, bounds = await read_published(config, always), await journal_bounds(config)
    except (KafkaError, OSError, TimeoutError, StreamprocError) as error:
        told = f"could not be read: {error or type(error).__name__}"
        return Finding("journal", "failure", told, "Look at the broker's log")
    return journal(bounds.begin, bounds.end, last.learned_to)


async def _quietly(closing: Any) -> None:
    with contextlib.suppress(KafkaError, OSError, TimeoutError):
        await asyncio.wait_for(closing, PATIENCE)
