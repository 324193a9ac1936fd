"""Baselines that only count: everybody's favourites, and the user's own items, the newest first.

Each gives the place of every asked event's target in a full ranking of the items met so far, 0 = first, as of
the moment before the event; then it learns the event.
"""

from itertools import islice

import numpy as np

from benchmarks.quality.judging import MISS
from benchmarks.quality.stream import Stream
from streamproc.evaluate.predictions import DEPTH
from streamproc_models.arrays import I64


def popularity(stream: Stream, events: I64, new_pairs: bool) -> I64:
    """By all events so far. Of items with as many events as the target, half are ahead of it."""
    counts = np.zeros(int(stream.items.max()) + 1, np.int64)
    at_least = [0] * (len(stream.items) + 2)  # items with so many events or more
    seen: dict[int, set[int]] = {}
    wanted, places = set(events.tolist()), []
    for event, (user, item) in enumerate(zip(stream.users.tolist(), stream.items.tolist(), strict=True)):
        count = int(counts[item])
        if event in wanted:
            ahead, level = at_least[count + 1], at_least[count] - at_least[count + 1] - 1
            if new_pairs:
                own = counts[list(seen.get(user, ()))]
                ahead -= int((own > count).sum())
                level -= int((own == count).sum())
            places.append(ahead + level // 2 if count else MISS)
        counts[item] += 1
        at_least[count + 1] += 1
        if new_pairs:
            seen.setdefault(user, set()).add(item)
    return np.array(places, np.int64)


def own_history(stream: Stream, events: I64) -> I64:
    """The user's items by their newest event."""
    recent: dict[int, dict[int, None]] = {}
    wanted, places = set(events.tolist()), []
    for event, (user, item) in enumerate(zip(stream.users.tolist(), stream.items.tolist(), strict=True)):
        own = recent.setdefault(user, {})
        if event in wanted:
            newest = enumerate(islice(reversed(own), DEPTH))
            places.append(next((place for place, known in newest if known == item), MISS))
        own.pop(item, None)  # so that it comes last
        own[item] = None
    return np.array(places, np.int64)
