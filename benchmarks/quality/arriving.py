"""Who and what comes new: a stranger's first slate, and how soon a new item is shown to somebody.

Over the beginning of each stream, one event after the other, as slates are published: every event is asked
about, and a user without any event gets a stranger's slate first.
"""

from types import SimpleNamespace
from typing import NamedTuple

import numpy as np

from benchmarks.cores import Load
from benchmarks.quality.sets import Set
from benchmarks.quality.stream import Stream
from benchmarks.result import Figures, Result
from streamproc.config import Config
from streamproc.contracts.columns import ACCEPTED, EventColumns, select, span
from streamproc.contracts.events import Decoder
from streamproc.engine import trace
from streamproc.engine.acceptance import Acceptance
from streamproc.engine.learner import Learner
from streamproc.engine.ranker import Ranker
from streamproc.engine.windows import Windows
from streamproc_models.arrays import I32, I64

EVENTS = 40_000  # at most
WARM = 2000  # events before anybody is judged: by then there is something popular
SOON = 100  # events
STRANGER = np.array([-1], np.int32)


class Found(NamedTuple):
    """What was seen on the way."""

    strangers: list[
        tuple[bool, bool]
    ]  # whether the first thing was on the slate, and among the 20 most popular
    waits: (
        I64  # (items,), events from the first one to the first slate of somebody who never had it; -1: none
    )
    born: I64  # (items,), number of the first event
    events: int


def run(chosen: Set, config: Config, stream: Stream) -> Result:
    """No refreshes: what is new is unknown to them anyway."""
    load, columns = Load(), _accepted(config, stream.values[:EVENTS])
    found = _walk(config, columns)
    return Result("quality/arriving", chosen.name, config, _figures(found), (), load.foreign())


def _accepted(config: Config, values: list[bytes]) -> EventColumns:
    offsets = np.arange(len(values))
    columns, _ = Decoder(config.events).decode(values, offsets, np.full(len(values), -1), 0)
    return select(columns, Acceptance(config).observe(columns) == ACCEPTED)


def _walk(config: Config, columns: EventColumns) -> Found:
    learner = Learner(config, 1, sample_every=1, traced=True)
    ranker, nobody = Ranker(config), Windows(config, 1)
    had: dict[int, set[int]] = {}
    rows: dict[int, int] = {}
    strangers: list[tuple[bool, bool]] = []
    n = columns.users.size
    waits, born = np.full(n, -1), np.full(n, -1)
    for k, (user, item) in enumerate(zip(columns.users.tolist(), columns.items.tolist(), strict=True)):
        if user not in had and k >= WARM:
            strangers.append(_met(learner, ranker, nobody, item))
        known, before = learner.items, int(learner.trace.counters[trace.FILL])
        learner.learn(0, span(columns, k, k + 1))
        born[known : learner.items] = k
        row = rows.setdefault(item, known)
        mine = had.setdefault(user, set())
        if learner.trace.counters[trace.FILL] > before:
            shown = learner.slate.items.tolist()
            fresh = [other for other in shown if other not in mine and waits[other] < 0]
            waits[fresh] = k - born[fresh]
        mine.add(row)
    return Found(strangers, waits[: learner.items], born[: learner.items], n)


def _met(learner: Learner, ranker: Ranker, nobody: Windows, item: int) -> tuple[bool, bool]:
    """Whether the slate of a stranger, and the most popular items, hold what the stranger takes."""
    view = SimpleNamespace(model=learner.model, scratch=learner.scratch)
    slates = ranker.rank(view, nobody, STRANGER)  # type: ignore[arg-type]
    served = slates.rows[0, : slates.counts[0]]
    return _holds(learner, served, item), _holds(learner, _most_popular(learner), item)


def _most_popular(learner: Learner) -> I32:
    """The 20 with most events by now, of which half count no more after the medium half-life."""
    p, n = learner.model.popularity, learner.items
    kept = np.exp(-p.rates[1] * (learner.events - p.last[:n]))
    return np.argsort(-p.counts[:n, 1] * kept, kind="stable")[:20].astype(np.int32)


def _holds(learner: Learner, rows: I32, item: int) -> bool:
    return bool((learner.model.item[rows] == np.uint64(item)).any())


def _figures(found: Found) -> Figures:
    """Items of the last events are left out, which had no time to be shown."""
    judged = (found.born >= WARM) & (found.born < found.events - WARM)
    waits = found.waits[judged]
    shown = waits[waits >= 0]
    figures: Figures = {
        "events": found.events,
        "strangers": len(found.strangers),
        "new_items": int(judged.sum()),
    }
    if found.strangers:
        served, popular = np.mean(found.strangers, axis=0).tolist()
        figures |= {"first_slate_recall_at_20": served, "popularity_recall_at_20": popular}
    if shown.size:
        figures |= {
            "shown": shown.size / waits.size, "shown_soon": float(np.mean((waits >= 0) & (waits <= SOON))),
            "events_until_shown": float(np.median(shown)),
            "events_until_shown_p90": float(np.quantile(shown, 0.9)),
        }  # fmt: skip
    return figures
