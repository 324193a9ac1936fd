"""What someone else reached on the events that the engine was judged on, and how far the fusion is ahead."""

from typing import NamedTuple

import numpy as np

from benchmarks.result import Figures
from streamproc.evaluate.paired import difference
from streamproc.evaluate.predictions import DEPTH, Predictions
from streamproc_models import evaluation
from streamproc_models.arrays import F64, I64

MISS = evaluation.MISS


class Asked(NamedTuple):
    """The events to predict, by their numbers in the stream, and what the fusion made of them."""

    events: I64  # (n,), ascending
    hits: F64  # (n,), 1 where the fusion had the target among its best 20
    reciprocals: F64  # (n,)

    def every(self, step: int) -> "Asked":
        """Each step-th of them."""
        return Asked._make(column[::step] for column in self)


def asked(p: Predictions) -> Asked:
    """All events that an evaluation of one partition predicted."""
    return Asked(p.key, p.hits(evaluation.FUSION), p.reciprocals(evaluation.FUSION))


def figures(name: str, asked: Asked, places: I64, seconds: float) -> Figures:
    """Of one baseline: what it reached, the fusion on the same events, and the difference between the two."""
    hits = (places < DEPTH).astype(np.float64)
    reciprocals = np.where(places < DEPTH, 1.0 / (1.0 + places), 0.0)
    found: Figures = {f"{name}/events": len(places), f"{name}/seconds": seconds}
    for figure, theirs, ours in (
        ("recall_at_20", hits, asked.hits), ("mrr_at_20", reciprocals, asked.reciprocals),
    ):  # fmt: skip
        lead = difference(ours - theirs)
        found |= {
            f"{name}/{figure}": float(theirs.mean()),
            f"{name}/fusion/{figure}": float(ours.mean()),
            f"{name}/lead/{figure}": lead.mean,
            f"{name}/lead/{figure}_error": lead.standard_error,
        }
    return found
