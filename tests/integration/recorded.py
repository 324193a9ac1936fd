"""What the topics hold, read a little further with every look."""

from typing import Any

from aiokafka import TopicPartition

from streamproc.config import Config
from streamproc.contracts.columns import EventColumns
from streamproc.contracts.control import Control, Generation, Promote, Reject
from streamproc.contracts.ids import texts
from streamproc.contracts.journal import Chunk, EventsRecord, Reader, unpack
from streamproc.contracts.model import Header, unpack_header
from streamproc.contracts.slates import Slate, decode_slate
from streamproc.contracts.topics import Topic, topics
from streamproc.contracts.users import MARK
from streamproc.kafka.clients import always, new_consumer, read_to_end
from streamproc.trainer.published import read_published


class Tail:
    """A partition from its beginning on."""

    def __init__(self, config: Config, topic: str, partition: int) -> None:
        self._config = config
        self._topic = topic
        self._partition = partition
        self.position = 0

    async def look(self) -> list[Any]:
        """The records that came since the last look."""
        read = read_to_end(self._config, self._topic, self._partition, self.position)
        found = [record async for records in read for record in records]
        self.position = found[-1].offset + 1 if found else self.position
        return found


class Journal:
    """The journal as a reader knows it who follows the rule."""

    def __init__(self, config: Config) -> None:
        self._tail = Tail(config, topics(config).journal.name, 0)
        self.reader = Reader()
        self.values: list[bytes] = []
        self.accepted: list[tuple[int, EventColumns]] = []  # source partition, what counts of each record
        self.controls: list[Control] = []

    @property
    def end(self) -> int:
        """The offset of the next record."""
        return self._tail.position

    @property
    def events(self) -> int:
        """Events that count."""
        return sum(columns.offsets.size for _, columns in self.accepted)

    @property
    def user_ids(self) -> set[str]:
        return {user.decode() for _, columns in self.accepted for user in texts(columns.user_ids)}

    @property
    def generations(self) -> list[int]:
        """In the order in which they were handed over."""
        return [control.id for control in self.controls if isinstance(control, Generation)]

    @property
    def decisions(self) -> list[Any]:
        """Every promotion and rejection."""
        return [control for control in self.controls if isinstance(control, Promote | Reject)]

    async def look(self) -> None:
        """Read on to the end."""
        for record in await self._tail.look():
            self.values.append(record.value)
            self._take(unpack(record.value))

    def _take(self, record: EventsRecord | Control | Chunk) -> None:
        if isinstance(record, EventsRecord):
            columns = self.reader.accept(record)
            if columns is not None:
                self.accepted.append((record.partition, columns))
        elif not isinstance(record, Chunk):
            self.controls.append(record)


class Recorded:
    """All that the topics of one configuration hold."""

    def __init__(self, config: Config) -> None:
        self.journal = Journal(config)
        self.topics = topics(config)
        self._config = config
        self._slates = self._tails(self.topics.recommendations)

    async def journalled(self) -> bool:
        """Whether the journal's ranges cover every record of the events topic."""
        await self.journal.look()
        ends = enumerate(await self._ends(self.topics.events))
        return all(self.journal.reader.highest.get(number, -1) == end - 1 for number, end in ends)

    async def published(self) -> bool:
        """Whether model and users speak for the whole journal."""
        await self.journal.look()
        last = await read_published(self._config, always)
        return last.users_to == last.learned_to == self.journal.end

    async def header(self) -> Header | None:
        """Of the newest sync, if there is one: the last record but one, then comes the transaction's mark."""
        name, [end] = self.topics.model.name, await self._ends(self.topics.model)
        read = read_to_end(self._config, name, 0, max(end - 2, 0))
        found = [record.value async for records in read for record in records]
        return unpack_header(found[-1]) if found else None

    async def sent(self) -> int:
        """Records in the events topic."""
        return sum(await self._ends(self.topics.events))

    async def dead_letters(self) -> list[Any]:
        return await self._tails(self.topics.dead_letters)[0].look()

    async def new_slates(self) -> list[Slate]:
        """What came to `recommendations` since the last look."""
        return [decode_slate(record.value) for tail in self._slates for record in await tail.look()]

    async def states(self) -> dict[bytes, bytes]:
        """The newest packed state of every user."""
        records = [record for tail in self._tails(self.topics.users) for record in await tail.look()]
        return {record.key: record.value for record in records if record.key != MARK}

    def _tails(self, topic: Topic) -> list[Tail]:
        return [Tail(self._config, topic.name, number) for number in range(topic.partitions)]

    async def _ends(self, topic: Topic) -> list[int]:
        """Per partition the offset after the last record that may be read."""
        partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
        async with new_consumer(self._config) as consumer:
            consumer.assign(partitions)
            ends = await consumer.end_offsets(partitions)
        return [ends[tp] for tp in partitions]
