"""The best of the candidates: most fall short of a bound that is found without sorting, the rest are counted.

A bound that at least k candidates reach: they are dealt into more than k groups, each group has its best, and
the k-th of these is the bound. Few candidates besides the best k reach it. Each of those comes behind as many
as score more, or the same with a smaller number: its place is a count, which needs no branches.
"""

from typing import NamedTuple

import numpy as np

from streamproc.engine import pool
from streamproc.engine.model import Model
from streamproc.engine.scratch import LINKED, Scratch
from streamproc_models import evaluation, fusion
from streamproc_models.arrays import F32, I32, U8, Real
from streamproc_models.kernel import tight

IMPOSSIBLE_BELOW = np.float32(-1e29)  # what may not be shown scores less
REASONS = 2  # window items named per slate item
LANES = 16  # numbers that SIMD takes at once, at most
MOST_GROUPS = pool.WIDTH - pool.SIZE  # the last round of the pool's scores has room for so many
_ONE, _NONE = np.float32(1), np.float32(0)


class Slate(NamedTuple):
    """The best k of one ranking, best first, what speaks for each, and room (k' >= k) to work that out."""

    items: I32  # (k,), rows
    scores: F32  # (k,)
    numbers: I32  # (k,), the candidate's number, or LINKED + its place in the pool
    sources: U8  # (k,), the head that gave most
    because: I32  # (k, 2), rows of window items; -1 where none
    gate: F32  # (3,), share of short term, long term, popularity
    groups: F32  # (groups,), the best score of each
    given: F32  # (features, k'), of each item; 0 where it has no such feature
    parts: F32  # (models, k'), what each head gives to each item
    strongest: I32  # (k',), the head that gives most


def empty(k: int) -> Slate:
    """Room for k items."""
    return Slate(
        np.zeros(k, np.int32), np.zeros(k, np.float32), np.zeros(k, np.int32), np.zeros(k, np.uint8),
        np.full((k, REASONS), -1, np.int32), np.zeros(3, np.float32),
        np.zeros(min(_lanes(k * 8 // 5), MOST_GROUPS), np.float32),
        np.zeros((fusion.FEATURES, _lanes(k)), np.float32),
        np.zeros((len(evaluation.MODELS), _lanes(k)), np.float32), np.zeros(_lanes(k), np.int32),
    )  # fmt: skip


@tight
def _lanes(size: int) -> int:
    """The next multiple of what SIMD takes at once."""
    return (size + LANES - 1) // LANES * LANES


@tight
def choose(m: Model, s: Scratch, slate: Slate) -> int:
    """Fills `slate` with the best candidates, equal ones in the candidates' order; returns how many."""
    n, size = s.counts[LINKED], slate.items.size
    bound = _bound(s, slate.groups, n, size) if size <= slate.groups.size else IMPOSSIBLE_BELOW
    linked = _pick(s, s.scores, n, bound, 0, 0)
    found = _pick(s, s.pool_scores, pool.SIZE, bound, n, linked)
    whole = _lanes(found)
    for p in range(found, whole):
        s.x[p] = pool.IMPOSSIBLE
    for p in range(found):
        place = _place(s.x, whole, p)
        if place < size:
            slate.scores[place], slate.numbers[place] = s.x[p], s.picked[p]
    k = min(found, size)
    for p in range(k):
        number = slate.numbers[p]
        slate.items[p] = s.item[number] if number < n else m.pool.item[number - n]
    return k


@tight
def _bound(s: Scratch, best: F32, n: int, size: int) -> Real:
    """At least `size` candidates score so much, where so many may be shown; there are as many groups."""
    wanted, bound = np.float32(size), np.float32(1e30)
    for g in range(best.size):
        best[g] = pool.IMPOSSIBLE
    _deal(s.scores, n, best)
    _deal(s.pool_scores, pool.SIZE, best)
    for g in range(best.size):
        value, better = best[g], _NONE
        for h in range(best.size):
            better += _ONE if best[h] > value else _NONE
        bound = value if better < wanted and value < bound else bound
    return max(bound, IMPOSSIBLE_BELOW)


@tight
def _deal(scores: F32, n: int, best: F32) -> None:
    """In turn, one to each group; the last round is filled up with what may not be shown."""
    groups = best.size
    for c in range(n, n + groups):
        scores[c] = pool.IMPOSSIBLE
    for start in range(0, n, groups):
        for g in range(groups):
            value = scores[start + g]
            best[g] = value if value > best[g] else best[g]


@tight
def _pick(s: Scratch, scores: F32, n: int, bound: Real, first: int, found: int) -> int:
    """Those that reach the bound: their numbers, from `first` on, in `s.picked`, their scores in `s.x`."""
    for c in range(n):
        value, place = scores[np.uint32(c)], np.uint32(found)
        s.picked[place] = first + c
        s.x[place] = value
        found += int(value >= bound)
    return found


@tight
def _place(scores: F32, n: int, p: int) -> int:
    value, number, before = scores[p], np.int32(p), _NONE
    for o in range(n):
        ahead = scores[o] > value or (scores[o] == value and np.int32(o) < number)
        before += _ONE if ahead else _NONE
    return int(before)
