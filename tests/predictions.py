"""Predictions written by hand: each a place per model, and what tells the segments apart."""

from typing import NamedTuple

import numpy as np

from streamproc.evaluate.predictions import Predictions
from streamproc_models import evaluation
from streamproc_models.evaluation import MISS, MODELS, NOT_ASKED


class Prediction(NamedTuple):
    """One prediction as a test wants to write it; who is not named missed, and the shadow was not asked."""

    fusion: int = MISS
    popularity: int = MISS
    covisitation: int = MISS
    shadow: int = NOT_ASKED
    event: int | None = None  # its number where it does not matter
    key: int | None = None  # the same
    history: int = 1
    taken: int = 1
    opens: bool = False
    repeats: bool = False
    rank: float = 0.0
    novelty: float = 1.0
    gate: tuple[float, float, float] = (0.5, 0.25, 0.25)
    since_item: int = 1
    since_own: int = -1


def predictions(*given):
    """All of them, in their order."""
    numbered = [each._replace(event=n if each.event is None else each.event) for n, each in enumerate(given)]
    places = np.full((len(given), len(MODELS)), MISS, np.int32)
    for row, each in zip(places, numbered, strict=True):
        row[evaluation.FUSION], row[evaluation.POPULARITY] = each.fusion, each.popularity
        row[evaluation.COVISITATION], row[evaluation.SHADOW] = each.covisitation, each.shadow
    return Predictions(
        places=places,
        event=np.array([each.event for each in numbered], np.int64),
        key=np.array([each.event if each.key is None else each.key for each in numbered], np.int64),
        history=np.array([each.history for each in numbered], np.int64),
        taken=np.array([each.taken for each in numbered], np.int64),
        opens=np.array([each.opens for each in numbered], np.bool_),
        repeats=np.array([each.repeats for each in numbered], np.bool_),
        rank=np.array([each.rank for each in numbered], np.float32),
        novelty=np.array([each.novelty for each in numbered], np.float32),
        gate=np.array([each.gate for each in numbered], np.float32).reshape(-1, 3),
        since_item=np.array([each.since_item for each in numbered], np.int64),
        since_own=np.array([each.since_own for each in numbered], np.int64),
    )
