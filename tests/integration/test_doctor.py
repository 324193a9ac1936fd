"""The doctor on a real Kafka: what is right is called right, what is wrong is named."""

import re

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from streamproc.clock import SystemClock
from streamproc.contracts.topics import topics
from streamproc.doctor import cluster
from streamproc.kafka.admin import ensure_topics
from streamproc.kafka.clients import close, new_producer


async def look(config):
    """Findings by their check."""
    return {each.check: each for each in await cluster.look(config, SystemClock())}


async def test_fresh_topics_are_as_wanted_and_nothing_is_left_behind(config):
    """The topic of the moment, for the clock, is gone again."""
    await ensure_topics(config)
    admin = AIOKafkaAdminClient(bootstrap_servers=config.kafka.bootstrap_servers)
    await admin.start()
    before = set(await admin.list_topics())

    found = await look(config)
    after = set(await admin.list_topics())
    await admin.close()

    assert {each.state for each in found.values()} == {"ok"}, found
    assert {"broker", "clock", "journal"} < found.keys()
    assert re.search(r", Kafka [4-9]\.\d+ or newer$", found["broker"].told)
    assert after == before


async def test_without_topics_it_says_that_they_will_be_made(config):
    """Before the first start."""
    found = await look(config)

    assert {each.state for name, each in found.items() if name.startswith("topic")} == {"warning"}
    assert found["journal"].state == "ok"


async def test_a_changed_setting_and_a_journal_cut_short_are_found(config):
    """As an owner of the cluster might have done by mistake."""
    await ensure_topics(config)
    journal = topics(config).journal.name
    producer = new_producer(config)
    await producer.start()
    for _ in range(3):
        await producer.send_and_wait(journal, b"x", partition=0)
    await close(producer)
    admin = AIOKafkaAdminClient(bootstrap_servers=config.kafka.bootstrap_servers)
    await admin.start()
    await admin.delete_records({TopicPartition(journal, 0): RecordsToDelete(before_offset=2)})
    policy = {"cleanup.policy": "compact"}
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, journal, configs=policy)])
    await admin.close()

    found = await look(config)

    assert found["journal"].state == "failure"
    assert "offsets 2 to 3; learned and published up to 0" in found["journal"].told
    assert found[f"topic {journal}"].state == "failure"
    assert "cleanup.policy is compact, wanted delete" in found[f"topic {journal}"].told
