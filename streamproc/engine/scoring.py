"""Scores of the candidates: the features, weighted by the fusion."""

from streamproc.engine import candidates, describing, foreseeing, pool, seen, shortlist
from streamproc.engine.model import LONG, Model
from streamproc.engine.pool import Pool
from streamproc.engine.reading import Reading
from streamproc.engine.scratch import (
    BASE,
    FOLLOWERS,
    HISTORY,
    IN_SESSION,
    IN_WINDOW,
    LIKED,
    LINKED,
    PRESENT,
    Scratch,
)
from streamproc.engine.seen import Seen
from streamproc_models import fusion
from streamproc_models.arrays import F32, I32, Hash
from streamproc_models.kernel import inlined, tight


@inlined
def score(m: Model, s: Scratch, reading: Reading, had: Seen, user: Hash, exclude_seen: bool) -> None:
    """Scores of all candidates of the window in `s` and of the pool; the recurrent state is in `s.hidden`.

    With `exclude_seen`, what `user` had cannot be shown.
    """
    s.counts[PRESENT] = fusion.present(m.fusion.mask, m.lasting[0], m.encoder.since[0])
    candidates.gather(m, s, reading)
    shortlist.shorten(s, m.pool.place, reading.candidates, m.lasting[0] > 0)
    foreseeing.items(m, s)
    candidates.allow(s, m.pool.bias, m.pool.place)
    if exclude_seen:
        seen.forbid(had, m, s, user)
    describing.describe(m, s)
    fusion.place(s.counts[HISTORY], s.counts[IN_SESSION], _evidence(m, s), s.rows)
    weigh(m, s, m.fusion.weights)


@inlined
def weigh(m: Model, s: Scratch, weights: F32) -> None:
    """Scores by one learner's rows of weights."""
    fusion.combine(weights, s.rows, s.weights)
    add_up(m.pool, s)


@tight
def _evidence(m: Model, s: Scratch) -> float:
    """Events after the last item, present ones counting 1."""
    if s.counts[LIKED] == 0:
        return 0.0
    return float(m.markov.totals[s.window[0]] / m.increments[LONG])


@tight
def extent(s: Scratch, feature: int) -> int:
    """How many of the numbered candidates have this feature."""
    if feature >= fusion.RECENCY:
        return int(s.counts[IN_WINDOW])
    return int(s.counts[FOLLOWERS] if feature >= fusion.MARKOV else s.counts[LINKED])


@tight
def add_up(dense: Pool, s: Scratch) -> None:
    """Scores by `s.weights`."""
    scores, pooled = s.scores, s.pool_scores
    for c in range(s.counts[LINKED]):
        scores[c] = s.barred[c]
    for f in range(fusion.FEATURES):
        if not fusion.has(s.counts[PRESENT], f):
            continue
        w, x = s.weights[f], s.features[f]
        for c in range(extent(s, f)):
            scores[c] += w * x[c]
    for q in range(pool.SIZE):
        pooled[q] = s.pool_barred[q]
    for f in range(fusion.POOL_FIRST, fusion.POOL_LAST + 1):
        if not fusion.has(s.counts[PRESENT], f):
            continue
        w, x = s.weights[f], dense.features[f - fusion.POOL_FIRST]
        for q in range(pool.SIZE):
            pooled[q] += w * x[q]


@tight
def number_of(places: I32, s: Scratch, row: int) -> tuple[int, int]:
    """Where an item is among the candidates: its number, or its place in the pool; -1 where it is not."""
    number = s.stamp[row] - s.stamps[BASE]
    if number >= 0:
        return number, -1
    place = places[row]
    return -1, place if place != pool.OUTSIDE else -1
