"""A set in memory: its events as the engine takes them, and as numbers for whoever is compared with it."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import numpy as np

from benchmarks import workloads
from benchmarks.quality.sets import Set
from benchmarks.sources import DATA, SHOP
from streamproc.files.columns import Columns
from streamproc.files.reading import read_events
from streamproc.files.where import Where
from streamproc_models.arrays import I32

QUICK_EVENTS = 3000
BATCH = 4096  # events


class Stream(NamedTuple):
    """n events in their order; users and items are numbered as they come."""

    values: list[bytes]  # events in JSON
    users: I32  # (n,)
    items: I32  # (n,)

    def batches(self) -> Iterator[list[bytes]]:
        """The events as a file gives them."""
        for start in range(0, len(self.values), BATCH):
            yield self.values[start : start + BATCH]


class _Ids(msgspec.Struct):
    user_id: str
    item_id: str


def missing(chosen: Set) -> str:
    """Why the set cannot be measured here; empty where it can."""
    path = DATA / chosen.source.path
    return "" if path.exists() else f"{chosen.name} is left out: there is no {path}"


def read(chosen: Set, quick: bool) -> Stream:
    """All of a set, or its beginning."""
    limit = QUICK_EVENTS if quick else chosen.first
    if chosen.name == SHOP:
        return numbered(workloads.load(chosen.name, limit or QUICK_EVENTS).values)
    values: list[bytes] = []
    where = [Where.parse(text) for text in chosen.source.where]
    columns = Columns.parse(chosen.source.columns)
    for batch in read_events(DATA / chosen.source.path, columns, where, source=chosen.name):
        values += batch.values
        if limit and len(values) >= limit:
            break
    return numbered(values[:limit])


def numbered(values: list[bytes]) -> Stream:
    """The same events, with their users and items as numbers."""
    users: dict[str, int] = {}
    items: dict[str, int] = {}
    decoder = msgspec.json.Decoder(_Ids)
    pairs = [
        (users.setdefault(event.user_id, len(users)), items.setdefault(event.item_id, len(items)))
        for event in map(decoder.decode, values)
    ]
    columns = np.array(pairs, np.int32).reshape(-1, 2)
    return Stream(values, columns[:, 0].copy(), columns[:, 1].copy())
