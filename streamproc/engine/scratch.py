"""The working memory of one ranking, reused for all: nothing in it outlives the next call."""

from typing import NamedTuple

import numpy as np

from streamproc.engine import pool
from streamproc.engine.window_arrays import RING, SHORT_TERM
from streamproc_models import evaluation, fusion
from streamproc_models.arrays import F32, I32, I64

WIDTH = 4128  # candidates linked to a window, at most; no power of two, or rows would share cache lines
STAMP_STEP = 8192  # stamps of one ranking are base .. base + WIDTH
BASE = 0  # place in `stamps`
IN_WINDOW, FOLLOWERS, LINKED = 0, 1, 2  # places in `counts`: candidates so far in the window, after it, all
LIKED, DISLIKED, HISTORY = 3, 4, 5  # the window's own counts: HISTORY of all, LIKED of the short term


class Scratch(NamedTuple):
    """Candidates are numbered 0..counts[LINKED]: the window's items, then the followers of the last one."""

    stamps: I64  # (1,)
    stamp: I64  # (items,), base + number of the candidate in this ranking
    counts: I64  # (6,)
    window: I32  # (RING,), rows of liked items, newest first
    times: I64  # (RING,), s, when that was
    sessions: I32  # (RING,), sessions before that of the user's newest event
    disliked: I32  # (SHORT_TERM,)
    item: I32  # (WIDTH,), row of each candidate
    recency: I32  # (SHORT_TERM,), steps back of the candidate's newest event in the window
    repeats: I32  # (SHORT_TERM,), its events in the window
    near: F32  # (WIDTH,), co-visitation share; zero between rankings
    after: F32  # (WIDTH,), Markov share
    lasting: F32  # (WIDTH,), long-term score; zero between rankings
    features: F32  # (features, WIDTH)
    scores: F32  # (WIDTH,)
    odds: F32  # (WIDTH,), exp(score)
    x: F32  # (WIDTH,), with its bits: scratch of the logarithms
    x_bits: I32
    y: F32
    y_bits: I32
    weights: F32  # (features,), of this user's bucket
    gradient: F32  # (features,)
    parts: F32  # (models,), what each head gives to one item
    taste: F32  # (d,), decayed mean of the window's factors
    pull: F32  # (d,)
    before: F32  # (h,), recurrent state before the last item
    hidden: F32  # (h,), and after it
    recurrent: F32  # (7 h,), scratch of the recurrent step
    pool_scores: F32  # (512,)
    pool_odds: F32  # (512,)


def empty(items: int, factors: int, hidden: int) -> Scratch:
    """Working memory for a catalogue of `items` rows."""
    x, y = np.zeros(WIDTH, np.float32), np.zeros(WIDTH, np.float32)

    def floats(size: int) -> F32:
        return np.zeros(size, np.float32)

    def ints(size: int) -> I32:
        return np.zeros(size, np.int32)

    return Scratch(
        np.zeros(1, np.int64), np.zeros(items, np.int64), np.zeros(6, np.int64),
        ints(RING), np.zeros(RING, np.int64), ints(RING),
        ints(SHORT_TERM), ints(WIDTH), ints(SHORT_TERM), ints(SHORT_TERM),
        floats(WIDTH), floats(WIDTH), floats(WIDTH), np.zeros((fusion.FEATURES, WIDTH), np.float32),
        floats(WIDTH), floats(WIDTH), x, x.view(np.int32), y, y.view(np.int32),
        floats(fusion.FEATURES), floats(fusion.FEATURES), floats(len(evaluation.MODELS)),
        floats(factors), floats(factors),
        floats(hidden), floats(hidden), floats(7 * hidden),
        floats(pool.WIDTH), floats(pool.WIDTH),
    )  # fmt: skip


def grow(scratch: Scratch, items: int) -> Scratch:
    """The same for a larger catalogue."""
    stamp = np.zeros(items, np.int64)
    stamp[: scratch.stamp.size] = scratch.stamp
    return scratch._replace(stamp=stamp)
