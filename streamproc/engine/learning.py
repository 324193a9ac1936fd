"""One event after the other, compiled: predict it, count that, let it into the window, and learn it.

The loop stops where something has to happen between two events that is not its own business (a full batch of
the recurrent head, a full catalogue) and says why, so that the result does not depend on how events were cut
into micro-batches.
"""

from streamproc.contracts.columns import EventColumns
from streamproc.engine import candidates, ids, pool, seen, trace
from streamproc.engine.choosing import Slate
from streamproc.engine.factoring import start_factors
from streamproc.engine.housekeeping import RESCALE
from streamproc.engine.ids import Ids
from streamproc.engine.looking import look_ahead
from streamproc.engine.memory import PREDICT_EVERY, Memory, Partition, Settings, mark_user
from streamproc.engine.model import BRIEF, EVENTS, FREED, ITEMS, LONG, Challenger, Model
from streamproc.engine.predicting import predict
from streamproc.engine.scratch import BEGINS, Scratch
from streamproc.engine.teaching import teach
from streamproc.engine.trace import Trace
from streamproc.engine.window_kernels import accept
from streamproc_models.arrays import U8, Hash
from streamproc_models.hashing import find, put
from streamproc_models.heads import factors
from streamproc_models.kernel import tight

DONE, TRAIN, FULL, HOUSE = 0, 1, 2, 3  # why the loop stopped


@tight
def learn(
    m: Model, other: Challenger, memory: Memory, item_ids: Ids, part: Partition, s: Scratch, slate: Slate,
    settings: Settings, c: EventColumns, start: int, t: Trace,
) -> tuple[int, int]:  # fmt: skip
    """Events start.. of a micro-batch; `other` is what runs in shadow. Returns where and why it stopped."""
    traced = t.numbers.shape[0] > 0
    user_text, user_ends = c.user_ids
    item_text, item_ends = c.item_ids
    for x in range(start, c.users.size):
        item = find(m.keys, m.rows, c.items[x])
        if item < 0:
            if m.counters[ITEMS] >= m.item.size and m.counters[FREED] < 0:
                return x, FULL
            item = _enter(m, item_ids, c.items[x], item_text, item_ends[x - 1] if x > 0 else 0, item_ends[x])
        row = find(part.windows.keys, part.windows.rows, c.users[x])
        look_ahead(
            m, part.windows, s, row, settings.use_gru, settings.request_clock, c.times[x], c.sessions[x]
        )
        positive = c.strengths[x] > 0
        fresh = not settings.exclude_seen or not seen.contains(part.seen, c.users[x], c.items[x])
        event = m.counters[EVENTS]
        wanted = event % memory.counters[PREDICT_EVERY] == 0
        if row >= 0 and positive and fresh and wanted:
            if traced:
                trace.begin(memory.record, slate)
            predict(m, other, memory, part, s, slate, settings, c.users[x], item)
            if traced:
                trace.finish(
                    t, memory.record, slate, event, c.offsets[x], item, part.windows.length[row],
                    s.moment[BEGINS] == 1,
                    candidates.in_window(s, item),
                )  # fmt: skip
        m.counters[EVENTS] = event + 1
        _, row, arrived = accept(
            part.windows, c.users[x], c.items[x], c.times[x], c.kinds[x], not positive, False,
            c.event_keys[x], c.sequences[x], c.sessions[x], c.offsets[x], False,
        )  # fmt: skip
        if arrived:
            _bury(part, row)
            start_factors(part.windows, row, s.taste, c.users[x])
            ids.store(part.ids, row, user_text, user_ends[x - 1] if x > 0 else 0, user_ends[x])
        mark_user(part, row)
        if settings.exclude_seen:
            seen.add(part.seen, row, c.users[x], c.items[x])
        if traced and positive:
            trace.take(t, item)
        full = teach(m, memory, part, s, settings, row, item, event, c.strengths[x])
        if full:  # the house can be due as well
            return x + 1, TRAIN
        due = event % pool.REBUILD == pool.REBUILD - 1
        if due or m.increments[LONG] > RESCALE or m.increments[BRIEF] > RESCALE:
            return x + 1, HOUSE
    return c.users.size, DONE


@tight
def _enter(m: Model, item_ids: Ids, item: Hash, text: U8, start: int, end: int) -> int:
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
    return int(row)


@tight
def _bury(part: Partition, row: int) -> None:
    """Forgets the user who had this row; the id is kept until it has been taken out of the topic, too."""
    if part.ids.length[row] > 0:
        start = part.ids.start[row]
        n = part.gone_count[0]
        ids.store(part.gone, n, part.ids.data, start, start + part.ids.length[row])
        part.gone_count[0] = n + 1
        ids.clear(part.ids, row)
        seen.forget(part.seen, row)
