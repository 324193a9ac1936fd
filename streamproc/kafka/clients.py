"""aiokafka's producers and consumers as they are used here, and the traps around them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import ProducerFenced

from streamproc.config import Config
from streamproc.errors import Fenced, LeaseLost, TopicMismatch
from streamproc.kafka.lease import Record, Wanted
from streamproc.kafka.packed import write_at_once
from streamproc.kafka.security import client_settings

MAX_BATCH_BYTES = 900_000
MAX_REQUEST_BYTES = 8 << 20  # one large record
FETCH_BYTES = 4 << 20
TRANSACTION_SECONDS = 20.0  # after which a broker aborts what a dead trainer left open
POLL_MS = 100


def new_producer(config: Config, linger_ms: int = 0) -> Any:
    """An idempotent AIOKafkaProducer that waits for all replicas; start() and stop() are the caller's."""
    return write_at_once(AIOKafkaProducer(**_writing(config), linger_ms=linger_ms))


def new_transactional_producer(config: Config, transactional_id: str) -> Any:
    """The same, whose start() fences every earlier one of this id, and aborts what that left open."""
    limit = int(TRANSACTION_SECONDS * 1000)
    return write_at_once(
        AIOKafkaProducer(**_writing(config), transactional_id=transactional_id, transaction_timeout_ms=limit)
    )


def new_consumer(
    config: Config, committed: bool = True, gather_bytes: int = 1, gather_ms: int = POLL_MS
) -> Any:
    """An AIOKafkaConsumer without a group; `committed`: no records of open or aborted transactions.

    The broker answers a fetch when it has `gather_bytes`, or after `gather_ms`.
    """
    return AIOKafkaConsumer(
        **client_settings(config.kafka),
        request_timeout_ms=int(config.kafka.request_timeout * 1000),
        isolation_level="read_committed" if committed else "read_uncommitted",
        enable_auto_commit=False,
        auto_offset_reset="none",
        max_partition_fetch_bytes=FETCH_BYTES,
        fetch_min_bytes=gather_bytes,
        fetch_max_wait_ms=gather_ms,
    )


def always() -> bool:
    """Nobody takes the partition away."""
    return True


def untold(_: int) -> None:
    """Nobody asks how much is left."""


async def read_to_end(
    config: Config,
    topic: str,
    partition: int,
    start: int | None = None,
    committed: bool = True,
    wanted: Wanted = always,
    left: Callable[[int], None] = untold,
    reaches: int = 0,
) -> AsyncIterator[list[Record]]:
    """Lists of a partition's records from `start` (its beginning) to its end; `left` is told how many
    offsets are still to come.

    With `committed` the end is the last stable offset, so that an open transaction does not hold it up. It
    goes on until an end that was looked up after the last read is reached: compaction may have removed a
    record in favour of a newer one behind an earlier end.

    Raises TopicMismatch where the partition no longer reaches back to `start`, or ends before that or before
    `reaches`, and LeaseLost when not wanted.
    """
    tp = TopicPartition(topic, partition)
    async with new_consumer(config, committed) as consumer:
        consumer.assign([tp])
        at = await _first(consumer, tp, start, reaches)
        consumer.seek(tp, at)
        while at < (end := (await consumer.end_offsets([tp]))[tp]):
            left(end - at)
            async for records in _read(consumer, tp, end, wanted):
                yield records
                left(max(end - await consumer.position(tp), 0))
            at = await consumer.position(tp)


async def _first(consumer: Any, tp: Any, start: int | None, reaches: int) -> int:
    beginning: int = (await consumer.beginning_offsets([tp]))[tp]
    if start is None:
        return beginning
    end: int = (await consumer.end_offsets([tp]))[tp]
    if (known := max(start, reaches)) > end:
        raise TopicMismatch(
            f"{tp.topic}-{tp.partition} ends at offset {end}, but was read to {known}: its end is lost",
            "Bring it back, or start over with another kafka.prefix",
        )
    if start < beginning:
        raise TopicMismatch(
            f"{tp.topic}-{tp.partition} begins at offset {beginning}, but has to be read from {start} on",
            "Retention removed records that were still needed: keep them for longer than the longest outage",
        )
    return start


async def _read(consumer: Any, tp: Any, end: int, wanted: Wanted) -> AsyncIterator[list[Record]]:
    while await consumer.position(tp) < end:
        if not wanted():
            raise LeaseLost(f"{tp.topic}-{tp.partition} is no longer read for anybody")
        for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
            yield records


async def send_all(
    producer: Any, topic: str, partition: int, records: Iterable[tuple[bytes, bytes | None]]
) -> "list[asyncio.Future[Any]]":
    """Send (key, value) pairs in as few batches as they fit in; the futures are the brokers' answers.

    Several hundred thousand records a second, where send() takes about a sixth of that.
    """
    answers, batch = [], producer.create_batch()
    for key, value in records:
        if batch.append(key=key, value=value, timestamp=None) is None:  # full
            answers.append(await producer.send_batch(batch, topic, partition=partition))
            batch = producer.create_batch()
            batch.append(key=key, value=value, timestamp=None)
    if batch.record_count():
        answers.append(await producer.send_batch(batch, topic, partition=partition))
    return answers


@asynccontextmanager
async def transaction(producer: Any, seconds: float) -> "AsyncIterator[list[asyncio.Future[Any]]]":
    """Everything sent inside, or nothing of it. Put the answers of the sends into the list.

    The answers are all awaited before the commit, as aiokafka commits although a send has failed. A commit
    can hang for ever, hence the limit. Readers of what is committed see it a moment after the end: the broker
    answers before its marks are in the log (the start of a newer producer of the id waits for them).

    After any error the producer is of no more use: stop it and start a new one, which aborts what is open.
    Raises Fenced when there is a newer producer of the same id.
    """
    answers: list[asyncio.Future[Any]] = []
    try:
        async with asyncio.timeout(seconds):
            await producer.begin_transaction()
            yield answers
            await asyncio.gather(*answers)
            await producer.commit_transaction()
    except ProducerFenced as error:
        raise Fenced("another trainer has taken over", "Leave this one stopped") from error


async def close(producer: Any, seconds: float = 5.0) -> None:
    """Stop a producer, but do not wait for ever for one that has no broker."""
    try:
        await asyncio.wait_for(producer.stop(), seconds)
    except Exception:
        return  # whatever it still had is in doubt anyway


def _writing(config: Config) -> dict[str, Any]:
    return {
        **client_settings(config.kafka),
        "request_timeout_ms": int(config.kafka.request_timeout * 1000),
        "acks": "all",
        "enable_idempotence": True,
        "max_batch_size": MAX_BATCH_BYTES,
        "max_request_size": MAX_REQUEST_BYTES,
    }
