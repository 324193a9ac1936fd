"""The journal's one partition, read on and on into a `JournalHistory`."""

import asyncio
from types import TracebackType
from typing import Self

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from streamproc.config import Config
from streamproc.contracts.topics import topics
from streamproc.errors import KafkaUnavailable
from streamproc.kafka.clients import new_consumer
from streamproc.refresh.history import JournalHistory

WAIT_MS = 100  # for the records of one fetch
GATHER_BYTES, GATHER_MS = 1 << 20, 500  # nobody waits for what a refresh has read
STOP = 0.5  # seconds that a consumer gets to close


class JournalTail:
    """An open reader of the journal: from its beginning, or from where `history` stands.

    Opening it raises KafkaUnavailable where the broker does not answer within its time limits.
    """

    def __init__(self, config: Config, history: JournalHistory) -> None:
        self.history = history
        self._config = config
        self._tp = TopicPartition(topics(config).journal.name, 0)
        self._consumer = new_consumer(config, False, GATHER_BYTES, GATHER_MS)

    async def __aenter__(self) -> Self:
        kafka = self._config.kafka
        try:
            async with asyncio.timeout(kafka.request_timeout):
                await self._open()
        except (TimeoutError, KafkaError) as error:
            await self._close()
            raise KafkaUnavailable(kafka.bootstrap_servers, kafka.request_timeout, str(error)) from None
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._close()

    async def to_end(self) -> None:
        """Read until the end that the journal has now, at the latest."""
        end = (await self._consumer.end_offsets([self._tp]))[self._tp]
        while await self._consumer.position(self._tp) < end:
            await self.read(WAIT_MS)

    async def read(self, wait_ms: int) -> None:
        """Take in what is there, or what comes first within `wait_ms`."""
        for records in (await self._consumer.getmany(self._tp, timeout_ms=wait_ms)).values():
            for record in records:
                self.history.add(record.offset, record.value)

    async def _open(self) -> None:
        await self._consumer.start()
        self._consumer.assign([self._tp])
        beginning = (await self._consumer.beginning_offsets([self._tp]))[self._tp]
        self._consumer.seek(self._tp, max(beginning, self.history.position))

    async def _close(self) -> None:
        try:
            await asyncio.wait_for(self._consumer.stop(), STOP)
        except (TimeoutError, KafkaError):
            return  # it holds nothing that could be lost
