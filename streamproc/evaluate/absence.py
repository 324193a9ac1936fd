"""How long something has not been seen: what a model that forgets is bad at."""

from typing import NamedTuple

import numpy as np

from streamproc.contracts.columns import EventColumns
from streamproc_models.arrays import I64, U64, Bool

NEVER = -1
_MIX = np.uint64(0x9E3779B97F4A7C15)  # odd: pairs of a user and an item become one number each


class Absence(NamedTuple):
    """Events since the last one with the same, 1 = it was right before; NEVER where there is none."""

    item: I64  # (n,), of anybody with the item
    own: I64  # (n,), of the user with the item


class Occurrences:
    """Every event in the order in which it is learned. Memory: 17 bytes an event."""

    def __init__(self) -> None:
        self._blocks: list[tuple[U64, U64, Bool]] = []

    def add(self, columns: EventColumns) -> None:
        """Learned next."""
        pairs = columns.users * _MIX + columns.items  # wraps around
        self._blocks.append((columns.items.copy(), pairs, columns.strengths > 0))

    def absence(self, events: I64) -> Absence:
        """Of the events with these numbers (n,); negative feedback is no occurrence."""
        if not self._blocks:
            return Absence(np.full(events.size, NEVER), np.full(events.size, NEVER))
        items, pairs, liked = (np.concatenate(column) for column in zip(*self._blocks, strict=True))
        return Absence(since(items, liked)[events], since(pairs, liked)[events])


def since(keys: U64, counts: Bool) -> I64:
    """For each place the steps back to the last one with its key, among the places that count."""
    steps = np.full(keys.size, NEVER)
    places = np.flatnonzero(counts)
    order = places[np.argsort(keys[places], kind="stable")]
    again = keys[order[1:]] == keys[order[:-1]]
    steps[order[1:][again]] = (order[1:] - order[:-1])[again]
    return steps
