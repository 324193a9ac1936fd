"""The newest dead letters, for a look."""

from typing import NamedTuple

from aiokafka import TopicPartition

from streamproc.config import Config
from streamproc.contracts.topics import topics
from streamproc.kafka import clients

MOST = 20
SHOWN_BYTES = 120
POLL_MS = 500
HEADERS = {
    "reason": "streamproc.reason",
    "message": "__connect.errors.exception.message",
    "topic": "__connect.errors.topic",
    "partition": "__connect.errors.partition",
    "offset": "__connect.errors.offset",
}


class Letter(NamedTuple):
    """One event that could not be used."""

    at: float  # ms since 1970, when it was set aside
    reason: str
    message: str
    source: str  # topic-partition@offset
    beginning: str  # of its bytes


async def newest_letters(config: Config, most: int = MOST) -> list[Letter]:
    """At most `most`, the newest first."""
    tp = TopicPartition(topics(config).dead_letters.name, 0)
    async with clients.new_consumer(config) as consumer:
        consumer.assign([tp])
        beginning = (await consumer.beginning_offsets([tp]))[tp]
        end = (await consumer.end_offsets([tp]))[tp]
        consumer.seek(tp, max(beginning, end - most))
        letters: list[Letter] = []
        while await consumer.position(tp) < end:
            for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
                letters += [_letter(record) for record in records]
    return letters[::-1][:most]


def _letter(record: object) -> Letter:
    told = {name: value.decode("utf-8", "replace") for name, value in record.headers}  # type: ignore[attr-defined]
    found = {name: told.get(header, "") for name, header in HEADERS.items()}
    source = f"{found['topic']}-{found['partition']}@{found['offset']}"
    value: bytes = record.value or b""  # type: ignore[attr-defined]
    beginning = value[:SHOWN_BYTES].decode("utf-8", "replace") + ("…" if len(value) > SHOWN_BYTES else "")
    return Letter(record.timestamp, found["reason"], found["message"], source, beginning)  # type: ignore[attr-defined]
