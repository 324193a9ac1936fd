"""How much more, or less, an item is taken than everything else about it says: one number per item.

Learned by the fusion's own loss, for every candidate j of an event that took i:
    g = 1[i = j] - p(j);  a_j += g^2;  b_j += r g / sqrt(a_j)   (Adagrad: Duchi et al., 2011)
where |g| is worth it. It is a feature of the fusion like every other.
"""

from typing import NamedTuple

import numpy as np

from streamproc_models.arrays import F32, I32, Real
from streamproc_models.heads.popularity import BIAS
from streamproc_models.kernel import tight

_START = 1e-2
_WORTH = np.float32(2e-3)
_RATE = np.float32(0.1)


class Bias(NamedTuple):
    """The head's whole state."""

    values: F32  # (items,)
    squares: F32  # (items,), Adagrad's sums


def empty(items: int) -> Bias:
    """A head that has learned nothing."""
    return Bias(np.zeros(items, np.float32), np.full(items, _START, np.float32))


@tight
def forget(head: Bias, row: int) -> None:
    """The row is for another item."""
    head.values[row] = 0.0
    head.squares[row] = _START


@tight
def learn(
    head: Bias, rows: I32, odds: F32, n: int, scale: Real, target: int,
    features: F32, places: I32, pooled: F32, picked: I32,
) -> None:  # fmt: skip
    """The candidates `rows[:n]` (-1: none) had probabilities scale * odds; `target` (-1: none) was taken.

    What changes is written to the features (items, 8) and to pooled[places[row]], too. `picked` (n,) is
    overwritten.
    """
    share, worth = np.float32(scale), 0
    for c in range(n):  # without branches: few are worth a step, and which ones cannot be foreseen
        picked[np.uint32(worth)] = c
        worth += int(share * odds[c] > _WORTH or rows[c] == target)
    for p in range(worth):
        row = rows[picked[p]]
        g = (np.float32(1) if row == target else np.float32(0)) - share * odds[picked[p]]
        if row >= 0 and (g > _WORTH or g < -_WORTH):
            head.squares[row] += g * g
            head.values[row] += _RATE * g / np.sqrt(head.squares[row])
            features[row, BIAS] = head.values[row]
            pooled[places[row]] = head.values[row]
