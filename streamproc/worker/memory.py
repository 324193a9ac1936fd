"""How much memory a worker's arrays take, per user and per item."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamproc.engine.model import capacity
from streamproc.engine.view import ModelView
from streamproc.engine.windows import Windows


class Memory(NamedTuple):
    """Bytes of arrays, and how many rows they are for."""

    bytes: int
    rows: int

    @property
    def each(self) -> float:
        """Bytes per row."""
        return self.bytes / max(self.rows, 1)


def of_users(windows: Windows) -> Memory:
    """The windows of one partition, with ids and what was seen."""
    return Memory(_total(windows.arrays, windows.names, windows.seen), windows.rows)


def of_items(view: ModelView) -> Memory:
    """The model, ids included. What does not grow with the catalogue is in it, too."""
    return Memory(_total(view.model, view.names, view.scratch.stamp), capacity(view.model))


def _total(*parts: Any) -> int:
    return sum(array.nbytes for part in parts for array in _arrays(part))


def _arrays(part: Any) -> Iterator[NDArray[Any]]:
    if isinstance(part, np.ndarray):
        yield part
    elif isinstance(part, tuple):
        for field in part:
            yield from _arrays(field)
