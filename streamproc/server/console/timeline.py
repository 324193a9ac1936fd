"""A user's window, entry by entry, for people to read."""

from typing import NamedTuple

import numpy as np

from streamproc.engine.window_arrays import PAGE
from streamproc.engine.window_kernels import KIND
from streamproc.engine.window_pages import NEGATIVE, SESSION_START
from streamproc.engine.windows import Windows
from streamproc.server.state import ServerState
from streamproc_models.hashing import find_all


class Entry(NamedTuple):
    """One event of a window."""

    item_id: str  # "" where the model does not know the item (any more)
    at: int  # s since 1970
    kind: str
    disliked: bool
    begins_session: bool


def entries(state: ServerState, windows: Windows, most: int = 50) -> list[Entry]:
    """The newest entries of the user in row 0, the newest first."""
    w = windows.arrays
    page, place, found = int(w.page[0]), int(w.place[0]), []
    for _ in range(min(int(w.length[0]), most)):
        found.append((w.items[page, place], int(w.times[page, place]), int(w.flags[page, place])))
        place -= 1
        if place < 0:
            page, place = int(w.older[page]), PAGE - 1
    hashes = np.array([item for item, _, _ in found], np.uint64)
    rows = np.empty(hashes.size, np.int32)
    find_all(state.view.model.keys, state.view.model.rows, hashes, rows)
    names = [state.asker.names([int(row)])[0] if row >= 0 else "" for row in rows]
    kinds = sorted(state.config.events.types)
    return [
        Entry(name, at, _kind(kinds, flag), bool(flag & NEGATIVE), bool(flag & SESSION_START))
        for name, (_, at, flag) in zip(names, found, strict=True)
    ]


def _kind(kinds: list[str], flag: int) -> str:
    number = flag & int(KIND)
    return kinds[number] if number < len(kinds) else "other"
