"""Two steps from the last item over the co-visitation table, as `second_order` has it."""

import numpy as np

from streamproc.engine.scratch import BASE, BEYOND, LIKED, LINKED, WALKS, Scratch
from streamproc_models.arrays import F32, I32, Real
from streamproc_models.heads import second_order
from streamproc_models.heads.covisitation import Covisitation
from streamproc_models.kernel import tight
from streamproc_models.prefetch import ask_for

AHEAD = 3  # rows that are asked for before they are read
ROOM = 64  # of the slots of one row in `picked`, at most
TINY = np.float32(1e-9)
FADED = np.float32(1e-30)  # a row that weighs less has been forgotten: its shares would be no numbers


@tight
def set_out(head: Covisitation, s: Scratch) -> None:
    """Finds the last item's neighbours with a share worth it, and asks for the rows of the first ones."""
    walks = 0
    if s.counts[LIKED] > 0:
        last = s.window[0]
        weights, least = head.weights[last], second_order.LEAST_SHARE * _whole(head, last)
        for slot in range(head.fill[last]):
            s.picked[np.uint32(walks)] = slot
            walks += int(weights[slot] >= least)
        for k in range(min(walks, AHEAD)):
            _ask_for(head, head.neighbours[last, s.picked[k]])
    s.counts[WALKS] = walks


@tight
def walk(head: Covisitation, s: Scratch) -> None:
    """Every neighbour that `set_out` has found hands its vote on."""
    walks = s.counts[WALKS]
    if walks == 0:
        return
    last, total, n = s.window[0], np.float32(0.0), s.counts[LINKED]
    names, weights = head.neighbours[last], head.weights[last]
    unit = np.float32(1.0) / _whole(head, last)
    for k in range(walks):
        if k + AHEAD < walks:
            _ask_for(head, names[s.picked[k + AHEAD]])
        slot = s.picked[k]
        share, row = unit * weights[slot], names[slot]
        whole = np.float32(head.totals[row])
        if whole > FADED:
            total += share
            n = _hand_on(s, head.neighbours[row], head.weights[row], head.fill[row], share / whole, n)
    s.counts[LINKED] = n
    s.totals[BEYOND] = max(total, TINY)


@tight
def _whole(head: Covisitation, row: int) -> np.float32:
    return max(np.float32(head.totals[row]), FADED)


@tight
def _ask_for(head: Covisitation, row: int) -> None:
    ask_for(head.neighbours, row)
    ask_for(head.weights, row)


@tight
def _hand_on(s: Scratch, names: I32, weights: F32, fill: int, scale: Real, n: int) -> int:
    """Passes over what gets next to nothing, and what gets little and is no candidate yet.

    All numbers are read before the first is written: a row names nobody twice, but a processor does not
    know that, and would let every reading wait for the writing before it.
    """
    base, stamps, items, beyond = np.int32(s.stamps[BASE]), s.stamp, s.item, s.beyond
    kept, numbers = s.picked[ROOM:], s.picked[2 * ROOM :]
    least, least_of_strangers = second_order.LEAST_TERM / scale, second_order.LEAST_VOTE / scale
    k = 0
    for slot in range(fill):
        place, at = np.uint32(k), np.uint32(slot)  # unsigned: a signed index is checked for being negative
        number = stamps[np.uint32(names[at])] - base
        kept[place], numbers[place] = slot, number
        k += int(weights[at] >= (least_of_strangers if number < 0 else least))
    free = np.int32(n)
    for p in range(k):
        at, number = np.uint32(kept[np.uint32(p)]), numbers[np.uint32(p)]
        stranger = number < 0
        number = free if stranger else number
        place = np.uint32(number)
        stamps[np.uint32(names[at])] = base + number
        items[place] = names[at]
        beyond[place] += scale * weights[at]
        free += np.int32(stranger)
    return int(free)
