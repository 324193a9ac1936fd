"""What the topics hold, read by their documented layouts alone."""

import struct
from collections.abc import Iterable
from typing import NamedTuple

from streamproc.chaos.reckoning import Counted, Entry, Place

EVENTS_KIND = 1  # first byte of a journal record with events
MARK = b"\0mark"
USERS_VERSION = 3
ITEMS_AT = 56  # bytes before the window
ARRAYS = "qqBffQqQQQ"  # of a journal record, each with one value for each of its events
COMPARED = (0, 1, 2, 8, 9)  # of these: offset, time, kind, user, item


class Journalled(NamedTuple):
    """One record of the journal: every accepted event of a partition in (prev, upto]."""

    partition: int
    prev: int
    upto: int
    events: tuple[Counted, ...]


class State(NamedTuple):
    """What the trainer has published of a user."""

    newest: int
    offset: int
    source: int
    number: int
    session: int
    window: list[Entry]  # oldest first
    ids: list[int]  # remembered event ids' hashes, oldest first


class Letter(NamedTuple):
    """One dead letter."""

    source: Place
    reason: str
    value: bytes | None


class Evidence(NamedTuple):
    """All that is compared with the reckoning."""

    journal: list[Journalled]  # in the order of the topic
    users: dict[bytes, State]
    letters: list[Letter]
    learned: int  # events that the model says it has learned


def journalled(values: Iterable[bytes]) -> list[Journalled]:
    """The records with events among those of the journal."""
    return [_journalled(value) for value in values if value[0] == EVENTS_KIND]


def _journalled(value: bytes) -> Journalled:
    _, _, partition, count, prev, upto = struct.unpack_from("<BBHIqq", value)
    at, arrays = struct.calcsize("<BBHIqq"), []
    for letter in ARRAYS:
        arrays.append(struct.unpack_from(f"<{count}{letter}", value, at))
        at += _padded(count * struct.calcsize(f"<{letter}"))
    events = zip(*(arrays[number] for number in COMPARED), strict=True)
    return Journalled(partition, prev, upto, tuple(map(Counted._make, events)))


def state(packed: bytes) -> State:
    """A user's packed state, by the layout that contracts/users.py writes down."""
    version, ids, length, numbers = struct.unpack_from("<BBHI", packed)
    seen, hidden = divmod(numbers, 1 << 12)
    newest, offset, source, number, session = struct.unpack_from("<qqQqQ", packed, 8)
    _, encoded = struct.unpack_from("<IH", packed, 48)  # the state by the encoder of a refresh
    times_at = ITEMS_AT + 8 * length
    flags_at = times_at + _padded(4 * length)
    ids_at = flags_at + _padded(length)
    end = ids_at + 8 * ids + _padded(2 * hidden) + _padded(2 * encoded) + 8 * seen
    if (version, len(packed)) != (USERS_VERSION, end):
        raise ValueError(f"a state of version {version} and {len(packed)} bytes, where {end} were expected")
    window = zip(
        struct.unpack_from(f"<{length}I", packed, times_at),
        struct.unpack_from(f"<{length}Q", packed, ITEMS_AT),
        struct.unpack_from(f"<{length}B", packed, flags_at),
        strict=True,
    )
    known = struct.unpack_from(f"<{ids}Q", packed, ids_at)
    return State(
        newest, offset, source, number, session, [Entry._make(entry) for entry in window], list(known)
    )


def _padded(size: int) -> int:
    return size + -size % 8
