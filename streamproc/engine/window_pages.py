"""The compiled rings of windows: an entry in, old ones out, everything newest first.

A user's pages are chained in a circle: from the newest entry back to the first place of its page, on in the
page before, ..., and in the end to those places of the first page that have not been written over yet.
"""

import numpy as np

from streamproc.engine.window_arrays import (
    FREE_PAGE,
    FREE_PAGES,
    LENGTH,
    MAX_AGE,
    NONE,
    PAGE,
    PAGES,
    SHORT_TERM,
    Windows,
)
from streamproc_models.arrays import I32, I64, U64, Hash
from streamproc_models.hashing import find
from streamproc_models.kernel import inlined, tight

NEGATIVE, SESSION_START = np.uint8(64), np.uint8(128)  # marks beside the event type (6 bits)
_MS = 1000


@tight
def insert(w: Windows, row: int, item: Hash, time: int, flag: np.uint8) -> None:
    """Puts the entry where its time (ms) belongs; at equal seconds the later arrival is the newer one."""
    second = np.uint32(max(time, 0) // _MS)
    length = w.length[row]
    if length >= w.bounds[LENGTH] and w.times[w.page[row], w.place[row]] > second:
        page, place = back(w.older, w.page[row], w.place[row], w.bounds[LENGTH] - 1)
        if w.times[page, place] > second:
            return  # older than a whole full window
    grow(w, row)
    page, place = w.page[row], w.place[row]
    for _ in range(min(length, w.bounds[LENGTH] - 1)):
        source, at = back(w.older, page, place, 1)
        if w.times[source, at] <= second:
            break
        w.items[page, place] = w.items[source, at]
        w.times[page, place] = w.times[source, at]
        w.flags[page, place] = w.flags[source, at]
        page, place = source, at
    w.items[page, place] = item
    w.times[page, place] = second
    w.flags[page, place] = flag
    w.newest[row] = max(w.newest[row], time)
    _trim(w, row)


@inlined
def grow(w: Windows, row: int) -> None:
    """One more entry, the newest, whose place is to be written; room for a page must have been reserved."""
    length = w.length[row]
    if length % PAGE == 0 and length < w.bounds[LENGTH]:
        _make_room(w, row, length)
    if w.place[row] == PAGE - 1:
        w.page[row], _ = _oldest(w.older, w.page[row])
        w.place[row] = 0
    else:
        w.place[row] += 1
    w.length[row] = min(length + 1, w.bounds[LENGTH])


@tight
def _make_room(w: Windows, row: int, length: int) -> None:
    """A further page if all are full; it takes over the oldest entries where they share the newest page."""
    newest = w.page[row]
    if newest == NONE:
        page = _take(w)
        w.page[row], w.older[page] = page, page
        return
    oldest, held = _oldest(w.older, newest)
    if length < held * PAGE:
        return
    page = _take(w)
    w.older[oldest], w.older[page] = page, newest
    for place in range(w.place[row] + 1, PAGE):
        w.items[page, place] = w.items[newest, place]
        w.times[page, place] = w.times[newest, place]
        w.flags[page, place] = w.flags[newest, place]


@tight
def _oldest(older: I32, newest: int) -> tuple[int, int]:
    """The last page before the circle is closed, and the number of pages."""
    page, held = newest, 1
    while older[page] != newest:
        page = older[page]
        held += 1
    return page, held


@tight
def _take(w: Windows) -> int:
    page = w.counters[FREE_PAGE]
    if page == NONE:
        page = w.counters[PAGES]
        w.counters[PAGES] += 1
    else:
        w.counters[FREE_PAGE] = w.older[page]
        w.counters[FREE_PAGES] -= 1
    return int(page)


@tight
def release(w: Windows, row: int) -> None:
    """The user's pages are free for others."""
    newest = w.page[row]
    if newest == NONE:
        return
    oldest, held = _oldest(w.older, newest)
    w.older[oldest] = w.counters[FREE_PAGE]
    w.counters[FREE_PAGE] = newest
    w.counters[FREE_PAGES] += held
    w.page[row] = NONE


@tight
def back(older: I32, page: int, place: int, steps: int) -> tuple[int, int]:
    """Page and place of the entry so many steps before."""
    place -= steps
    while place < 0:
        page = older[page]
        place += PAGE
    return page, place


@inlined
def _trim(w: Windows, row: int) -> None:
    """Drops what is older than the window's age, counted back from the user's newest event."""
    oldest = (w.newest[row] - w.bounds[MAX_AGE]) // _MS
    while w.length[row] > 1:
        page, place = back(w.older, w.page[row], w.place[row], w.length[row] - 1)
        if np.int64(w.times[page, place]) >= oldest:
            return
        w.length[row] -= 1


@tight
def newest_first(
    w: Windows, row: int, most: int, keys: U64, rows: I32, out: I32, times: I64, sessions: I32, disliked: I32
) -> tuple[int, int]:
    """The newest `most` liked entries of the window, and what was disliked among its newest SHORT_TERM.

    `out`, `times`, `sessions` (RING,): item row, event time (s), sessions before that of the newest entry;
    `disliked` (SHORT_TERM,): item rows. All newest first. `keys`, `rows` is the items' hash table; items it
    does not know are left out, but may have begun a session. Returns both counts.
    """
    liked, against, session, short = 0, 0, 0, SHORT_TERM
    left, page, place = w.length[row], w.page[row], w.place[row]
    while left > 0:
        items, seconds, flags = w.items[page], w.times[page], w.flags[page]  # (PAGE,), views
        stop = max(place - left, -1)
        for at in range(place, stop, -1):
            flag, item = flags[at], find(keys, rows, items[at])
            if item >= 0:
                if not flag & NEGATIVE:
                    out[liked], times[liked], sessions[liked] = item, seconds[at], session
                    liked += 1
                    if liked == most:
                        return liked, against
                elif place - at < short:
                    disliked[against] = item
                    against += 1
            if flag & SESSION_START:
                session += 1
        left -= place - stop
        short -= place - stop
        page, place = w.older[page], PAGE - 1
    return liked, against
