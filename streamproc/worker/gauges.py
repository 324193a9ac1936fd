"""What a worker looks up about itself once a second: lag, memory, readiness."""

from typing import cast

from faust.types import TP

from streamproc.clock import Clock
from streamproc.config import Config
from streamproc.contracts.topics import topics
from streamproc.kafka.app import PartApp
from streamproc.kafka.lease import Lease
from streamproc.kafka.leases import LeaseConsumer
from streamproc.kafka.measuring import Measured
from streamproc.metrics import WorkerMetrics
from streamproc.worker import memory
from streamproc.worker.exposing import Exposure
from streamproc.worker.part import WorkerPart

AGENT = "worker"
FAMILIES = ("short_term", "long_term", "popularity")


class Gauges:
    """Sets the gauges of a running app."""

    def __init__(
        self,
        config: Config,
        metrics: WorkerMetrics,
        part: WorkerPart,
        app: PartApp,
        clock: Clock,
        measured: Measured,
    ) -> None:
        self._metrics = metrics
        self._part = part
        self._app = app
        self._clock = clock
        self._topic = topics(config).events.name
        self._measured = measured
        self._exposure = Exposure(metrics)
        self._told: set[int] = set()  # partitions that there are series of
        metrics.ready.set(0)
        metrics.table_limit.labels("items").set(config.items.max)

    def look(self) -> None:
        """Everything, as it is now."""
        leases = self._measured.desk.living()
        self._measured.look()
        self._forget()
        for lease in leases:
            self._lag(lease)
        self._metrics.assigned_partitions.set(len(leases))
        self._metrics.ready.set(self._is_ready(leases))
        self._users()
        self._items()
        self._exposure.look(self._part.answers.newest, self._part.view)
        for family, share in zip(FAMILIES, self._part.answers.gates, strict=True):
            self._metrics.gate.labels(family).set(share)

    def _is_ready(self, leases: list[Lease]) -> bool:
        """Also before anything was learned, as on a new cluster: events are journalled all the same."""
        caught_up = self._part.follower.caught_up.is_set()
        return self._measured.joined and caught_up and len(leases) == len(self._assigned())

    def _assigned(self) -> set[int]:
        return {tp.partition for tp in self._app.consumer.assignment() if tp.topic == self._topic}

    def _forget(self) -> None:
        """Partitions that others serve now are theirs to tell of, or their lag would be counted twice."""
        metrics = self._metrics
        for number in self._told - self._assigned():
            for series in (
                metrics.lease, metrics.end_offset, metrics.consumer_lag, metrics.consumer_lag_seconds,
                metrics.watermark,
            ):  # fmt: skip
                series.remove(self._topic, str(number))
            self._told.discard(number)

    def _lag(self, lease: Lease) -> None:
        labels = (self._topic, str(lease.tp.partition))
        self._told.add(lease.tp.partition)
        self._metrics.lease.labels(*labels).set(lease.state.since / 1000.0)
        if (end := self._app.consumer.highwater(TP(*lease.tp))) is not None:
            behind = max(end - self._done(lease), 0)
            self._metrics.end_offset.labels(*labels).set(end)
            self._metrics.consumer_lag.labels(*labels).set(behind)
            self._metrics.consumer_lag_seconds.labels(*labels).set(self._age(lease) if behind else 0)
        if lease.state.newest:
            self._metrics.watermark.labels(*labels).set(lease.state.newest / 1000.0)

    def _done(self, lease: Lease) -> int:
        """The offset before which all is done."""
        if lease.waiting or lease.position > lease.done:
            return lease.done
        fetched = cast(LeaseConsumer, self._app.consumer).fetched_to(lease.tp)
        return lease.done if fetched is None else max(fetched, lease.done)

    def _age(self, lease: Lease) -> float:
        """Of what waits: at most that of the newest record before it."""
        appended_at = lease.state.appended_at
        return max(self._clock.now_ms() - appended_at, 0) / 1000.0 if appended_at else 0.0

    def _users(self) -> None:
        all_served = self._part.partitions.all()
        self._metrics.table_entries.labels("users").set(sum(s.windows.count for s in all_served))
        self._metrics.table_limit.labels("users").set(sum(s.windows.limit for s in all_served))
        self._metrics.table_bytes.labels("users").set(
            sum(memory.of_users(s.windows).bytes for s in all_served)
        )
        for served in all_served:
            evicted = served.windows.evicted
            self._metrics.table_evictions.labels("users", "max").inc(evicted - served.evicted)
            served.evicted = evicted

    def _items(self) -> None:
        view = self._part.view
        self._metrics.table_entries.labels("items").set(view.header.items if view.header else 0)
        self._metrics.table_bytes.labels("items").set(memory.of_items(view).bytes)
