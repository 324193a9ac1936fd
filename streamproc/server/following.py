"""The topics that answers come from, followed from their beginnings for as long as the server runs."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
from aiokafka import TopicPartition

from streamproc.config import Config
from streamproc.contracts.items import Item, decode_item
from streamproc.contracts.topics import topics
from streamproc.errors import StreamprocError
from streamproc.kafka import clients
from streamproc.logs import get_logger
from streamproc.server.slates import NewestSlates
from streamproc.server.states import UserStates

logger = get_logger(__name__)

PAUSE = 1.0  # seconds before it is tried again
POLL_MS = 500
YIELD_EVERY = 100  # records, about half a millisecond, between two looks at the requests


class TopicFollower:
    """Keeps slates, users' states and the catalogue up to date."""

    def __init__(
        self, config: Config, slates: NewestSlates, states: UserStates, catalogue: dict[str, Item]
    ) -> None:
        self.caught_up = asyncio.Event()
        self.behind = 0  # records of what was there at the start and is not read yet
        self.unreadable = 0  # records that are not what the contract says
        self._config = config
        self._slates = slates
        self._states = states
        self._catalogue = catalogue
        known = topics(config)
        self._take: dict[str, Callable[[Any], None]] = {
            known.recommendations.name: self._slate,
            known.users.name: self._state,
            known.items.name: self._item,
        }
        self._partitions = [
            TopicPartition(topic.name, number)
            for topic in (known.recommendations, known.users, known.items)
            for number in range(topic.partitions)
        ]

    async def run(self) -> None:
        """For ever."""
        while True:
            try:
                await self._follow()
            except StreamprocError:
                raise
            except Exception as error:
                logger.warning("the slates are not followed for a moment", error=error)
            await asyncio.sleep(PAUSE)

    async def _follow(self) -> None:
        async with clients.new_consumer(self._config) as consumer:
            consumer.assign(self._partitions)
            ends = await consumer.end_offsets(self._partitions)
            await consumer.seek_to_beginning(*self._partitions)
            while True:
                found = await consumer.getmany(timeout_ms=POLL_MS, max_records=YIELD_EVERY)
                for tp, records in found.items():
                    await self._take_all(tp.topic, records)
                if not self.caught_up.is_set():
                    await self._measure(consumer, ends)

    async def _measure(self, consumer: Any, ends: dict[Any, int]) -> None:
        self.behind = sum([max(0, end - await consumer.position(tp)) for tp, end in ends.items()])
        if not self.behind:
            self.caught_up.set()

    async def _take_all(self, topic: str, records: list[Any]) -> None:
        take = self._take[topic]
        for record in records:
            try:
                take(record)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                self.unreadable += 1
        await asyncio.sleep(0)

    def _slate(self, record: Any) -> None:
        self._slates.put(record.key.decode(), record.value)

    def _state(self, record: Any) -> None:
        self._states.put(record.key, record.value)

    def _item(self, record: Any) -> None:
        if record.value is None:
            self._catalogue.pop(record.key.decode(), None)
        else:
            self._catalogue[record.key.decode()] = decode_item(record.value)
