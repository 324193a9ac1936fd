"""Events that came over HTTP, into the events topic: all of a request, or none."""

import asyncio
import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
from aiokafka.errors import KafkaError

from streamproc.clock import Clock
from streamproc.config import Config
from streamproc.contracts.events import Decoder, Event, encode
from streamproc.contracts.topics import topics
from streamproc.errors import KafkaUnavailable, StreamprocError
from streamproc.kafka import clients
from streamproc.kafka.feed import partition_of
from streamproc.logs import get_logger

logger = get_logger(__name__)

SECONDS = 10.0  # for a transaction


class Fault(msgspec.Struct):
    """What is wrong with one event of a request."""

    index: int
    reason: str
    detail: str


class Written(NamedTuple):
    """Where an event lies."""

    partition: int
    offset: int
    event_id: str


class Refused(Exception):
    """Nothing of the request was taken."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(f"{len(faults)} events cannot be used")
        self.faults = faults


class NotWritten(KafkaUnavailable):
    """The broker did not take a request, or did not say so; sent again with these ids it does no harm."""

    def __init__(self, config: Config, event_ids: list[str], error: BaseException) -> None:
        super().__init__(config.kafka.bootstrap_servers, config.kafka.request_timeout, repr(error))
        self.event_ids = event_ids


class EventProducer:
    """One plain producer for single events, one with transactions for several."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._topic = topics(config).events.name
        self._partitions = config.kafka.partitions
        self._decoder = Decoder(config.events)
        self._parse = msgspec.json.Decoder(Event).decode
        self._id = f"{config.kafka.prefix}server-{uuid.uuid4()}"
        self._plain: Any = None
        self._grouped: Any = None
        self._turn = asyncio.Lock()

    async def close(self) -> None:
        """What is on its way may still arrive."""
        for producer in (self._plain, self._grouped):
            if producer is not None:
                await clients.close(producer)

    async def send(self, values: Sequence[bytes]) -> list[Written]:
        """Where each event lies once all have arrived.

        values: JSON of the events (n,). An event without an `event_id` gets one. Raises Refused, and
        NotWritten where the broker did not take them: then all of them count or none does, but which of
        the two may not be known.
        """
        events = self._checked(values)
        keys = [event.user_id.encode() for event in events]
        places = [partition_of(key, self._partitions) for key in keys]
        records = [encode(event) for event in events]
        try:
            if len(events) == 1:
                offsets = [await self._send_plain(places[0], keys[0], records[0])]
            else:
                offsets = await self._send_grouped(places, keys, records)
        except (KafkaError, OSError, TimeoutError, StreamprocError) as error:
            raise NotWritten(self._config, [event.event_id or "" for event in events], error) from error
        return [
            Written(place, offset, event.event_id or "")
            for place, offset, event in zip(places, offsets, events, strict=True)
        ]

    def _checked(self, values: Sequence[bytes]) -> list[Event]:
        count = len(values)
        now = np.full(count, self._clock.now_ms())
        _, rejects = self._decoder.decode(values, np.arange(count), now, 0)
        if rejects:
            raise Refused([Fault(reject.index, reject.reason, reject.message) for reject in rejects])
        events = [self._parse(value) for value in values]
        for event in events:
            event.event_id = event.event_id or uuid.uuid4().hex
        return events

    async def _send_plain(self, partition: int, key: bytes, value: bytes) -> int:
        async with self._turn:
            if self._plain is None:
                producer = clients.new_producer(self._config)
                await producer.start()
                self._plain = producer
        answer = await (await self._plain.send(self._topic, value, key, partition))
        return int(answer.offset)

    async def _send_grouped(self, places: list[int], keys: list[bytes], values: list[bytes]) -> list[int]:
        async with self._turn:
            if self._grouped is None:
                producer = clients.new_transactional_producer(self._config, self._id)
                await producer.start()
                self._grouped = producer
            try:
                async with clients.transaction(self._grouped, SECONDS) as answers:
                    for place, key, value in zip(places, keys, values, strict=True):
                        answers.append(await self._grouped.send(self._topic, value, key, place))
            except BaseException:
                broken, self._grouped = self._grouped, None
                await clients.close(broken)
                raise
        return [answer.result().offset for answer in answers]
