"""Slates on their way to `recommendations`. A lost one costs little: the next event brings another."""

import asyncio
from typing import Any

from streamproc.clock import Clock
from streamproc.config import Config
from streamproc.contracts.slates import Kind
from streamproc.contracts.topics import topics
from streamproc.kafka import clients
from streamproc.kafka.packed import send_packed
from streamproc.logs import get_logger
from streamproc.metrics import WorkerMetrics
from streamproc.worker.answering import Answered

logger = get_logger(__name__)

SECONDS = 5.0  # to wait for room on the way to the broker; events must not wait longer for slates
PAUSE = 1.0  # seconds between two tries to open a producer again


class SlateSender:
    """One producer for the slates of all leases; whatever happens to it, the leases go on."""

    def __init__(self, config: Config, metrics: WorkerMetrics, clock: Clock) -> None:
        self._config = config
        self._metrics = metrics
        self._clock = clock
        self._topic = topics(config).recommendations.name
        self._producer: Any = None
        self._opening: asyncio.Task[None] | None = None
        self._unsent = 0  # slates lost since the last one that arrived

    async def open(self) -> None:
        """The first time; raises where it fails."""
        producer = clients.new_producer(self._config)
        await producer.start()
        self._producer = producer

    async def close(self) -> None:
        """What is on its way may still arrive."""
        if self._opening is not None:
            self._opening.cancel()
        if self._producer is not None:
            await clients.close(self._producer, 1.0)

    async def send(self, partition: int, answered: Answered, kind: Kind) -> None:
        """Send on its way; waits only while an earlier batch of the partition has not left."""
        if self._producer is None:
            self._lost(answered.size, "no_producer")
            return
        producer, began = self._producer, self._clock.seconds()
        try:
            async with asyncio.timeout(SECONDS):
                answers = await send_packed(
                    producer, self._topic, partition, *answered, clients.MAX_BATCH_BYTES, self._clock.now_ms()
                )
        except Exception as error:
            self._failed(producer, answered.size, error)
            return
        for answer in answers:
            answer.add_done_callback(lambda done: self._arrived(producer, done, began))
        self._metrics.published.labels(kind).inc(answered.size)

    def _arrived(self, producer: Any, answer: "asyncio.Future[Any]", began: float) -> None:
        if answer.cancelled():
            return
        if error := answer.exception():
            self._failed(producer, 1, error)
            return
        self._metrics.produce.labels(self._topic).observe(self._clock.seconds() - began)
        if self._unsent:
            logger.info("slates are sent again", lost=self._unsent)
            self._unsent = 0

    def _failed(self, producer: Any, count: int, error: BaseException) -> None:
        if not self._unsent:
            logger.warning("slates cannot be sent", topic=self._topic, error=error)
        self._lost(count, type(error).__name__)
        passing = isinstance(error, TimeoutError)
        if producer is self._producer and not passing:
            self._producer = None
            self._opening = asyncio.ensure_future(self._open_again(producer))

    def _lost(self, count: int, reason: str) -> None:
        self._unsent += count
        self._metrics.produce_failures.labels(self._topic, reason).inc(count)

    async def _open_again(self, old: Any) -> None:
        await clients.close(old)
        while self._producer is None:
            try:
                await self.open()
            except Exception:
                await asyncio.sleep(PAUSE)
