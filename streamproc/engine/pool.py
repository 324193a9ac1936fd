"""The dense pool: the popular and the newest items, scored for every user in straight SIMD loops.

An item in the pool is a candidate for everybody. Its features and vectors lie transposed, one run per
feature, and are renewed every REBUILD events; only items linked to a user's window are gathered one by one.
"""

from typing import NamedTuple

import numpy as np

from streamproc_models.arrays import F32, F64, I32, I64
from streamproc_models.heads.gru import Gru
from streamproc_models.heads.popularity import Popularity, describe_one
from streamproc_models.kernel import kernel, tight

TOP = 64
SIZE = 3 * TOP  # popular lately, popular, newest; a multiple of the SIMD width
NEWEST_AT = 2 * TOP
OUTSIDE = 511  # the place of an item that is not in the pool
WIDTH = 512
REBUILD = 500  # events between two rebuilds
DESCRIBE = 20_000  # items whose features are renewed with each rebuild, in turn; pooled ones always are
IMPOSSIBLE = np.float32(-1e30)
STARTED, NEWCOMERS = 0, 1  # places in `counters`
# Rows of `features`, as the fusion numbers them from POOL_FIRST on; most are filled by each ranking.
LASTING, LASTING_NEAR, LASTING_LOG, LASTING_ROOT, POPULAR, AGE, IDLE, BIAS = 0, 1, 2, 3, 4, 7, 8, 9
TASTE, TASTE_ROOT, RECURRENT, RECURRENT_ROOT, ENCODED, ENCODED_ROOT = 10, 11, 12, 13, 14, 15
FEATURES = 16


class Pool(NamedTuple):
    """Where each pooled item is, and the pooled items' dense features."""

    place: I32  # (items,), 0..191, OUTSIDE where not pooled
    item: I32  # (192,), row; -1 where empty
    bias: F32  # (192,), 0, IMPOSSIBLE where empty
    features: F32  # (16, 192)
    factors: F32  # (d, 192)
    embeddings: F32  # (h, 192)
    embedding_bias: F32  # (192,)
    item_bias: F32  # (512,), the bias head's; what nobody reads goes to OUTSIDE, here and below
    last: I64  # (512,), number of the item's newest event
    first: I64  # (512,), and of its first
    lately: I32  # (64,), most popular at the short half-life
    popular: I32  # (64,), at the medium one
    newest: I32  # (64,), a ring
    counters: I64  # (2,)


def empty(items: int, factors: int, hidden: int) -> Pool:
    """A pool with nobody in it."""
    return Pool(
        np.full(items, OUTSIDE, np.int32),
        np.full(SIZE, -1, np.int32),
        np.full(SIZE, IMPOSSIBLE, np.float32),
        np.zeros((FEATURES, SIZE), np.float32),
        np.zeros((factors, SIZE), np.float32),
        np.zeros((hidden, SIZE), np.float32),
        np.zeros(SIZE, np.float32),
        np.zeros(WIDTH, np.float32),
        np.full(WIDTH, -1, np.int64),
        np.full(WIDTH, -1, np.int64),
        np.full(TOP, -1, np.int32),
        np.full(TOP, -1, np.int32),
        np.full(TOP, -1, np.int32),
        np.zeros(2, np.int64),
    )


@tight
def describe(pool: Pool, popularity: Popularity, event: int, features: F32) -> None:
    """Renews the features (items, 5) of the items that are about to be seated."""
    for q in range(SIZE):
        row = _candidate(pool, q)
        if row >= 0 and popularity.last[row] >= 0:
            describe_one(popularity, row, event, features[row])


@tight
def rebuild(pool: Pool, popularity: Popularity, features: F32, bias: F32, factors: F32, gru: Gru) -> None:
    """Seats the top lists and the newest items, and copies all that is dense."""
    for q in range(SIZE):
        if pool.item[q] >= 0:
            pool.place[pool.item[q]] = OUTSIDE
    for q in range(SIZE):
        row = _candidate(pool, q)
        if row >= 0 and pool.place[row] == OUTSIDE:
            seat(pool, q, row, popularity, features, bias, factors, gru)
        else:
            pool.item[q] = -1
            pool.bias[q] = IMPOSSIBLE


@tight
def _candidate(pool: Pool, q: int) -> int:
    if q < TOP:
        return int(pool.lately[q])
    if q < NEWEST_AT:
        return int(pool.popular[q - TOP])
    return int(pool.newest[q - NEWEST_AT])


@tight
def seat(
    pool: Pool, q: int, row: int, popularity: Popularity, features: F32, bias: F32, factors: F32, gru: Gru
) -> None:
    """Puts item `row` on place q, with its vectors."""
    if pool.item[q] >= 0 and pool.place[pool.item[q]] == q:
        pool.place[pool.item[q]] = OUTSIDE
    pool.item[q] = row
    pool.place[row] = q
    pool.bias[q] = 0.0
    pool.item_bias[q] = bias[row]
    pool.last[q], pool.first[q] = popularity.last[row], popularity.first[row]
    for f in range(AGE - POPULAR + 1):
        pool.features[POPULAR + f, q] = features[row, f]
    for f in range(factors.shape[1]):
        pool.factors[f, q] = factors[row, f]
    seat_embedding(pool, q, row, gru)


@tight
def seat_embedding(pool: Pool, q: int, row: int, gru: Gru) -> None:
    """The recurrent head's side of an item, which changes with each of its steps."""
    for f in range(gru.embeddings.shape[1]):
        pool.embeddings[f, q] = gru.embeddings[row, f]
    pool.embedding_bias[q] = gru.bias[row]


@tight
def renew_embeddings(pool: Pool, gru: Gru) -> None:
    """After a step of the recurrent head."""
    for q in range(SIZE):
        if pool.item[q] >= 0:
            seat_embedding(pool, q, pool.item[q], gru)


@tight
def welcome(
    pool: Pool, row: int, popularity: Popularity, features: F32, bias: F32, factors: F32, gru: Gru
) -> None:
    """A new item takes the place of the oldest of the newest at once."""
    k = pool.counters[NEWCOMERS] % TOP
    pool.counters[NEWCOMERS] += 1
    pool.newest[k] = row
    seat(pool, NEWEST_AT + k, row, popularity, features, bias, factors, gru)


@kernel
def renew_tops(pool: Pool, popularity: Popularity, recent: I32, event: int, items: int) -> None:
    """The two top lists. Decay keeps the order of what was not touched, so after the first time the new
    top is among the old top and the targets since then."""
    first = pool.counters[STARTED] == 0
    _renew_top(pool.lately, popularity, 0, recent, event, items, first)
    _renew_top(pool.popular, popularity, 1, recent, event, items, first)
    pool.counters[STARTED] = 1


@kernel
def _renew_top(
    top: I32, popularity: Popularity, h: int, recent: I32, event: int, items: int, first: bool
) -> None:
    size = items if first else TOP + REBUILD
    rows = np.empty(size, np.int32)
    n = 0
    if first:
        for row in range(items):
            if popularity.last[row] >= 0:
                rows[n] = row
                n += 1
    else:
        n = _contenders(top, popularity.last, recent, event, rows)
    values = np.empty(n, np.float64)
    for c in range(n):
        gap = event - popularity.last[rows[c]]
        values[c] = popularity.counts[rows[c], h] * np.exp(-popularity.rates[h] * gap)
    _take_largest(top, rows, values, n)


@kernel
def _contenders(top: I32, last: I64, recent: I32, event: int, rows: I32) -> int:
    for q in range(TOP):
        rows[q] = top[q]
    for q in range(REBUILD):
        rows[TOP + q] = recent[(event - q) % recent.size]
    rows.sort()
    n = 0
    for c in range(rows.size):
        known = rows[c] >= 0 and last[rows[c]] >= 0  # a target may have been forgotten since
        if known and (n == 0 or rows[c] != rows[n - 1]):
            rows[n] = rows[c]
            n += 1
    return n


@kernel
def _take_largest(top: I32, rows: I32, values: F64, n: int) -> None:
    """Largest first; equal ones by row, so that the order is the same everywhere."""
    order = np.argsort(-values[:n], kind="mergesort")
    for q in range(TOP):
        top[q] = rows[order[q]] if q < n else -1
