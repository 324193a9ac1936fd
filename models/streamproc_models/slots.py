"""A bounded row of weighted neighbours: the one data structure behind co-visitation and Markov counts.

A newcomer to a full row takes the place of its lightest neighbour and inherits half its weight, a
softened form of space-saving (Metwally et al., 2005).
"""

import numpy as np

from streamproc_models.arrays import F32, F64, I32, Real
from streamproc_models.kernel import tight

FREE = -1
_INHERITED = np.float32(0.5)


@tight
def add_weight(
    neighbours: I32, weights: F32, fill: I32, totals: F64, row: int, item: int, weight: float
) -> None:
    """Adds `weight` to `item` in row `row` of (items, slots) tables; `fill` and `totals` are kept per row."""
    names, values, n = neighbours[row], weights[row], fill[row]
    slot = _position(names, item)
    if slot >= 0:
        values[slot] += np.float32(weight)
        totals[row] += weight
    elif n < names.size:
        names[n] = item
        values[n] = weight
        fill[row] = n + 1
        totals[row] += weight
    else:
        totals[row] += _displace(names, values, item, np.float32(weight))


@tight
def _position(names: I32, item: int) -> np.int32:
    found, one, wanted = np.int32(0), np.int32(1), np.int32(item)
    for slot in range(names.size):  # no early exit: this way it is one SIMD pass
        found += (np.int32(slot) + one) if names[slot] == wanted else np.int32(0)
    return found - 1


@tight
def _smallest(values: F32) -> float:
    """In four chains, since one chain of comparisons waits for itself."""
    whole = values.size - values.size % 4
    a = b = c = d = values[0]
    for slot in range(0, whole, 4):
        a, b = min(a, values[slot]), min(b, values[slot + 1])
        c, d = min(c, values[slot + 2]), min(d, values[slot + 3])
    for slot in range(whole, values.size):
        a = min(a, values[slot])
    return float(min(min(a, b), min(c, d)))


@tight
def _displace(names: I32, values: F32, item: int, weight: np.float32) -> Real:
    lightest = np.float32(_smallest(values))
    chosen = np.int32(values.size)
    for slot in range(values.size):
        here = np.int32(slot) if values[slot] == lightest else np.int32(values.size)
        chosen = here if here < chosen else chosen
    names[chosen] = item
    values[chosen] = lightest * _INHERITED + weight
    return np.float32(weight - lightest * _INHERITED)


@tight
def forget_items(neighbours: I32, weights: F32, fill: I32, totals: F64, gone: I32, rows: int) -> None:
    """Takes every item with gone[item] != 0 out of all rows, and empties the rows of those items."""
    for row in range(rows):
        kept = 0
        total = 0.0
        for slot in range(fill[row]):
            item = neighbours[row, slot]
            if gone[row] == 0 and gone[item] == 0:
                neighbours[row, kept] = item
                weights[row, kept] = weights[row, slot]
                total += weights[row, slot]
                kept += 1
        if kept < fill[row]:
            neighbours[row, kept:] = FREE
            weights[row, kept:] = 0.0
            fill[row] = kept
            totals[row] = total
