"""Prequential figures: every event is first predicted, then learned, and each prediction is counted once.

Recall@k, MRR@20 and NDCG@20 of one relevant item per event, over the full ranking, misses included
(predict-then-learn: Dawid, 1984; for recommenders Vinagre, Jorge and Gama, 2014).
"""

from typing import NamedTuple

import numpy as np

from streamproc_models.arrays import F64, I32, I64
from streamproc_models.kernel import tight

MODELS = (
    "fusion", "popularity", "history", "markov", "covisitation", "second_order", "session", "factors", "gru",
    "long_term", "encoder", "twin", "served", "shadow", "average", "maximum",
)  # fmt: skip
FUSION, POPULARITY, HISTORY, MARKOV, COVISITATION, SECOND_ORDER, SESSION, FACTORS, GRU = range(9)
LONG_TERM, ENCODER, TWIN, SERVED, SHADOW, AVERAGE, MAXIMUM = range(9, 16)
HEADS = range(POPULARITY, ENCODER + 1)
ANSWERS = range(POPULARITY, TWIN + 1)  # who can stand in for the fusion: every head, and its twin
TRIALS, AT_1, AT_10, AT_20, RECIPROCAL, GAIN = range(6)  # columns of the sums
MISS = 1 << 30
NOT_ASKED = -1
_MEMORY = 1.0 / 20_000.0  # of the recent MRR, in predictions
_DEPTH = 20
_RECIPROCALS = 1.0 / np.arange(1.0, _DEPTH + 1.0)
_GAINS = 1.0 / np.log2(np.arange(2.0, _DEPTH + 2.0))


class Record(NamedTuple):
    """Sums over all predictions so far, a fading mean of the reciprocal rank, and the newest places."""

    sums: F64  # (models, 6)
    recent: F64  # (models,), exponentially weighted MRR@20
    evaluated: I64  # (1,)
    places: I32  # (models,), the target's newest place; an evaluation reads it before it is overwritten


class Figures(NamedTuple):
    """What one model reached."""

    events: int
    recall_at_1: float
    recall_at_10: float
    recall_at_20: float
    mrr_at_20: float
    ndcg_at_20: float


def empty() -> Record:
    """No prediction yet."""
    models = len(MODELS)
    return Record(
        np.zeros((models, 6)), np.zeros(models), np.zeros(1, np.int64), np.full(models, NOT_ASKED, np.int32)
    )


@tight
def count(record: Record, model: int, rank: int) -> None:
    """The target came at `rank` (0 = first; MISS where it was no candidate)."""
    record.places[model] = rank
    sums = record.sums[model]
    sums[TRIALS] += 1.0
    reciprocal = 0.0
    if rank < _DEPTH:
        reciprocal = _RECIPROCALS[rank]
        sums[AT_1] += 1.0 if rank < 1 else 0.0
        sums[AT_10] += 1.0 if rank < 10 else 0.0
        sums[AT_20] += 1.0
        sums[RECIPROCAL] += reciprocal
        sums[GAIN] += _GAINS[rank]
    fading = max(_MEMORY, 1.0 / sums[TRIALS])
    record.recent[model] += (reciprocal - record.recent[model]) * fading


def figures(record: Record, model: int) -> Figures:
    """Recall, MRR and NDCG of one model; zeros where nothing was predicted."""
    sums = record.sums[model]
    trials = max(float(sums[TRIALS]), 1.0)
    shares = [float(sums[column]) / trials for column in (AT_1, AT_10, AT_20, RECIPROCAL, GAIN)]
    return Figures(int(sums[TRIALS]), *shares)
