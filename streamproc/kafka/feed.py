"""The events topic from the producers' side: many events at once, each user's in their order.

Batches are packed by us, one per partition: about six times cheaper than sending record by record. The
partition of a key is the one that every Kafka client would choose.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from types import TracebackType
from typing import Any, Self

from aiokafka.errors import KafkaError
from aiokafka.partitioner import DefaultPartitioner

from streamproc.config import Config
from streamproc.errors import KafkaUnavailable
from streamproc.kafka.clients import close, new_producer

REMEMBERED_KEYS = 1 << 17  # their partition is not worked out again


@lru_cache(REMEMBERED_KEYS)
def partition_of(key: bytes, partitions: int) -> int:
    """The partition that Kafka's default partitioner gives a key."""
    everything = range(partitions)
    partition: int = DefaultPartitioner()(key, everything, everything)
    return partition


class Feed:
    """An open way into a topic; what was sent has arrived once `flush` is back.

    Raises KafkaUnavailable where the broker does not answer within its time limits.
    """

    def __init__(self, config: Config, topic: str) -> None:
        self._config = config
        self._topic = topic
        self._producer = new_producer(config)
        self._open: list[Any] = []  # the batch being filled, per partition
        self._sent: deque[asyncio.Future[Any]] = deque()  # not known to have arrived

    async def __aenter__(self) -> Self:
        try:
            await self._producer.start()
            count = len(await self._producer.partitions_for(self._topic))
        except KafkaError as error:
            await close(self._producer)
            raise self._unavailable(error) from None
        self._open = [self._producer.create_batch() for _ in range(count)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await close(self._producer)

    async def send(self, keys: Sequence[bytes], values: Sequence[bytes]) -> None:
        """Take these records; waits while a partition has more than a batch on its way."""
        for key, value in zip(keys, values, strict=True):
            partition = partition_of(key, len(self._open))
            if self._open[partition].append(key=key, value=value, timestamp=None) is None:
                await self._ship(partition)
                self._open[partition].append(key=key, value=value, timestamp=None)

    async def ship(self) -> None:
        """Send what was taken, also batches that are not full."""
        for partition in range(len(self._open)):
            await self._ship(partition)

    async def flush(self) -> None:
        """Wait until all has arrived."""
        await self.ship()
        await self._arrived(0)

    async def _ship(self, partition: int) -> None:
        batch = self._open[partition]
        if not batch.record_count():
            return
        self._open[partition] = self._producer.create_batch()
        batch.close()
        try:
            sent = await self._producer.send_batch(batch, self._topic, partition=partition)
        except KafkaError as error:
            raise self._unavailable(error) from None
        self._sent.append(sent)
        await self._arrived(2 * len(self._open))

    async def _arrived(self, open_batches: int) -> None:
        """Wait until at most so many batches are on their way."""
        while len(self._sent) > open_batches:
            try:
                await self._sent.popleft()
            except KafkaError as error:
                raise self._unavailable(error) from None

    def _unavailable(self, error: KafkaError) -> KafkaUnavailable:
        kafka = self._config.kafka
        return KafkaUnavailable(kafka.bootstrap_servers, kafka.request_timeout, str(error))
