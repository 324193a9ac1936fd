"""Room for more items in a worker's model, which takes no memory before an item moves in.

The trainer's model clears its spare rows as it grows (`model.grow`); here they are left alone until a sync
brings items for them.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamproc.engine import model
from streamproc.engine.model import Model
from streamproc_models.arrays import stretched


def stretch(m: Model, unused: Model, items: int) -> Model:
    """The same model with room for `items` rows; those behind the present ones still have to be cleared.

    `unused`: a model of one row, which tells which arrays have a row per item.
    """
    grown: Model = _stretched(m, unused, model.capacity(m), items)
    size = model.table_size(items)
    grown = grown._replace(keys=np.zeros(size, np.uint64), rows=np.zeros(size, np.int32))
    model.rehash(grown)
    return grown


def clear(m: Model, unused: Model, start: int, stop: int) -> None:
    """Rows start..stop-1 are as rows are that nobody has used."""
    _clear(m, unused, model.capacity(m), slice(start, stop))


def _stretched(part: Any, unused: Any, rows: int, items: int) -> Any:
    if isinstance(part, tuple):
        return part._make(  # type: ignore[attr-defined]
            _stretched(one, other, rows, items) for one, other in zip(part, unused, strict=True)
        )
    return stretched(part, items, rows) if _is_per_item(part, unused, rows) else part


def _clear(part: Any, unused: Any, rows: int, these: slice) -> None:
    if isinstance(part, tuple):
        for one, other in zip(part, unused, strict=True):
            _clear(one, other, rows, these)
    elif _is_per_item(part, unused, rows):
        part[these] = unused


def _is_per_item(array: NDArray[Any], unused: NDArray[Any], rows: int) -> bool:
    return len(array) == rows and len(unused) == 1
