"""What everybody takes lately: decayed counts at three half-lives, and how new an item is.

A count is kept as of the item's last event: n <- n 2^-(t - last)/h + w, so that items nobody touches
cost nothing; t counts events. `describe` turns counts into the fusion's features.
"""

from typing import NamedTuple

import numpy as np

from streamproc_models.arrays import F32, F64, I32, I64
from streamproc_models.kernel import kernel, tight
from streamproc_models.vector import exp_into, log_into

HALF_LIVES = 3
SHORT, MEDIUM, LONG, AGE, RARITY = 0, 1, 2, 3, 4  # columns of the features
LAST, FIRST, BIAS = (
    5,
    6,
    7,
)  # for the ranking, so that an item's small things lie in one place: bits of events
COLUMNS = 8  # half a cache line
_AROUND = 0x3FFFFFFF  # event numbers in the features go round, as bits of finite numbers
_LN2 = 0.6931471805599453
_RESOLUTION = 1e5  # a share of 1e-5 reads as ln 2
_BLOCK = 1024
_RARE, _FLOOR = np.float32(1e-3), np.float32(1e-4)  # rarity = 1e-3 / (share + 1e-4)


class Popularity(NamedTuple):
    """The head's whole state. Strangers count zero."""

    counts: F32  # (items, 3), decayed as of `last`
    last: I64  # (items,), number of the item's newest event; -1 where none
    first: I64  # (items,), number of the item's first event; -1 where none
    totals: F64  # (3,), decayed count of all events, as of now
    rates: F64  # (3,), ln 2 / half-life, per event
    keeps: F64  # (3,), what an event leaves of the count before it, exp(-rate)


def empty(items: int, half_lives: tuple[float, ...]) -> Popularity:
    """A head that has seen nothing; `half_lives` in events."""
    return Popularity(
        np.zeros((items, HALF_LIVES), np.float32),
        np.full(items, -1, np.int64),
        np.full(items, -1, np.int64),
        np.zeros(HALF_LIVES),
        _LN2 / np.asarray(half_lives, np.float64),
        np.exp(-_LN2 / np.asarray(half_lives, np.float64)),
    )


@tight
def learn(head: Popularity, item: int, event: int, weight: float) -> None:
    """Event number `event` was one of `item`, with a strength of `weight`."""
    gap = event - head.last[item] if head.last[item] >= 0 else 0
    for h in range(HALF_LIVES):
        head.counts[item, h] = head.counts[item, h] * np.exp(-head.rates[h] * gap) + weight
        head.totals[h] = head.totals[h] * head.keeps[h] + weight
    head.last[item] = event
    if head.first[item] < 0:
        head.first[item] = event


@tight
def event_bits(event: int) -> np.float32:
    """The number of an event as a column of the features holds it."""
    return np.int32(event & _AROUND).view(np.float32)


@tight
def since(event: int, bits: np.float32) -> np.float32:
    """1 + events from the one that `event_bits` gave to number `event`."""
    return np.float32(((event - np.float32(bits).view(np.int32)) & _AROUND) + 1)


@tight
def describe_one(head: Popularity, item: int, event: int, features: F32) -> None:
    """The features (8,) of an item at number `event`: ln(1 + 1e5 share) per half-life, ln age / 3, rarity.

    Its newest and its first event go along; its bias is not touched.
    """
    gap = event - head.last[item]
    for h in range(HALF_LIVES):
        left = np.exp(-head.rates[h] * gap) if gap > 0 else 1.0
        share = head.counts[item, h] * left / (head.totals[h] + 1e-9)
        features[h] = np.log(1.0 + _RESOLUTION * share)
        if h == LONG:
            features[RARITY] = _RARE / (np.float32(share) + _FLOOR)
    features[AGE] = np.log(1.0 + event - head.first[item]) / 3.0
    features[LAST], features[FIRST] = event_bits(head.last[item]), event_bits(head.first[item])


@kernel
def describe(
    head: Popularity, event: int, first: int, stop: int, features: F32,
    x: F32, x_bits: I32, y: F32, y_bits: I32,
) -> None:  # fmt: skip
    """`describe_one` for rows first..stop of `features` (items, 8), by SIMD; x, y: scratch of >= 1,024."""
    decayed = np.empty(_BLOCK, np.float32)
    for start in range(first, stop, _BLOCK):
        n = min(_BLOCK, stop - start)
        last, born = head.last[start : start + n], head.first[start : start + n]
        counts, out = head.counts[start : start + n], features[start : start + n]
        for h in range(HALF_LIVES):
            rate = np.float32(-head.rates[h])
            for c in range(n):
                x[c] = rate * np.float32(event - last[c])
            exp_into(decayed, x, 0.0, y, y_bits, n)
            scale = np.float32(_RESOLUTION / (head.totals[h] + 1e-9))
            for c in range(n):
                x[c] = np.float32(1.0) + scale * decayed[c] * counts[c, h]
            log_into(decayed, x, x_bits, y, y_bits, n)
            for c in range(n):
                out[c, h] = decayed[c]
            if h == LONG:
                for c in range(n):
                    share = (x[c] - np.float32(1.0)) * np.float32(1.0 / _RESOLUTION)
                    out[c, RARITY] = _RARE / (share + _FLOOR)
        for c in range(n):
            x[c] = np.float32(1 + event - born[c])
        log_into(decayed, x, x_bits, y, y_bits, n)
        for c in range(n):
            out[c, AGE] = decayed[c] * np.float32(1.0 / 3.0)
            out[c, LAST], out[c, FIRST] = event_bits(last[c]), event_bits(born[c])
