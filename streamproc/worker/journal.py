"""The journal from a lease's side: one record after the other, each awaited before the next."""

import asyncio
from typing import Any

from streamproc.clock import Clock
from streamproc.config import Config
from streamproc.contracts.events import EventColumns
from streamproc.contracts.journal import pack_range
from streamproc.contracts.topics import topics
from streamproc.kafka import clients
from streamproc.metrics import WorkerMetrics


class JournalWriter:
    """Appends the ranges of one source partition, through a producer of its own.

    After any error the journal may or may not hold the record: the lease has to end.
    """

    def __init__(
        self, config: Config, partition: int, upto: int, metrics: WorkerMetrics, clock: Clock
    ) -> None:
        self.upto = upto  # the newest source offset that the journal is known to cover
        self._partition = partition
        self._topic = topics(config).journal.name
        self._producer = clients.new_producer(config)
        self._seconds = metrics.produce.labels(self._topic)
        self._clock = clock
        self._rest: list[bytes] = []
        self._began = 0.0

    async def open(self) -> None:
        await self._producer.start()

    async def begin(self, upto: int, columns: EventColumns) -> "asyncio.Future[Any]":
        """Send (self.upto, upto] with its accepted events on its way; hand the result to `finish`."""
        first, *self._rest = pack_range(self._partition, self.upto, upto, columns)
        self._began = self._clock.seconds()
        return await self._send(first)

    async def finish(self, sent: "asyncio.Future[Any]", upto: int) -> None:
        """Return when the whole range is in the journal."""
        await sent
        for value in self._rest:
            await (await self._send(value))
        self.upto = upto
        self._seconds.observe(self._clock.seconds() - self._began)

    async def close(self) -> None:
        await clients.close(self._producer)

    async def _send(self, value: bytes) -> "asyncio.Future[Any]":
        sent: asyncio.Future[Any] = await self._producer.send(self._topic, value=value, partition=0)
        return sent
