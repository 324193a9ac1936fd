"""Every head learns one event, each by its own rule."""

from streamproc.engine import encoding, factoring, pool
from streamproc.engine.memory import Memory, Partition, Settings, mark_item
from streamproc.engine.model import BRIEF, LONG, Model
from streamproc.engine.scratch import BEGINS, BEHIND, IN_SESSION, LIKED, Scratch
from streamproc.engine.window_kernels import store_hidden
from streamproc_models.heads import covisitation, gru, popularity, session
from streamproc_models.kernel import inlined
from streamproc_models.slots import add_weight


@inlined
def teach(
    m: Model, memory: Memory, part: Partition, s: Scratch, settings: Settings,
    row: int, item: int, event: int, strength: float,
) -> bool:  # fmt: skip
    """Every head learns the event; says whether a recurrent head's batch is full."""
    m.increments[LONG] *= settings.growth
    m.increments[BRIEF] *= settings.session_growth
    if strength <= 0:
        factoring.learn_dislike(m, part.windows, s, settings.factors, row, item)
        return False
    newcomer = m.popularity.first[item] < 0
    popularity.learn(m.popularity, item, event, strength)
    popularity.describe_one(m.popularity, item, event, m.features[item])
    if newcomer:
        pool.welcome(m.pool, item, m.popularity, m.features, m.bias.values, m.factors.items, m.gru)
    m.pool.last[m.pool.place[item]] = event
    mark_item(memory, item)
    _teach_links(m, memory, s, settings, item, strength)
    factoring.learn(m, part.windows, s, settings.factors, row, item, True)
    if s.counts[LIKED] == 0:
        return False
    full = False
    if settings.use_gru:
        store_hidden(part.windows, row, s.hidden)
        full = gru.remember(m.gru, s.before, s.window[0], item) == m.gru.batch_targets.size
    if m.encoder.since[0] > 0:
        encoding.store(m.encoder, part.windows, s, row)
        again = m.encoder.gru
        full = gru.remember(again, s.encoded_before, s.window[0], item) == again.batch_targets.size or full
    return full


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
    mates = min(s.counts[IN_SESSION], session.WINDOW, s.counts[LIKED])
    if s.moment[BEGINS] or s.moment[BEHIND]:
        mates = 0  # of another session, or of one that is over
    if settings.use_session:
        session.learn(m.session, s.window, mates, item, m.increments[BRIEF] * strength)
    for d in range(max(pairs, mates)):
        mark_item(memory, s.window[d])
