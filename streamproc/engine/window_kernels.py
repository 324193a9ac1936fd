"""The compiled half of the users' states: one arriving event at a time, no object per event.

Rows are chained from the quietest to the most recently active user, so that forgetting the coldest
is one step and depends on nothing but the order of the partition's accepted events.
"""

import numpy as np

from streamproc.engine.window_arrays import (
    COLDEST,
    EVICTED,
    FREED,
    HOTTEST,
    LATE_ALLOWANCE,
    LIMIT,
    NONE,
    PAGE,
    SESSION_GAP,
    USERS,
    Windows,
)
from streamproc.engine.window_pages import NEGATIVE, SESSION_START, insert, release
from streamproc_models.arrays import F32, I16, U64, Hash
from streamproc_models.hashing import find, put, remove
from streamproc_models.kernel import tight

FACTOR_UNITS, MOST_UNITS = 4096.0, 32_500.0  # of the users' factors as they are kept
ACCEPTED, DUPLICATE, LATE, IGNORED = 0, 1, 2, 3
KIND = np.uint8(63)  # bits of an entry's flags that are the event type


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
    insert(w, row, item, time, _flag(w, row, time, kind, negative, session))
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
    w.page[row] = NONE
    w.place[row] = PAGE - 1  # so that the first entry takes a page
    w.known[row] = 0
    for f in range(w.vectors.shape[1]):
        w.vectors[row, f] = 0
    if row < w.encoder.size:
        w.encoder[row] = 0


@tight
def drop(w: Windows, row: int) -> None:
    """Forgets one user; the row is free for the next newcomer."""
    remove(w.keys, w.rows, w.user[row])
    w.user[row] = 0
    release(w, row)
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
def load_hidden(w: Windows, row: int, out: F32) -> None:
    """The user's recurrent state (H,) as numbers in [-1, 1]."""
    _unpack_state(w.vectors[row], out)


@tight
def store_hidden(w: Windows, row: int, hidden: F32) -> None:
    """Keeps a recurrent state (H,), each value in [-1, 1], to 1.5e-5."""
    _pack_state(hidden, w.vectors[row])


@tight
def is_encoded(w: Windows, row: int, generation: int) -> bool:
    """Whether the user has a state by the encoder of this generation."""
    return row < w.encoder.size and w.encoder[row] == generation


@tight
def load_encoded(w: Windows, row: int, out: F32) -> None:
    """The user's state by the encoder (E,); `is_encoded` says whether there is one."""
    _unpack_state(w.encoded[row], out)


@tight
def store_encoded(w: Windows, row: int, encoded: F32, generation: int) -> None:
    """Keeps a state (E,) by the encoder of a generation, if there is room for such states."""
    if row < w.encoder.size:
        _pack_state(encoded, w.encoded[row])
        w.encoder[row] = generation


@tight
def _pack_state(state: F32, out: I16) -> None:
    for f in range(state.size):
        out[f] = np.int16(np.floor(state[f] * np.float32(32767.0) + np.float32(0.5)))


@tight
def _unpack_state(packed: I16, out: F32) -> None:
    for f in range(out.size):
        out[f] = np.float32(packed[f]) * np.float32(1.0 / 32767.0)


@tight
def load_factors(w: Windows, row: int, out: F32) -> None:
    """The user's factors (D,)."""
    first = w.vectors.shape[1] - out.size
    for f in range(out.size):
        out[f] = np.float32(w.vectors[row, first + f]) * np.float32(1.0 / FACTOR_UNITS)


@tight
def store_factors(w: Windows, row: int, factors: F32) -> None:
    """Keeps the user's factors (D,), each value in +-7.9, to 1.2e-4."""
    first, most = w.vectors.shape[1] - factors.size, np.float32(MOST_UNITS)
    for f in range(factors.size):
        units = np.floor(factors[f] * np.float32(FACTOR_UNITS) + np.float32(0.5))
        w.vectors[row, first + f] = np.int16(min(max(units, -most), most))
