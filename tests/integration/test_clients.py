"""Producers and readers on a real broker: whole transactions or nothing, and the end that was there."""

import asyncio

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete

from streamproc.config import Config
from streamproc.errors import Fenced, LeaseLost, TopicMismatch
from streamproc.kafka import clients

pytestmark = pytest.mark.kafka

SECONDS = 30.0


@pytest.fixture
async def topic(config: Config) -> str:
    """One partition, empty."""
    name = f"{config.kafka.prefix}shelf"
    admin = AIOKafkaAdminClient(bootstrap_servers=config.kafka.bootstrap_servers)
    await admin.start()
    await admin.create_topics([NewTopic(name, 1, 1)])
    await admin.close()
    return name


async def values(config: Config, topic: str, start: int | None = None, committed: bool = True) -> list[bytes]:
    found = clients.read_to_end(config, topic, 0, start, committed)
    return [record.value async for records in found for record in records]


async def test_a_partition_is_read_to_its_end(config: Config, topic: str) -> None:
    """From the beginning or from an offset; empty as long as nothing is there."""
    assert await values(config, topic) == []

    async with clients.new_producer(config) as producer:
        pairs = [(b"tea", b"%d" % number) for number in range(1000)]
        await asyncio.gather(*await clients.send_all(producer, topic, 0, pairs))

    assert await values(config, topic) == [value for _, value in pairs]
    assert await values(config, topic, start=998) == [b"998", b"999"]


async def test_large_records_are_sent_in_several_batches(config: Config, topic: str) -> None:
    """Ten of 400 kB do not fit into one; all arrive, in order."""
    async with clients.new_producer(config) as producer:
        answers = await clients.send_all(producer, topic, 0, [(b"%d" % n, bytes(400_000)) for n in range(10)])
        offsets = [(await answer).offset for answer in answers]

    assert len(answers) > 1 and offsets == sorted(offsets)
    assert len(await values(config, topic)) == 10


async def test_an_open_transaction_neither_shows_nor_blocks(config: Config, topic: str) -> None:
    """A reader of what is committed ends before it; afterwards it is there as a whole."""
    async with clients.new_transactional_producer(config, f"{topic}-id") as producer:
        async with clients.transaction(producer, SECONDS) as answers:
            answers += await clients.send_all(producer, topic, 0, [(b"tea", b"1"), (b"cup", None)])
            await asyncio.gather(*answers)
            assert await values(config, topic) == []
            assert await values(config, topic, committed=False) == [b"1", None]

    async with asyncio.timeout(SECONDS):
        while not (found := await values(config, topic)):  # the commit is known before it is in the log
            await asyncio.sleep(0.01)
    assert found == [b"1", None]


async def test_a_failed_send_commits_nothing(config: Config, topic: str) -> None:
    """Although aiokafka by itself would commit the rest."""
    producer = clients.new_transactional_producer(config, f"{topic}-id")
    await producer.start()

    with pytest.raises(RuntimeError, match="lost"):
        async with clients.transaction(producer, SECONDS) as answers:
            answers += await clients.send_all(producer, topic, 0, [(b"tea", b"1")])
            lost = asyncio.get_running_loop().create_future()
            lost.set_exception(RuntimeError("lost"))
            answers.append(lost)
    await clients.close(producer)

    async with clients.new_transactional_producer(config, f"{topic}-id"):
        assert await values(config, topic) == []


async def test_an_earlier_producer_of_an_id_is_fenced(config: Config, topic: str) -> None:
    """It learns so at its next transaction, and writes nothing."""
    zombie = clients.new_transactional_producer(config, f"{topic}-id")
    await zombie.start()
    async with clients.new_transactional_producer(config, f"{topic}-id"):
        with pytest.raises(Fenced):
            async with clients.transaction(zombie, SECONDS) as answers:
                answers += await clients.send_all(zombie, topic, 0, [(b"tea", b"1")])
    await clients.close(zombie)

    assert await values(config, topic) == []


async def test_removed_records_are_missed_out_loud(config: Config, topic: str) -> None:
    """Reading from before the beginning of what is kept would leave a hole in silence."""
    async with clients.new_producer(config) as producer:
        await asyncio.gather(*await clients.send_all(producer, topic, 0, [(b"tea", b"1")] * 10))
    admin = AIOKafkaAdminClient(bootstrap_servers=config.kafka.bootstrap_servers)
    await admin.start()
    await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(before_offset=5)})
    await admin.close()

    with pytest.raises(TopicMismatch, match="begins at offset 5, but has to be read from 3"):
        await values(config, topic, start=3)


async def test_nobody_reads_on_for_a_lost_lease(config: Config, topic: str) -> None:
    """A restore that is no longer wanted stops at once."""
    async with clients.new_producer(config) as producer:
        await asyncio.gather(*await clients.send_all(producer, topic, 0, [(b"tea", b"1")]))

    with pytest.raises(LeaseLost):
        async for _ in clients.read_to_end(config, topic, 0, wanted=lambda: False):
            pass
