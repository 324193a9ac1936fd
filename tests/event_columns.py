"""Events for the engine, without JSON: each a few words, or many at random."""

from typing import NamedTuple

import numpy as np

from streamproc.contracts.columns import EventColumns
from streamproc.contracts.ids import strings
from streamproc_models.hashing import hash64, hash_strings


class Event(NamedTuple):
    """One event as a test wants to write it."""

    user: str
    item: str
    second: float | None = None  # the number of the event where it does not matter
    strength: float = 1.0
    key: str = ""  # an event id; one of its own where it does not matter
    sequence: int = -1
    session: str = ""
    kind: int = 1


def columns(events, first=0):
    """Events of one partition, with offsets from `first` on."""
    events = [Event(*event) for event in events]
    numbers = range(first, first + len(events))
    users, items = (strings([getattr(event, of).encode() for event in events]) for of in ("user", "item"))
    seconds = [
        number if event.second is None else event.second
        for number, event in zip(numbers, events, strict=True)
    ]
    keys = [event.key or f"event {number}" for number, event in zip(numbers, events, strict=True)]
    return EventColumns(
        offsets=np.array(numbers, np.int64),
        times=(1000 * np.array(seconds, np.float64)).astype(np.int64),
        kinds=np.array([event.kind for event in events], np.uint8),
        strengths=np.array([event.strength for event in events], np.float32),
        values=np.full(len(events), np.nan, np.float32),
        event_keys=hashes(keys),
        sequences=np.array([event.sequence for event in events], np.int64),
        sessions=np.array(
            [hash64(event.session.encode()) if event.session else 0 for event in events], np.uint64
        ),
        users=hash_strings(*users),
        items=hash_strings(*items),
        user_ids=users,
        item_ids=items,
    )


def hashes(names):
    """64-bit hashes of some names."""
    return np.array([hash64(name.encode()) for name in names], np.uint64)


def at_random(count, seed=7, users=40, items=60, disliked=0.05):
    """Users who mostly go on to the next item, sometimes anywhere, and now and then dislike what they see."""
    random = np.random.default_rng(seed)
    place = random.integers(items, size=users)
    events = []
    for _ in range(count):
        user = int(users * random.random() ** 2)
        place[user] = (place[user] + 1) % items if random.random() < 0.7 else random.integers(items)
        strength = 0.0 if random.random() < disliked else float(random.choice([1.0, 1.0, 3.0]))
        events.append(Event(f"user {user}", f"item {place[user]}", strength=strength))
    return events
