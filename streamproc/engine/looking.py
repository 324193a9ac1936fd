"""The first step of every ranking: who is this user right now?"""

from streamproc.engine import candidates, encoding, foreseeing, recent
from streamproc.engine.model import Model
from streamproc.engine.scratch import BEGINS, BEHIND, DISLIKED, FRESH, HISTORY, LIKED, NOW, Scratch
from streamproc.engine.window_arrays import RING, SHORT_TERM, Windows
from streamproc.engine.window_kernels import load_factors, load_hidden, opens_session
from streamproc.engine.window_pages import newest_first
from streamproc_models.arrays import Hash
from streamproc_models.heads import gru
from streamproc_models.kernel import inlined, tight

_MS = 1000


@inlined
def look(m: Model, w: Windows, s: Scratch, row: int, use_gru: bool) -> None:
    """The user as of the newest event: reads the window, and takes its last item into recurrent states."""
    _read(m, w, s, row)
    s.moment[FRESH] = 0
    _begin(m, w, s, row, use_gru)
    if s.counts[LIKED] > 0 and use_gru:
        recent.keep(s.recent, w, row, s.hidden)


@inlined
def look_ahead(
    m: Model, w: Windows, s: Scratch, row: int, use_gru: bool, request: bool, time: int, session: Hash
) -> None:
    """The same before an event at `time` (ms) in `session`; with `request`, as of that time."""
    _read(m, w, s, row)
    s.moment[BEGINS] = 1 if row < 0 or opens_session(w, row, time, session) else 0
    s.moment[BEHIND] = 1 if row >= 0 and time < w.newest[row] else 0
    s.moment[FRESH] = s.moment[BEGINS] if request else 0
    if request:
        s.moment[NOW] = time // _MS
    _begin(m, w, s, row, use_gru)


@tight
def _read(m: Model, w: Windows, s: Scratch, row: int) -> None:
    s.counts[HISTORY], s.counts[DISLIKED], s.moment[NOW] = 0, 0, 0
    if row >= 0:
        s.counts[HISTORY], s.counts[DISLIKED] = newest_first(
            w, row, RING, m.keys, m.rows, s.window, s.times, s.sessions, s.disliked
        )
        s.moment[NOW] = w.newest[row] // _MS
        load_hidden(w, row, s.before)
        load_factors(w, row, s.taste)
    else:
        for f in range(s.taste.size):
            s.taste[f] = 0.0
    s.counts[LIKED] = min(s.counts[HISTORY], SHORT_TERM)


@inlined
def _begin(m: Model, w: Windows, s: Scratch, row: int, use_gru: bool) -> None:
    foreseeing.rows(m, s)
    candidates.own(s)
    if s.counts[LIKED] > 0 and use_gru:
        gru.advance(m.gru, s.window[0], s.before, s.hidden, s.recurrent)
    else:
        for f in range(s.hidden.size):
            s.hidden[f] = 0.0
    if m.encoder.since[0] > 0:
        encoding.advance(m.encoder, w, s, row)
