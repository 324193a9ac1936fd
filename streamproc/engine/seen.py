"""Which items a user already had, for catalogues where nobody wants a thing twice.

A set of (user, item) pairs as one hash table, and a chain of items per user, so that a user's set can be
published and forgotten. Empty, and without cost, unless `rules.exclude_seen` is on.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamproc.engine.model import Model
from streamproc.engine.pool import IMPOSSIBLE, SIZE
from streamproc.engine.scratch import LINKED, Scratch
from streamproc_models.arrays import I32, I64, U64, Hash
from streamproc_models.hashing import find, put, remove, splitmix
from streamproc_models.kernel import tight

PAIRS, FREED = 0, 1  # places in `counters`


class Seen(NamedTuple):
    """Entry = one pair; users' entries are chained, newest first."""

    keys: U64  # (table,) hash table: pair -> entry
    rows: I32  # (table,)
    item: U64  # (entries,) hash of the item
    user: U64  # (entries,) hash of the user
    earlier: I32  # (entries,), the same user's entry before; -1 at the end
    latest: I32  # (users,), -1 where none
    counters: I64  # (2,)


def empty(users: int, entries: int = 1) -> Seen:
    """Nobody has seen anything; room for `entries` pairs."""
    table = 1 << max(3, (2 * entries - 1).bit_length())
    counters = np.array([0, -1], np.int64)
    return Seen(
        np.zeros(table, np.uint64), np.zeros(table, np.int32), np.zeros(entries, np.uint64),
        np.zeros(entries, np.uint64), np.full(entries, -1, np.int32), np.full(users, -1, np.int32), counters,
    )  # fmt: skip


def reserve(seen: Seen, users: int, entries: int) -> Seen:
    """Room for `users` users and `entries` more pairs."""
    if seen.latest.size < users:
        latest = np.full(users, -1, np.int32)
        latest[: seen.latest.size] = seen.latest
        seen = seen._replace(latest=latest)
    needed, size = int(seen.counters[PAIRS]) + entries, seen.item.size
    if needed <= size:
        return seen
    wider = empty(0, max(needed, 2 * size))
    for name in ("item", "user", "earlier"):
        getattr(wider, name)[:size] = getattr(seen, name)
    wider.counters[:] = seen.counters
    wider = wider._replace(latest=seen.latest)
    _rehash(wider, int(seen.counters[PAIRS]))
    return wider


def load(saved: Mapping[str, NDArray[Any]], users: int) -> Seen:
    """The state that holds these arrays, with room for `users` users."""
    seen = empty(users, max(1, saved["item"].size))
    for name, array in saved.items():
        getattr(seen, name)[: array.size] = array
    _rehash(seen, int(seen.counters[PAIRS]))
    return seen


@tight
def _rehash(seen: Seen, pairs: int) -> None:
    for entry in range(pairs):
        if seen.item[entry] != 0:
            put(seen.keys, seen.rows, _pair(seen.user[entry], seen.item[entry]), entry)


@tight
def _pair(user: Hash, item: Hash) -> Hash:
    mixed = splitmix(np.uint64(user) ^ splitmix(np.uint64(item)))
    return mixed if mixed != np.uint64(0) else np.uint64(1)


@tight
def contains(seen: Seen, user: Hash, item: Hash) -> bool:
    """Whether this user had this item."""
    return find(seen.keys, seen.rows, _pair(user, item)) >= 0


@tight
def add(seen: Seen, row: int, user: Hash, item: Hash) -> None:
    """The user in `row` had `item`; room must have been reserved."""
    pair = _pair(user, item)
    if find(seen.keys, seen.rows, pair) >= 0:
        return
    entry = seen.counters[FREED]
    if entry >= 0:
        seen.counters[FREED] = seen.earlier[entry]
    else:
        entry = seen.counters[PAIRS]
        seen.counters[PAIRS] += 1
    seen.item[entry] = item
    seen.user[entry] = user
    seen.earlier[entry] = seen.latest[row]
    seen.latest[row] = entry
    put(seen.keys, seen.rows, pair, entry)


@tight
def forget(seen: Seen, row: int) -> None:
    """The user in `row` is gone."""
    entry = seen.latest[row]
    while entry >= 0:
        following = seen.earlier[entry]
        remove(seen.keys, seen.rows, _pair(seen.user[entry], seen.item[entry]))
        seen.item[entry] = 0
        seen.earlier[entry] = seen.counters[FREED]
        seen.counters[FREED] = entry
        entry = following
    seen.latest[row] = -1


@tight
def forbid(seen: Seen, m: Model, s: Scratch, user: Hash) -> None:
    """Candidates that the user already had cannot be shown."""
    if seen.counters[PAIRS] == 0:
        return
    for c in range(s.counts[LINKED]):
        if contains(seen, user, m.item[s.item[c]]):
            s.barred[c] = IMPOSSIBLE
    for q in range(SIZE):
        if m.pool.item[q] >= 0 and contains(seen, user, m.item[m.pool.item[q]]):
            s.pool_barred[q] = IMPOSSIBLE
