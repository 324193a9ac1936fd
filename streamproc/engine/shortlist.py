"""Retrieval before ranking: of the candidates that only votes link to a window, those with the most votes.

Describing a candidate reads places all over memory; its votes are at hand already. So the window's own
items and the followers of the last one stay, and of all others the `most` with the largest sum of shares:
of the votes of co-visitation, of the session and at two steps, and of what the generation scores above 0. A
target that falls out is a miss like any other. Of equal ones the first stay.
"""

import numpy as np

from streamproc.engine.scratch import BASE, BEYOND, FOLLOWERS, LINKED, MATES, NEAR, Scratch
from streamproc_models.arrays import F32, I32
from streamproc_models.kernel import tight

_LARGEST = np.int32(0x41000000)  # bits of 8.0, more than all shares together
_FINE = np.int32(1 << 12)  # bits of a share that do not count: 1 in 2,000
_ONE = np.float32(1.0)
_NOTHING = np.float32(1e-9)


@tight
def shorten(s: Scratch, places: I32, most: int, lasting: bool) -> None:
    """Leaves at most `most` candidates behind the followers; `places` says where in the pool an item is."""
    first, n = s.counts[FOLLOWERS], s.counts[LINKED]
    if n - first <= most:
        return
    _judge(s, first, n, lasting)
    low, high, above = _cut(s.x_bits[first:n], most)
    if lasting:
        _hand_to_pool(s, places, first, n)
    kept = _stay(s, first, n, low, high, most - above)
    _close_ranks(s, first, kept)
    for votes in (s.near, s.raw, s.mates, s.beyond):
        _wipe(votes[first + kept : n])
    if lasting:
        _keep(s.lasting, s, first, kept, n)
        _keep(s.lasting_near, s, first, kept, n)
    s.counts[LINKED] = first + kept


@tight
def _judge(s: Scratch, first: int, n: int, lasting: bool) -> None:
    a, b, c = _ONE / s.totals[NEAR], _ONE / s.totals[MATES], _ONE / s.totals[BEYOND]
    for k in range(first, n):
        s.x[k] = a * s.near[k] + b * s.mates[k] + c * s.beyond[k]
    if lasting:
        total = _NOTHING
        for k in range(n):
            total += max(s.lasting[k], np.float32(0))
        d = _ONE / total
        for k in range(first, n):
            s.x[k] += d * max(s.lasting[k], np.float32(0))


@tight
def _cut(bits: I32, most: int) -> tuple[np.int32, np.int32, int]:
    """Bits between which the cut lies, and how many are above it: floats are ordered as their bits are."""
    one, none = np.float32(1), np.float32(0)
    low, high, above = np.int32(0), _LARGEST, none
    while high - low > _FINE:
        part = np.int32(np.int32(high - low) >> 2)
        a, b = np.int32(low + part), np.int32(high - part)
        middle = np.int32(a + np.int32(b - a) // np.int32(2))
        over_a, over_middle, over_b = none, none, none  # floats, since SIMD counts no whole numbers
        for k in range(bits.size):
            over_a += one if bits[k] >= a else none
            over_middle += one if bits[k] >= middle else none
            over_b += one if bits[k] >= b else none
        if over_b > most:
            low = b
        elif over_middle > most:
            low, high, above = middle, b, over_b
        elif over_a > most:
            low, high, above = a, middle, over_middle
        else:
            high, above = a, over_a
    return low, high, int(above)


@tight
def _hand_to_pool(s: Scratch, places: I32, first: int, n: int) -> None:
    """Who falls out may still be in the pool; for who stays, nobody reads it."""
    for k in range(first, n):
        s.pool_lasting[places[s.item[k]]] = s.lasting[k]
        s.pool_lasting_near[places[s.item[k]]] = s.lasting_near[k]


@tight
def _stay(s: Scratch, first: int, n: int, low: np.int32, high: np.int32, level: int) -> int:
    """Who is above the cut, and the first `level` of those on it: their numbers so far in `s.picked`."""
    none, bits, kept, left = s.stamps[BASE] - 1, s.x_bits, 0, level
    for k in range(first, n):
        number = np.uint32(k)
        above, on = bits[number] >= high, bits[number] >= low
        s.stamp[np.uint32(s.item[number])] = none
        s.picked[np.uint32(kept)] = k
        kept += int(above or (on and left > 0))
        left -= int(on and not above)
    return kept


@tight
def _close_ranks(s: Scratch, first: int, kept: int) -> None:
    """Gives those who stay the numbers from `first` on, in the order that they have."""
    base = s.stamps[BASE]
    for k in range(kept):
        old, new = np.uint32(s.picked[k]), np.uint32(first + k)
        row = s.item[old]
        s.item[new] = row
        s.stamp[np.uint32(row)] = base + first + k
        s.near[new], s.raw[new] = s.near[old], s.raw[old]
        s.mates[new], s.beyond[new] = s.mates[old], s.beyond[old]


@tight
def _keep(votes: F32, s: Scratch, first: int, kept: int, n: int) -> None:
    """The same for one more kind of votes; none stay behind."""
    for k in range(kept):
        votes[np.uint32(first + k)] = votes[np.uint32(s.picked[k])]
    _wipe(votes[first + kept : n])


@tight
def _wipe(votes: F32) -> None:
    for k in range(votes.size):
        votes[k] = 0.0
