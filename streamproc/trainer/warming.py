"""All that a trainer may come to run, run once before it joins the group: compiled, or read from a cache."""

import numpy as np

from streamproc.config import Config
from streamproc.contracts import generation, journal
from streamproc.contracts.control import Generation, Promote
from streamproc.contracts.ids import strings
from streamproc.contracts.journal import Reader
from streamproc.engine import publishing, state
from streamproc.engine.learner import Learner
from streamproc.engine.publishing import SyncPoint
from streamproc.engine.warming import invented, warm_learner
from streamproc.trainer.follower import Follower
from streamproc_models.hashing import hash_strings

FEW = 64  # users and items, so that the coldest of both are forgotten
STRANGERS = 200


def warm(config: Config) -> None:
    """Learns, forgets, publishes and tries a generation, on invented events."""
    learner = warm_learner(config)
    publishing.changed_rows(learner, SyncPoint(1, 0))
    publishing.changed_users(learner)
    few = config.model_copy(
        update={
            "items": config.items.model_copy(update={"max": FEW}),
            "users": config.users.model_copy(update={"max": FEW}),
            "refresh": config.refresh.model_copy(update={"shadow_events": 1}),
        }
    )
    follower = Follower(Learner(few, 1), Reader(), 0)
    events = invented(STRANGERS)
    records = [journal.pack_events(0, -1, STRANGERS - 1, events), *_generation(), *_strangers()]
    for offset, value in enumerate(records):
        follower.apply(offset, value)
    publishing.changed_rows(follower.learner, SyncPoint(1, 0))
    publishing.changed_users(follower.learner)
    state.digest(follower.learner)


def _strangers() -> list[bytes]:
    """As many users and items as events, half of them after the generation was promoted."""
    names = strings([b"stranger %d" % number for number in range(STRANGERS)])
    numbers = np.arange(STRANGERS, 2 * STRANGERS)
    events = invented(STRANGERS)._replace(offsets=numbers, times=1000 * numbers)
    hashes = hash_strings(*names)
    events = events._replace(users=hashes, items=hashes, user_ids=names, item_ids=names)
    return [
        journal.pack_events(0, STRANGERS - 1, 2 * STRANGERS - 1, events),
        journal.pack_control(Promote(1, 0.0, 0.0)),
    ]


def _generation() -> list[bytes]:
    names = strings([b"item 0", b"item 1"])
    neighbours, weights = np.array([[1], [0]], np.int32), np.ones((2, 1), np.float32)
    cut = journal.cut(1, generation.pack(names, neighbours, weights, np.zeros((2, 0), np.float32)))
    return [*cut.records, journal.pack_control(Generation(1, "ease", 2, len(cut.records), cut.sha256, 1, 0))]
