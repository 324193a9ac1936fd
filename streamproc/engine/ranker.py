"""Slates for many users at once: the same scores that the learner predicts with, and the best of them."""

from typing import NamedTuple

import numpy as np

from streamproc.config import Config
from streamproc.contracts.slates import Slates
from streamproc.engine import candidates, clamping, ranking, reasons, scoring
from streamproc.engine.clamping import Bounds, bounds
from streamproc.engine.looking import look
from streamproc.engine.model import Model
from streamproc.engine.ranking import Slate
from streamproc.engine.reading import Reading, reading
from streamproc.engine.scratch import Scratch
from streamproc.engine.seen import Seen
from streamproc.engine.view import ModelView
from streamproc.engine.window_arrays import Windows as WindowArrays
from streamproc.engine.windows import Windows
from streamproc_models.arrays import F32, I32, U8
from streamproc_models.kernel import tight


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
        known = rows[k] >= 0
        user = w.user[rows[k]] if known else np.uint64(0)
        scoring.score(m, s, settings.reading, had, user, settings.exclude_seen and known)
        ranking.serve(m, s)
        if settings.limits.on:
            clamping.clamp(m, s, slate, settings.limits, settings.reading.votes)
        n = ranking.choose(m, s, slate)
        reasons.explain(m, s, slate, n, settings.reading.votes)
        candidates.clear(s)
        counts[k] = n
        for p in range(n):
            items[k, p], scores[k, p], sources[k, p] = slate.items[p], slate.scores[p], slate.sources[p]
            because[k, p, 0], because[k, p, 1] = slate.because[p, 0], slate.because[p, 1]
        for family in range(3):
            gates[k, family] = slate.gate[family]
