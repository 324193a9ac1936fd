"""The users of a partition, as its next owner finds them: their published states, and the journal since."""

from collections.abc import Callable

from streamproc.aside import aside
from streamproc.clock import Clock
from streamproc.config import Config
from streamproc.contracts.journal import NOTHING_READ, Reader
from streamproc.contracts.topics import topics
from streamproc.contracts.users import MARK, Mark, unpack_mark
from streamproc.engine.observer import Observer
from streamproc.engine.windows import Windows
from streamproc.errors import TopicMismatch
from streamproc.kafka import clients
from streamproc.kafka.lease import Partition, Wanted
from streamproc.kernel_thread import KernelThread
from streamproc.logs import get_logger
from streamproc.metrics import WorkerMetrics
from streamproc.worker.tail import JournalTail, Place

logger = get_logger(__name__)

NOTHING_PUBLISHED = Mark(version=0, learned_to=0, highest=[], generation=0)


class Restorer:
    """Needs no trainer, only what it has published so far, and the journal."""

    def __init__(
        self, config: Config, observer: Observer, kernels: KernelThread, metrics: WorkerMetrics, clock: Clock
    ) -> None:
        self._config = config
        self._topic = topics(config).users.name
        self._tail = JournalTail(config, observer, kernels, metrics)
        self._metrics = metrics
        self._clock = clock
        self._left: dict[int, int] = {}  # records of `users` still to read, per partition
        for table in ("users", "journal"):
            metrics.recovery_restored.labels(table)

    async def restore(self, tp: Partition, wanted: Wanted) -> tuple[Windows, int]:
        """Windows of a partition, and the newest source offset that they and the journal cover.

        Raises LeaseLost when it is no longer wanted, TopicMismatch where the journal has lost what it needs.
        """
        began = self._clock.seconds()
        self._tail.announce()
        try:
            place = await self._published(tp.partition, wanted)
        except BaseException:
            self._tail.withdraw()
            raise
        published = place.reader.highest[tp.partition]
        await self._tail.read(place)
        highest = place.reader.highest[tp.partition]
        self._report(tp, place, highest - published, self._clock.seconds() - began)
        return place.windows, highest

    async def _published(self, partition: int, wanted: Wanted) -> Place:
        states: dict[bytes, bytes] = {}
        try:
            async for records in clients.read_to_end(
                self._config, self._topic, partition, wanted=wanted, left=self._tell(partition)
            ):
                for record in records:
                    if record.value is None:
                        states.pop(record.key, None)
                    else:
                        states[record.key] = record.value
        finally:
            self._tell(partition)(0)
        mark = unpack_mark(states.pop(MARK)) if MARK in states else NOTHING_PUBLISHED
        windows = Windows(self._config)
        await aside(windows.load, states)  # a second for a million users
        self._metrics.recovery_restored.labels("users").inc(len(states))
        reader = Reader({partition: self._highest(mark, partition)})
        return Place(partition, mark.learned_to, windows, reader, wanted)

    def _tell(self, partition: int) -> Callable[[int], None]:
        def tell(left: int) -> None:
            self._left[partition] = left
            self._metrics.recovery_remaining.labels("users").set(sum(self._left.values()))

        return tell

    def _highest(self, mark: Mark, partition: int) -> int:
        if mark is NOTHING_PUBLISHED:
            return NOTHING_READ
        if partition >= len(mark.highest):
            raise TopicMismatch(
                f"{self._topic} was written for {len(mark.highest)} partitions, and this is {partition}",
                "kafka.partitions cannot be changed for topics that are in use: take another kafka.prefix",
            )
        return mark.highest[partition]

    def _report(self, tp: Partition, place: Place, offsets: int, seconds: float) -> None:
        self._metrics.recovery.observe(seconds)
        reader = place.reader
        for outcome in ("stale", "overlap", "broken"):
            self._metrics.journal_records.labels(outcome).inc(getattr(reader, outcome))
        if reader.broken:
            logger.error(
                "journal records lie behind a gap and are ignored", **tp._asdict(), records=reader.broken
            )
        logger.info(
            "a partition is restored",
            **tp._asdict(),
            users=place.windows.count,
            offsets=offsets,  # since the last publication
            seconds=round(seconds, 2),
        )
