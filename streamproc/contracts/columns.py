"""A micro-batch of accepted events as columns: what kernels, the engine and the journal work on."""

from typing import NamedTuple

import numpy as np

from streamproc.contracts.ids import Strings, select_strings, span_strings, strings
from streamproc_models.arrays import F32, I64, U8, U64, Bool

# What became of an event; uint8 where there are many.
ACCEPTED, DUPLICATE, LATE, IGNORED = range(4)
OUTCOMES = ("accepted", "duplicate", "late", "ignored")  # the same as words


class EventColumns(NamedTuple):
    """n events of one source partition, in ascending order of their offsets."""

    offsets: I64  # (n,), of the record in the source partition
    times: I64  # (n,), event time, ms since 1970
    kinds: U8  # (n,), index of the type in the sorted config; UNKNOWN_KIND for an unlisted type
    strengths: F32  # (n,), 0 or less is negative feedback
    values: F32  # (n,), NaN where the event has none
    event_keys: U64  # (n,), never 0; for a sequenced id the hash of its source
    sequences: I64  # (n,), number of a sequenced id, else -1
    sessions: U64  # (n,), 0 where the event has none
    users: U64  # (n,), hash of the user id, never 0
    items: U64  # (n,), hash of the item id, never 0
    user_ids: Strings
    item_ids: Strings


DTYPES = tuple(np.dtype(name) for name in "<i8 <i8 u1 <f4 <f4 <u8 <i8 <u8 <u8 <u8".split())


def select(columns: EventColumns, mask: Bool) -> EventColumns:
    """The events where `mask` (n,) is true, in order."""
    users, items = select_strings(columns.user_ids, mask), select_strings(columns.item_ids, mask)
    return EventColumns._make([*(column[mask] for column in columns[:10]), users, items])


def span(columns: EventColumns, start: int, stop: int) -> EventColumns:
    """The events start..stop-1, as views."""
    users = span_strings(columns.user_ids, start, stop)
    items = span_strings(columns.item_ids, start, stop)
    return EventColumns._make([*(column[start:stop] for column in columns[:10]), users, items])


def no_events() -> EventColumns:
    """A batch of none."""
    return EventColumns._make([*(np.empty(0, dtype) for dtype in DTYPES), strings([]), strings([])])
