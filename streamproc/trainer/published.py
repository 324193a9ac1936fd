"""What was published last: where the next trainer goes on counting, and what it must not go behind."""

from typing import Any, NamedTuple

from aiokafka import TopicPartition

from streamproc.config import Config
from streamproc.contracts.model import HEADER, unpack_header
from streamproc.contracts.topics import topics
from streamproc.contracts.users import MARK, unpack_mark
from streamproc.errors import LeaseLost
from streamproc.kafka.clients import POLL_MS, new_consumer
from streamproc.kafka.lease import Wanted

FIRST_LOOK, WIDER = 1000, 16  # offsets from the end; the newest mark is mostly among them


class Published(NamedTuple):
    """The newest publication, 0 and 0 where there is none."""

    version: int
    learned_to: int  # journal offset; `model` may be ahead of `users`
    users_to: int  # journal offset of the users' states


class Bounds(NamedTuple):
    """What the journal holds."""

    begin: int
    end: int


async def read_published(config: Config, wanted: Wanted) -> Published:
    """Look in `model` and `users`, read committed. Raises LeaseLost when not wanted any more."""
    names = topics(config)
    async with new_consumer(config) as consumer:
        users = [TopicPartition(names.users.name, number) for number in range(names.users.partitions)]
        marks = [await _newest(consumer, tp, MARK, wanted) for tp in users]
        header = await _newest(consumer, TopicPartition(names.model.name, 0), HEADER, wanted)
    found = [unpack_mark(value) for value in marks if value is not None]
    version = max([mark.version for mark in found], default=0)
    users_to = max([mark.learned_to for mark in found], default=0)
    if header is None:
        return Published(version, users_to, users_to)
    model = unpack_header(header)
    return Published(max(version, model.version), max(users_to, model.learned_to), users_to)


async def journal_bounds(config: Config) -> Bounds:
    """Its first offset and the one after its last, as of now."""
    tp = TopicPartition(topics(config).journal.name, 0)
    async with new_consumer(config, committed=False) as consumer:
        consumer.assign([tp])
        begin, end = await consumer.beginning_offsets([tp]), await consumer.end_offsets([tp])
    return Bounds(begin[tp], end[tp])


async def _newest(consumer: Any, tp: TopicPartition, key: bytes, wanted: Wanted) -> bytes | None:
    """The newest value under `key`, looked for from the end, wider and wider."""
    consumer.assign([tp])
    begin, end = (await consumer.beginning_offsets([tp]))[tp], (await consumer.end_offsets([tp]))[tp]
    stop, width = end, FIRST_LOOK
    while stop > begin:
        start = max(begin, end - width)
        found = await _last(consumer, tp, key, Bounds(start, stop), wanted)
        if found is not None:
            return found
        stop, width = start, WIDER * width
    return None


async def _last(consumer: Any, tp: TopicPartition, key: bytes, span: Bounds, wanted: Wanted) -> bytes | None:
    found: bytes | None = None
    consumer.seek(tp, span.begin)
    while await consumer.position(tp) < span.end:
        if not wanted():
            raise LeaseLost("the journal is no longer followed here")
        for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
            for record in records:
                if record.key == key and record.offset < span.end:
                    found = record.value
    return found
