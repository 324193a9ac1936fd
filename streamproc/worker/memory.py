"""How much memory a worker's arrays take, per user and per item."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamproc.engine.model import capacity
from streamproc.engine.view import ModelView
from streamproc.engine.window_arrays import PER_PAGE
from streamproc.engine.windows import Windows


class Memory(NamedTuple):
    """Bytes of arrays, those not used yet included; how many rows they are for; bytes of one user or item."""

    bytes: int
    rows: int
    each: float


def of_users(windows: Windows) -> Memory:
    """The users of one partition, with ids and what was seen; each takes a row, and pages for the window."""
    w = windows.arrays
    whole = _total(w, windows.names, windows.seen)
    arena = _total(*(getattr(w, name) for name in PER_PAGE))
    of_pages = arena / len(w.items) * windows.pages / max(windows.count, 1)
    return Memory(whole, windows.rows, (whole - arena) / windows.rows + of_pages)


def of_items(view: ModelView) -> Memory:
    """The model, ids included. What does not grow with the catalogue is in it, too."""
    whole, rows = _total(view.model, view.names, view.scratch.stamp), capacity(view.model)
    return Memory(whole, rows, whole / rows)


def _total(*parts: Any) -> int:
    return sum(array.nbytes for part in parts for array in _arrays(part))


def _arrays(part: Any) -> Iterator[NDArray[Any]]:
    if isinstance(part, np.ndarray):
        yield part
    elif isinstance(part, tuple):
        for field in part:
            yield from _arrays(field)
