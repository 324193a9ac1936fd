"""implicit's models, fitted anew on all events so far every so many events, as a nightly job would do it.

Between two fits a model stands still, but it is asked with the user's items up to the moment. What came
after the fit, and everything before the first one, it cannot know: misses.
"""

import warnings
from typing import Any

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender
from implicit.utils import ParameterWarning
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from benchmarks.quality.judging import MISS
from benchmarks.quality.stream import Stream
from streamproc.evaluate.predictions import DEPTH
from streamproc_models.arrays import I64

FACTORS, NEIGHBOURS, SEED = 64, 100, 7
WINDOW = 100  # newest events of a user that a model is asked with, where nothing has to be left out


def als() -> Any:
    """Weighted matrix factorisation (Hu, Koren and Volinsky, 2008); users are solved for when asked."""
    return AlternatingLeastSquares(factors=FACTORS, alpha=10.0, num_threads=1, random_state=SEED)


def cosine() -> Any:
    """Items by the cosine of their users."""
    return CosineRecommender(K=NEIGHBOURS, num_threads=1)


def bm25() -> Any:
    """Items by their users, weighted as words are in BM25."""
    return BM25Recommender(K=NEIGHBOURS, num_threads=1)


MODELS = {"als": als, "cosine": cosine, "bm25": bm25}


def refitted(name: str, stream: Stream, events: I64, new_pairs: bool, every: int) -> I64:
    """The places of the asked events' targets, by the model of this name."""
    places = np.full(events.size, MISS, np.int64)
    histories = _Histories(stream, None if new_pairs else WINDOW)
    for start in range(every, len(stream.items), every):
        chosen = np.flatnonzero((events >= start) & (events < start + every))
        if chosen.size:
            model, known = _fitted(name, stream, start)
            asked = histories.before(events[chosen], known)
            ids, scores = model.recommend(
                np.arange(chosen.size), asked, N=DEPTH, filter_already_liked_items=new_pairs,
                recalculate_user=True,
            )  # fmt: skip
            usable = (np.diff(asked.indptr) > 0)[:, None] & (scores > np.finfo(np.float32).min)
            places[chosen] = _places(np.where(usable, ids, -1), stream.items[events[chosen]])
    return places


def _fitted(name: str, stream: Stream, stop: int) -> tuple[Any, int]:
    """A model of the events before `stop`, and how many items it knows."""
    known = int(stream.items[:stop].max()) + 1
    users = int(stream.users[:stop].max()) + 1
    shown = _weights(stream.users[:stop], stream.items[:stop], (users, known))
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ParameterWarning)  # of the form in which its own weighting comes
        model = MODELS[name]()
        model.fit(shown, show_progress=False)
    return model, known


def _weights(rows: Any, items: Any, shape: tuple[int, int]) -> csr_matrix:
    """log2(1 + events) of each row with each item."""
    matrix = csr_matrix((np.ones(len(items), np.float32), (rows, items)), shape)
    matrix.data = np.log2(1.0 + matrix.data).astype(np.float32)
    return matrix


def _places(ids: I64, targets: Any) -> I64:
    found = ids == targets[:, None]
    return np.where(found.any(axis=1), found.argmax(axis=1), MISS)


class _Histories:
    """The earlier events of the user of any event."""

    def __init__(self, stream: Stream, window: int | None) -> None:
        self._order = np.argsort(stream.users, kind="stable")
        self._place = np.empty(len(stream.users), np.int64)  # of each event in `order`
        self._place[self._order] = np.arange(len(stream.users))
        self._first = np.searchsorted(stream.users[self._order], np.arange(int(stream.users.max()) + 1))
        self._stream = stream
        self._window = window

    def before(self, events: I64, known: int) -> csr_matrix:
        """A row for each event: what its user had taken of the known items."""
        rows, items = [], []
        for row, event in enumerate(events.tolist()):
            stop = int(self._place[event])
            start = int(self._first[self._stream.users[event]])
            start = start if self._window is None else max(start, stop - self._window)
            own = self._stream.items[self._order[start:stop]]
            own = own[own < known]
            rows.append(np.full(own.size, row))
            items.append(own)
        return _weights(np.concatenate(rows), np.concatenate(items), (events.size, known))
