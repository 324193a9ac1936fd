"""The best k of all candidates, in order."""

import numpy as np

from streamproc.engine import pool
from streamproc.engine.model import Model
from streamproc.engine.ranking import IMPOSSIBLE_BELOW, Slate
from streamproc.engine.scratch import LINKED, Scratch
from streamproc_models.arrays import F32, I32, Real
from streamproc_models.kernel import tight

LANES = 32  # parts of the candidates, of each of which the best one is known; they divide the pool


@tight
def choose(m: Model, s: Scratch, slate: Slate) -> int:
    """Fills `slate` with the best candidates, equal ones in the candidates' order; returns how many."""
    n, k = s.counts[LINKED], 0
    least = max(_least(s, n, slate.items.size), IMPOSSIBLE_BELOW)
    for p in range(_reach(s.scores, n, least, s.picked)):
        k = _insert(slate, k, s.scores[s.picked[p]], s.picked[p])
    for p in range(_reach(s.pool_scores, pool.SIZE, least, s.picked)):
        k = _insert(slate, k, s.pool_scores[s.picked[p]], n + s.picked[p])
    for p in range(k):
        number = slate.numbers[p]
        slate.items[p] = s.item[number] if number < n else m.pool.item[number - n]
    return k


@tight
def _least(s: Scratch, n: int, size: int) -> np.float32:
    """What the best `size` candidates score at least: so many of LANES parts hold one that does.

    To sort only those who reach it is faster than to ask each one in turn; for more than LANES, all do.
    """
    if size > LANES:
        return IMPOSSIBLE_BELOW
    tops = s.x[:LANES]
    for lane in range(LANES):
        tops[lane] = s.pool_scores[lane]
    for first in range(LANES, pool.SIZE, LANES):
        _raise(tops, s.pool_scores[first : first + LANES])
    whole = n - n % LANES
    for first in range(0, whole, LANES):
        _raise(tops, s.scores[first : first + LANES])
    for c in range(whole, n):
        tops[c - whole] = max(tops[c - whole], s.scores[c])
    return _largest(tops, size, s.y[:LANES])


@tight
def _raise(tops: F32, scores: F32) -> None:
    for lane in range(LANES):  # compared and chosen, since a chain of max() is not SIMD
        tops[lane] = scores[lane] if scores[lane] > tops[lane] else tops[lane]


@tight
def _largest(values: F32, number: int, better: F32) -> np.float32:
    """The so many-th largest: the least of those to whom fewer are superior; `better` is scratch."""
    for lane in range(LANES):
        better[lane] = 0.0
    for other in range(LANES):
        value = values[other]
        for lane in range(LANES):
            better[lane] += np.float32(1) if value > values[lane] else np.float32(0)
    found, among = np.float32(np.inf), np.float32(number)
    for lane in range(LANES):
        lowest = values[lane] if values[lane] < found else found
        found = lowest if better[lane] < among else found
    return found


@tight
def _reach(scores: F32, n: int, least: Real, picked: I32) -> int:
    """Numbers of those who score at least that, in their order in `picked`; returns how many."""
    count = 0
    for c in range(n):
        picked[np.uint32(count)] = c
        count += int(scores[np.uint32(c)] >= least)
    return count


@tight
def _insert(slate: Slate, k: int, value: Real, number: int) -> int:
    size = slate.items.size
    if k == size and value <= slate.scores[size - 1]:
        return k
    p = k if k < size else size - 1
    while p > 0 and slate.scores[p - 1] < value:
        slate.scores[p] = slate.scores[p - 1]
        slate.numbers[p] = slate.numbers[p - 1]
        p -= 1
    slate.scores[p] = value
    slate.numbers[p] = number
    return min(k + 1, size)
