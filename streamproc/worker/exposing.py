"""What the newest slates show: how evenly, how far from what everybody knows, and how different things."""

from collections import deque

import numpy as np

from streamproc.contracts.model import Header
from streamproc.engine.model import Model
from streamproc.engine.view import ModelView
from streamproc.metrics import WorkerMetrics
from streamproc_models.arrays import F64, I32, I64
from streamproc_models.unevenness import gini
from streamproc_models.variety import intra_list_distance

KEPT = 1000  # sampled slates
AT_ONCE = 50  # slates of one look
SLOWEST = -1  # column of the popularity with the longest half-life


class Exposure:
    """Samples of slates, taken now and then: nothing is counted on the way of an event."""

    def __init__(self, metrics: WorkerMetrics) -> None:
        self._metrics = metrics
        self._slates: deque[I32] = deque(maxlen=KEPT)
        self._distances: deque[float] = deque(maxlen=KEPT)  # as of when they were sampled
        self._seen: I32 | None = None

    def look(self, newest: I32 | None, view: ModelView) -> None:
        """Some of the newest slates (k, n), rows of items, -1 where a slate is shorter."""
        if newest is None or newest is self._seen or view.header is None:
            return
        self._seen = newest
        self._slates.extend(newest[:AT_ONCE])
        self._vary(newest[:AT_ONCE], view.model, view.header.items)
        shown = np.concatenate(self._slates)
        self._show(shown[shown >= 0].astype(np.int64), view.model, view.header)

    def _vary(self, newest: I32, model: Model, items: int) -> None:
        """Slates on which less than two items have factors say nothing."""
        rows = np.clip(newest, 0, items - 1)
        there = (newest >= 0) & (newest < items) & (model.item[rows] != 0)
        distances: F64 = intra_list_distance(model.factors.items[rows] * there[:, :, np.newaxis])
        self._distances.extend(distances[np.isfinite(distances)].tolist())
        if self._distances:
            self._metrics.intra_list_distance.set(float(np.mean(self._distances)))

    def _show(self, shown: I64, model: Model, header: Header) -> None:
        """Rows that are no longer those of an item are left out."""
        popularity, items = model.popularity, header.items
        shown = shown[(shown < items) & (model.item[np.minimum(shown, items - 1)] != 0)]
        if not shown.size:
            return
        known = popularity.last[:items] >= 0
        self._metrics.gini.set(gini(np.bincount(shown, minlength=items)[known]))
        gaps = np.maximum(header.events - popularity.last[shown], 0)
        left = np.exp(-popularity.rates[SLOWEST] * gaps)  # counts are kept as of an item's last event
        share = popularity.counts[shown, SLOWEST] * left / max(float(popularity.totals[SLOWEST]), 1e-9)
        self._metrics.novelty.set(float(np.mean(-np.log2(np.clip(share, 1e-9, 1.0)))))
