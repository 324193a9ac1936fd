"""Which worker holds which partition of the events: what the group says, and what each says of itself."""

import asyncio
from typing import NamedTuple

from streamproc.aside import aside
from streamproc.clock import Clock
from streamproc.config import Config
from streamproc.contracts.topics import topics
from streamproc.errors import StreamprocError
from streamproc.kafka import groups
from streamproc.kafka.groups import Group
from streamproc.scrape import Samples

EVERY = 5.0  # seconds between two questions, for all pages together
LOGIN_EVERY = 10.0  # the same where each one is a login, which brokers count


class Holding(NamedTuple):
    """One partition and its worker, or a worker without any. None where nobody could say."""

    partition: int | None
    worker: str  # "" where nobody holds the partition
    lag: float | None  # records
    since: float | None  # seconds since 1970, when the worker began to serve it
    rebalances: float | None  # of the worker, since its start


class WorkerGroup:
    """Asks in a thread, and at most every few seconds: nobody who wants a slate waits for it."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._every = LOGIN_EVERY if config.kafka.security.encrypted else EVERY
        self._one = asyncio.Lock()
        self._asked: float | None = None  # seconds, by the clock that never goes back
        self._found: Group | StreamprocError = Group("", ())

    async def look(self) -> Group:
        """As it was a few seconds ago at most. Raises KafkaUnavailable, KafkaRefused."""
        async with self._one:
            now = self._clock.seconds()
            if self._asked is None or now >= self._asked + self._every:
                self._found = await self._ask()
                self._asked = self._clock.seconds()
        if isinstance(self._found, StreamprocError):
            raise self._found
        return self._found

    async def _ask(self) -> Group | StreamprocError:
        name, topic = f"{self._config.kafka.prefix}worker", topics(self._config).events.name
        try:
            return await aside(asyncio.run, groups.describe(self._config, name, topic))
        except StreamprocError as error:
            return error


def holdings(group: Group, samples: Samples, partitions: int) -> list[Holding]:
    """Every partition in order, then the workers that hold none."""
    held = {number: member for member in group.members for number in member.partitions}
    found = []
    for number in range(partitions):
        member = held.get(number)
        if member is None:
            found.append(Holding(number, "", None, None, None))
            continue
        own = _said_by(member.client_id, samples)
        lag = _of(own, "consumer_lag_records", number)
        since = _of(own, "lease_timestamp_seconds", number)
        found.append(Holding(number, member.client_id, lag, since, _rebalances(own)))
    for member in group.members:
        if not member.partitions:
            own = _said_by(member.client_id, samples)
            found.append(Holding(None, member.client_id, None, None, _rebalances(own)))
    return found


def _said_by(client_id: str, samples: Samples) -> Samples:
    """What the process with this name answered, as far as its /metrics are asked."""
    processes = {
        sample.process
        for sample in samples
        if sample.name == "group_member_info" and sample.labels.get("client_id") == client_id
    }
    return Samples(sample for sample in samples if sample.process in processes)


def _of(samples: Samples, name: str, partition: int) -> float | None:
    return samples.by("worker", name, "partition").get(str(partition))


def _rebalances(samples: Samples) -> float | None:
    return samples.highest("worker", "rebalances_total")
