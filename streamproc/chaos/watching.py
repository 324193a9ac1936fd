"""How far the pipeline has come, and in the end everything that its topics hold."""

from typing import Any

from aiokafka import TopicPartition

from streamproc.chaos.evidence import MARK as USERS_MARK
from streamproc.chaos.evidence import Evidence, Letter, journalled, state
from streamproc.chaos.reckoning import Place, Sent
from streamproc.config import Config
from streamproc.contracts.model import HEADER, unpack_header
from streamproc.contracts.topics import Topic, topics
from streamproc.kafka.clients import always, new_consumer, read_to_end
from streamproc.trainer.published import read_published

PARTITION, OFFSET = "__connect.errors.partition", "__connect.errors.offset"
REASON = "streamproc.reason"


class Watcher:
    """Reads the journal a little further with every look."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._topics = topics(config)
        self._position = 0
        self._highest: dict[int, int] = {}
        self.records: list[tuple[int, bytes]] = []  # offset and value, of the whole journal so far

    async def ends(self) -> dict[int, int]:
        """Per partition of the events the offset of the next record."""
        return await self._ends(self._topics.events)

    async def covers(self, ends: dict[int, int]) -> bool:
        """Whether the journal speaks of every event before these offsets."""
        await self._read()
        return all(self._highest.get(partition, -1) >= end - 1 for partition, end in ends.items())

    async def journal_end(self) -> int:
        """Offset of the next record of the journal."""
        return (await self._ends(self._topics.journal))[0]

    async def published(self, end: int) -> bool:
        """Whether model and users are a function of the journal before `end`, at least."""
        last = await read_published(self._config, always)
        return min(last.users_to, last.learned_to) >= end

    async def _read(self) -> None:
        async for records in read_to_end(self._config, self._topics.journal.name, 0, self._position):
            for record in records:
                self._position = record.offset + 1
                self.records.append((record.offset, record.value))
                for found in journalled([record.value]):
                    known = self._highest.get(found.partition, -1)
                    if found.prev <= known < found.upto:
                        self._highest[found.partition] = found.upto

    async def events(self) -> list[Sent]:
        """The whole events topic, each partition in its order."""
        found = []
        for number in range(self._topics.events.partitions):
            async for records in read_to_end(self._config, self._topics.events.name, number):
                found += [Sent(number, r.offset, r.timestamp, r.key, r.value) for r in records]
        return found

    async def evidence(self) -> Evidence:
        """Everything else."""
        await self._read()
        users: dict[bytes, Any] = {}
        for number in range(self._topics.users.partitions):
            async for records in read_to_end(self._config, self._topics.users.name, number):
                users.update((record.key, record.value) for record in records)
        states = {name: state(value) for name, value in users.items() if value and name != USERS_MARK}
        return Evidence(
            journalled(value for _, value in self.records),
            states,
            await self._letters(),
            await self._learned(),
        )

    async def _letters(self) -> list[Letter]:
        letters = []
        async for records in read_to_end(self._config, self._topics.dead_letters.name, 0):
            for record in records:
                told = {name: value.decode("utf-8", "replace") for name, value in record.headers}
                source = Place(int(told[PARTITION]), int(told[OFFSET]))
                letters.append(Letter(source, told.get(REASON, ""), record.value))
        return letters

    async def _learned(self) -> int:
        learned = 0
        async for records in read_to_end(self._config, self._topics.model.name, 0):
            for record in records:
                if record.key == HEADER and record.value is not None:
                    learned = unpack_header(record.value).events
        return learned

    async def _ends(self, topic: Topic) -> dict[int, int]:
        partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
        async with new_consumer(self._config) as consumer:
            consumer.assign(partitions)
            found = await consumer.end_offsets(partitions)
        return {tp.partition: end for tp, end in found.items()}
