"""The working memory of one ranking, reused for all: nothing in it outlives the next call."""

from typing import NamedTuple

import numpy as np

from streamproc.config import Config
from streamproc.engine import pool, recent
from streamproc.engine.recent import Recent
from streamproc.engine.window_arrays import RING, SHORT_TERM
from streamproc_models import fusion
from streamproc_models.arrays import F32, F64, I32, I64
from streamproc_models.heads import history
from streamproc_models.heads.history import Own

WIDTH = 6304  # candidates linked to a window, at most; no power of two, or rows would share cache lines
ROOM = WIDTH + pool.WIDTH  # the pool's, too
STAMP_STEP = 8192  # stamps of one ranking are base .. base + WIDTH
LAST_STAMP = (1 << 31) - 2 * STAMP_STEP  # then they begin anew
BASE = 0  # place in `stamps`
IN_WINDOW, FOLLOWERS, LINKED = 0, 1, 2  # places in `counts`: candidates so far in the window, after it, all
LIKED, DISLIKED, HISTORY = 3, 4, 5  # the window's own counts: HISTORY of all, LIKED of the short term
IN_SESSION, SESSIONS = 6, 7  # of HISTORY those of the present session; sessions in it
PRESENT, WALKS = 8, 9  # the features that there are, a bit each, by `fusion.present`; first steps of a walk
NOW, FRESH = 0, 1  # places in `moment`: time asked for, s; 1 where it begins a session
BEGINS, BEHIND = 2, 3  # 1 where the event to come does; 1 where it is older than the newest one
NEAR, MATES, BEYOND = 0, 1, 2  # places in `totals`: what the votes of each table add up to


class Scratch(NamedTuple):
    """Candidates are numbered 0..counts[LINKED]: the window's items, then the followers of the last one."""

    stamps: I64  # (1,)
    stamp: I32  # (items,), base + number of the candidate in this ranking
    counts: I64  # (10,)
    moment: I64  # (4,)
    totals: F32  # (3,)
    window: I32  # (RING,), rows of liked items, newest first
    times: I64  # (RING,), s, when that was
    sessions: I32  # (RING,), sessions before that of the user's newest event
    disliked: I32  # (SHORT_TERM,)
    own: Own
    item: I32  # (WIDTH,), row of each candidate
    picked: I32  # (ROOM,), slots or numbers that pass a first look
    barred: F32  # (WIDTH,), 0; IMPOSSIBLE for what may not be shown
    near: F32  # (WIDTH,), co-visitation votes; zero between rankings, like the next five
    raw: F32  # (WIDTH,), the same votes as counts
    mates: F32  # (WIDTH,), votes of the session's table
    beyond: F32  # (WIDTH,), votes at two steps
    lasting: F32  # (WIDTH,), long-term score
    lasting_near: F32  # (WIDTH,), the same with a short memory
    after: F32  # (WIDTH,), Markov share
    features: F32  # (features, WIDTH)
    scores: F32  # (ROOM,), what is behind the candidates is IMPOSSIBLE while a slate is chosen
    odds: F32  # (WIDTH,), exp(score)
    x: F32  # (ROOM,), with its bits: scratch of the logarithms
    x_bits: I32
    y: F32
    y_bits: I32
    rows: I32  # (4,), rows of weights that hold for this user
    weights: F32  # (features,), their sum
    gradient: F32  # (features,)
    newton: F64  # (4, features)
    taste: F32  # (d,), the user's factors
    pull: F32  # (d,)
    negatives: I32  # (negatives,), rows
    before: F32  # (h,), recurrent state before the last item
    hidden: F32  # (h,), and after it
    recent: Recent
    encoded_before: F32  # (e,), the same of the encoder's head
    encoded: F32  # (e,)
    encoded_aside: F32  # (e,), while another encoder is tried
    recurrent: F32  # (7 max(h, e),), scratch of a recurrent step
    pooled: I32  # (192,), rows of the pool, 0 where it is empty
    pool_barred: F32  # (512,), like the linked ones', but also IMPOSSIBLE where an item is linked
    pool_lasting: F32  # (512,), zero between rankings
    pool_lasting_near: F32  # (512,)
    pool_scores: F32  # (512,)
    pool_odds: F32  # (512,)


def empty(items: int, config: Config) -> Scratch:
    """Working memory for a catalogue of `items` rows."""
    heads, encoded = config.heads, config.refresh.encoder.size
    factors, hidden = heads.factors.size, heads.gru.size
    x, y = np.zeros(ROOM, np.float32), np.zeros(WIDTH, np.float32)

    def floats(size: int) -> F32:
        return np.zeros(size, np.float32)

    def ints(size: int) -> I32:
        return np.zeros(size, np.int32)

    w = WIDTH
    return Scratch(
        np.zeros(1, np.int64), np.zeros(items, np.int32), np.zeros(10, np.int64), np.zeros(4, np.int64),
        floats(3), ints(RING), np.zeros(RING, np.int64), ints(RING), ints(SHORT_TERM), history.empty(),
        ints(w), ints(ROOM), floats(w),
        floats(w), floats(w), floats(w), floats(w), floats(w), floats(w), floats(w),
        np.zeros((fusion.FEATURES, w), np.float32),
        floats(ROOM), floats(w), x, x.view(np.int32), y, y.view(np.int32),
        ints(fusion.ACTIVE), floats(fusion.FEATURES), floats(fusion.FEATURES),
        np.zeros((4, fusion.FEATURES)),
        floats(factors), floats(factors), ints(heads.factors.negatives),
        floats(hidden), floats(hidden), recent.empty(hidden),
        floats(encoded), floats(encoded), floats(encoded), floats(7 * max(hidden, encoded)), ints(pool.SIZE),
        floats(pool.WIDTH), floats(pool.WIDTH), floats(pool.WIDTH), floats(pool.WIDTH), floats(pool.WIDTH),
    )  # fmt: skip


def grow(scratch: Scratch, items: int) -> Scratch:
    """The same for a larger catalogue."""
    stamp = np.zeros(items, np.int32)
    stamp[: scratch.stamp.size] = scratch.stamp
    return scratch._replace(stamp=stamp)
