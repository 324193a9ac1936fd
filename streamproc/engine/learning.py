"""One event after the other, compiled: predict it, count the prediction, learn it, and then let it into the window.

The loop stops where something has to happen between two events that is not its own business (a full batch of
the recurrent head, a full catalogue) and says why, so that the result does not depend on how events were cut
into micro-batches.
"""

from typing import NamedTuple

import numpy as np

from streamproc.engine import candidates, ids, pool, ranking, reasons, scoring, seen
from streamproc.engine.ids import Ids
from streamproc.engine.model import EVENTS, FREED, ITEMS, SERVING, Model
from streamproc.engine.looking import look
from streamproc.engine.pool import Pool
from streamproc.engine.ranking import Slate
from streamproc.engine.scratch import LIKED, LINKED, Scratch
from streamproc.engine.seen import Seen
from streamproc.engine.window_kernels import Windows, accept, store_hidden
from streamproc_models import evaluation, fusion
from streamproc_models.arrays import F32, F64, I32, I64, U8, U64
from streamproc_models.evaluation import Record
from streamproc_models.fusion import Fusion
from streamproc_models.hashing import find, put
from streamproc_models.heads import covisitation, factors, gru, popularity
from streamproc_models.kernel import inlined, tight
from streamproc_models.slots import add_weight
from streamproc_models.vector import exp_into

DONE, TRAIN, FULL, HOUSE = 0, 1, 2, 3  # why the loop stopped
RESCALE = 1e15  # growing weights are brought back to 1 before single precision suffers
GATE_TRIALS, GATE_LOSS = 2000.0, 0.98  # the fusion must have been judged so often, and be so much worse


class Settings(NamedTuple):
    """The numbers of the config that the loop needs."""

    votes: int  # newest items whose co-visitation votes
    pairs: int  # newest items that a new one is paired with
    backward: float
    growth: float  # of the weight of one event, per event
    lasting_window: int
    lasting_decay: float
    factor_rate: float
    regularisation: float
    fusion_rate: float
    fusion_every: int
    sample_every: int  # a full slate is made for every so many-th prediction, for coverage and the gate
    seed: int
    exclude_seen: bool
    use_gru: bool
    shadow_warmup: int  # predictions in shadow before the comparison begins


class Memory(NamedTuple):
    """What only the learner holds beside the model."""

    increment: F64  # (1,), present weight of one event
    record: Record
    dirty: U8  # (items,), changed since the last sync
    dirty_rows: I32  # (items,)
    shown: U8  # (items,), was on a sampled slate
    gate: F64  # (4,), sums of the sampled gates, and their number
    negatives: I32  # (negatives,)
    counters: I64  # (2,): dirty items; events seen in shadow, -1 where nothing runs in shadow
    shadow: F64  # (5,): trials, hits and reciprocal ranks of the fusion, then of the shadow


DIRTY, SHADOWED = 0, 1  # places in `counters`


class Partition(NamedTuple):
    """The users of one source partition, as the learner knows them."""

    windows: Windows
    factors: F32  # (users, d)
    ids: Ids
    seen: Seen
    dirty: U8  # (users,)
    dirty_rows: I32  # (users,)
    dirty_count: I64  # (1,)
    gone: Ids  # ids of users forgotten since the last sync
    gone_count: I64  # (1,)


@tight
def learn(
    m: Model, other: Model, memory: Memory, item_ids: Ids, part: Partition, s: Scratch, slate: Slate, settings: Settings,
    users: U64, items: U64, times: I64, kinds: U8, strengths: F32, keys: U64, sequences: I64, sessions: U64, offsets: I64,
    user_text: U8, user_ends: I64, item_text: U8, item_ends: I64, start: int,
) -> tuple[int, int]:  # fmt: skip
    """Events start.. of a micro-batch; `other` is the model that runs in shadow. Returns where and why it stopped."""
    for x in range(start, users.size):
        item = find(m.keys, m.rows, items[x])
        if item < 0:
            if m.counters[ITEMS] >= m.item.size and m.counters[FREED] < 0:
                return x, FULL
            item = _enter(m, item_ids, items[x], item_text, item_ends[x - 1] if x > 0 else 0, item_ends[x])
        row = find(part.windows.keys, part.windows.rows, users[x])
        look(m, part.windows, s, row, settings.use_gru)
        positive = strengths[x] > 0
        fresh = not settings.exclude_seen or not seen.contains(part.seen, users[x], items[x])
        if row >= 0 and positive and fresh:
            _predict(m, other, memory, part, s, slate, settings, users[x], item)
        event = m.counters[EVENTS]
        m.counters[EVENTS] = event + 1
        _, row, arrived = accept(
            part.windows, users[x], items[x], times[x], kinds[x], not positive, False,
            keys[x], sequences[x], sessions[x], offsets[x], False,
        )  # fmt: skip
        if arrived:
            _bury(part, row)
            factors.start_vector(part.factors[row], users[x])
            ids.store(part.ids, row, user_text, user_ends[x - 1] if x > 0 else 0, user_ends[x])
        _mark_user(part, row)
        if settings.exclude_seen:
            seen.add(part.seen, row, users[x], items[x])
        full = _teach(m, memory, part, s, settings, row, item, event, strengths[x])
        if full:  # the house can be due as well
            return x + 1, TRAIN
        if event % pool.REBUILD == pool.REBUILD - 1 or memory.increment[0] > RESCALE:
            return x + 1, HOUSE
    return users.size, DONE


@tight
def _enter(m: Model, item_ids: Ids, item: int, text: U8, start: int, end: int) -> int:
    """A row for an item that nobody has met before."""
    row = m.counters[FREED]
    if row >= 0:
        m.counters[FREED] = m.next_free[row]
    else:
        row = m.counters[ITEMS]
        m.counters[ITEMS] += 1
    put(m.keys, m.rows, item, row)
    m.item[row] = item
    factors.start_vector(m.factors.items[row], item)
    ids.store(item_ids, row, text, start, end)
    return row


@inlined
def _predict(
    m: Model, other: Model, memory: Memory, part: Partition, s: Scratch, slate: Slate, settings: Settings,
    user: int, target: int,
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
        _improve(m.fusion, m.pool, m.lasting[0] > 0, s, settings.fusion_rate, target)
    scoring.clear(s)
    if memory.counters[SHADOWED] >= 0:
        _shadow(m, other, memory, part, s, settings, user, target, place)


@inlined
def _rank(m: Model, part: Partition, s: Scratch, settings: Settings, user: int) -> None:
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
def _improve(head: Fusion, dense: Pool, lasting: bool, s: Scratch, rate: float, target: int) -> None:
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
def _gradient(dense: F32, lasting: bool, s: Scratch, scale: float, number: int, place: int) -> None:
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
    m: Model, other: Model, memory: Memory, part: Partition, s: Scratch, settings: Settings,
    user: int, target: int, place: int,
) -> None:  # fmt: skip
    """The same prediction by the model with the new generation, and how both did since its warm-up."""
    candidates.own(s)
    _rank(other, part, s, settings, user)
    there = ranking.fusion_place(other.pool.place, s, target)
    evaluation.count(memory.record, evaluation.SHADOW, there)
    _improve(other.fusion, other.pool, True, s, settings.fusion_rate, target)
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
def _teach(
    m: Model, memory: Memory, part: Partition, s: Scratch, settings: Settings,
    row: int, item: int, event: int, strength: float,
) -> bool:  # fmt: skip
    """Every head learns the event; says whether the recurrent head's batch is full."""
    memory.increment[0] *= settings.growth
    if strength <= 0:
        _teach_dislike(m, memory, part, s, settings, row, item)
        return False
    newcomer = m.popularity.first[item] < 0
    popularity.learn(m.popularity, item, event, strength)
    popularity.describe_one(m.popularity, item, event, m.features[item])
    if newcomer:
        pool.welcome(m.pool, item, m.features, m.factors.items, m.gru)
    _mark_item(memory, item)
    _teach_links(m, memory, s, settings, item, memory.increment[0] * strength)
    _teach_factors(m, memory, part, s, settings, row, item, event)
    factors.remember(m.factors, event, item)
    if s.counts[LIKED] == 0 or not settings.use_gru:
        return False
    store_hidden(part.windows, row, s.hidden)
    return gru.remember(m.gru, s.before, s.window[0], item) == m.gru.batch_targets.size


@inlined
def _teach_links(m: Model, memory: Memory, s: Scratch, settings: Settings, item: int, weight: float) -> None:
    pairs = min(settings.pairs, s.counts[LIKED])
    covisitation.learn(m.covisitation, s.window, pairs, item, weight, settings.backward)
    if pairs > 0:
        add_weight(m.markov.neighbours, m.markov.weights, m.markov.fill, m.markov.totals, s.window[0], item, weight)
    for d in range(pairs):
        _mark_item(memory, s.window[d])


@inlined
def _teach_factors(
    m: Model, memory: Memory, part: Partition, s: Scratch, settings: Settings, row: int, item: int, event: int
) -> None:
    drawn, n = memory.negatives, 0
    factors.draw_negatives(m.factors, event, m.counters[ITEMS], settings.seed, drawn)
    for k in range(drawn.size):
        other = drawn[k]
        if other != item and m.item[other] != 0 and not candidates.in_window(s, other):
            drawn[n] = other
            n += 1
    factors.learn_pairwise(
        part.factors[row], m.factors.items, item, drawn, n, settings.factor_rate, settings.regularisation, s.pull
    )


@tight
def _teach_dislike(m: Model, memory: Memory, part: Partition, s: Scratch, settings: Settings, row: int, item: int) -> None:
    """A disliked item is the one negative of the user's last liked one."""
    if s.counts[LIKED] > 0 and s.window[0] != item:
        memory.negatives[0] = item
        factors.learn_pairwise(
            part.factors[row], m.factors.items, s.window[0], memory.negatives, 1,
            settings.factor_rate, settings.regularisation, s.pull,
        )  # fmt: skip


@tight
def _bury(part: Partition, row: int) -> None:
    """The user who had this row is forgotten; the id is kept until it has been taken out of the topic, too."""
    if part.ids.length[row] > 0:
        start = part.ids.start[row]
        n = part.gone_count[0]
        ids.store(part.gone, n, part.ids.data, start, start + part.ids.length[row])
        part.gone_count[0] = n + 1
        ids.clear(part.ids, row)
        seen.forget(part.seen, row)


@tight
def _mark_item(memory: Memory, item: int) -> None:
    if memory.dirty[item] == 0:
        memory.dirty[item] = 1
        memory.dirty_rows[memory.counters[DIRTY]] = item
        memory.counters[DIRTY] += 1


@tight
def _mark_user(part: Partition, row: int) -> None:
    if part.dirty[row] == 0:
        part.dirty[row] = 1
        part.dirty_rows[part.dirty_count[0]] = row
        part.dirty_count[0] += 1


def keep_house(m: Model, memory: Memory, s: Scratch) -> None:
    """What is due every so many events: scales, top lists, features of all items, the safety gate."""
    event, items = int(m.counters[EVENTS]) - 1, int(m.counters[ITEMS])
    if memory.increment[0] > RESCALE:
        _rescale(m, memory)
    if event % pool.DESCRIBE == pool.DESCRIBE - 1:
        popularity.describe(m.popularity, event, items, m.features, s.x, s.x_bits, s.y, s.y_bits)
    if event % pool.REBUILD == pool.REBUILD - 1:
        pool.renew_tops(m.pool, m.popularity, m.factors.recent, event, items)
        pool.rebuild(m.pool, m.features, m.factors.items, m.gru)
        m.counters[SERVING] = _best_answer(memory.record)


def _rescale(m: Model, memory: Memory) -> None:
    scale = 1.0 / float(memory.increment[0])
    for head in (m.covisitation, m.markov):
        head.weights[:] *= np.float32(scale)
        head.totals[:] *= scale
    memory.increment[0] = 1.0


@tight
def _best_answer(record: Record) -> int:
    """The fusion, unless one head has lately been clearly better."""
    best = evaluation.POPULARITY
    for head in range(evaluation.POPULARITY, evaluation.LONG_TERM + 1):
        if record.recent[head] > record.recent[best]:
            best = head
    worse = record.recent[evaluation.FUSION] < GATE_LOSS * record.recent[best]
    judged = record.sums[evaluation.FUSION, evaluation.TRIALS] >= GATE_TRIALS
    return best if worse and judged else evaluation.FUSION
