"""Events that cannot be used: the closed list of reasons, and how they travel to `events.dlq`.

A dead letter keeps the key, the value and the headers of the record it was. Headers with the names
of Kafka Connect (KIP-298) are added, so that tools that know Connect's dead letters can read ours.
"""

import hashlib
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

Reason = Literal[
    "not_json",
    "invalid_utf8",
    "missing_field",
    "wrong_type",
    "bad_id",
    "bad_value",
    "future_time",
    "unknown_version",
    "unknown_type",
    "too_large",
    "late",
]
REASONS: tuple[Reason, ...] = get_args(Reason)

MAX_BODY_BYTES = 900_000  # a larger one might not fit a record with its headers
KEPT_BYTES = 64 * 1024  # of a body above that
MAX_MESSAGE_BYTES = 1024

Headers = list[tuple[str, bytes]]

ADDED = frozenset(  # names of the headers that a dead letter has and its record had not
    (
        *(
            f"__connect.errors.{name}"
            for name in ("topic", "partition", "offset", "connector.name", "task.id")
        ),
        *(f"__connect.errors.{name}" for name in ("stage", "class.name")),
        *(f"__connect.errors.exception.{name}" for name in ("class.name", "message")),
        *(f"streamproc.{name}" for name in ("reason", "schema", "truncated", "length", "sha256")),
        "streamproc.headers_dropped",
    )
)


@dataclass(frozen=True, slots=True)
class Reject:
    """One record of a batch that is no event, and why."""

    index: int  # in the batch
    reason: Reason
    message: str


class Source(NamedTuple):
    """The record that was rejected, and who rejected it."""

    topic: str
    partition: int
    offset: int
    application: str  # id of the Faust app
    worker: str


def headers(source: Source, reason: Reason, message: str, original: Headers | None = None) -> Headers:
    """Headers of the dead letter: the original ones, Connect's names, `streamproc.reason`."""
    added = {
        "__connect.errors.topic": source.topic,
        "__connect.errors.partition": str(source.partition),
        "__connect.errors.offset": str(source.offset),
        "__connect.errors.connector.name": source.application,
        "__connect.errors.task.id": source.worker,
        "__connect.errors.stage": "TRANSFORMATION" if reason == "late" else "VALUE_CONVERTER",
        "__connect.errors.class.name": "streamproc.contracts.events.Decoder",
        "__connect.errors.exception.class.name": reason,
        "__connect.errors.exception.message": message,
        "streamproc.reason": reason,
        "streamproc.schema": "event/1",
    }
    return [*(original or []), *((name, _header(text)) for name, text in added.items())]


def body(value: bytes | None) -> tuple[bytes | None, Headers]:
    """The body of the dead letter, and headers that say so if it is not the whole original.

    Above MAX_BODY_BYTES the first KEPT_BYTES stay, with the length and the sha256 of the whole.
    """
    if value is None or len(value) <= MAX_BODY_BYTES:
        return value, []
    cut: Headers = [
        ("streamproc.truncated", str(KEPT_BYTES).encode()),
        ("streamproc.length", str(len(value)).encode()),
        ("streamproc.sha256", hashlib.sha256(value).hexdigest().encode()),
    ]
    return value[:KEPT_BYTES], cut


def _header(text: str) -> bytes:
    """One line of at most MAX_MESSAGE_BYTES, cut between characters."""
    line = " ".join(text.split()).encode("utf-8", "replace")
    return line[:MAX_MESSAGE_BYTES].decode("utf-8", "ignore").encode()
