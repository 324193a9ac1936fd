"""One item asked about: where it stands in one user's ranking, and what every head gives to it."""

from dataclasses import dataclass

import numpy as np

from streamproc.config import Config
from streamproc.engine import candidates, choosing, clamping, ranking, reasons, scoring
from streamproc.engine.choosing import IMPOSSIBLE_BELOW, Slate
from streamproc.engine.looking import look
from streamproc.engine.model import Model
from streamproc.engine.ranker import Ranker, RankSettings
from streamproc.engine.scratch import LINKED, Scratch
from streamproc.engine.seen import Seen
from streamproc.engine.view import ModelView
from streamproc.engine.window_arrays import Windows as WindowArrays
from streamproc.engine.windows import Windows
from streamproc_models import evaluation
from streamproc_models.arrays import F32, I32
from streamproc_models.kernel import tight

UNLINKED, BARRED = -1, -2  # instead of a place


@dataclass(frozen=True)
class Standing:
    """Where an item stands: `place` from 0, or UNLINKED (no candidate), or BARRED (may not be shown)."""

    place: int
    score: float
    answering: str  # the model whose scores decide
    source: str  # the head that gave most
    parts: dict[str, float]  # what each head gave, in score
    because: list[int]  # rows of window items


class Inquirer:
    """Asks with the settings of the rankings that are published."""

    def __init__(self, config: Config) -> None:
        self._settings = Ranker(config).settings
        self._slate = choosing.empty(config.publish.slate_size)
        self._parts = np.zeros(len(evaluation.MODELS), np.float32)
        self._because = np.full(choosing.REASONS, -1, np.int32)
        self._score = np.zeros(1, np.float32)

    def ask(self, view: ModelView, windows: Windows, user: int, item: int) -> Standing:
        """Of the user in row `user` (-1: a stranger) about the item in row `item`."""
        place, head, source = _ask(
            view.model, windows.arrays, windows.seen, view.scratch, self._slate, self._settings,
            user, item, self._parts, self._because, self._score,
        )  # fmt: skip
        parts = {name: float(part) for name, part in zip(evaluation.MODELS, self._parts, strict=True) if part}
        return Standing(
            place, float(self._score[0]), evaluation.MODELS[head], evaluation.MODELS[source], parts,
            [int(row) for row in self._because if row >= 0],
        )  # fmt: skip


@tight
def _ask(
    m: Model, w: WindowArrays, had: Seen, s: Scratch, slate: Slate, settings: RankSettings,
    row: int, item: int, parts: F32, because: I32, score: F32,
) -> tuple[int, int, int]:  # fmt: skip
    """The item's place, the model that answers, the head that gave most."""
    look(m, w, s, row, settings.use_gru)
    user = w.user[row] if row >= 0 else np.uint64(0)
    scoring.score(m, s, settings.reading, had, user, settings.exclude_seen and row >= 0)
    ranking.serve(m, s)
    if settings.limits.on:
        clamping.clamp(m, s, slate, settings.limits, settings.reading.votes)
    head = ranking.answering(m, s)
    parts[:] = np.float32(0)
    because[:] = np.int32(-1)
    score[0] = np.float32(0)
    place, source = UNLINKED, head
    number, pooled = scoring.number_of(m.pool.place, s, item)
    if number >= 0 or pooled >= 0:
        score[0] = s.scores[number] if number >= 0 else s.pool_scores[pooled]
        slate.items[0], slate.numbers[0] = item, number if number >= 0 else s.counts[LINKED] + pooled
        reasons.explain(m, s, slate, 1, settings.reading.votes, head)
        source, because[0], because[1] = slate.sources[0], slate.because[0, 0], slate.because[0, 1]
        for each in range(parts.size):
            parts[each] = slate.parts[each, 0]
        if score[0] > IMPOSSIBLE_BELOW:
            place = ranking.place_among(s.scores, s.counts[LINKED], s.pool_scores, True, score[0])
        else:
            place = BARRED
    candidates.clear(s)
    return place, head, source
