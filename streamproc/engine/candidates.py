"""Which items are worth scoring for a window: its own, what follows the last one, what goes with the newest,
their long-term neighbours; the dense pool comes on top. Each is numbered once, in that order."""

import numpy as np

from streamproc.engine.model import Model
from streamproc.engine.scratch import BASE, DISLIKED, FOLLOWERS, IN_WINDOW, LIKED, LINKED, STAMP_STEP, Scratch
from streamproc_models.arrays import F32, I32, Real
from streamproc_models.heads.covisitation import Covisitation
from streamproc_models.heads.long_term import LongTerm
from streamproc_models.heads.markov import Markov
from streamproc_models.kernel import inlined, tight

LONG_TERM_CANDIDATES = 8  # strongest long-term neighbours per item of the window
TINY = np.float32(1e-9)


@inlined
def gather(m: Model, s: Scratch, votes: int, lasting_window: int, lasting_decay: float) -> Real:
    """Numbers the candidates that `own` has not, and their shares; returns the weight `s.near` sums to."""
    _followers(m.markov, s)
    weight = _neighbours(m.covisitation, s, votes)
    if m.lasting[0] > 0:
        _lasting(m.long_term, s, lasting_window, lasting_decay)
    return weight


@tight
def own(s: Scratch) -> None:
    """Begins a ranking of `s.window`: its own items are the first candidates."""
    s.stamps[BASE] += STAMP_STEP
    base, n = s.stamps[BASE], 0
    for d in range(s.counts[LIKED]):
        row = s.window[d]
        number = s.stamp[row] - base
        if number < 0:
            s.stamp[row] = base + n
            s.item[n] = row
            s.recency[n] = d
            s.repeats[n] = 1
            n += 1
        else:
            s.repeats[number] += 1
    s.counts[IN_WINDOW] = n


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
        scale = np.float32(1.0 / max(head.totals[last], 1e-30))
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
def _neighbours(head: Covisitation, s: Scratch, votes: int) -> Real:
    """Co-visitation shares of the newest items, those of a repeated item merged."""
    n, weight = s.counts[FOLLOWERS], TINY
    newest = min(votes, s.counts[LIKED])
    for d in range(newest):
        row = s.window[d]
        if _seen_before(s.window, d):
            continue
        share = np.float32(0.0)
        for e in range(d, newest):
            if s.window[e] == row:
                share += np.float32(1.0) / np.float32(1 + e)
        if head.fill[row] > 0:
            weight += share
            scale = share / np.float32(head.totals[row])
            n = _scatter(s, head.neighbours[row], head.weights[row], head.fill[row], scale, n)
    s.counts[LINKED] = n
    return weight


@tight
def _seen_before(window: I32, d: int) -> bool:
    for e in range(d):
        if window[e] == window[d]:
            return True
    return False


@tight
def _scatter(s: Scratch, names: I32, weights: F32, fill: int, scale: Real, n: int) -> int:
    """Without a branch: a stranger's number is simply the next free one."""
    base, stamps, items, near = s.stamps[BASE], s.stamp, s.item, s.near
    for slot in range(fill):
        row = np.uint32(names[slot])  # unsigned: a signed index is checked for counting from the end
        number = stamps[row] - base
        stranger = number < 0
        number = n if stranger else number
        place = np.uint32(number)
        stamps[row] = base + number
        items[place] = names[slot]
        near[place] += scale * weights[slot]
        n += int(stranger)
    return n


@tight
def _lasting(head: LongTerm, s: Scratch, window: int, decay: float) -> None:
    """Long-term scores of all candidates; the strongest neighbours of each item become candidates first."""
    base, n = s.stamps[BASE], s.counts[LINKED]
    length = min(window, s.counts[LIKED])
    for d in range(length):
        names = head.neighbours[s.window[d]]
        for slot in range(min(LONG_TERM_CANDIDATES, names.size)):
            row = names[slot]
            if row >= 0 and s.stamp[row] < base:
                s.stamp[row] = base + n
                s.item[n] = row
                n += 1
    s.counts[LINKED] = n
    weight = np.float32(1.0)
    for d in range(length):
        names, weights = head.neighbours[s.window[d]], head.weights[s.window[d]]
        for slot in range(names.size):
            row = names[slot]
            if row >= 0 and s.stamp[row] >= base:
                s.lasting[s.stamp[row] - base] += weight * weights[slot]
        weight *= np.float32(decay)


@tight
def forbid(place: I32, s: Scratch) -> None:
    """Items with negative feedback cannot be shown."""
    base = s.stamps[BASE]
    for d in range(s.counts[DISLIKED]):
        row = s.disliked[d]
        if s.stamp[row] >= base:
            s.scores[s.stamp[row] - base] = np.float32(-1e30)
        s.pool_scores[place[row]] = np.float32(-1e30)
