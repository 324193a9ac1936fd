"""A worker's half of an event: decide whether it counts, and let it into the window. No learning."""

from streamproc.engine import ids, seen
from streamproc.engine.ids import Ids
from streamproc.engine.model import Model
from streamproc.engine.scratch import LIKED, Scratch
from streamproc.engine.seen import Seen
from streamproc.engine.window_arrays import Windows
from streamproc.engine.window_kernels import ACCEPTED, accept, load_hidden, store_hidden
from streamproc.engine.window_pages import newest_first
from streamproc_models.arrays import F32, I32, I64, U8, U64, Bool
from streamproc_models.hashing import find
from streamproc_models.heads import gru
from streamproc_models.kernel import tight


@tight
def observe(
    m: Model, w: Windows, had: Seen, names: Ids, s: Scratch,
    ignored: Bool, exclude_seen: bool, use_gru: bool, decide: bool,
    users: U64, items: U64, times: I64, kinds: U8, strengths: F32,
    keys: U64, sequences: I64, sessions: U64, offsets: I64,
    user_text: U8, user_ends: I64, outcomes: U8, touched: I32,
) -> None:  # fmt: skip
    """Outcome and user's row of every event; `decide` is false for events that the journal has accepted."""
    for x in range(users.size):
        row = find(w.keys, w.rows, users[x])
        positive = strengths[x] > 0
        advanced = row >= 0 and positive and use_gru and _advance(m, w, s, row)
        outcome, row, arrived = accept(
            w, users[x], items[x], times[x], kinds[x], not positive, ignored[kinds[x]],
            keys[x], sequences[x], sessions[x], offsets[x], decide,
        )  # fmt: skip
        outcomes[x], touched[x] = outcome, row
        if outcome != ACCEPTED:
            continue
        if arrived:
            if names.length[row] > 0:
                seen.forget(had, row)
            ids.store(names, row, user_text, user_ends[x - 1] if x > 0 else 0, user_ends[x])
        if exclude_seen:
            seen.add(had, row, users[x], items[x])
        if advanced:
            store_hidden(w, row, s.hidden)


@tight
def _advance(m: Model, w: Windows, s: Scratch, row: int) -> bool:
    """The recurrent state after the user's last item, in `s.hidden`; false where there is no such item."""
    liked, _ = newest_first(w, row, 1, m.keys, m.rows, s.window, s.times, s.sessions, s.disliked)
    if liked == 0:
        return False
    s.counts[LIKED] = liked
    load_hidden(w, row, s.before)
    gru.advance(m.gru, s.window[0], s.before, s.hidden, s.recurrent)
    return True
