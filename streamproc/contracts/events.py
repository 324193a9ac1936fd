"""Events: the JSON contract, and the decoder that turns records into columns.

A batch decodes in one list comprehension under one `try`; only a batch that holds something bad is
gone through event by event. Everything after the decoding is columns: no Python object per event.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import compress
from typing import Annotated, Any, Literal, NamedTuple, cast

import msgspec
import numpy as np
from msgspec import Meta

from streamproc.config import EventsConfig
from streamproc.contracts.columns import (
    ACCEPTED,
    DUPLICATE,
    IGNORED,
    LATE,
    OUTCOMES,
    EventColumns,
    no_events,
    select,
    span,
)
from streamproc.contracts.deadletters import Reason, Reject
from streamproc.contracts.faults import FAILURES, explain, has_control_character
from streamproc.contracts.ids import MAX_ID_CHARACTERS, Strings, event_keys, hashes, split, strings, texts
from streamproc_models.arrays import F32, F64, I64, U8, Bool

__all__ = [  # the columns belong to the contract, wherever they are written down
    "ACCEPTED",
    "DUPLICATE",
    "IGNORED",
    "KINDS",
    "LATE",
    "OUTCOMES",
    "UNKNOWN_KIND",
    "Decoder",
    "Event",
    "EventColumns",
    "Kinds",
    "Reject",
    "Strings",
    "encode",
    "kinds",
    "no_events",
    "select",
    "span",
    "strings",
    "texts",
]

UNKNOWN_KIND = 63
KINDS = 64
MAX_TIME = 2**53  # ms; the largest time that a float holds exactly

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

Id = Annotated[str, Meta(min_length=1, max_length=MAX_ID_CHARACTERS)]
EventTime = Annotated[datetime, Meta(tz=True)] | int | float


class Event(msgspec.Struct, gc=False, kw_only=True, omit_defaults=True):
    """One thing a user did with an item. The record's key is `user_id`; unknown fields are ignored."""

    v: Literal[1] = 1
    event_id: Annotated[
        Id | None,
        Meta(
            description="Against duplicates. `seq:<source>:<number>` promises that the numbers of one"
            " source ascend for each user. Missing: made from the record's partition and offset."
        ),
    ] = None
    type: Annotated[str, Meta(description="click, view, cart, purchase, rating, impression or your own.")]
    user_id: Annotated[Id, Meta(description="No control characters.")]
    item_id: Annotated[Id, Meta(description="No control characters.")]
    ts: Annotated[EventTime, Meta(description="Event time: RFC 3339 with a zone, or ms since 1970.")]
    value: Annotated[float | None, Meta(description="Finite, e.g. the stars of a rating.")] = None
    session_id: Id | None = None
    rec_id: Annotated[Id | None, Meta(description="The slate that the item was taken from.")] = None
    position: Annotated[int | None, Meta(description="Rank of the item on that slate.")] = None
    context: dict[str, Any] | None = None


encode = msgspec.json.Encoder().encode  # an Event as JSON bytes, for producers


class Kinds(NamedTuple):
    """What each kind of event is worth; arrays (KINDS,)."""

    numbers: dict[str, int]  # kind of each type
    strengths: F32
    thresholds: F64  # NaN: none
    below: F32  # strength where the value is under the threshold
    ignored: Bool


def kinds(config: EventsConfig) -> Kinds:
    """The table of kinds that the config describes: types in sorted order, then UNKNOWN_KIND."""
    names = sorted(config.types)
    table = Kinds(
        {name: kind for kind, name in enumerate(names)},
        np.full(KINDS, config.unknown_strength, np.float32),
        np.full(KINDS, np.nan),
        np.zeros(KINDS, np.float32),
        np.zeros(KINDS, np.bool_),
    )
    for kind, name in enumerate(names):
        settings = config.types[name]
        table.strengths[kind], table.below[kind] = settings.strength, settings.below
        table.ignored[kind] = settings.ignore
        if settings.threshold is not None:
            table.thresholds[kind] = settings.threshold
    return table


class _Ids(NamedTuple):
    users: Strings
    items: Strings
    events: Strings
    sessions: Strings
    clean: bool


class Decoder:
    """Records of the events topic to columns and rejects; keeps nothing between batches."""

    def __init__(self, config: EventsConfig) -> None:
        self.config = config
        self.kinds = kinds(config)
        self._decode = msgspec.json.Decoder(Event).decode

    def decode(
        self, values: Sequence[bytes | None], offsets: I64, timestamps: I64, partition: int
    ) -> tuple[EventColumns, list[Reject]]:
        """Columns of the good events and one Reject for each other one, in order.

        values: bodies (n) of records of one partition; offsets: (n,) ascending; timestamps: (n,) ms,
        the records' own, against which the future is judged (negative: unknown, not judged).
        """
        events, places, rejects = self._parse(values)
        ids = _ids(events)
        if not ids.clean:
            events, places, more = _without_control_characters(events, places)
            rejects += more
            ids = _ids(events)
        measures = np.array([event.value for event in events], np.float64)  # None becomes NaN
        columns = self._columns(events, ids, measures, offsets[places], partition)
        faults = self._faults(columns, measures, timestamps[places])
        if faults.any():
            rejects += _rejects(faults, events, places)
            columns = select(columns, faults == 0)
        rejects.sort(key=lambda reject: reject.index)
        return columns, rejects

    def _parse(self, values: Sequence[bytes | None]) -> tuple[list[Event], I64, list[Reject]]:
        """Events, the places (n,) they had in the batch, and what could not be decoded."""
        decode = self._decode
        try:
            if max(map(len, values), default=0) <= self.config.max_bytes:  # type: ignore[arg-type]
                return [decode(value) for value in values], np.arange(len(values)), []  # type: ignore[arg-type]
        except FAILURES:
            pass  # some record is bad: find out which
        return self._parse_singly(values)

    def _parse_singly(self, values: Sequence[bytes | None]) -> tuple[list[Event], I64, list[Reject]]:
        events: list[Event] = []
        places: list[int] = []
        rejects: list[Reject] = []
        for index, value in enumerate(values):
            if value is not None and len(value) > self.config.max_bytes:
                text = f"{len(value)} bytes; events.max_bytes is {self.config.max_bytes}"
                rejects.append(Reject(index, "too_large", text))
                continue
            try:
                events.append(self._decode(value))  # type: ignore[arg-type]
                places.append(index)
            except FAILURES as error:
                rejects.append(Reject(index, *explain(value, error)))
        return events, np.array(places, np.int64), rejects

    def _columns(
        self, events: list[Event], ids: _Ids, measures: F64, offsets: I64, partition: int
    ) -> EventColumns:
        numbers = self.kinds.numbers
        kind = np.array([numbers.get(event.type, UNKNOWN_KIND) for event in events], np.uint8)
        low = measures < self.kinds.thresholds[kind]
        keys, sequences = event_keys(*ids.events, offsets, partition)
        with np.errstate(over="ignore"):  # what does not fit becomes infinite, and then a fault
            single = measures.astype(np.float32)
        return EventColumns(
            offsets=offsets,
            times=_times(events),
            kinds=kind,
            strengths=np.where(low, self.kinds.below[kind], self.kinds.strengths[kind]),
            values=single,
            event_keys=keys,
            sequences=sequences,
            sessions=hashes(ids.sessions),
            users=hashes(ids.users),
            items=hashes(ids.items),
            user_ids=ids.users,
            item_ids=ids.items,
        )

    def _faults(self, columns: EventColumns, measures: F64, timestamps: I64) -> U8:
        """Number of the fault (n,) in _FAULTS, 0 where there is none; the graver fault wins."""
        faults = np.zeros(columns.offsets.size, np.uint8)
        skew = int(self.config.max_future_skew * 1000)
        faults[(columns.times - timestamps > skew) & (timestamps >= 0)] = 1
        faults[np.isnan(measures) & ~np.isnan(self.kinds.thresholds[columns.kinds])] = 2
        faults[np.isinf(columns.values)] = 3
        faults[columns.times < 0] = 4
        if self.config.unknown_type == "reject":
            faults[columns.kinds == UNKNOWN_KIND] = 5
        return faults


_FAULTS: tuple[tuple[Reason, str], ...] = (
    ("future_time", "ts {0.ts} is too far after the record's own time"),
    ("missing_field", "type `{0.type}` has a threshold and needs a `value`"),
    ("bad_value", "value {0.value} is not a finite 32-bit number"),
    ("bad_value", "ts {0.ts} is not between 1970 and 2^53 ms"),
    ("unknown_type", "type `{0.type:.80}` is not in events.types"),
)


def _rejects(faults: U8, events: list[Event], places: I64) -> list[Reject]:
    found = []
    for row in np.flatnonzero(faults).tolist():
        reason, text = _FAULTS[faults[row] - 1]
        found.append(Reject(int(places[row]), reason, text.format(events[row])))
    return found


def _ids(events: list[Event]) -> _Ids:
    count = len(events)
    users, clean_users = split("\n".join([event.user_id for event in events]), count)
    items, clean_items = split("\n".join([event.item_id for event in events]), count)
    keys, clean_keys = split("\n".join([event.event_id or "" for event in events]), count)
    sessions, clean_sessions = split("\n".join([event.session_id or "" for event in events]), count)
    return _Ids(users, items, keys, sessions, clean_users and clean_items and clean_keys and clean_sessions)


def _without_control_characters(events: list[Event], places: I64) -> tuple[list[Event], I64, list[Reject]]:
    bad = np.array([_tainted(event) for event in events], np.bool_)
    text = "an id holds a control character"
    rejects = [Reject(int(place), "bad_id", text) for place in places[bad]]
    return list(compress(events, ~bad)), places[~bad], rejects


def _tainted(event: Event) -> bool:
    ids = (event.user_id, event.item_id, event.event_id, event.session_id)
    return any(has_control_character(text) for text in ids if text)


def _times(events: list[Event]) -> I64:
    """Event times (n,) in ms; -1 where one is out of range."""
    times = [event.ts for event in events]
    if set(map(type, times)) == {int}:
        whole = cast(list[int], times)
        if 0 <= min(whole) and max(whole) <= MAX_TIME:
            return np.array(whole, np.int64)
    return np.array([_milliseconds(time) for time in times], np.int64)


def _milliseconds(time: datetime | int | float) -> int:
    if isinstance(time, datetime):
        return max((time - _EPOCH) // _MILLISECOND, -1)
    return int(time) if 0 <= time <= MAX_TIME else -1
