"""Features of the candidates and their scores: the fusion's, and what each head alone would say."""

import numpy as np

from streamproc.engine import candidates, pool
from streamproc.engine.model import Model
from streamproc.engine.pool import Pool
from streamproc.engine.scratch import BASE, FOLLOWERS, IN_WINDOW, LIKED, LINKED, Scratch
from streamproc_models import fusion
from streamproc_models.arrays import F32, I32, Real
from streamproc_models.heads import factors, gru
from streamproc_models.kernel import inlined, tight
from streamproc_models.vector import log_into

RESOLUTION = np.float32(1e5)  # a share of 1e-5 reads as ln 2
BLEND_WINDOW, BLEND_DECAY = 10, 0.9  # of the factors of the newest items
ROOT = np.float32(4.0)
_RECIPROCALS = (1.0 / np.arange(1.0, 66.0)).astype(np.float32)  # 1 / (1 + steps back), a window's worth
_LOGS = np.log(np.arange(1.0, 66.0)).astype(np.float32)  # ln(1 + events)
ONE, HALF = np.float32(1.0), np.float32(0.5)  # recurrent logits are halved, to the range of the others
LASTING_SCALE = np.float32(0.05)  # keeps long-term scores in the range of the shares


@inlined
def score(m: Model, s: Scratch, votes: int, lasting_window: int, lasting_decay: float) -> None:
    """Scores of all candidates of the window in `s` and of the pool; the recurrent state is in `s.hidden`."""
    weight = candidates.gather(m, s, votes, lasting_window, lasting_decay)
    fusion.combine(m.fusion, fusion.bucket(s.counts[LIKED]), s.weights)
    _describe_links(m, s, weight)
    _describe_pool(m.pool, s)
    _describe_window(s)
    _add_up(m.pool, s, m.lasting[0] > 0)
    candidates.forbid(m.pool.place, s)


@tight
def extent(s: Scratch, feature: int) -> int:
    """How many of the numbered candidates have this feature."""
    if feature >= fusion.RECENCY:
        return int(s.counts[IN_WINDOW])
    return int(s.counts[FOLLOWERS] if feature >= fusion.MARKOV else s.counts[LINKED])


@inlined
def _describe_links(m: Model, s: Scratch, weight: Real) -> None:
    n, x = s.counts[LINKED], s.features
    _log_and_root(s, s.near, ONE / np.float32(weight), x[fusion.COVISITATION], x[fusion.COVISITATION_ROOT], n)
    _log_and_root(s, s.after, ONE, x[fusion.MARKOV], x[fusion.MARKOV_ROOT], s.counts[FOLLOWERS])
    if m.lasting[0] > 0:
        for c in range(n):
            s.lasting[c] = max(s.lasting[c], np.float32(0.0))
        _log_and_root(s, s.lasting, LASTING_SCALE, x[fusion.LONG_TERM], x[fusion.LONG_TERM_ROOT], n)
    for c in range(n):
        row = np.uint32(s.item[c])  # unsigned: a signed index is checked for counting from the end
        x[fusion.POPULARITY_SHORT, c] = m.features[row, 0]
        x[fusion.POPULARITY_MEDIUM, c] = m.features[row, 1]
        x[fusion.POPULARITY_LONG, c] = m.features[row, 2]
        x[fusion.AGE, c] = m.features[row, 3]
    factors.blend(m.factors.items, s.window, min(s.counts[LIKED], BLEND_WINDOW), BLEND_DECAY, s.taste)
    dots(m.factors.items, s.taste, s.item, n, x[fusion.FACTORS])
    gru.scores(m.gru, s.hidden, s.item, n, x[fusion.GRU])
    for c in range(n):
        x[fusion.GRU, c] *= HALF


@tight
def _log_and_root(s: Scratch, share: F32, scale: Real, log: F32, root: F32, n: int) -> None:
    fine = np.float32(scale) * RESOLUTION
    for c in range(n):
        s.x[c] = ONE + share[c] * fine
    log_into(log, s.x, s.x_bits, s.y, s.y_bits, n)
    for c in range(n):
        root[c] = ROOT * np.sqrt(share[c] * np.float32(scale))


@tight
def dots(vectors: F32, by: F32, rows: I32, n: int, out: F32) -> None:
    """out[:n] = vectors[rows[:n]] . by, four rows at a time."""
    size = by.size
    for c in range(n, n + 3):
        rows[c] = 0
    for c in range(0, n, 4):
        v0, v1, v2, v3 = vectors[rows[c]], vectors[rows[c + 1]], vectors[rows[c + 2]], vectors[rows[c + 3]]
        d0, d1, d2, d3 = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        for f in range(size):
            u = by[f]
            d0 += u * v0[f]
            d1 += u * v1[f]
            d2 += u * v2[f]
            d3 += u * v3[f]
        out[c], out[c + 1], out[c + 2], out[c + 3] = d0, d1, d2, d3


@tight
def _describe_pool(pooled: Pool, s: Scratch) -> None:
    columns(pooled.factors, s.taste, pooled.features[pool.TASTE])
    recurrent = pooled.features[pool.RECURRENT]
    columns(pooled.embeddings, s.hidden, recurrent)
    for q in range(pool.SIZE):
        recurrent[q] = HALF * (recurrent[q] + pooled.embedding_bias[q])


@tight
def columns(transposed: F32, by: F32, out: F32) -> None:
    """out[:304] = by . transposed, eight vectors' elements at a time."""
    for q in range(pool.SIZE):
        out[q] = 0.0
    for f in range(0, by.size, 8):
        b0, b1, b2, b3 = by[f], by[f + 1], by[f + 2], by[f + 3]
        b4, b5, b6, b7 = by[f + 4], by[f + 5], by[f + 6], by[f + 7]
        t0, t1, t2, t3 = transposed[f], transposed[f + 1], transposed[f + 2], transposed[f + 3]
        t4, t5, t6, t7 = transposed[f + 4], transposed[f + 5], transposed[f + 6], transposed[f + 7]
        for q in range(pool.SIZE):
            low = b0 * t0[q] + b1 * t1[q] + b2 * t2[q] + b3 * t3[q]
            out[q] += low + b4 * t4[q] + b5 * t5[q] + b6 * t6[q] + b7 * t7[q]


@tight
def _describe_window(s: Scratch) -> None:
    x = s.features
    for c in range(s.counts[IN_WINDOW]):
        x[fusion.RECENCY, c] = _RECIPROCALS[s.recency[c]]
        x[fusion.REPEATS, c] = _LOGS[s.repeats[c]]
        x[fusion.IN_WINDOW, c] = ONE
        x[fusion.IS_LAST, c] = 0.0
    x[fusion.IS_LAST, 0] = ONE


@tight
def _add_up(dense: Pool, s: Scratch, lasting: bool) -> None:
    scores, pooled = s.scores, s.pool_scores
    for c in range(s.counts[LINKED]):
        scores[c] = 0.0
    for f in range(fusion.FEATURES):
        if not lasting and (f == fusion.LONG_TERM or f == fusion.LONG_TERM_ROOT):
            continue
        w, x = s.weights[f], s.features[f]
        for c in range(extent(s, f)):
            scores[c] += w * x[c]
    for q in range(pool.SIZE):
        pooled[q] = dense.bias[q]
    for f in range(fusion.POOL_FIRST, fusion.POOL_LAST + 1):
        w, x = s.weights[f], dense.features[f - fusion.POOL_FIRST]
        for q in range(pool.SIZE):
            pooled[q] += w * x[q]
    for c in range(s.counts[LINKED]):  # an item that is numbered must not count twice
        pooled[dense.place[s.item[c]]] = pool.IMPOSSIBLE


@tight
def clear(s: Scratch) -> None:
    """Leaves the sums at zero for the next ranking."""
    for c in range(s.counts[LINKED]):
        s.near[c] = 0.0
        s.lasting[c] = 0.0


@tight
def number_of(places: I32, s: Scratch, row: int) -> tuple[int, int]:
    """Where an item is among the candidates: its number, or its place in the pool; -1 where it is not."""
    number = s.stamp[row] - s.stamps[BASE]
    if number >= 0:
        return number, -1
    place = places[row]
    return -1, place if place != pool.OUTSIDE else -1
