"""One generation out of a history of events, by the method that its size allows.

Pure: the same history, configuration and earlier factors give the same generation.
"""

from typing import Literal, NamedTuple

import numpy as np
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from streamproc.config import Config
from streamproc.contracts.ids import Strings, select_strings, texts
from streamproc.refresh.als import COLD_SWEEPS, FACTORS, WARM_SWEEPS, cold_start, linearise, sweep
from streamproc.refresh.ease import ease
from streamproc_models.arrays import F32, I32

Method = Literal["ease", "als"]

HALF_LIFE = 200_000  # events after which one counts half
MAX_ITEMS = 50_000  # the rarest beyond are left out: bounds the time and memory of ALS


class History(NamedTuple):
    """n events in journal order, each with a strength above 0."""

    users: I32  # (n,), a number per user, below user_count
    items: I32  # (n,), place in item_ids
    strengths: F32  # (n,)
    user_count: int
    item_ids: Strings


class Factors(NamedTuple):
    """The item factors of an earlier generation, to start from."""

    item_ids: Strings
    vectors: F32  # (items, d)


class Fitted(NamedTuple):
    """A generation before it is handed over."""

    item_ids: Strings
    neighbours: I32  # (items, slots), places in item_ids, strongest first; FREE where none
    weights: F32  # (items, slots), above 0 and descending; 0 where free
    factors: F32  # (items, d) of ALS; (items, 0) of EASE
    method: Method


def fit(history: History, config: Config, earlier: Factors | None = None) -> Fitted:
    """A generation from `history`; ALS goes on from `earlier` where it knows most of the items.

    Raises ValueError where the history is empty or the numbers do not allow a solution.
    """
    if history.items.size == 0:
        raise ValueError("a history without events cannot be fitted")
    history = bounded(history, config)
    ids, slots = history.item_ids, config.heads.long_term.slots
    shown = shown_by_users(history)
    with threadpool_limits(1):
        if choose(ids.ends.size, config) == "ease":
            return Fitted(ids, *ease(shown, slots), np.empty((ids.ends.size, 0), np.float32), "ease")
        start, known = warm_start(ids, earlier, config.seed)
        factors = sweep(shown, start, WARM_SWEEPS if 2 * known > ids.ends.size else COLD_SWEEPS)
        return Fitted(ids, *linearise(factors, slots), factors, "als")


def choose(items: int, config: Config) -> Method:
    """The method for so many items. EASE would take too long above its limit, whatever is asked for."""
    small = items <= config.refresh.ease_max_items
    return "ease" if small and config.refresh.method != "als" else "als"


def bounded(history: History, config: Config) -> History:
    """The history of as many items as a generation may hold."""
    return most_frequent(history, min(MAX_ITEMS, config.items.max))


def most_frequent(history: History, limit: int) -> History:
    """The history of the `limit` items with the most events; these keep their order."""
    counts = np.bincount(history.items, minlength=history.item_ids.ends.size)
    if counts.size <= limit:
        return history
    kept = np.zeros(counts.size, np.bool_)
    kept[np.argsort(-counts, kind="stable")[:limit]] = True
    place = (np.cumsum(kept) - 1).astype(np.int32)
    here = kept[history.items]
    return History(
        history.users[here],
        place[history.items[here]],
        history.strengths[here],
        history.user_count,
        select_strings(history.item_ids, kept),
    )


def shown_by_users(history: History) -> csr_matrix:
    """X (users, items): log2(1 + decayed strengths), so that one new event of mean strength is 1."""
    events = history.items.size
    age = np.arange(events - 1, -1, -1)  # events since
    weights = history.strengths / history.strengths.mean() * np.exp2(-age / HALF_LIFE)
    shape = (history.user_count, history.item_ids.ends.size)
    shown = csr_matrix((weights.astype(np.float32), (history.users, history.items)), shape)
    shown.data = np.log2(np.float32(1.0) + shown.data)
    return shown


def warm_start(item_ids: Strings, earlier: Factors | None, seed: int) -> tuple[F32, int]:
    """Factors (items, d) to start from, and how many of the items `earlier` knew."""
    start = cold_start(item_ids.ends.size, seed)
    if earlier is None or earlier.vectors.shape[1] != FACTORS:
        return start, 0
    places = {text: place for place, text in enumerate(texts(earlier.item_ids))}
    before = np.array([places.get(text, -1) for text in texts(item_ids)])
    known = before >= 0
    start[known] = earlier.vectors[before[known]]
    return start, int(known.sum())
