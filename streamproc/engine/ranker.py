"""Slates for many users at once: the same scores that the learner predicts with, and the best of them."""

from typing import NamedTuple

import numpy as np

from streamproc.config import Config
from streamproc.contracts.slates import Slates
from streamproc.engine import ranking, reasons, scoring, seen
from streamproc.engine.looking import look
from streamproc.engine.model import Model
from streamproc.engine.ranking import Slate
from streamproc.engine.scratch import Scratch
from streamproc.engine.seen import Seen
from streamproc.engine.view import ModelView
from streamproc.engine.window_arrays import Windows as WindowArrays
from streamproc.engine.windows import Windows
from streamproc_models.arrays import F32, I32, U8
from streamproc_models.kernel import tight


class RankSettings(NamedTuple):
    """The numbers of the config that a ranking needs."""

    votes: int
    lasting_window: int
    lasting_decay: float
    exclude_seen: bool
    use_gru: bool


class Ranker:
    """Ranks users of a `Windows` by a model."""

    def __init__(self, config: Config) -> None:
        heads = config.heads
        self.settings = RankSettings(
            heads.covisitation.score_window,
            heads.long_term.window,
            heads.long_term.decay,
            config.rules.exclude_seen,
            heads.gru.enabled,
        )
        self.size = config.publish.slate_size
        self.slate = ranking.empty(self.size)

    def rank(self, view: ModelView, windows: Windows, rows: I32) -> Slates:
        """A slate for each of the rows (k,); row -1 is a stranger, who gets the popular and the newest."""
        k, n = rows.size, self.size
        out = Slates(
            np.full((k, n), -1, np.int32), np.zeros((k, n), np.float32), np.zeros((k, n), np.uint8),
            np.full((k, n, ranking.REASONS), -1, np.int32),
            np.zeros(k, np.int32), np.zeros((k, 3), np.float32),
        )  # fmt: skip
        _rank(
            view.model, windows.arrays, windows.seen, view.scratch, self.slate, self.settings, rows,
            out.rows, out.scores, out.sources, out.because, out.counts, out.gates,
        )  # fmt: skip
        return out


@tight
def _rank(
    m: Model, w: WindowArrays, had: Seen, s: Scratch, slate: Slate, settings: RankSettings, rows: I32,
    items: I32, scores: F32, sources: U8, because: I32, counts: I32, gates: F32,
) -> None:  # fmt: skip
    for k in range(rows.size):
        look(m, w, s, rows[k], settings.use_gru)
        scoring.score(m, s, settings.votes, settings.lasting_window, settings.lasting_decay)
        if settings.exclude_seen and rows[k] >= 0:
            seen.forbid(had, m, s, w.user[rows[k]])
        ranking.serve(m, s)
        n = ranking.choose(m, s, slate)
        reasons.explain(m, s, slate, n, settings.votes)
        scoring.clear(s)
        counts[k] = n
        for p in range(n):
            items[k, p], scores[k, p], sources[k, p] = slate.items[p], slate.scores[p], slate.sources[p]
            because[k, p, 0], because[k, p, 1] = slate.because[p, 0], slate.because[p, 1]
        for family in range(3):
            gates[k, family] = slate.gate[family]
