"""Before an event is learned: where everybody put it is counted, and the fusion learns from that."""

import numpy as np

from streamproc.engine import candidates, pool, ranking, reasons, scoring, seen
from streamproc.engine.memory import SHADOWED, Memory, Partition, Settings
from streamproc.engine.model import SERVING, Challenger, Model
from streamproc.engine.pool import Pool
from streamproc.engine.ranking import Slate
from streamproc.engine.scratch import LIKED, LINKED, Scratch
from streamproc_models import evaluation, fusion
from streamproc_models.arrays import F32, Hash, Real
from streamproc_models.fusion import Fusion
from streamproc_models.kernel import inlined, tight
from streamproc_models.vector import exp_into


@inlined
def predict(
    m: Model, other: Challenger, memory: Memory, part: Partition, s: Scratch, slate: Slate,
    settings: Settings, user: Hash, target: int,
) -> None:  # fmt: skip
    """Where every head and the fusion put the target; then the fusion learns from it."""
    record = memory.record
    number = record.evaluated[0]
    record.evaluated[0] += 1
    _rank(m, part, s, settings, user)
    place = ranking.fusion_place(m.pool.place, s, target)
    evaluation.count(record, evaluation.FUSION, place)
    serving = place
    for head in range(evaluation.POPULARITY, evaluation.LONG_TERM + 1):
        alone = ranking.head_place(m.pool, s, head, target)
        evaluation.count(record, head, alone)
        if head == m.counters[SERVING]:
            serving = alone
    evaluation.count(record, evaluation.SERVED, serving)
    if number % settings.sample_every == 0:
        _sample(m, memory, s, slate, settings)
    if number % settings.fusion_every == 0:
        improve(m.fusion, m.pool, m.lasting[0] > 0, s, settings.fusion_rate, target)
    scoring.clear(s)
    if memory.counters[SHADOWED] >= 0:
        _shadow(m, other, memory, part, s, settings, user, target, place)


@inlined
def _rank(m: Model, part: Partition, s: Scratch, settings: Settings, user: Hash) -> None:
    scoring.score(m, s, settings.votes, settings.lasting_window, settings.lasting_decay)
    if settings.exclude_seen:
        seen.forbid(part.seen, m, s, user)


@tight
def _sample(m: Model, memory: Memory, s: Scratch, slate: Slate, settings: Settings) -> None:
    k = ranking.choose(m, s, slate)
    reasons.explain(m, s, slate, k, settings.votes)
    for p in range(k):
        memory.shown[slate.items[p]] = 1
    for family in range(3):
        memory.gate[family] += slate.gate[family]
    memory.gate[3] += 1.0


@tight
def improve(head: Fusion, dense: Pool, lasting: bool, s: Scratch, rate: float, target: int) -> None:
    """One step of the fusion; a target that is no candidate teaches nothing."""
    number, place = scoring.number_of(dense.place, s, target)
    if number < 0 and place < 0:
        return
    shift = s.scores[number] if number >= 0 else s.pool_scores[place]
    if shift < np.float32(-1e29):
        return
    n = s.counts[LINKED]
    total = exp_into(s.odds, s.scores, shift, s.y, s.y_bits, n)
    total += exp_into(s.pool_odds, s.pool_scores, shift, s.y, s.y_bits, pool.SIZE)
    _gradient(dense.features, lasting, s, np.float32(1.0) / np.float32(total), number, place)
    fusion.step(head, fusion.bucket(s.counts[LIKED]), s.gradient, rate)


@tight
def _gradient(dense: F32, lasting: bool, s: Scratch, scale: Real, number: int, place: int) -> None:
    """g = x_target - E[x], feature by feature."""
    for f in range(fusion.FEATURES):
        x, mean, n = s.features[f], np.float32(0), scoring.extent(s, f)
        if lasting or (f != fusion.LONG_TERM and f != fusion.LONG_TERM_ROOT):
            for c in range(n):
                mean += s.odds[c] * x[c]
            target = x[number] if 0 <= number < n else np.float32(0)
        else:
            target = np.float32(0)
        if fusion.POOL_FIRST <= f <= fusion.POOL_LAST:
            pooled = dense[f - fusion.POOL_FIRST]
            for q in range(pool.SIZE):
                mean += s.pool_odds[q] * pooled[q]
            if number < 0:
                target = pooled[place]
        s.gradient[f] = target - mean * scale


@tight
def _shadow(
    m: Model, other: Challenger, memory: Memory, part: Partition, s: Scratch, settings: Settings,
    user: Hash, target: int, place: int,
) -> None:  # fmt: skip
    """The same prediction by the model with the new generation, and how both did since its warm-up."""
    candidates.own(s)
    _rank(_challenged(m, other), part, s, settings, user)
    there = ranking.fusion_place(m.pool.place, s, target)
    evaluation.count(memory.record, evaluation.SHADOW, there)
    improve(other.fusion, m.pool, True, s, settings.fusion_rate, target)
    scoring.clear(s)
    memory.counters[SHADOWED] += 1
    if memory.counters[SHADOWED] <= settings.shadow_warmup:
        return
    memory.shadow[0] += 1.0
    if place < 20:
        memory.shadow[1] += 1.0
        memory.shadow[2] += 1.0 / (place + 1.0)
    if there < 20:
        memory.shadow[3] += 1.0
        memory.shadow[4] += 1.0 / (there + 1.0)


@inlined
def _challenged(m: Model, other: Challenger) -> Model:
    """The model as it would be if the generation in shadow were promoted."""
    return Model(
        m.keys, m.rows, m.item, m.next_free, m.popularity, m.features, m.markov, m.covisitation, m.factors,
        m.gru, other.long_term, other.fusion, m.pool, other.lasting, m.counters,
    )  # fmt: skip
