"""Dead letters as they lie in `events.dlq`, and which of them are meant."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from streamproc.config import Config
from streamproc.contracts.deadletters import ADDED, Headers
from streamproc.contracts.topics import topics
from streamproc.kafka.admin import ensure_topics
from streamproc.kafka.clients import read_to_end
from streamproc.kafka.lease import Record

SHOWN_BYTES = 160  # of a body in a list
NO_OFFSET = -1


class Letter(NamedTuple):
    """One record that was set aside, with where it came from."""

    offset: int  # in the dead-letter topic
    set_aside_at: int  # ms since 1970, by the broker
    topic: str  # of the record it was
    partition: int
    source_offset: int
    reason: str
    message: str
    key: bytes | None
    value: bytes | None
    headers: Headers  # all of them

    @property
    def original_headers(self) -> Headers:
        """Without what was added when it was set aside."""
        return [(name, text) for name, text in self.headers if name not in ADDED]

    @property
    def cut(self) -> bool:
        """Whether only the beginning of the body is there."""
        return any(name == "streamproc.truncated" for name, _ in self.headers)


class Selection(NamedTuple):
    """Which letters; what is None leaves no one out. Offsets are those of the records they were."""

    reasons: tuple[str, ...] = ()
    partition: int | None = None
    first: int | None = None
    last: int | None = None
    number: int | None = None  # offset in the dead-letter topic

    def has(self, letter: Letter) -> bool:
        """Whether this letter is meant."""
        return (
            (not self.reasons or letter.reason in self.reasons)
            and self.partition in (None, letter.partition)
            and (self.first is None or letter.source_offset >= self.first)
            and (self.last is None or letter.source_offset <= self.last)
            and self.number in (None, letter.offset)
        )


async def read(config: Config, selection: Selection) -> list[Letter]:
    """The letters that are meant, oldest first. Raises KafkaUnavailable, TopicMismatch."""
    await ensure_topics(config)
    found = read_to_end(config, topics(config).dead_letters.name, 0)
    letters = [letter_of(record) async for records in found for record in records]
    return [letter for letter in letters if selection.has(letter)]


def letter_of(record: Record) -> Letter:
    """A record of the dead-letter topic; what a header does not say is empty, or -1."""
    told = {name: (text or b"").decode("utf-8", "replace") for name, text in record.headers}
    return Letter(
        offset=record.offset,
        set_aside_at=record.timestamp,
        topic=told.get("__connect.errors.topic", ""),
        partition=_number(told.get("__connect.errors.partition", "")),
        source_offset=_number(told.get("__connect.errors.offset", "")),
        reason=told.get("streamproc.reason", ""),
        message=told.get("__connect.errors.exception.message", ""),
        key=record.key,
        value=record.value,
        headers=list(record.headers),
    )


def counted(letters: Iterable[Letter]) -> dict[str, int]:
    """How many for each reason, the most frequent first."""
    return dict(Counter(letter.reason for letter in letters).most_common())


def as_dict(letter: Letter, limit: int | None = None) -> dict[str, Any]:
    """For JSON and for the screen; bytes as `safe` writes them, at most `limit` of a body."""
    value = letter.value
    return {
        "offset": letter.offset,
        "set_aside_at": letter.set_aside_at,
        "topic": letter.topic,
        "partition": letter.partition,
        "source_offset": letter.source_offset,
        "reason": letter.reason,
        "message": safe(letter.message.encode()),
        "key": None if letter.key is None else safe(letter.key, limit),
        "bytes": 0 if value is None else len(value),
        "cut": letter.cut,
        "value": None if value is None else safe(value, limit),
        "headers": {safe(name.encode()): safe(text or b"") for name, text in letter.headers},
    }


def safe(data: bytes, limit: int | None = None) -> str:
    r"""Text that no terminal obeys: what is no printable UTF-8 is written as \xff or \u202e."""
    text = data[:limit].decode("utf-8", "backslashreplace")
    shown = "".join(sign if sign.isprintable() else _escaped(sign) for sign in text)
    return shown if limit is None or len(data) <= limit else shown + "…"


def _escaped(sign: str) -> str:
    return sign.encode("unicode_escape").decode()


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else NO_OFFSET
