"""What can be seen of an app's leases from outside: rebalances, back-pressure, commits of offsets."""

import asyncio
from typing import Any, cast

from streamproc.clock import Clock
from streamproc.kafka.app import PartApp
from streamproc.kafka.desk import LeaseDesk
from streamproc.kafka.leases import LeaseTransport
from streamproc.metrics import StreamMetrics

LOOK = 1.0  # seconds between two looks


class Measured:
    """Counts what happens to the app, and looks now and then at what has piled up."""

    def __init__(self, app: PartApp, metrics: StreamMetrics, agent: str, clock: Clock) -> None:
        self.joined = False  # whether the group has ever said which partitions are ours
        self._metrics = metrics
        self._clock = clock
        self._app = app
        self._backpressure = metrics.backpressure.labels(agent)
        self._buffer = metrics.buffer.labels(agent)
        metrics.member.labels(app.conf.broker_client_id).set(1)
        self._since: float | None = None  # of the rebalance under way
        self._counted = 0.0  # seconds of back-pressure
        app.on_partitions_revoked.connect(self._revoked, weak=False)
        app.on_rebalance_complete.connect(self._complete, weak=False)

    @property
    def desk(self) -> LeaseDesk:
        """Where the app's leases are."""
        return cast(LeaseTransport, self._app.transport).desk

    def look(self) -> None:
        """Back-pressure and what waits, as of now."""
        desk = self.desk
        self._backpressure.inc(max(desk.full_seconds - self._counted, 0.0))
        self._counted = desk.full_seconds
        self._buffer.set(sum(lease.waiting for lease in desk.living()))

    async def look_now_and_then(self) -> None:
        """For ever."""
        while True:
            self.look()
            await asyncio.sleep(LOOK)

    def committed(self, seconds: float) -> None:
        """Offsets were committed, which took so long."""
        self._metrics.commit.observe(seconds)
        self._metrics.commit_timestamp.set(self._clock.now_ms() / 1000)

    def _revoked(self, *_: Any, **__: Any) -> None:
        self._since = self._clock.seconds()
        self._metrics.rebalances.inc()

    def _complete(self, *_: Any, **__: Any) -> None:
        self.joined = True
        if self._since is not None:
            self._metrics.rebalance.observe(self._clock.seconds() - self._since)
            self._since = None
