"""What people take next, right after one item: a first-order Markov chain over items.

Decayed counts in bounded rows. Counts grow instead of decaying (the present weight of one event
doubles every half-life), so a share is count / total of the row and nothing ever has to be swept.
"""

from typing import NamedTuple

import numpy as np

from streamproc_models.arrays import F32, F64, I32
from streamproc_models.slots import FREE


class Markov(NamedTuple):
    """The head's whole state; one row per item of the vocabulary. Strangers have an empty row."""

    neighbours: I32  # (items, slots), row of the item that followed; FREE where none
    weights: F32  # (items, slots), decayed counts
    fill: I32  # (items,), slots in use
    totals: F64  # (items,), sum of each row of weights


def empty(items: int, slots: int) -> Markov:
    """A head that has seen nothing, with room for `items` rows."""
    shape = (items, slots)
    return Markov(
        np.full(shape, FREE, np.int32),
        np.zeros(shape, np.float32),
        np.zeros(items, np.int32),
        np.zeros(items),
    )
