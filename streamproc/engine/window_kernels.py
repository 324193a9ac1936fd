"""The compiled half of the users' states: one arriving event at a time, no object per event.

Everything of a user sits in one row of flat arrays. A window is a ring, newest entry last written;
rows are chained from the quietest to the most recently active user, so that forgetting the coldest
is one step and depends on nothing but the order of the partition's accepted events.
"""

from typing import NamedTuple

import numpy as np

from streamproc_models.arrays import F32, I16, I32, I64, U8, U32, U64, Hash
from streamproc_models.hashing import find, put, remove
from streamproc_models.kernel import tight

NONE = -1
ACCEPTED, DUPLICATE, LATE, IGNORED = 0, 1, 2, 3
NEGATIVE, SESSION_START = np.uint8(64), np.uint8(128)  # marks beside the event type (6 bits)
KIND = np.uint8(63)
USERS, COLDEST, HOTTEST, FREED, EVICTED, LIMIT = 0, 1, 2, 3, 4, 5  # places in `counters`
MAX_AGE, SESSION_GAP, LATE_ALLOWANCE, LENGTH = 0, 1, 2, 3  # places in `bounds`: three in ms, entries
_MS = 1000


class Windows(NamedTuple):
    """The states of the users of one partition, row = user."""

    keys: U64  # (table,) hash table: user -> row
    rows: I32  # (table,)
    user: U64  # (users,) hash of the id; 0 where the row is free
    newest: I64  # (users,) event time of the newest event, ms
    offset: I64  # (users,) source offset of the last accepted event
    source: U64  # (users,) source of the last sequenced event id
    sequence: I64  # (users,) newest number of that source
    session: U64  # (users,) hash of the current session id; 0 where none was given
    length: I32  # (users,) entries in the window
    written: I32  # (users,) entries ever written; the newest is at (written - 1) % L
    known: I32  # (users,) event ids ever remembered
    items: U64  # (users, L) ring of item hashes
    times: U32  # (users, L) ring of event times, s
    flags: U8  # (users, L) ring of event types and marks
    ids: U64  # (users, E) ring of event id hashes
    hidden: I16  # (users, H) recurrent state before the newest item, in 1/32767
    colder: I32  # (users,) chain by activity
    hotter: I32  # (users,)
    counters: I64  # (6,)
    bounds: I64  # (4,)


@tight
def accept(
    w: Windows, user: Hash, item: Hash, time: int, kind: int, negative: bool, ignored: bool,
    key: Hash, sequence: int, session: Hash, offset: int, decide: bool,
) -> tuple[int, int, bool]:  # fmt: skip
    """Outcome of one event, user's row, whether the user is new. Only an accepted one changes anything."""
    row = find(w.keys, w.rows, user)
    if decide:
        outcome = _judge(w, row, time, ignored, key, sequence)
        if outcome != ACCEPTED:
            return outcome, row, False
    fresh = row < 0
    if fresh:
        row = enter(w, user)
    _identify(w, row, key, sequence)
    _place(w, row, item, time, _flag(w, row, time, kind, negative, session))
    w.offset[row] = offset
    _touch(w, row)
    return ACCEPTED, row, fresh


@tight
def _judge(w: Windows, row: int, time: int, ignored: bool, key: Hash, sequence: int) -> int:
    if ignored:
        return IGNORED
    if row < 0:
        return ACCEPTED
    if sequence >= 0:
        if w.source[row] == key and sequence <= w.sequence[row]:
            return DUPLICATE
    elif _remembered(w.ids[row], key, w.known[row]):
        return DUPLICATE
    return LATE if time < w.newest[row] - w.bounds[LATE_ALLOWANCE] else ACCEPTED


@tight
def _remembered(ids: U64, key: Hash, known: int) -> bool:
    for place in range(min(known, ids.size)):
        if ids[place] == key:
            return True
    return False


@tight
def _identify(w: Windows, row: int, key: Hash, sequence: int) -> None:
    if sequence >= 0:
        w.source[row] = key
        w.sequence[row] = sequence
    else:
        w.ids[row, w.known[row] % w.ids.shape[1]] = key
        w.known[row] += 1


@tight
def _flag(w: Windows, row: int, time: int, kind: int, negative: bool, session: Hash) -> np.uint8:
    """The entry's mark; an event that is newest may open a session, by its id or after a gap."""
    flag = np.uint8(kind) & KIND
    if negative:
        flag |= NEGATIVE
    if w.length[row] == 0:
        w.session[row] = session
        return flag | SESSION_START
    if opens_session(w, row, time, session):
        flag |= SESSION_START
    if time >= w.newest[row] and session != 0:
        w.session[row] = session
    return flag


@tight
def opens_session(w: Windows, row: int, time: int, session: Hash) -> bool:
    """Whether an event of a user with a window would be the first of a session."""
    other = session != 0 and session != w.session[row]
    return bool(time >= w.newest[row] and (other or time - w.newest[row] > w.bounds[SESSION_GAP]))


@tight
def _place(w: Windows, row: int, item: Hash, time: int, flag: np.uint8) -> None:
    """Puts the entry where its time belongs; at equal seconds the later arrival is the newer one."""
    mask = w.items.shape[1] - 1
    second = np.uint32(max(time, 0) // _MS)
    length = w.length[row]
    at = w.written[row]
    moved = 0
    while moved < length and w.times[row, (at - 1) & mask] > second:
        moved += 1
        at -= 1
    if moved >= w.bounds[LENGTH]:
        return  # older than a whole full window
    for place in range(w.written[row], at, -1):
        _copy_entry(w, row, (place - 1) & mask, place & mask)
    _write_entry(w, row, at & mask, item, second, flag)
    w.written[row] += 1
    w.length[row] = min(length + 1, w.bounds[LENGTH])
    w.newest[row] = max(w.newest[row], time)
    _trim(w, row)


@tight
def _copy_entry(w: Windows, row: int, source: int, target: int) -> None:
    w.items[row, target] = w.items[row, source]
    w.times[row, target] = w.times[row, source]
    w.flags[row, target] = w.flags[row, source]


@tight
def _write_entry(w: Windows, row: int, at: int, item: Hash, second: np.uint32, flag: np.uint8) -> None:
    w.items[row, at] = item
    w.times[row, at] = second
    w.flags[row, at] = flag


@tight
def _trim(w: Windows, row: int) -> None:
    """Drops what is older than the window's age, counted back from the user's newest event."""
    mask = w.items.shape[1] - 1
    oldest = (w.newest[row] - w.bounds[MAX_AGE]) // _MS
    while w.length[row] > 1:
        place = (w.written[row] - w.length[row]) & mask
        if np.int64(w.times[row, place]) >= oldest:
            return
        w.length[row] -= 1


@tight
def enter(w: Windows, user: Hash) -> int:
    """A row for a new user; at the bound the coldest user makes room."""
    if w.counters[USERS] >= w.counters[LIMIT]:
        drop(w, w.counters[COLDEST])
        w.counters[EVICTED] += 1
    if w.counters[FREED] != NONE:
        row = w.counters[FREED]
        w.counters[FREED] = w.colder[row]
    else:
        row = w.counters[USERS]
    w.counters[USERS] += 1
    put(w.keys, w.rows, user, row)
    _clear(w, row, user)
    _append(w, row)
    return int(row)


@tight
def _clear(w: Windows, row: int, user: Hash) -> None:
    w.user[row] = user
    w.newest[row] = 0
    w.offset[row] = NONE
    w.source[row] = 0
    w.sequence[row] = NONE
    w.session[row] = 0
    w.length[row] = 0
    w.written[row] = 0
    w.known[row] = 0
    for f in range(w.hidden.shape[1]):
        w.hidden[row, f] = 0


@tight
def drop(w: Windows, row: int) -> None:
    """Forgets one user; the row is free for the next newcomer."""
    remove(w.keys, w.rows, w.user[row])
    w.user[row] = 0
    _unlink(w, row)
    w.colder[row] = w.counters[FREED]
    w.counters[FREED] = row
    w.counters[USERS] -= 1


@tight
def _touch(w: Windows, row: int) -> None:
    if w.counters[HOTTEST] != row:
        _unlink(w, row)
        _append(w, row)


@tight
def _append(w: Windows, row: int) -> None:
    last = w.counters[HOTTEST]
    w.colder[row] = last
    w.hotter[row] = NONE
    if last != NONE:
        w.hotter[last] = row
    else:
        w.counters[COLDEST] = row
    w.counters[HOTTEST] = row


@tight
def _unlink(w: Windows, row: int) -> None:
    before, after = w.colder[row], w.hotter[row]
    if before != NONE:
        w.hotter[before] = after
    else:
        w.counters[COLDEST] = after
    if after != NONE:
        w.colder[after] = before
    else:
        w.counters[HOTTEST] = before


@tight
def newest_first(
    w: Windows, row: int, most: int, keys: U64, rows: I32, out: I32, times: I64, sessions: I32, disliked: I32
) -> tuple[int, int]:
    """The window as item rows, newest first, in `out` (L,); items with negative feedback in `disliked` (L,).

    `keys`, `rows` is the items' hash table; items it does not know are left out. Returns both counts.
    """
    mask = w.items.shape[1] - 1
    liked, against, back = 0, 0, 0
    for d in range(min(w.length[row], most)):
        place = (w.written[row] - 1 - d) & mask
        item = find(keys, rows, w.items[row, place])
        flag = w.flags[row, place]
        if item >= 0 and flag & NEGATIVE:
            disliked[against] = item
            against += 1
        elif item >= 0:
            out[liked] = item
            times[liked] = w.times[row, place]
            sessions[liked] = back
            liked += 1
        back += 1 if flag & SESSION_START else 0
    return liked, against


@tight
def load_hidden(w: Windows, row: int, out: F32) -> None:
    """The user's recurrent state (H,) as numbers in [-1, 1]."""
    for f in range(out.size):
        out[f] = np.float32(w.hidden[row, f]) * np.float32(1.0 / 32767.0)


@tight
def store_hidden(w: Windows, row: int, hidden: F32) -> None:
    """Keeps a recurrent state (H,), each value in [-1, 1], to 1.5e-5."""
    for f in range(hidden.size):
        w.hidden[row, f] = np.int16(np.floor(hidden[f] * np.float32(32767.0) + np.float32(0.5)))
