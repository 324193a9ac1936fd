"""Which items are worth scoring for a window, each numbered once, in this order: its own, what follows the
last one, what goes with the newest, with the session, at two steps; then their long-term neighbours. The
dense pool comes on top."""

import numpy as np

from streamproc.engine import walking
from streamproc.engine.model import LONG, Model
from streamproc.engine.pool import OUTSIDE
from streamproc.engine.reading import Reading
from streamproc.engine.scratch import (
    BASE,
    BEYOND,
    DISLIKED,
    FOLLOWERS,
    FRESH,
    HISTORY,
    IN_SESSION,
    IN_WINDOW,
    LAST_STAMP,
    LIKED,
    LINKED,
    MATES,
    NEAR,
    SESSIONS,
    STAMP_STEP,
    Scratch,
)
from streamproc.engine.walking import FADED, TINY
from streamproc_models.arrays import F32, I32, Real
from streamproc_models.heads import history, session
from streamproc_models.heads.covisitation import Covisitation
from streamproc_models.heads.long_term import LongTerm
from streamproc_models.heads.markov import Markov
from streamproc_models.kernel import inlined, tight

LONG_TERM_CANDIDATES = 8  # strongest long-term neighbours per item of the window


@inlined
def gather(m: Model, s: Scratch, reading: Reading) -> None:
    """Numbers the candidates that `own` has not, and their votes; `s.totals` is what these sum to."""
    _followers(m.markov, s)
    s.counts[LINKED] = s.counts[FOLLOWERS]
    if reading.second_order:
        walking.set_out(m.covisitation, s)
    _neighbours(m.covisitation, s, reading.votes, np.float32(1.0 / m.increments[LONG]))
    _mates(m.session, s)
    s.totals[BEYOND] = TINY
    if reading.second_order:
        walking.walk(m.covisitation, s)
    if m.lasting[0] > 0:
        _lasting(m.long_term, m.pool.place, s, reading)


@tight
def own(s: Scratch) -> None:
    """Begins a ranking of `s.window`: its own items are the first candidates."""
    _new_stamps(s)
    base, n, fresh = s.stamps[BASE], 0, s.moment[FRESH]
    here, sessions = 0, 0
    for d in range(s.counts[HISTORY]):
        row = s.window[d]
        back = s.sessions[d] + fresh
        number = s.stamp[row] - base
        if number < 0:
            s.stamp[row] = base + n
            s.item[n] = row
            history.meet(s.own, n, d, s.times[d], back)
            n += 1
        else:
            history.meet_again(s.own, number, d, s.times[d], back)
        here += 1 if back == 0 else 0
        sessions = back
    s.counts[IN_WINDOW] = n
    s.counts[IN_SESSION] = here
    s.counts[SESSIONS] = sessions + 1


@tight
def _new_stamps(s: Scratch) -> None:
    if s.stamps[BASE] > LAST_STAMP:
        s.stamps[BASE] = 0
        for row in range(s.stamp.size):
            s.stamp[row] = 0
    s.stamps[BASE] += STAMP_STEP


@tight
def in_window(s: Scratch, row: int) -> bool:
    """Whether an item is one of the window's."""
    number = s.stamp[row] - s.stamps[BASE]
    return bool(0 <= number < s.counts[IN_WINDOW])


@tight
def _followers(head: Markov, s: Scratch) -> None:
    base, n = s.stamps[BASE], s.counts[IN_WINDOW]
    for c in range(n + head.neighbours.shape[1]):
        s.after[c] = 0.0
    if s.counts[LIKED] > 0:
        last = s.window[0]
        names, weights = head.neighbours[last], head.weights[last]
        scale = np.float32(1.0) / max(np.float32(head.totals[last]), FADED)
        for slot in range(head.fill[last]):
            row = names[slot]
            number = s.stamp[row] - base
            if number < 0:
                number = n
                s.stamp[row] = base + n
                s.item[n] = row
                n += 1
            s.after[number] = scale * weights[slot]
    s.counts[FOLLOWERS] = n


@tight
def _neighbours(head: Covisitation, s: Scratch, votes: int, one: Real) -> None:
    """Co-visitation shares and counts of the newest items, those of a repeated item merged."""
    n, weight = s.counts[LINKED], TINY
    newest = min(votes, s.counts[LIKED])
    for d in range(newest):
        row = s.window[d]
        if _seen_before(s.window, d):
            continue
        share = np.float32(0.0)
        for e in range(d, newest):
            if s.window[e] == row:
                share += np.float32(1.0) / np.float32(1 + e)
        total = np.float32(head.totals[row])
        if total > FADED:
            weight += share
            scale = share / total
            names, weights = head.neighbours[row], head.weights[row]
            n = _scatter_twice(s, names, weights, head.fill[row], scale, share * one, n)
    s.counts[LINKED] = n
    s.totals[NEAR] = weight


@tight
def _seen_before(window: I32, d: int) -> bool:
    for e in range(d):
        if window[e] == window[d]:
            return True
    return False


@tight
def _scatter_twice(
    s: Scratch, names: I32, weights: F32, fill: int, scale: Real, raw_scale: Real, n: int
) -> int:
    """Without a branch: a stranger's number is simply the next free one."""
    base, stamps, items, near, raw = s.stamps[BASE], s.stamp, s.item, s.near, s.raw
    for slot in range(fill):
        row = np.uint32(names[slot])  # unsigned: a signed index is checked for counting from the end
        number = stamps[row] - base
        stranger = number < 0
        number = n if stranger else number
        place = np.uint32(number)
        stamps[row] = base + number
        items[place] = names[slot]
        near[place] += scale * weights[slot]
        raw[place] += raw_scale * weights[slot]
        n += int(stranger)
    return n


@tight
def _scatter(s: Scratch, names: I32, weights: F32, fill: int, scale: Real, votes: F32, n: int) -> int:
    """The same for one kind of votes."""
    base, stamps, items = s.stamps[BASE], s.stamp, s.item
    for slot in range(fill):
        row = np.uint32(names[slot])
        number = stamps[row] - base
        stranger = number < 0
        number = n if stranger else number
        place = np.uint32(number)
        stamps[row] = base + number
        items[place] = names[slot]
        votes[place] += scale * weights[slot]
        n += int(stranger)
    return n


@tight
def _mates(head: Covisitation, s: Scratch) -> None:
    """Votes of the session so far; at its beginning, of the last item before it."""
    n, weight = s.counts[LINKED], TINY
    voters = min(max(s.counts[IN_SESSION], 1), session.WINDOW, s.counts[LIKED])
    for d in range(voters):
        row = s.window[d]
        total = np.float32(head.totals[row])
        if total > FADED:
            share = session.SHARES[d]
            weight += share
            scale = share / total
            n = _scatter(s, head.neighbours[row], head.weights[row], head.fill[row], scale, s.mates, n)
    s.counts[LINKED] = n
    s.totals[MATES] = weight


@tight
def _lasting(head: LongTerm, places: I32, s: Scratch, reading: Reading) -> None:
    """Long-term scores of all candidates; the strongest neighbours of each item become candidates first."""
    base, n = s.stamps[BASE], s.counts[LINKED]
    length = min(reading.lasting_window, s.counts[LIKED])
    for d in range(length):
        names = head.neighbours[s.window[d]]
        for slot in range(min(LONG_TERM_CANDIDATES, names.size)):
            row = names[slot]
            if row >= 0 and s.stamp[row] < base:
                s.stamp[row] = base + n
                s.item[n] = row
                n += 1
    s.counts[LINKED] = n
    weight, near = np.float32(1.0), np.float32(1.0)
    for d in range(length):
        _add_lasting(s, places, head.neighbours[s.window[d]], head.weights[s.window[d]], weight, near)
        weight *= np.float32(reading.lasting_decay)
        near *= np.float32(reading.lasting_near_decay)


@tight
def _add_lasting(s: Scratch, places: I32, names: I32, weights: F32, weight: Real, near: Real) -> None:
    base = s.stamps[BASE]
    for slot in range(names.size):
        row = names[slot]
        if row < 0:
            return
        number = s.stamp[row] - base
        if number >= 0:
            s.lasting[number] += weight * weights[slot]
            s.lasting_near[number] += near * weights[slot]
        else:  # OUTSIDE is a place of its own, which nobody reads
            s.pool_lasting[places[row]] += weight * weights[slot]
            s.pool_lasting_near[places[row]] += near * weights[slot]


@tight
def allow(s: Scratch, dense: F32, places: I32) -> None:
    """Everything may be shown that is a candidate once; an item with negative feedback may not."""
    base, n = s.stamps[BASE], s.counts[LINKED]
    for c in range(n):
        s.barred[c] = 0.0
    for q in range(dense.size):
        s.pool_barred[q] = dense[q]
    for c in range(n):  # an item that is numbered must not count twice
        s.pool_barred[places[s.item[c]]] = np.float32(-1e30)
    for d in range(s.counts[DISLIKED]):
        row = s.disliked[d]
        if s.stamp[row] >= base:
            s.barred[s.stamp[row] - base] = np.float32(-1e30)
        s.pool_barred[places[row]] = np.float32(-1e30)


@tight
def clear(s: Scratch) -> None:
    """Leaves the votes at zero for the next ranking."""
    for votes in (s.near, s.raw, s.mates, s.beyond, s.lasting, s.lasting_near):
        for c in range(s.counts[LINKED]):
            votes[c] = 0.0
    for q in range(OUTSIDE + 1):
        s.pool_lasting[q] = 0.0
        s.pool_lasting_near[q] = 0.0
