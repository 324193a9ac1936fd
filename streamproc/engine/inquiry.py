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

    def ask(self, view: ModelView, windows: Windows, user: int, item: int) -> Standing:
        """Of the user in row `user` (-1: a stranger) about the item in row `item`."""
        slate = self._slate
        place, head, source = _ask(
            view.model, windows.arrays, windows.seen, view.scratch, slate, self._settings, user, item
        )
        answering, most = evaluation.MODELS[head], evaluation.MODELS[source]
        if place == UNLINKED:
            return Standing(place, 0.0, answering, most, {}, [])
        given = zip(evaluation.MODELS, slate.parts[:, 0], strict=True)
        return Standing(
            place, float(slate.scores[0]), answering, most,
            {name: float(part) for name, part in given if part},
            [int(row) for row in slate.because[0] if row >= 0],
        )  # fmt: skip


@tight
def _ask(
    m: Model, w: WindowArrays, had: Seen, s: Scratch, slate: Slate, settings: RankSettings,
    row: int, item: int,
) -> tuple[int, int, int]:  # fmt: skip
    """The item's place, the model that answers, the head that gave most; a candidate is alone on `slate`."""
    look(m, w, s, row, settings.use_gru)
    user = w.user[row] if row >= 0 else np.uint64(0)
    scoring.score(m, s, settings.reading, had, user, settings.exclude_seen and row >= 0)
    ranking.serve(m, s)
    if settings.limits.on:
        clamping.clamp(m, s, slate, settings.limits, settings.reading.votes)
    head = ranking.answering(m, s)
    place, source = UNLINKED, head
    number, pooled = scoring.number_of(m.pool.place, s, item)
    if number >= 0 or pooled >= 0:
        score = s.scores[number] if number >= 0 else s.pool_scores[pooled]
        slate.items[0], slate.scores[0] = item, score
        slate.numbers[0] = number if number >= 0 else s.counts[LINKED] + pooled
        reasons.explain(m, s, slate, 1, settings.reading.votes, head)
        source = slate.sources[0]
        if score > IMPOSSIBLE_BELOW:
            place = ranking.place_among(s.scores, s.counts[LINKED], s.pool_scores, True, score)
        else:
            place = BARRED
    candidates.clear(s)
    return place, head, source
