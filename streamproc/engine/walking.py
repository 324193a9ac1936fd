"""Two steps from the last item over the co-visitation table, as `second_order` has it."""

import numpy as np

from streamproc.engine.scratch import BASE, BEYOND, LIKED, LINKED, Scratch
from streamproc_models.arrays import F32, I32, Real
from streamproc_models.heads import second_order
from streamproc_models.heads.covisitation import Covisitation
from streamproc_models.kernel import tight
from streamproc_models.prefetch import ask_for

AHEAD = 2  # rows that are asked for before they are read
ROOM = 64  # of the slots of one row in `picked`, at most
TINY = np.float32(1e-9)
FADED = np.float32(1e-30)  # a row that weighs less has been forgotten: its shares would be no numbers


@tight
def walk(head: Covisitation, s: Scratch) -> None:
    """Two steps from the last item: every neighbour with a share worth it hands its vote on."""
    if s.counts[LIKED] == 0:
        return
    last, total = s.window[0], np.float32(0.0)
    n, names, weights = s.counts[LINKED], head.neighbours[last], head.weights[last]
    unit = np.float32(1.0) / max(np.float32(head.totals[last]), FADED)
    walks = 0
    for slot in range(head.fill[last]):
        s.picked[walks] = slot
        walks += int(unit * weights[slot] >= second_order.LEAST_SHARE)
    for k in range(walks):
        if k + AHEAD < walks:
            ahead = names[s.picked[k + AHEAD]]
            ask_for(head.neighbours, ahead)
            ask_for(head.weights, ahead)
        slot = s.picked[k]
        share, row = unit * weights[slot], names[slot]
        whole = np.float32(head.totals[row])
        if whole > FADED:
            total += share
            scale = share / whole
            n = _hand_on(s, head.neighbours[row], head.weights[row], head.fill[row], scale, n)
    s.counts[LINKED] = n
    s.totals[BEYOND] = max(total, TINY)


@tight
def _hand_on(s: Scratch, names: I32, weights: F32, fill: int, scale: Real, n: int) -> int:
    """Like `_scatter`, but what gets too little and is no candidate yet is passed over.

    What is next to nothing is passed over before it is looked for among the candidates.
    """
    base, stamps, items, beyond = s.stamps[BASE], s.stamp, s.item, s.beyond
    kept, least = s.picked[ROOM:], second_order.LEAST_TERM / scale
    k = 0
    for slot in range(fill):
        kept[np.uint32(k)] = slot
        k += int(weights[slot] >= least)
    for p in range(k):
        at = np.uint32(kept[p])
        row = np.uint32(names[at])  # unsigned: a signed index is checked for counting from the end
        number = stamps[row] - base
        vote = scale * weights[at]
        stranger = number < 0
        weak = stranger and vote < second_order.LEAST_VOTE
        number = n if stranger else number
        place = np.uint32(number)
        stamps[row] = stamps[row] if weak else base + number
        items[place] = names[at]
        beyond[place] += np.float32(0) if weak else vote
        n += int(stranger and not weak)
    return n
