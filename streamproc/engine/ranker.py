"""Slates for many users at once: the same scores that the learner predicts with, and the best of them."""

from typing import NamedTuple

import numpy as np

from streamproc.config import Config
from streamproc.contracts.columns import EventColumns
from streamproc.contracts.slates import Slates
from streamproc.engine import candidates, choosing, clamping, ranking, reasons, scoring
from streamproc.engine.choosing import Slate
from streamproc.engine.clamping import Bounds, bounds
from streamproc.engine.ids import Ids
from streamproc.engine.looking import look
from streamproc.engine.model import Model
from streamproc.engine.observing import Rules, observe_one
from streamproc.engine.reading import Reading, reading
from streamproc.engine.scratch import Scratch
from streamproc.engine.seen import Seen
from streamproc.engine.view import ModelView
from streamproc.engine.window_arrays import Windows as WindowArrays
from streamproc.engine.window_kernels import ACCEPTED
from streamproc.engine.windows import Windows
from streamproc_models.arrays import I32, U8
from streamproc_models.kernel import inlined, tight


class RankSettings(NamedTuple):
    """The numbers of the config that a ranking needs."""

    reading: Reading
    limits: Bounds
    exclude_seen: bool
    use_gru: bool


class Ranker:
    """Ranks users of a `Windows` by a model."""

    def __init__(self, config: Config) -> None:
        self.settings = RankSettings(
            reading(config), bounds(config), config.rules.exclude_seen, config.heads.gru.enabled
        )
        self.size = config.publish.slate_size
        self.slate = choosing.empty(self.size)

    def rank(self, view: ModelView, windows: Windows, rows: I32) -> Slates:
        """A slate for each of the rows (k,); row -1 is a stranger, who gets the popular and the newest."""
        out = self._room(rows.size)
        _rank(view.model, windows.arrays, windows.seen, view.scratch, self.slate, self.settings, rows, out)
        return out

    def rank_each(
        self, view: ModelView, windows: Windows, rules: Rules, c: EventColumns, outcomes: U8, touched: I32
    ) -> Slates:
        """Observes the events (n,), and ranks the user of each accepted one before the next is observed.

        A slate for each accepted event; `outcomes` and `touched` (n,) become the same as by `observe`.
        """
        out = self._room(c.users.size)
        count = _rank_each(
            view.model, windows.arrays, windows.seen, windows.names, view.scratch,
            rules, c, outcomes, touched, self.slate, self.settings, out,
        )  # fmt: skip
        return Slates._make(array[:count] for array in out)

    def _room(self, k: int) -> Slates:
        n = self.size
        return Slates(
            np.full((k, n), -1, np.int32), np.zeros((k, n), np.float32), np.zeros((k, n), np.uint8),
            np.full((k, n, choosing.REASONS), -1, np.int32),
            np.zeros(k, np.int32), np.zeros((k, 3), np.float32),
        )  # fmt: skip


@tight
def _rank(
    m: Model, w: WindowArrays, had: Seen, s: Scratch, slate: Slate, settings: RankSettings, rows: I32,
    out: Slates,
) -> None:  # fmt: skip
    for k in range(rows.size):
        _rank_one(m, w, had, s, slate, settings, rows[k], out, k)


@tight
def _rank_each(
    m: Model, w: WindowArrays, had: Seen, names: Ids, s: Scratch, rules: Rules, c: EventColumns,
    outcomes: U8, touched: I32, slate: Slate, settings: RankSettings, out: Slates,
) -> int:  # fmt: skip
    """How many events were accepted."""
    k = 0
    for x in range(c.users.size):
        outcomes[x], touched[x] = observe_one(m, w, had, names, s, rules, c, x)
        if outcomes[x] == ACCEPTED:
            _rank_one(m, w, had, s, slate, settings, touched[x], out, k)
            k += 1
    return k


@inlined
def _rank_one(
    m: Model, w: WindowArrays, had: Seen, s: Scratch, slate: Slate, settings: RankSettings, row: int,
    out: Slates, k: int,
) -> None:  # fmt: skip
    look(m, w, s, row, settings.use_gru)
    user = w.user[row] if row >= 0 else np.uint64(0)
    scoring.score(m, s, settings.reading, had, user, settings.exclude_seen and row >= 0)
    ranking.serve(m, s)
    if settings.limits.on:
        clamping.clamp(m, s, slate, settings.limits, settings.reading.votes)
    n = choosing.choose(m, s, slate)
    reasons.explain(m, s, slate, n, settings.reading.votes, ranking.answering(m, s))
    candidates.clear(s)
    out.counts[k] = n
    for p in range(n):
        out.rows[k, p], out.scores[k, p], out.sources[k, p] = (
            slate.items[p],
            slate.scores[p],
            slate.sources[p],
        )
        out.because[k, p, 0], out.because[k, p, 1] = slate.because[p, 0], slate.because[p, 1]
    for family in range(3):
        out.gates[k, family] = slate.gate[family]
