"""The `model` topic, followed from its beginning for as long as a part runs."""

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

from aiokafka import TopicPartition

from streamproc.clock import Clock
from streamproc.config import Config
from streamproc.contracts.model import HEADER
from streamproc.contracts.topics import topics
from streamproc.engine.view import ModelView
from streamproc.errors import StreamprocError
from streamproc.kafka import clients
from streamproc.kernel_thread import KernelThread
from streamproc.logs import get_logger
from streamproc.metrics import ServerMetrics, WorkerMetrics

logger = get_logger(__name__)

PAUSE = 1.0  # seconds before it is tried again
POLL_MS = 500
MOST = 500  # records unpacked at a time, a few milliseconds: events or requests wait for that


class Change(NamedTuple):
    """What a sync has brought."""

    first: bool  # there was nothing to be ranked before
    promoted: bool  # another generation serves than before
    sent_at: int  # ms, by the trainer


class ModelFollower:
    """Keeps the view up to date. `caught_up` is set once it has taken in all that was there at its start."""

    def __init__(
        self,
        config: Config,
        view: ModelView,
        kernels: KernelThread,
        metrics: WorkerMetrics | ServerMetrics,
        clock: Clock,
        on_sync: Callable[[Change], None],
    ) -> None:
        self.caught_up = asyncio.Event()
        self._config = config
        self._view = view
        self._kernels = kernels
        self._metrics = metrics
        self._clock = clock
        self._on_sync = on_sync
        self._tp = TopicPartition(topics(config).model.name, 0)
        self._position: int | None = None

    async def run(self) -> None:
        """For ever; raises ConfigError where the model has another layout than the config."""
        while True:
            try:
                await self._follow()
            except StreamprocError:
                raise
            except Exception as error:
                logger.warning("the model is not followed for a moment", error=error)
            await asyncio.sleep(PAUSE)

    async def _follow(self) -> None:
        async with clients.new_consumer(self._config) as consumer:
            consumer.assign([self._tp])
            beginning = (await consumer.beginning_offsets([self._tp]))[self._tp]
            end = (await consumer.end_offsets([self._tp]))[self._tp]
            known = self._position is not None and beginning <= self._position <= end
            consumer.seek(self._tp, self._position if known else beginning)
            while True:
                if await consumer.position(self._tp) >= end:
                    self.caught_up.set()
                for records in (await consumer.getmany(timeout_ms=POLL_MS, max_records=MOST)).values():
                    await self._take(records)
                self._position = await consumer.position(self._tp)

    async def _take(self, records: list[Any]) -> None:
        generation, first, began = self._view.generation, not self._view.knows_items, self._clock.seconds()
        changes = [(record.key, record.value) for record in records]
        if not await self._kernels.run(self._view.apply, changes):
            return
        self._metrics.model_apply.observe(self._clock.seconds() - began)
        sent_at = next(record.timestamp for record in reversed(records) if record.key == HEADER)
        self._metrics.model_version.set(self._view.version)
        self._metrics.model_generation.set(self._view.generation)
        self._metrics.learned_to.set(self._view.learned_to)
        first = first and self._view.knows_items
        if first:
            logger.info("the first model is there", version=self._view.version)
        self._on_sync(Change(first, not first and generation != self._view.generation, sent_at))
