"""A journal that has lost what is needed: refused by name, and never a silent hole."""

import asyncio
import json
import re

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from streamproc.contracts.topics import topics
from streamproc.kafka.admin import ensure_topics
from tests.integration.pipeline import PATIENCE, Pipeline
from tests.integration.test_dead_letters import send
from tests.poison import spoiled

QUICK = {"sync": {"users_interval": 0.5}, "kafka": {"session_timeout": 3.0}}  # of the parts that are killed


async def refused(pipeline, part):
    """What a part says that does not start: exit code 3."""
    pipeline.start(part)
    process = pipeline._running.pop(part)
    assert await asyncio.to_thread(process.wait, PATIENCE) == 3, pipeline.last_words(part)
    said = [json.loads(line) for line in pipeline.last_words(part).splitlines() if line.startswith("{")]
    return [each["error"] for each in said if each["event"] == "ends by an error"][-1]


async def lose_the_end(config):
    """The topic is made anew, as by somebody who deleted it: empty, while users and model are still there."""
    admin = AIOKafkaAdminClient(bootstrap_servers=config.kafka.bootstrap_servers)
    await admin.start()
    try:
        await admin.delete_topics([topics(config).journal.name])
        while topics(config).journal.name in await admin.list_topics():
            await asyncio.sleep(0.05)
    finally:
        await admin.close()
    await ensure_topics(config)


async def lose_the_beginning(config):
    """Retention was shorter than the outage."""
    admin = AIOKafkaAdminClient(bootstrap_servers=config.kafka.bootstrap_servers)
    await admin.start()
    try:
        whole = TopicPartition(topics(config).journal.name, 0)
        await admin.delete_records({whole: RecordsToDelete(before_offset=-1)})
    finally:
        await admin.close()


@pytest.mark.parametrize(
    ("lose", "worker", "trainer"),
    [
        (lose_the_end, "ends at offset 0, but was read to", "records between are missing"),
        (
            lose_the_beginning,
            "begins at offset .*, but has to be read from",
            "no usable snapshot in .*begins at",
        ),
    ],
)
async def test_worker_and_trainer_refuse_a_journal_that_lost_its(config, lose, worker, trainer):
    """Exit code 3, the offsets, and what to do; nothing is journalled or published on top of the hole."""
    async with Pipeline(config, QUICK) as pipeline:
        topic = pipeline.recorded.topics.events.name
        pipeline.start("worker", "trainer")
        await send(config, topic, [spoiled(user_id="u1")] * 20)
        await pipeline.until_learned()
        pipeline.kill("trainer")
        if lose is lose_the_beginning:  # of which the trainer has heard nothing
            held = pipeline.journal.end
            await send(config, topic, [spoiled(user_id="u1")] * 20)

            async def journalled():
                await pipeline.journal.look()
                return pipeline.journal.end > held

            await pipeline.until(journalled, "the journal has more than was published")
        pipeline.kill("worker")

        await lose(config)
        said = [await refused(pipeline, part) for part in ("worker", "trainer")]

    assert re.search(worker, said[0]) and re.search(trainer, said[1]), said
    assert all("kafka.prefix" in each or "Retention" in each for each in said), said
