"""Features of the candidates, column by column: what has links to the window, the dense pool, the window."""

import numpy as np

from streamproc.engine import encoding, pool
from streamproc.engine.model import EVENTS, LONG, Model
from streamproc.engine.pool import Pool
from streamproc.engine.scratch import (
    BASE,
    BEYOND,
    FOLLOWERS,
    IN_WINDOW,
    LIKED,
    LINKED,
    MATES,
    NEAR,
    NOW,
    PRESENT,
    SESSIONS,
    Scratch,
)
from streamproc_models import fusion
from streamproc_models.arrays import F32, I32, Real
from streamproc_models.heads import gru, history, popularity
from streamproc_models.heads.covisitation import Covisitation
from streamproc_models.kernel import inlined, tight
from streamproc_models.rows import add_rows
from streamproc_models.vector import exp_into, log_into

RESOLUTION = np.float32(1e5)  # a share of 1e-5 reads as ln 2
ROOT = np.float32(4.0)
ONE, HALF, TWICE, THIRD = np.float32(1), np.float32(0.5), np.float32(2), np.float32(1 / 3)
LASTING_SCALE = np.float32(0.02)  # brings long-term scores to the range of the shares
FLAT = np.float32(1e-6)


@inlined
def describe(m: Model, s: Scratch) -> None:
    """All features of all candidates of `s`; the recurrent state is in `s.hidden`."""
    _votes(m, s)
    _dense_of_links(m, s)
    _dense_of_pool(m, s)
    _window(s)
    if m.lasting[0] > 0:
        _lasting(m.pool, s)
    if _on(s, fusion.FACTORS):
        _chances(m.pool, s, fusion.FACTORS, fusion.FACTORS_ROOT, ONE)
    if _on(s, fusion.GRU):
        _chances(m.pool, s, fusion.GRU, fusion.GRU_ROOT, TWICE)
    if m.encoder.since[0] > 0:
        encoding.describe(m.encoder, m.pool, s)
        _chances(m.pool, s, fusion.ENCODER, fusion.ENCODER_ROOT, TWICE)


@tight
def _on(s: Scratch, feature: int) -> bool:
    return fusion.has(s.counts[PRESENT], feature)


@inlined
def _votes(m: Model, s: Scratch) -> None:
    n, x = s.counts[LINKED], s.features
    near, mates, beyond = s.totals[NEAR], s.totals[MATES], s.totals[BEYOND]
    if _on(s, fusion.COVISITATION):
        _log_and_root(s, s.near, ONE / near, x[fusion.COVISITATION], x[fusion.COVISITATION_ROOT], n)
        for c in range(n):
            s.x[c] = ONE + s.raw[c]
        log_into(x[fusion.COVISITATION_RAW], s.x, s.x_bits, s.y, s.y_bits, n)
        _raw_last(m.covisitation, s, np.float32(1.0 / m.increments[LONG]))
    if _on(s, fusion.SESSION):
        _log_and_root(s, s.mates, ONE / mates, x[fusion.SESSION], x[fusion.SESSION_ROOT], n)
    if _on(s, fusion.SECOND_ORDER):
        _log_and_root(s, s.beyond, ONE / beyond, x[fusion.SECOND_ORDER], x[fusion.SECOND_ORDER_ROOT], n)
    if _on(s, fusion.MARKOV):
        _log_and_root(s, s.after, ONE, x[fusion.MARKOV], x[fusion.MARKOV_ROOT], s.counts[FOLLOWERS])


@tight
def _raw_last(head: Covisitation, s: Scratch, one: Real) -> None:
    """ln(1 + events that went with the last item), present ones counting 1."""
    raw, n, base = s.features[fusion.COVISITATION_RAW_LAST], s.counts[LINKED], s.stamps[BASE]
    for c in range(n):
        s.x[c] = ONE
    if s.counts[LIKED] > 0:
        last = s.window[0]
        names, weights = head.neighbours[last], head.weights[last]
        for slot in range(head.fill[last]):
            number = s.stamp[names[slot]] - base
            s.x[number if number >= 0 else n] += one * weights[slot]  # behind the last: it fell out
    log_into(raw, s.x, s.x_bits, s.y, s.y_bits, n)


@tight
def _log_and_root(s: Scratch, share: F32, scale: Real, log: F32, root: F32, n: int) -> None:
    fine = np.float32(scale) * RESOLUTION
    for c in range(n):
        s.x[c] = ONE + share[c] * fine
    log_into(log, s.x, s.x_bits, s.y, s.y_bits, n)
    for c in range(n):
        root[c] = ROOT * np.sqrt(share[c] * np.float32(scale))


@inlined
def _dense_of_links(m: Model, s: Scratch) -> None:
    n, x = s.counts[LINKED], s.features
    lift, event = np.float32(1.0) / s.totals[MATES], m.counters[EVENTS]
    for c in range(n):
        row = np.uint32(s.item[c])  # unsigned: a signed index is checked for counting from the end
        x[fusion.POPULARITY_SHORT, c] = m.features[row, 0]
        x[fusion.POPULARITY_MEDIUM, c] = m.features[row, 1]
        x[fusion.POPULARITY_LONG, c] = m.features[row, 2]
        x[fusion.BIAS, c] = m.features[row, popularity.BIAS]
        s.odds[c] = ONE + RESOLUTION * lift * s.mates[c] * m.features[row, popularity.RARITY]
        s.x[c] = popularity.since(event, m.features[row, popularity.LAST])
        s.scores[c] = popularity.since(event, m.features[row, popularity.FIRST])
    log_into(x[fusion.IDLE], s.x, s.x_bits, s.y, s.y_bits, n)
    for c in range(n):
        s.x[c] = s.scores[c]
    log_into(x[fusion.AGE], s.x, s.x_bits, s.y, s.y_bits, n)
    for c in range(n):
        x[fusion.IDLE, c] *= THIRD
        x[fusion.AGE, c] *= THIRD
        s.x[c] = s.odds[c]
    if _on(s, fusion.SESSION):
        log_into(x[fusion.SESSION_LIFT], s.x, s.x_bits, s.y, s.y_bits, n)
    if _on(s, fusion.FACTORS):
        dots(m.factors.items, s.taste, s.item, n, x[fusion.FACTORS])
    if _on(s, fusion.GRU):
        gru.scores(m.gru, s.hidden, s.item, n, x[fusion.GRU])
        for c in range(n):
            x[fusion.GRU, c] *= HALF


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


@inlined
def _dense_of_pool(m: Model, s: Scratch) -> None:
    pooled, event = m.pool, m.counters[EVENTS]
    for q in range(pool.SIZE):
        pooled.features[pool.BIAS, q] = pooled.item_bias[q]
        s.x[q] = np.float32(event - pooled.last[q] + 1)
    log_into(pooled.features[pool.IDLE], s.x, s.x_bits, s.y, s.y_bits, pool.SIZE)
    for q in range(pool.SIZE):
        pooled.features[pool.IDLE, q] *= THIRD
        s.x[q] = np.float32(event - pooled.first[q] + 1)
    log_into(pooled.features[pool.AGE], s.x, s.x_bits, s.y, s.y_bits, pool.SIZE)
    for q in range(pool.SIZE):
        pooled.features[pool.AGE, q] *= THIRD
    if _on(s, fusion.FACTORS):
        columns(pooled.factors, s.taste, pooled.features[pool.TASTE])
    if _on(s, fusion.GRU):
        recurrent = pooled.features[pool.RECURRENT]
        columns(pooled.embeddings, s.hidden, recurrent)
        for q in range(pool.SIZE):
            recurrent[q] = HALF * (recurrent[q] + pooled.embedding_bias[q])


@tight
def columns(transposed: F32, by: F32, out: F32) -> None:
    """out[:192] = by . transposed."""
    for q in range(pool.SIZE):
        out[q] = 0.0
    add_rows(out, by, transposed)


@tight
def _window(s: Scratch) -> None:
    n, x = s.counts[IN_WINDOW], s.features
    history.describe_lately(
        s.own, n, x[fusion.RECENCY], x[fusion.REPEATS], x[fusion.IN_WINDOW], x[fusion.IS_LAST]
    )
    history.describe(s.own, n, s.moment[NOW], s.counts[SESSIONS], x[fusion.TIMING : fusion.FEATURES])


@inlined
def _lasting(pooled: Pool, s: Scratch) -> None:
    n, x, y = s.counts[LINKED], s.features, pooled.features
    for c in range(n):
        s.x[c] = ONE + RESOLUTION * LASTING_SCALE * max(s.lasting[c], np.float32(0))
    log_into(x[fusion.LONG_TERM_LOG], s.x, s.x_bits, s.y, s.y_bits, n)
    for q in range(pool.SIZE):
        s.x[q] = ONE + RESOLUTION * LASTING_SCALE * max(s.pool_lasting[q], np.float32(0))
    log_into(y[pool.LASTING_LOG], s.x, s.x_bits, s.y, s.y_bits, pool.SIZE)
    _standardise(s, s.lasting, s.pool_lasting, x[fusion.LONG_TERM], y[pool.LASTING])
    _standardise(s, s.lasting_near, s.pool_lasting_near, x[fusion.LONG_TERM_NEAR], y[pool.LASTING_NEAR])
    _chances(pooled, s, fusion.LONG_TERM, fusion.LONG_TERM_ROOT, ONE)


@tight
def _standardise(s: Scratch, linked: F32, pooled: F32, x: F32, y: F32) -> None:
    """Divides by the standard deviation over all that may be shown: users with long windows score higher."""
    n, count, total, squares = s.counts[LINKED], np.float32(1e-9), np.float32(0), np.float32(0)
    for c in range(n):
        shown = ONE if s.barred[c] == 0 else np.float32(0)
        count += shown
        total += shown * linked[c]
        squares += shown * linked[c] * linked[c]
    for q in range(pool.SIZE):
        shown = ONE if s.pool_barred[q] == 0 else np.float32(0)
        count += shown
        total += shown * pooled[q]
        squares += shown * pooled[q] * pooled[q]
    mean = total / count
    scale = ONE / max(np.sqrt(max(squares / count - mean * mean, np.float32(0))), FLAT)
    for c in range(n):
        x[c] = scale * linked[c]
    for q in range(pool.SIZE):
        y[q] = scale * pooled[q]


@tight
def _chances(pooled: Pool, s: Scratch, feature: int, root: int, scale: Real) -> None:
    """Of a score x, the root of its softmax over all that may be shown: 4 sqrt(exp(scale x) / sum).

    The root of exp(v) is exp(v / 2), and what these squared add up to is the sum: one root in all.
    """
    n, x, out = s.counts[LINKED], s.features[feature], s.features[root]
    y, pool_out = pooled.features[feature - fusion.POOL_FIRST], pooled.features[root - fusion.POOL_FIRST]
    half = HALF * scale
    top = np.float32(-1e30)
    for q in range(pool.SIZE):  # compared and chosen, since a chain of max() is not SIMD
        v = half * y[q] + s.pool_barred[q]
        top = v if v > top else top
    for c in range(n):
        v = half * x[c] + s.barred[c]
        s.x[c] = v
        top = v if v > top else top
    exp_into(out, s.x, top, s.y, s.y_bits, n)
    for q in range(pool.SIZE):
        s.x[q] = half * y[q] + s.pool_barred[q]
    exp_into(pool_out, s.x, top, s.y, s.y_bits, pool.SIZE)
    part = ROOT / np.sqrt(_squares(out[:n]) + _squares(pool_out))
    for c in range(n):
        out[c] *= part
    for q in range(pool.SIZE):
        pool_out[q] *= part


@tight
def _squares(values: F32) -> Real:
    total = np.float32(0)
    for k in range(values.size):
        total += values[k] * values[k]
    return total
