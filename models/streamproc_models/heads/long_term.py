"""What a user's whole window speaks for, by a matrix that a refresh fits over all history.

A generation is one sparse item-item matrix B, whatever method fitted it, and the score of j is
    sum_d decay^d * B[a_d, j]       over the newest items a_0, a_1, … of the window,
so nobody's vector is stored, and a user who comes back after a year is served like any other. B
comes from EASE (Steck, 2019, Embarrassingly Shallow Autoencoders for Sparse Data) or from
linearised ALS (Hu, Koren and Volinsky, 2008, Collaborative Filtering for Implicit Feedback
Datasets). Items that came after the refresh have an empty row and score nothing.
"""

from typing import NamedTuple

import numpy as np

from streamproc_models.arrays import F32, I32
from streamproc_models.kernel import tight
from streamproc_models.slots import FREE

_NOTHING = np.float32(1e-12)  # below it an item has no vote: its share of a weight might round to 0


class LongTermConfig(NamedTuple):
    """How a generation is read."""

    enabled: bool = True
    slots: int = 64  # neighbours kept per item
    window: int = 30  # newest items of the window that vote
    decay: float = 0.97  # weight of each item, as a share of the one that came after it
    candidates: int = 8  # items that the head may put up as candidates


class LongTerm(NamedTuple):
    """The head's whole state; one row per item of the vocabulary."""

    neighbours: I32  # (items, slots), row of the neighbour, strongest first; FREE where none
    weights: F32  # (items, slots), above 0 and descending; 0 where free


def empty(config: LongTermConfig, items: int) -> LongTerm:
    """A head without a generation, with room for `items` rows."""
    shape = (items, config.slots)
    return LongTerm(np.full(shape, FREE, np.int32), np.zeros(shape, np.float32))


def grow(head: LongTerm, items: int) -> LongTerm:
    """The same head with room for `items` rows; the new ones are empty."""
    known, slots = head.neighbours.shape
    grown = empty(LongTermConfig(slots=slots), max(items, known))
    grown.neighbours[:known], grown.weights[:known] = head
    return grown


@tight
def load(head: LongTerm, rows: I32, neighbours: I32, weights: F32) -> None:
    """Puts a generation in the place of what the head held.

    `rows` (n,) is the vocabulary's row of each item of the generation, -1 where it has none;
    `neighbours` (n, m) are places in `rows`, strongest first, FREE where none; `weights` (n, m)
    are above 0. Neighbours without a row are left out, and so is what does not fit the slots.
    """
    head.neighbours[:] = FREE
    head.weights[:] = 0.0
    for place in range(rows.size):
        if rows[place] >= 0:
            _load_row(
                head.neighbours[rows[place]],
                head.weights[rows[place]],
                rows,
                neighbours[place],
                weights[place],
            )


@tight
def _load_row(names: I32, values: F32, rows: I32, neighbours: I32, weights: F32) -> None:
    kept = 0
    for slot in range(neighbours.size):
        if neighbours[slot] == FREE or kept == names.size:
            return
        if rows[neighbours[slot]] >= 0:
            names[kept] = rows[neighbours[slot]]
            values[kept] = weights[slot]
            kept += 1


@tight
def forget_items(head: LongTerm, gone: I32, rows: int) -> None:
    """Takes every item with gone[item] != 0 out of the first `rows` rows, and empties its own row."""
    for row in range(rows):
        kept = 0
        for slot in range(head.neighbours.shape[1]):
            item = head.neighbours[row, slot]
            if item != FREE and gone[row] == 0 and gone[item] == 0:
                head.neighbours[row, kept] = item
                head.weights[row, kept] = head.weights[row, slot]
                kept += 1
        head.neighbours[row, kept:] = FREE
        head.weights[row, kept:] = 0.0


@tight
def add_profile(
    head: LongTerm, rows: I32, n: int, decay: float, scores: F32, touched: I32, count: int
) -> int:
    """Adds what a window speaks for to `scores`, and returns how many rows are touched by then.

    `rows` are the window's items, newest first, of which the first `n` vote. `scores` (items,)
    must be 0 wherever nothing was added; each row that stops being 0 is written to `touched`
    once, from place `count` on (at most n * slots new ones).
    """
    share = np.float32(1.0)
    for d in range(n):
        if share < _NOTHING:
            break
        names, weights = head.neighbours[rows[d]], head.weights[rows[d]]  # (slots,), views
        for slot in range(names.size):
            if names[slot] == FREE:
                break
            if scores[names[slot]] == 0.0:
                touched[count] = names[slot]
                count += 1
            scores[names[slot]] += share * weights[slot]
        share *= np.float32(decay)
    return count
