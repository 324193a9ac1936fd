"""Streams to measure with: real ones where they are at hand, else the simulated shop."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from benchmarks.sources import DATA, DIGINETICA, ONLINE_RETAIL, SHOP, SOURCES, YOOCHOOSE
from streamproc.config import Config
from streamproc.contracts.columns import EventColumns
from streamproc.contracts.events import Decoder, encode
from streamproc.files.columns import Columns
from streamproc.files.reading import read_events
from streamproc.files.where import Where
from streamproc.simulate.shop import Shop

BATCH = 4000  # events
__all__ = ["DIGINETICA", "ONLINE_RETAIL", "SHOP", "SOURCES", "YOOCHOOSE", "Workload", "batches", "load"]


class Workload(NamedTuple):
    """Events in the order of their time."""

    name: str
    keys: list[bytes]  # their users
    values: list[bytes]  # events in JSON

    def part(self, start: int, stop: int) -> "Workload":
        """The events start..stop-1."""
        return Workload(self.name, self.keys[start:stop], self.values[start:stop])


@lru_cache(2)
def load(name: str, events: int) -> Workload:
    """The first `events` of a stream; those of the simulated shop where its file is not at hand."""
    source = SOURCES.get(name)
    if source is None or not (DATA / source.path).exists():
        return _shop(events)
    keys: list[bytes] = []
    values: list[bytes] = []
    where = [Where.parse(text) for text in source.where]
    for batch in read_events(DATA / source.path, Columns.parse(source.columns), where, source=name):
        keys += batch.keys
        values += batch.values
        if len(values) >= events:
            break
    return Workload(name, keys, values).part(0, events)


def batches(workload: Workload, config: Config) -> list[EventColumns]:
    """The events as a worker of one partition would journal them."""
    return list(_batches(workload, Decoder(config.events)))


def _batches(workload: Workload, decoder: Decoder) -> Iterator[EventColumns]:
    for start in range(0, len(workload.values), BATCH):
        values = workload.values[start : start + BATCH]
        offsets = np.arange(start, start + len(values))
        columns, rejects = decoder.decode(values, offsets, np.full(len(values), -1), 0)
        if rejects:
            raise ValueError(f"{workload.name} holds what is no event: {rejects[0]}")
        yield columns


def _shop(events: int) -> Workload:
    sold = list(Shop(seed=7, users=5000, items=2000).events(events))
    return Workload(SHOP, [event.user_id.encode() for event in sold], [encode(event) for event in sold])
