"""What must have become of the events, worked out from the events topic alone.

Plain Python, one event after the other, in one process, without a model: nothing of the engine, the worker or
the trainer is used here, so that a mistake of theirs cannot hide in the check.
"""

import json
import math
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

ACCEPTED, DUPLICATE, LATE, IGNORED, REJECTED = "accepted", "duplicate", "late", "ignored", "rejected"
MASK = (1 << 64) - 1
UNKNOWN_KIND = 63  # number of a type that is not listed
NEGATIVE, SESSION_START = 64, 128  # marks beside the type's number
MOST_CHARACTERS, MOST_TIME = 256, 2**53
MOST_SINGLE = 3.4028235677973366e38  # from here on a number is no finite 32-bit one


class Sent(NamedTuple):
    """One record of the events topic."""

    partition: int
    offset: int
    timestamp: int  # ms, the broker's
    key: bytes | None
    value: bytes | None


class Rules(NamedTuple):
    """The settings that decide over events."""

    types: dict[str, dict[str, Any]]  # by name: strength, threshold, below, ignore
    unknown_type: str
    unknown_strength: float
    max_bytes: int
    max_future_skew: float  # s
    late_allowance: float  # s
    session_gap: float  # s
    max_age: float  # s
    length: int
    event_ids: int
    users: int  # of a partition; who has been silent for longest is forgotten first


class Place(NamedTuple):
    """Where an event lies in its topic."""

    partition: int
    offset: int


class Counted(NamedTuple):
    """An accepted event, as its journal record has it."""

    offset: int
    time: int  # ms
    kind: int
    user: int  # hash
    item: int  # hash


class Entry(NamedTuple):
    """One event of a window."""

    second: int
    item: int  # hash
    flags: int


@dataclass
class User:
    """What is known of a user."""

    newest: int = 0  # ms
    offset: int = -1
    source: int = 0  # hash of what ids are numbered by
    number: int = -1
    session: int = 0
    window: list[Entry] = field(default_factory=list)  # oldest first
    ids: deque[int] = field(default_factory=deque)


@dataclass
class Reckoned:
    """What must be."""

    outcomes: dict[Place, str] = field(default_factory=dict)
    accepted: dict[int, list[Counted]] = field(default_factory=dict)  # by partition, in their order
    known: dict[int, dict[bytes, User]] = field(default_factory=dict)  # by partition, the coldest first

    @property
    def users(self) -> dict[bytes, User]:
        """Of all partitions."""
        return {name: user for users in self.known.values() for name, user in users.items()}

    def count(self, outcome: str) -> int:
        """Events with this outcome."""
        return sum(each == outcome for each in self.outcomes.values())


class _Bad(Exception):
    """The event cannot be used."""


def reckon(events: Iterable[Sent], rules: Rules) -> Reckoned:
    """Over the events of each partition in the order of their offsets."""
    found = Reckoned()
    numbers = {name: number for number, name in enumerate(sorted(rules.types))}
    for sent in events:
        found.outcomes[Place(sent.partition, sent.offset)] = _outcome(found, sent, rules, numbers)
    return found


def _outcome(found: Reckoned, sent: Sent, rules: Rules, numbers: dict[str, int]) -> str:
    try:
        event = _checked(sent, rules)
    except (_Bad, ValueError, TypeError, KeyError, RecursionError, OverflowError):
        return REJECTED
    kind = rules.types.get(event["type"], {"strength": rules.unknown_strength})
    if kind.get("ignore"):
        return IGNORED
    return _judged(found, sent, event, kind, rules, numbers)


def _judged(
    found: Reckoned,
    sent: Sent,
    event: dict[str, Any],
    kind: dict[str, Any],
    rules: Rules,
    numbers: dict[str, int],
) -> str:
    """By what is known of the user; where the event counts, it is known from here on."""
    name, known = event["user_id"].encode(), found.known.setdefault(sent.partition, {})
    user = known.get(name)
    source, number, key = _identity(event.get("event_id"))
    if user is not None:
        if number >= 0 and user.source == source and number <= user.number:
            return DUPLICATE
        if number < 0 and key and key in user.ids:
            return DUPLICATE
        if event["ts"] < user.newest - 1000 * rules.late_allowance:
            return LATE
    else:
        user = User(ids=deque(maxlen=rules.event_ids))
        if len(known) == rules.users:
            del known[next(iter(known))]
    known.pop(name, None)
    known[name] = user  # the last one now
    _enter(user, event, kind, numbers, rules)
    user.offset = sent.offset
    if number >= 0:
        user.source, user.number = source, number
    else:
        user.ids.append(key or _place_key(sent))
    item, number_of = hashed(event["item_id"].encode()), numbers.get(event["type"], UNKNOWN_KIND)
    counted = Counted(sent.offset, event["ts"], number_of, hashed(name), item)
    found.accepted.setdefault(sent.partition, []).append(counted)
    return ACCEPTED


def _checked(sent: Sent, rules: Rules) -> dict[str, Any]:
    """The event as a dictionary, `ts` in ms; raises where it cannot be used."""
    value = sent.value
    if value is None or len(value) > rules.max_bytes:
        raise _Bad
    event: dict[str, Any] = json.loads(value.decode("utf-8"), parse_constant=_refuse)
    if not isinstance(event, dict) or event.get("v", 1) != 1 or isinstance(event.get("v", 1), (bool, float)):
        raise _Bad
    for name in ("user_id", "item_id", "event_id", "session_id", "rec_id"):
        _check_id(event.get(name), required=name in ("user_id", "item_id"))
    if not isinstance(event["type"], str):
        raise _Bad
    event["ts"] = _time(event["ts"])
    if sent.timestamp >= 0 and event["ts"] - sent.timestamp > 1000 * rules.max_future_skew:
        raise _Bad
    _check_value(event, rules)
    return event


def _check_id(text: Any, required: bool) -> None:
    if text is None and not required:
        return
    if not isinstance(text, str) or not 1 <= len(text) <= MOST_CHARACTERS:
        raise _Bad
    if any(ord(letter) < 0x20 or 0x7F <= ord(letter) < 0xA0 for letter in text):
        raise _Bad


def _check_value(event: dict[str, Any], rules: Rules) -> None:
    value = event.get("value")
    if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
        raise _Bad
    if value is not None and (not math.isfinite(value) or abs(value) >= MOST_SINGLE):
        raise _Bad
    kind = rules.types.get(event["type"])
    if kind is None and rules.unknown_type == "reject":
        raise _Bad
    if kind is not None and kind.get("threshold") is not None and value is None:
        raise _Bad


def _time(given: Any) -> int:
    if isinstance(given, str):
        moment = datetime.fromisoformat(given)
        if moment.tzinfo is None:
            raise _Bad
        given = math.floor(moment.timestamp() * 1000 + 1e-6)
    elif isinstance(given, bool) or not isinstance(given, (int, float)):
        raise _Bad
    if not 0 <= given <= MOST_TIME:
        raise _Bad
    return int(given)


def _refuse(_: str) -> float:
    raise _Bad


def _identity(event_id: str | None) -> tuple[int, int, int]:
    """(source, number, 0) of a numbered id, (0, -1, key) of another, (0, -1, 0) of none."""
    if event_id is None:
        return 0, -1, 0
    if event_id.startswith("seq:"):
        source, _, number = event_id[4:].rpartition(":")
        if source and number.isascii() and number.isdigit() and len(number) <= 18:
            return hashed(source.encode()), int(number), 0
    return 0, -1, hashed(event_id.encode())


def _enter(
    user: User, event: dict[str, Any], kind: dict[str, Any], numbers: dict[str, int], rules: Rules
) -> None:
    time, second = event["ts"], event["ts"] // 1000
    flags = numbers.get(event["type"], UNKNOWN_KIND) | (NEGATIVE if _strength(event, kind) <= 0 else 0)
    session = hashed(event["session_id"].encode()) if event.get("session_id") else 0
    if not user.window:
        user.session = session
        flags |= SESSION_START
    else:
        other = session != 0 and session != user.session
        if time >= user.newest and (other or time - user.newest > 1000 * rules.session_gap):
            flags |= SESSION_START
        if time >= user.newest and session:
            user.session = session
    at = bisect_right(user.window, second, key=lambda entry: entry.second)
    if at > 0 or len(user.window) < rules.length:
        user.window.insert(at, Entry(second, hashed(event["item_id"].encode()), flags))
        user.newest = max(user.newest, time)
    del user.window[: max(len(user.window) - rules.length, 0)]
    oldest = (user.newest - int(1000 * rules.max_age)) // 1000
    while len(user.window) > 1 and user.window[0].second < oldest:
        del user.window[0]


def _strength(event: dict[str, Any], kind: dict[str, Any]) -> float:
    threshold, value = kind.get("threshold"), event.get("value")
    if threshold is not None and value is not None and value < threshold:
        return float(kind.get("below", 0.0))
    return float(kind.get("strength", 1.0))


def _place_key(sent: Sent) -> int:
    """What an event without an id is remembered by."""
    return _mixed(_mixed(sent.partition + 1) ^ sent.offset) or 1


@lru_cache(1 << 16)
def hashed(text: bytes) -> int:
    """FNV-1a, 64 bits (Fowler, Noll, Vo, 1991), then splitmix64 (Steele, Lea, Flood, 2014); never 0."""
    state = 0xCBF29CE484222325
    for byte in text:
        state = (state ^ byte) * 0x100000001B3 & MASK
    return _mixed(state) or 1


def _mixed(state: int) -> int:
    state = state + 0x9E3779B97F4A7C15 & MASK
    state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & MASK
    state = (state ^ state >> 27) * 0x94D049BB133111EB & MASK
    return state ^ state >> 31
