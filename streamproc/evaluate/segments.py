"""The same figures for parts of the stream: whom it serves well, and whom not."""

import msgspec
import numpy as np

from streamproc.evaluate.absence import NEVER
from streamproc.evaluate.predictions import Predictions
from streamproc_models import evaluation
from streamproc_models.arrays import I64, Bool

FAMILIES = ("short_term", "long_term", "popularity")
HISTORIES = {"1": (0, 1), "2-4": (2, 4), "5-19": (5, 19), "20+": (20, 1 << 30)}  # events in the window
ABSENCES = {"<100": 100, "<1000": 1000, "<10000": 10_000, "<100000": 100_000, "longer": 1 << 60}  # events
DECILES = 10
UNSEEN = "unseen"


class Reached(msgspec.Struct, frozen=True):
    """What one model reached over a part of the events."""

    recall_at_20: float
    mrr_at_20: float


class Slice(msgspec.Struct, frozen=True):
    """A part of the evaluated events."""

    events: int
    candidate_recall: float  # share of the targets that were candidates: the ceiling of every model's recall
    gate: dict[str, float]  # mean share of each family in a slate
    models: dict[str, Reached]


def sum_up(p: Predictions) -> Slice:
    """The figures over these predictions."""
    n = len(p.event)
    gate = p.gate.mean(axis=0, dtype=np.float64) if n else np.zeros(len(FAMILIES))
    candidates = p.places[:, evaluation.FUSION] < evaluation.MISS
    models = {}
    for number, name in enumerate(evaluation.MODELS):
        asked = np.count_nonzero(p.asked(number))
        if asked:
            recall, mrr = p.hits(number).sum() / asked, p.reciprocals(number).sum() / asked
            models[name] = Reached(float(recall), float(mrr))
    shares = dict(zip(FAMILIES, gate.tolist(), strict=True))
    return Slice(n, float(candidates.mean()) if n else 0.0, shares, models)


def segments(p: Predictions) -> dict[str, dict[str, Slice]]:
    """Kinds of segments, and in each the parts that have events; a kind's parts make up the whole.

    item        whether the target was in the user's window already
    history     events in the user's window
    session     the first event of a session, or a later one
    popularity  tenths of the known items by their events so far, 1 = most popular; or unseen until then
    since_item  events since anybody took the target; or unseen until then
    since_own   events, of all users, since this one took the target; or unseen until then
    """
    lengths = {name: (p.history >= low) & (p.history <= high) for name, (low, high) in HISTORIES.items()}
    parts = {
        "item": {"repeat": p.repeats, "new": ~p.repeats},
        "history": lengths,
        "session": {"first": p.opens, "later": ~p.opens},
        "popularity": _by_popularity(p),
        "since_item": _by_absence(p.since_item),
        "since_own": _by_absence(p.since_own),
    }
    return {
        kind: {name: sum_up(p.only(chosen)) for name, chosen in named.items() if chosen.any()}
        for kind, named in parts.items()
    }


def _by_popularity(p: Predictions) -> dict[str, Bool]:
    tenth = np.minimum((DECILES * p.rank).astype(np.int64), DECILES - 1)
    known = p.taken > 0
    tenths = {str(number + 1): known & (tenth == number) for number in range(DECILES)}
    return {**tenths, UNSEEN: ~known}


def _by_absence(since: I64) -> dict[str, Bool]:
    parts, least = {}, 0
    for name, limit in ABSENCES.items():
        parts[name] = (since >= least) & (since < limit)
        least = limit
    return {**parts, UNSEEN: since == NEVER}
