"""What people take near one item: co-visitation counts, recent neighbours weighing more.

For the last items a_0 (newest), a_1, … of a user who now takes i:
    C[a_d, i] += w / (1 + d)        C[i, a_d] += backward * w / (1 + d)
and the score of j is sum_d 1/(1+d) C[a_d, j] / C[a_d, .]  over the sum of the 1/(1+d) used
(item-to-item filtering in the manner of Linden, Smith and York, 2003, with decay and bounded rows).
"""

from typing import NamedTuple

import numpy as np

from streamproc_models.arrays import F32, F64, I32
from streamproc_models.kernel import tight
from streamproc_models.slots import FREE, add_weight


class Covisitation(NamedTuple):
    """The head's whole state; one row per item of the vocabulary. Strangers have an empty row."""

    neighbours: I32  # (items, slots)
    weights: F32  # (items, slots), decayed counts
    fill: I32  # (items,)
    totals: F64  # (items,), sum of each row of weights


def empty(items: int, slots: int) -> Covisitation:
    """A head that has seen nothing, with room for `items` rows."""
    shape = (items, slots)
    return Covisitation(
        np.full(shape, FREE, np.int32),
        np.zeros(shape, np.float32),
        np.zeros(items, np.int32),
        np.zeros(items),
    )


@tight
def learn(head: Covisitation, rows: I32, n: int, item: int, weight: float, backward: float) -> None:
    """`item` came after the `n` newest items `rows` of a window, newest first; `weight` of one event now."""
    for d in range(n):
        before = rows[d]
        share = weight / (1.0 + d)
        add_weight(head.neighbours, head.weights, head.fill, head.totals, before, item, share)
        if before != item:
            add_weight(head.neighbours, head.weights, head.fill, head.totals, item, before, backward * share)
