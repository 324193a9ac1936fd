"""A sync: what changed, published in one transaction. The only writing to `model` and `users` there is."""

import time
from typing import Any, NamedTuple

from streamproc.config import Config
from streamproc.contracts.topics import topics
from streamproc.contracts.users import MARK, Mark, pack_mark
from streamproc.engine.publishing import SyncPoint, changed_rows, changed_users
from streamproc.kafka.clients import send_all, transaction
from streamproc.trainer.follower import Follower
from streamproc.trainer.published import Published


class Synced(NamedTuple):
    """What a sync published, marks and header included."""

    model: int  # records
    users: int  # records; 0 where only the model was due
    seconds: float


class Publisher:
    """Numbers the syncs, and knows up to where the topics speak for the journal."""

    def __init__(self, config: Config, producer: Any, last: Published) -> None:
        self.version = last.version
        self.users_to = last.users_to
        self.model_to = last.learned_to  # never goes back: a newer number must not bring an older model
        self._producer = producer
        self._topics = topics(config)
        self._seconds = config.kafka.request_timeout

    async def sync(self, follower: Follower, with_users: bool) -> Synced:
        """Publish the state as it is; the header and the marks come last.

        Any exception leaves in doubt what was published, and what was changed is forgotten: drop the
        follower and start again. Raises Fenced when another trainer has taken over.
        """
        if follower.position < self.model_to:
            raise ValueError(f"at journal offset {follower.position}, but {self.model_to} is published")
        began, point = time.monotonic(), SyncPoint(self.version + 1, follower.position)
        rows = changed_rows(follower.learner, point)
        users = changed_users(follower.learner) if with_users else []
        mark = (MARK, pack_mark(self._mark(follower, point)))
        async with transaction(self._producer, self._seconds) as answers:
            answers += await send_all(self._producer, self._topics.model.name, 0, rows)
            for partition, changed in enumerate(users):
                everything = [*changed, mark]
                answers += await send_all(self._producer, self._topics.users.name, partition, everything)
        self.version, self.model_to = point.version, point.learned_to
        self.users_to = point.learned_to if with_users else self.users_to
        return Synced(len(rows), sum(len(changed) + 1 for changed in users), time.monotonic() - began)

    def _mark(self, follower: Follower, point: SyncPoint) -> Mark:
        highest = follower.highest(self._topics.users.partitions)
        return Mark(point.version, point.learned_to, highest, follower.generation)
