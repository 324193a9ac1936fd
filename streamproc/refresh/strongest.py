"""The few largest entries of each row of a matrix over items, without ever holding the whole matrix."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from streamproc_models.arrays import F32, I32
from streamproc_models.kernel import kernel
from streamproc_models.slots import FREE

BLOCK_ENTRIES = 8_000_000  # of the dense matrix at a time, 32 MB


class Neighbours(NamedTuple):
    """A sparse matrix over items: the strongest entries above 0 of each row, off the diagonal."""

    names: I32  # (items, slots), columns, strongest first; FREE where none
    weights: F32  # (items, slots), descending; 0 where free


def strongest(block: Callable[[slice], F32], items: int, slots: int) -> Neighbours:
    """The strongest `slots` entries of each row of the matrix whose rows `block` gives, (rows, items)."""
    kept = Neighbours(np.full((items, slots), FREE, np.int32), np.zeros((items, slots), np.float32))
    step = max(1, BLOCK_ENTRIES // items)
    for first in range(0, items, step):
        keep_strongest(block(slice(first, first + step)), first, kept.names, kept.weights)
    return kept


@kernel
def keep_strongest(block: F32, first: int, names: I32, weights: F32) -> None:
    """Fills the rows of `names` and `weights` from `first` on with what `block` (rows, items) holds.

    The entry in column first + row, the diagonal, is left out. Of equals the first column wins.
    """
    for row in range(block.shape[0]):
        columns, kept = names[first + row], weights[first + row]  # (slots,), views
        filled = 0
        for column in range(block.shape[1]):
            entry = block[row, column]
            floor = kept[filled - 1] if filled == kept.size else np.float32(0.0)
            if entry > floor and column != first + row:
                filled = min(filled + 1, kept.size)
                _insert(columns, kept, filled, column, entry)


@kernel
def _insert(columns: I32, kept: F32, filled: int, column: int, entry: float) -> None:
    """Into its place among the first `filled`, of which the last is free or gives way."""
    place = filled - 1
    while place > 0 and kept[place - 1] < entry:
        columns[place] = columns[place - 1]
        kept[place] = kept[place - 1]
        place -= 1
    columns[place] = column
    kept[place] = entry
