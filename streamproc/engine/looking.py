"""The first step of every ranking: who is this user right now?"""

from streamproc.engine import candidates
from streamproc.engine.model import Model
from streamproc.engine.scratch import DISLIKED, HISTORY, LIKED, Scratch
from streamproc.engine.window_arrays import RING, SHORT_TERM, Windows
from streamproc.engine.window_kernels import load_hidden
from streamproc.engine.window_pages import newest_first
from streamproc_models.heads import gru
from streamproc_models.kernel import inlined


@inlined
def look(m: Model, w: Windows, s: Scratch, row: int, use_gru: bool) -> None:
    """Reads the window, and takes its last item into the recurrent state."""
    s.counts[HISTORY], s.counts[DISLIKED] = 0, 0
    if row >= 0:
        s.counts[HISTORY], s.counts[DISLIKED] = newest_first(
            w, row, RING, m.keys, m.rows, s.window, s.times, s.sessions, s.disliked
        )
        load_hidden(w, row, s.before)
    s.counts[LIKED] = min(s.counts[HISTORY], SHORT_TERM)
    candidates.own(s)
    if s.counts[LIKED] > 0 and use_gru:
        gru.advance(m.gru, s.window[0], s.before, s.hidden, s.recurrent)
    else:
        for f in range(s.hidden.size):
            s.hidden[f] = 0.0
