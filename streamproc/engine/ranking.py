"""From scores to places: where a target came, by the fusion, by each head, and who answers."""

import numpy as np

from streamproc.engine import pool
from streamproc.engine.choosing import IMPOSSIBLE_BELOW
from streamproc.engine.model import SERVING, Model
from streamproc.engine.scoring import extent, number_of, weigh
from streamproc.engine.scratch import HISTORY, LINKED, PRESENT, Scratch
from streamproc_models import evaluation, fusion
from streamproc_models.arrays import F32, I32, Real
from streamproc_models.heads import popularity
from streamproc_models.kernel import inlined, tight

EXPONENT = np.int32(0x7F800000)  # of a single-precision number; all ones: none
FIRST_FEATURE = np.array(  # of each head, by its number among the models; the fusion's own is never asked for
    [
        fusion.COVISITATION, fusion.POPULARITY_SHORT, fusion.RECENCY, fusion.MARKOV, fusion.COVISITATION,
        fusion.SECOND_ORDER, fusion.SESSION, fusion.FACTORS, fusion.GRU, fusion.LONG_TERM, fusion.ENCODER,
    ]
)  # fmt: skip


@tight
def place_among(scores: F32, n: int, pooled: F32, with_pool: bool, value: Real) -> int:
    """How many candidates are better than `value`; of equal ones half are."""
    better, level = np.float32(0), np.float32(0)
    for c in range(n):
        better += np.float32(1) if scores[c] > value else np.float32(0)
        level += np.float32(1) if scores[c] == value else np.float32(0)
    if with_pool:
        for q in range(pool.SIZE):
            better += np.float32(1) if pooled[q] > value else np.float32(0)
            level += np.float32(1) if pooled[q] == value else np.float32(0)
    return int(better) + (max(int(level), 1) - 1) // 2


@tight
def fusion_place(places: I32, s: Scratch, target: int) -> int:
    """The target's place in the fusion's ranking, MISS where it is no candidate."""
    number, place = number_of(places, s, target)
    if number < 0 and place < 0:
        return evaluation.MISS
    value = s.scores[number] if number >= 0 else s.pool_scores[place]
    if value < IMPOSSIBLE_BELOW or _unsound(s, value):
        return evaluation.MISS
    return place_among(s.scores, s.counts[LINKED], s.pool_scores, True, value)


@tight
def _unsound(s: Scratch, value: Real) -> bool:
    """NaN or infinite, by its bits: compilers may take it that there is no such number."""
    s.y[0] = value
    return bool(s.y_bits[0] & EXPONENT == EXPONENT)


@inlined
def head_place(m: Model, s: Scratch, head: int, target: int) -> int:
    """The target's place if this head ranked the candidates alone; MISS where there is no such head.

    Popularity is what all else is measured by, also where the fusion goes without it.
    """
    dense = m.pool
    number, place = number_of(dense.place, s, target)
    if number < 0 and place < 0:
        return evaluation.MISS
    if head == evaluation.POPULARITY:
        return _dense_place(s, fusion.POPULARITY_MEDIUM, dense.features[pool.POPULAR + 1], number, place)
    if not fusion.has(s.counts[PRESENT], FIRST_FEATURE[head]):
        return evaluation.MISS
    if head == evaluation.FACTORS:
        return _dense_place(s, fusion.FACTORS, dense.features[pool.TASTE], number, place)
    if head == evaluation.GRU:
        return _dense_place(s, fusion.GRU, dense.features[pool.RECURRENT], number, place)
    if head == evaluation.ENCODER:
        return _dense_place(s, fusion.ENCODER, dense.features[pool.ENCODED], number, place)
    if head == evaluation.HISTORY:
        return _sparse_place(s, s.features[fusion.RECENCY], extent(s, fusion.RECENCY), number)
    if head == evaluation.MARKOV:
        return _sparse_place(s, s.after, extent(s, fusion.MARKOV), number)
    if head == evaluation.COVISITATION:
        return _sparse_place(s, s.near, s.counts[LINKED], number)
    if head == evaluation.SECOND_ORDER:
        return _sparse_place(s, s.beyond, s.counts[LINKED], number)
    if head == evaluation.SESSION:
        return _sparse_place(s, s.mates, s.counts[LINKED], number)
    return _lasting_place(s, number, place)


@inlined
def _lasting_place(s: Scratch, number: int, place: int) -> int:
    """What the generation says nothing about is not ranked."""
    value = s.lasting[number] if number >= 0 else s.pool_lasting[place]
    if value <= 0 or _unsound(s, value):
        return evaluation.MISS
    return _place_among_shown(s.lasting, s.counts[LINKED], s.pool_lasting, s.pool_scores, value)


@inlined
def _dense_place(s: Scratch, feature: int, pooled: F32, number: int, place: int) -> int:
    """By a head that has an opinion on every candidate, the pool included."""
    local = s.features[feature]
    value = local[number] if number >= 0 else pooled[place]
    if _unsound(s, value):
        return evaluation.MISS
    return _place_among_shown(local, s.counts[LINKED], pooled, s.pool_scores, value)


@tight
def _place_among_shown(scores: F32, n: int, pooled: F32, shown: F32, value: Real) -> int:
    """`place_among` where only those of the pool count that the fusion might show."""
    better, level = np.float32(0), np.float32(0)
    for c in range(n):
        better += np.float32(1) if scores[c] > value else np.float32(0)
        level += np.float32(1) if scores[c] == value else np.float32(0)
    for q in range(pool.SIZE):
        counts = np.float32(1) if shown[q] > IMPOSSIBLE_BELOW else np.float32(0)
        better += counts if pooled[q] > value else np.float32(0)
        level += counts if pooled[q] == value else np.float32(0)
    return int(better) + (max(int(level), 1) - 1) // 2


@tight
def _sparse_place(s: Scratch, local: F32, n: int, number: int) -> int:
    """By a head that knows only what is linked to the window."""
    if number < 0 or number >= n or local[number] <= 0 or _unsound(s, local[number]):
        return evaluation.MISS
    return place_among(local, n, local, False, local[number])


@tight
def answering(m: Model, s: Scratch) -> int:
    """Who answers: of a stranger, from whom the fusion never learns, popularity knows the most."""
    return evaluation.POPULARITY if s.counts[HISTORY] == 0 else int(m.counters[SERVING])


@inlined
def serve(m: Model, s: Scratch) -> None:
    """While the gate answers with the twin or one head, its scores stand in for the fusion's."""
    head = answering(m, s)
    if head == evaluation.TWIN:
        weigh(m, s, m.fusion.twin)
    elif head == evaluation.POPULARITY and s.counts[HISTORY] == 0:
        _serve_popular(m, s)
    elif head == evaluation.POPULARITY:
        _serve_dense(m, s, fusion.POPULARITY_MEDIUM)
    elif head == evaluation.FACTORS:
        _serve_dense(m, s, fusion.FACTORS)
    elif head == evaluation.GRU:
        _serve_dense(m, s, fusion.GRU)
    elif head == evaluation.ENCODER and m.encoder.since[0] > 0:
        _serve_dense(m, s, fusion.ENCODER)
    elif head == evaluation.HISTORY:
        _serve_sparse(s, s.features[fusion.RECENCY], extent(s, fusion.RECENCY))
    elif head == evaluation.MARKOV:
        _serve_sparse(s, s.after, extent(s, fusion.MARKOV))
    elif head == evaluation.COVISITATION:
        _serve_sparse(s, s.near, s.counts[LINKED])
    elif head == evaluation.SECOND_ORDER:
        _serve_sparse(s, s.beyond, s.counts[LINKED])
    elif head == evaluation.SESSION:
        _serve_sparse(s, s.mates, s.counts[LINKED])
    elif head == evaluation.LONG_TERM:
        _serve_sparse(s, s.lasting, s.counts[LINKED])


@tight
def _serve_dense(m: Model, s: Scratch, feature: int) -> None:
    local, pooled = s.features[feature], m.pool.features[feature - fusion.POOL_FIRST]
    for c in range(s.counts[LINKED]):
        if s.scores[c] > IMPOSSIBLE_BELOW:
            s.scores[c] = local[c]
    for q in range(pool.SIZE):
        if s.pool_scores[q] > IMPOSSIBLE_BELOW:
            s.pool_scores[q] = pooled[q]


@tight
def _serve_popular(m: Model, s: Scratch) -> None:
    """To a stranger: as popular as each item is since its newest event, not since the pool's last rebuild."""
    for q in range(pool.SIZE):
        if s.pool_scores[q] > IMPOSSIBLE_BELOW:
            s.pool_scores[q] = m.features[m.pool.item[q], popularity.MEDIUM]


@tight
def _serve_sparse(s: Scratch, local: F32, n: int) -> None:
    """What the head does not know comes behind, the most popular first."""
    for c in range(s.counts[LINKED]):
        if s.scores[c] > IMPOSSIBLE_BELOW:
            s.scores[c] = local[c] if c < n else np.float32(0)
    for q in range(pool.SIZE):
        if s.pool_scores[q] > IMPOSSIBLE_BELOW:
            s.pool_scores[q] = np.float32(-1) / np.float32(1 + q)
