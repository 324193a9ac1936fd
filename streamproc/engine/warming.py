"""Every kernel compiled, or loaded from numba's cache, before there is anything to do in time.

The first compilation takes a few minutes; a warm cache, about a second.
"""

import numpy as np

from streamproc.config import Config
from streamproc.contracts.columns import EventColumns
from streamproc.contracts.ids import strings
from streamproc.engine import pool, state
from streamproc.engine.learner import Learner
from streamproc_models.hashing import hash_strings


def warm_learner(config: Config) -> Learner:
    """Learns a few invented events by all the ways there are, and returns that learner."""
    learner = Learner(config, 1)
    needed = max(pool.REBUILD, 2 * config.heads.gru.batch) + 8
    learner.learn(0, invented(needed))
    state.restore(Learner(config, 1), {name: array.copy() for name, array in state.arrays(learner).items()})
    return learner


def invented(events: int) -> EventColumns:
    """Events of four users on a handful of items, one a second."""
    number = np.arange(events)
    users = strings([b"user %d" % (n % 4) for n in range(events)])
    items = strings([b"item %d" % (n % 7 + n % 11) for n in range(events)])
    return EventColumns(
        offsets=number,
        times=number * 1000,
        kinds=np.zeros(events, np.uint8),
        strengths=np.where(number % 50 == 49, 0.0, 1.0).astype(np.float32),
        values=np.full(events, np.nan, np.float32),
        event_keys=np.ones(events, np.uint64),
        sequences=number,
        sessions=np.zeros(events, np.uint64),
        users=hash_strings(*users),
        items=hash_strings(*items),
        user_ids=users,
        item_ids=items,
    )
