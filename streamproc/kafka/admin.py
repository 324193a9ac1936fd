"""The topics on the cluster: made where they are missing, never changed behind their owner's back."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from streamproc.config import Config
from streamproc.contracts.topics import Topic, topics
from streamproc.errors import KafkaUnavailable, TopicMismatch
from streamproc.kafka import reach
from streamproc.kafka.security import client_settings
from streamproc.logs import get_logger

logger = get_logger(__name__)

LOOK = 0.02  # seconds between two looks for a new topic
PAUSE = 0.5  # seconds between two tries
CHECKED = ("cleanup.policy", "message.timestamp.type")  # what correctness rests on; the rest is the owner's


class Standing(NamedTuple):
    """A topic as it is on the cluster."""

    partitions: int
    replication_factor: int  # of the partition with the fewest copies
    settings: dict[str, str]


async def ensure_topics(config: Config) -> None:
    """Every topic exists, with the partitions and settings that the pipeline rests on.

    Tries for kafka.connect_timeout. Raises KafkaUnavailable, naming the address, when no broker answers for
    so long, KafkaRefused where one does not accept the login, and TopicMismatch when a topic is there with
    other partitions or another clean-up.
    """
    servers, patience = config.kafka.bootstrap_servers, config.kafka.connect_timeout
    until = time.monotonic() + patience
    while True:
        try:
            async with asyncio.timeout(max(until - time.monotonic(), PAUSE)):
                return await _ensure(config)
        except (KafkaError, OSError, TimeoutError) as error:
            if time.monotonic() + PAUSE > until:
                raise KafkaUnavailable(servers, patience, str(error) or type(error).__name__) from error
            logger.warning("no Kafka answers yet; trying on", servers=servers, error=error)
        await asyncio.sleep(PAUSE)


async def _ensure(config: Config) -> None:
    await reach.log_in_somewhere(config.kafka)
    admin = AIOKafkaAdminClient(**client_settings(config.kafka), request_timeout_ms=10_000)
    try:
        await admin.start()
        wanted = topics(config)
        there = await admin.list_topics()
        await _create(admin, [topic for topic in wanted if topic.name not in there])
        while not {topic.name for topic in wanted} <= set(await admin.list_topics()):
            await asyncio.sleep(LOOK)  # the controller knows them before the brokers do
        await _check(admin, wanted)
    finally:
        await admin.close()


async def _create(admin: Any, missing: list[Topic]) -> None:
    if not missing:
        return
    new = [NewTopic(t.name, t.partitions, t.replication_factor, topic_configs=t.settings) for t in missing]
    answer = await admin.create_topics(new)
    for name, code, *message in answer.topic_errors:
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:  # two parts may start at once
            raise error(f"cannot create {name}: {message[0] if message else ''}")


async def describe(admin: Any, wanted: Sequence[Topic]) -> dict[str, Standing]:
    """How those of the topics stand that are there, by name."""
    there = set(await admin.list_topics())
    present = [topic for topic in wanted if topic.name in there]
    if not present:
        return {}
    described = await admin.describe_topics([topic.name for topic in present])
    settings = await _settings(admin, present)
    return {
        topic["topic"]: Standing(
            len(topic["partitions"]),
            min((len(partition["replicas"]) for partition in topic["partitions"]), default=0),
            settings[topic["topic"]],
        )
        for topic in described
    }


async def _check(admin: Any, present: Sequence[Topic]) -> None:
    standings = await describe(admin, present)
    for topic in present:
        standing = standings[topic.name]
        _compare(topic, "partitions", str(topic.partitions), str(standing.partitions))
        for key in CHECKED:
            if key in topic.settings:
                _compare(topic, key, topic.settings[key], standing.settings.get(key, ""))


async def _settings(admin: Any, present: Sequence[Topic]) -> dict[str, dict[str, str]]:
    wanted = [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in present]
    answers = await admin.describe_configs(wanted)
    return {
        resource[3]: {entry[0]: entry[1] for entry in resource[4]}
        for answer in answers
        for resource in answer.resources
    }


def _compare(topic: Topic, what: str, right: str, found: str) -> None:
    if set(right.split(",")) != set(found.split(",")):
        raise TopicMismatch(
            f"topic {topic.name} has {what} = {found}, but {right} is needed",
            "Correct the topic, or set kafka.partitions or kafka.prefix so that it fits",
        )
