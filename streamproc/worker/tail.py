"""The journal's tail, read once for all the partitions that are restored together."""

import asyncio
from dataclasses import dataclass, field

from streamproc.config import Config
from streamproc.contracts.journal import EVENTS, Reader, unpack_events
from streamproc.contracts.topics import topics
from streamproc.engine.observer import Observer
from streamproc.engine.windows import Windows
from streamproc.kafka import clients
from streamproc.kafka.lease import Wanted, abandon
from streamproc.kernel_thread import KernelThread
from streamproc.metrics import WorkerMetrics


@dataclass(eq=False)
class Place:
    """A partition that has its states, and needs what the journal has had for it since."""

    partition: int
    start: int  # journal offset that its states are a function of
    windows: Windows
    reader: Reader
    wanted: Wanted
    done: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def waiting(self) -> bool:
        return self.wanted() and not self.done.done()


class JournalTail:
    """Waits until every partition that was announced has come, then reads to the journal's end for all."""

    def __init__(
        self, config: Config, observer: Observer, kernels: KernelThread, metrics: WorkerMetrics
    ) -> None:
        self._config = config
        self._topic = topics(config).journal.name
        self._observer = observer
        self._kernels = kernels
        self._metrics = metrics
        self._coming = 0
        self._places: list[Place] = []
        self._passes: set[asyncio.Task[None]] = set()

    def announce(self) -> None:
        """A partition will call `read` or `withdraw`."""
        self._coming += 1

    def withdraw(self) -> None:
        """The announced partition is not coming."""
        self._coming -= 1
        self._begin()

    async def read(self, place: Place) -> None:
        """Return when the windows of `place` are at the journal's end.

        Raises TopicMismatch where the journal no longer reaches back so far, or ends before what the states
        are a function of; LeaseLost when not wanted.
        """
        self._coming -= 1
        self._places.append(place)
        self._begin()
        await place.done

    def _begin(self) -> None:
        if self._coming or not self._places:
            return
        places, self._places = self._places, []
        task = asyncio.ensure_future(self._pass(places))
        self._passes.add(task)
        task.add_done_callback(self._passes.discard)

    async def _pass(self, places: list[Place]) -> None:
        """Starting early does no harm to the others: what they have is stale to their readers."""
        try:
            await self._read(places)
        except Exception as error:
            for place in places:
                if not place.done.done():
                    place.done.set_exception(error)
                    abandon(place.done)
        for place in places:
            if not place.done.done():
                place.done.set_result(None)

    async def _read(self, places: list[Place]) -> None:
        def wanted() -> bool:
            return any(place.waiting for place in places)

        starts = [place.start for place in places]
        left = self._metrics.recovery_remaining.labels("journal")
        found = clients.read_to_end(
            self._config, self._topic, 0, min(starts),
            committed=False, wanted=wanted, left=left.set, reaches=max(starts),
        )  # fmt: skip
        try:
            async for records in found:
                values = [record.value for record in records if record.value[0] == EVENTS]
                await self._kernels.run(self._apply_all, values, places)
        finally:
            left.set(0)

    def _apply_all(self, values: list[bytes], places: list[Place]) -> None:
        for value in values:
            self._apply(value, places)

    def _apply(self, value: bytes, places: list[Place]) -> None:
        record = unpack_events(value)
        for place in places:
            if place.partition == record.partition and place.waiting:
                columns = place.reader.accept(record)
                if columns is not None:
                    self._observer.apply(place.windows, columns)
                    self._metrics.recovery_restored.labels("journal").inc(columns.users.size)
