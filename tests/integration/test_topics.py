"""Topics are made once, checked ever after, and a missing broker is named."""

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streamproc.broker import probe
from streamproc.config import Config, KafkaConfig
from streamproc.contracts.topics import topics
from streamproc.errors import KafkaUnavailable, TopicMismatch
from streamproc.kafka.admin import ensure_topics


async def test_every_topic_is_made_once(config: Config) -> None:
    """A second call finds nothing to do and nothing to complain about."""
    await ensure_topics(config)
    await ensure_topics(config)

    admin = AIOKafkaAdminClient(bootstrap_servers=config.kafka.bootstrap_servers)
    await admin.start()
    there = set(await admin.list_topics())
    await admin.close()
    assert {topic.name for topic in topics(config)} <= there


async def test_a_topic_with_other_partitions_is_refused(config: Config) -> None:
    """The message names the topic, what it has, and what is needed."""
    admin = AIOKafkaAdminClient(bootstrap_servers=config.kafka.bootstrap_servers)
    await admin.start()
    await admin.create_topics([NewTopic(f"{config.kafka.prefix}events", 3, 1)])
    await admin.close()

    with pytest.raises(TopicMismatch, match=r"events has partitions = 3, but 4 is needed"):
        await ensure_topics(config)


async def test_a_topic_with_another_clean_up_is_refused(config: Config) -> None:
    """Users without compaction would grow for ever; a journal with it would lose events."""
    name = topics(config).journal.name
    admin = AIOKafkaAdminClient(bootstrap_servers=config.kafka.bootstrap_servers)
    await admin.start()
    await admin.create_topics([NewTopic(name, 1, 1, topic_configs={"cleanup.policy": "compact"})])
    await admin.close()

    with pytest.raises(TopicMismatch, match=r"cleanup\.policy = compact, but delete is needed"):
        await ensure_topics(config)


async def test_no_broker_is_a_clear_error_that_names_the_address() -> None:
    """After kafka.connect_timeout, with the exit code of an unreachable Kafka."""
    address = f"127.0.0.1:{probe.free_port()}"
    settings = Config(kafka=KafkaConfig(bootstrap_servers=address, connect_timeout=1.5))

    with pytest.raises(KafkaUnavailable, match=address) as caught:
        await ensure_topics(settings)
    assert caught.value.exit_code == 3
