"""Before an event is learned: where everybody put it is counted, and the fusion learns from that."""

import numpy as np

from streamproc.engine import candidates, choosing, comparing, encoding, pool, ranking, reasons, scoring
from streamproc.engine.choosing import IMPOSSIBLE_BELOW, Slate
from streamproc.engine.memory import SHADOWED, Memory, Partition, Settings
from streamproc.engine.model import SERVING, Challenger, Model
from streamproc.engine.pool import Pool
from streamproc.engine.scratch import LINKED, PRESENT, Scratch
from streamproc_models import evaluation, fusion
from streamproc_models.arrays import F32, Hash, Real
from streamproc_models.fusion import Fusion
from streamproc_models.heads import bias
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
    scoring.score(m, s, settings.reading, part.seen, user, settings.exclude_seen)
    place = ranking.fusion_place(m.pool.place, s, target)
    evaluation.count(record, evaluation.FUSION, place)
    serving = place
    for head in range(evaluation.POPULARITY, evaluation.ENCODER + 1):
        alone = ranking.head_place(m, s, head, target)
        evaluation.count(record, head, alone)
        if head == m.counters[SERVING]:
            serving = alone
    sampled = number % settings.sample_every == 0
    if sampled and settings.answer == evaluation.FUSION:
        _sample(m, memory, s, slate, settings)
    every = settings.fusion_every if number < settings.settled_after else settings.settled_every
    if number % every == 0:
        _improve(m, m.fusion, s, target, settings.use_bias)
    if number % settings.twin_every == 0 or m.counters[SERVING] == evaluation.TWIN:
        there = _twin(m, s, settings, target, number % settings.twin_every == 0)
        evaluation.count(record, evaluation.TWIN, there)
        serving = there if m.counters[SERVING] == evaluation.TWIN else serving
    evaluation.count(record, evaluation.SERVED, serving)
    if settings.compare:
        comparing.average(m, s)
        evaluation.count(record, evaluation.AVERAGE, ranking.fusion_place(m.pool.place, s, target))
        comparing.maximum(m, s)
        evaluation.count(record, evaluation.MAXIMUM, ranking.fusion_place(m.pool.place, s, target))
        if sampled and settings.answer != evaluation.FUSION:
            _sample_plain(m, memory, s, slate, settings)
    candidates.clear(s)
    if memory.counters[SHADOWED] >= 0:
        _shadow(m, other, memory, part, s, settings, user, target, place)


@inlined
def _sample(m: Model, memory: Memory, s: Scratch, slate: Slate, settings: Settings) -> None:
    k = choosing.choose(m, s, slate)
    reasons.explain(m, s, slate, k, settings.reading.votes, m.counters[SERVING])
    for p in range(k):
        memory.shown[slate.items[p]] = 1
    for family in range(3):
        memory.gate[family] += slate.gate[family]
    memory.gate[3] += 1.0


@inlined
def _sample_plain(m: Model, memory: Memory, s: Scratch, slate: Slate, settings: Settings) -> None:
    """The slate of a fusion that does not learn, whose maximum `s` holds: without reasons, without a gate."""
    if settings.answer == evaluation.AVERAGE:
        comparing.average(m, s)
    for p in range(choosing.choose(m, s, slate)):
        memory.shown[slate.items[p]] = 1


@inlined
def _improve(m: Model, head: Fusion, s: Scratch, target: int, with_bias: bool) -> None:
    """One step of the fusion, and of the items' biases, which share its loss."""
    number, place = scoring.number_of(m.pool.place, s, target)
    scale = _learn_gradient(m.pool, s, number, place)
    if scale <= 0:
        return
    fusion.improve(head, s.counts[PRESENT], s.rows, s.gradient, s.newton)
    if with_bias:
        _improve_biases(m, s, scale, target, target if number < 0 else -1)


@inlined
def _improve_biases(m: Model, s: Scratch, scale: Real, target: int, pooled: int) -> None:
    """Of the linked candidates, then of the pool; `pooled` is -1 where the target is linked."""
    p, n, seats = m.pool, s.counts[LINKED], pool.SIZE
    bias.learn(m.bias, s.item, s.odds, n, scale, target, m.features, p.place, p.item_bias, s.picked)
    bias.learn(m.bias, p.item, s.pool_odds, seats, scale, pooled, m.features, p.place, p.item_bias, s.picked)


@inlined
def _twin(m: Model, s: Scratch, settings: Settings, target: int, learns: bool) -> int:
    """Where the twin puts the target; then its own step."""
    scoring.weigh(m, s, m.fusion.twin)
    place = ranking.fusion_place(m.pool.place, s, target)
    if learns:
        number, seat = scoring.number_of(m.pool.place, s, target)
        if _learn_gradient(m.pool, s, number, seat) > 0:
            fusion.improve_twin(m.fusion, s.rows, s.gradient, settings.twin_rate)
    return place


@inlined
def _learn_gradient(dense: Pool, s: Scratch, number: int, place: int) -> Real:
    """g = x_target - E[x] in `s.gradient`; returns what turns odds to probabilities.

    0 where the target is no candidate, which teaches nothing.
    """
    if number < 0 and place < 0:
        return np.float32(0)
    shift = s.scores[number] if number >= 0 else s.pool_scores[place]
    if shift < IMPOSSIBLE_BELOW:
        return np.float32(0)
    total = exp_into(s.odds, s.scores, shift, s.y, s.y_bits, s.counts[LINKED])
    total += exp_into(s.pool_odds, s.pool_scores, shift, s.y, s.y_bits, pool.SIZE)
    scale = np.float32(1.0) / np.float32(total)
    _gradient(dense.features, s, scale, number, place)
    return scale


@tight
def _gradient(dense: F32, s: Scratch, scale: Real, number: int, place: int) -> None:
    """Feature by feature."""
    for f in range(fusion.FEATURES):
        x, mean, n = s.features[f], np.float32(0), scoring.extent(s, f)
        target = np.float32(0)
        if fusion.has(s.counts[PRESENT], f):
            for c in range(n):
                mean += s.odds[c] * x[c]
            target = x[number] if 0 <= number < n else np.float32(0)
            if fusion.POOL_FIRST <= f <= fusion.POOL_LAST:
                pooled = dense[f - fusion.POOL_FIRST]
                for q in range(pool.SIZE):
                    mean += s.pool_odds[q] * pooled[q]
                if number < 0:
                    target = pooled[place]
        s.gradient[f] = target - mean * scale


@inlined
def _shadow(
    m: Model, other: Challenger, memory: Memory, part: Partition, s: Scratch, settings: Settings,
    user: Hash, target: int, place: int,
) -> None:  # fmt: skip
    """The same prediction by the model with the new generation, and how both did since its warm-up."""
    candidates.own(s)
    another = other.encoder.since[0] != m.encoder.since[0]
    if another:
        encoding.try_on(other.encoder, s)
    there = _challenge(_challenged(m, other), part, s, settings, user, target)
    if another:
        encoding.take_off(s)
    evaluation.count(memory.record, evaluation.SHADOW, there)
    candidates.clear(s)
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
def _challenge(m: Model, part: Partition, s: Scratch, settings: Settings, user: Hash, target: int) -> int:
    """Where the challenger puts the target; only its fusion learns, not the biases, which both share."""
    scoring.score(m, s, settings.reading, part.seen, user, settings.exclude_seen)
    there = ranking.fusion_place(m.pool.place, s, target)
    number, place = scoring.number_of(m.pool.place, s, target)
    if _learn_gradient(m.pool, s, number, place) > 0:
        fusion.improve(m.fusion, s.counts[PRESENT], s.rows, s.gradient, s.newton)
    _twin(m, s, settings, target, True)
    return there


@inlined
def _challenged(m: Model, other: Challenger) -> Model:
    """The model as it would be if the generation in shadow were promoted."""
    return Model(
        m.keys, m.rows, m.item, m.next_free, m.popularity, m.features, m.markov, m.covisitation, m.session,
        m.factors, m.gru, m.bias, other.long_term, other.encoder, other.fusion, m.pool, other.lasting,
        m.increments, m.counters,
    )  # fmt: skip
