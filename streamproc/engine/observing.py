"""A worker's half of an event: decide whether it counts, and let it into the window. No learning."""

from typing import NamedTuple

from streamproc.contracts.columns import EventColumns
from streamproc.engine import encoding, factoring, ids, recent, seen
from streamproc.engine.ids import Ids
from streamproc.engine.model import Model
from streamproc.engine.reading import FactorRules
from streamproc.engine.scratch import IN_WINDOW, LIKED, Scratch
from streamproc.engine.seen import Seen
from streamproc.engine.window_arrays import Windows
from streamproc.engine.window_kernels import ACCEPTED, accept, is_encoded, load_hidden, store_hidden
from streamproc.engine.window_pages import newest_first
from streamproc_models.arrays import I32, U8, Bool
from streamproc_models.hashing import find
from streamproc_models.heads import encoder, gru
from streamproc_models.kernel import inlined, tight


class Rules(NamedTuple):
    """What decides over events, from the config."""

    ignored: Bool  # (64,), kinds that are counted but change nothing
    exclude_seen: bool
    use_gru: bool
    decide: bool  # false for events that the journal has accepted
    factors: FactorRules


@tight
def observe(
    m: Model, w: Windows, had: Seen, names: Ids, s: Scratch, rules: Rules, c: EventColumns,
    outcomes: U8, touched: I32,
) -> None:  # fmt: skip
    """Outcome and user's row of every event."""
    for x in range(c.users.size):
        outcomes[x], touched[x] = observe_one(m, w, had, names, s, rules, c, x)


@inlined
def observe_one(
    m: Model, w: Windows, had: Seen, names: Ids, s: Scratch, rules: Rules, c: EventColumns, x: int
) -> tuple[int, int]:
    """Outcome and user's row of event x; room for a newcomer must have been made."""
    row = find(w.keys, w.rows, c.users[x])
    positive = c.strengths[x] > 0
    advanced = row >= 0 and positive and rules.use_gru and _advance(m, w, s, row)
    encoded = m.encoder.since[0] > 0 and row >= 0 and positive and _encode(m, w, s, row)
    outcome, row, arrived = accept(
        w, c.users[x], c.items[x], c.times[x], c.kinds[x], not positive, rules.ignored[c.kinds[x]],
        c.event_keys[x], c.sequences[x], c.sessions[x], c.offsets[x], rules.decide,
    )  # fmt: skip
    if outcome == ACCEPTED:
        if arrived:
            if names.length[row] > 0:
                seen.forget(had, row)
            ids.store(names, row, c.user_ids.data, c.user_ids.ends[x - 1] if x > 0 else 0, c.user_ids.ends[x])
        if rules.exclude_seen:
            seen.add(had, row, c.users[x], c.items[x])
        if advanced:
            store_hidden(w, row, s.hidden)
        if encoded:
            encoding.store(m.encoder, w, s, row)
        if rules.factors.on:
            _follow_factors(m, w, s, rules, c, row, x, arrived)
    return outcome, row


@inlined
def _follow_factors(
    m: Model, w: Windows, s: Scratch, rules: Rules, c: EventColumns, row: int, x: int, arrived: bool
) -> None:
    """The user's factors move as the trainer's will; what it has not published yet teaches nothing here."""
    if arrived:
        factoring.start_factors(w, row, s.taste, c.users[x])
    item = find(m.keys, m.rows, c.items[x])
    if item >= 0 and c.strengths[x] > 0:
        s.counts[IN_WINDOW] = 0
        factoring.learn(m, w, s, rules.factors, row, item, False)


@tight
def _advance(m: Model, w: Windows, s: Scratch, row: int) -> bool:
    """The recurrent state after the user's last item, in `s.hidden`; false where there is no such item."""
    if recent.recall(s.recent, w, row, s.hidden):
        return True
    liked, _ = newest_first(w, row, 1, m.keys, m.rows, s.window, s.times, s.sessions, s.disliked)
    if liked == 0:
        return False
    s.counts[LIKED] = liked
    load_hidden(w, row, s.before)
    gru.advance(m.gru, s.window[0], s.before, s.hidden, s.recurrent)
    return True


@tight
def _encode(m: Model, w: Windows, s: Scratch, row: int) -> bool:
    """The same by the encoder, in `s.encoded`; a user without a state by it is read further back."""
    wanted = 1 if is_encoded(w, row, m.encoder.since[0]) else encoder.RECALLED + 1
    liked, _ = newest_first(w, row, wanted, m.keys, m.rows, s.window, s.times, s.sessions, s.disliked)
    s.counts[LIKED] = liked
    if liked == 0:
        return False
    encoding.advance(m.encoder, w, s, row)
    return True
