"""Every head learns one event, each by its own rule."""

from streamproc.engine import candidates, pool
from streamproc.engine.memory import Memory, Partition, Settings, mark_item
from streamproc.engine.model import BRIEF, ITEMS, LONG, Model
from streamproc.engine.scratch import BEGINS, IN_SESSION, LIKED, Scratch
from streamproc.engine.window_kernels import store_hidden
from streamproc_models.heads import covisitation, factors, gru, popularity, session
from streamproc_models.kernel import inlined, tight
from streamproc_models.slots import add_weight


@inlined
def teach(
    m: Model, memory: Memory, part: Partition, s: Scratch, settings: Settings,
    row: int, item: int, event: int, strength: float,
) -> bool:  # fmt: skip
    """Every head learns the event; says whether the recurrent head's batch is full."""
    m.increments[LONG] *= settings.growth
    m.increments[BRIEF] *= settings.session_growth
    if strength <= 0:
        _teach_dislike(m, memory, part, s, settings, row, item)
        return False
    newcomer = m.popularity.first[item] < 0
    popularity.learn(m.popularity, item, event, strength)
    popularity.describe_one(m.popularity, item, event, m.features[item])
    if newcomer:
        pool.welcome(m.pool, item, m.features, m.factors.items, m.gru)
    mark_item(memory, item)
    _teach_links(m, memory, s, settings, item, strength)
    if settings.use_factors:
        _teach_factors(m, memory, part, s, settings, row, item, event)
    factors.remember(m.factors, event, item)
    if s.counts[LIKED] == 0 or not settings.use_gru:
        return False
    store_hidden(part.windows, row, s.hidden)
    return gru.remember(m.gru, s.before, s.window[0], item) == m.gru.batch_targets.size


@inlined
def _teach_links(
    m: Model, memory: Memory, s: Scratch, settings: Settings, item: int, strength: float
) -> None:
    pairs, weight = min(settings.pairs, s.counts[LIKED]), m.increments[LONG] * strength
    if settings.use_covisitation:
        covisitation.learn(m.covisitation, s.window, pairs, item, weight, settings.backward)
    if pairs > 0 and settings.use_markov:
        chain = m.markov
        add_weight(chain.neighbours, chain.weights, chain.fill, chain.totals, s.window[0], item, weight)
    mates = 0 if s.moment[BEGINS] else min(s.counts[IN_SESSION], session.WINDOW, s.counts[LIKED])
    if settings.use_session:
        session.learn(m.session, s.window, mates, item, m.increments[BRIEF] * strength)
    for d in range(max(pairs, mates)):
        mark_item(memory, s.window[d])


@inlined
def _teach_factors(
    m: Model, memory: Memory, part: Partition, s: Scratch, settings: Settings, row: int, item: int, event: int
) -> None:
    if not settings.pairwise:
        factors.learn_positive(
            part.factors[row], m.factors.items[item], settings.factor_rate, settings.regularisation
        )
        return
    drawn, n = memory.negatives, 0
    factors.draw_negatives(m.factors, event, m.counters[ITEMS], settings.seed, drawn)
    for k in range(drawn.size):
        other = drawn[k]
        if other != item and m.item[other] != 0 and not candidates.in_window(s, other):
            drawn[n] = other
            n += 1
    factors.learn_pairwise(
        part.factors[row], m.factors.items, item, drawn, n,
        settings.factor_rate, settings.regularisation, s.pull,
    )  # fmt: skip


@tight
def _teach_dislike(
    m: Model, memory: Memory, part: Partition, s: Scratch, settings: Settings, row: int, item: int
) -> None:
    """A disliked item is the one negative of the user's last liked one."""
    if settings.use_factors and settings.pairwise and s.counts[LIKED] > 0 and s.window[0] != item:
        memory.negatives[0] = item
        factors.learn_pairwise(
            part.factors[row], m.factors.items, s.window[0], memory.negatives, 1,
            settings.factor_rate, settings.regularisation, s.pull,
        )  # fmt: skip
