"""Where the leases of one process are handed out, kept and ended."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Protocol

from streamproc.errors import KafkaUnavailable, LeaseLost, StreamprocError
from streamproc.kafka.lease import Lease, Limits, Part, Partition, Wanted, abandon, follow
from streamproc.logs import get_logger

logger = get_logger(__name__)

FINISH_SECONDS = 5.0  # for the batches under way and the last words of the part, on an ordered stop
FIRST_PAUSE, LAST_PAUSE = 0.25, 5.0  # seconds before a failed partition is restored again, doubling


class Reader(Protocol):
    """What the desk asks of the consumer."""

    async def read_from(self, tp: Partition, offset: int) -> None:
        """Read this partition from there on. Raises TopicMismatch where it ends before."""
        ...

    async def crash(self, reason: BaseException) -> None:
        """End the program with this error."""
        ...


class LeaseDesk:
    """Restores partitions into leases, runs their loops, and restores again what has failed."""

    def __init__(self, part: Part, limits: Limits) -> None:
        self.part = part
        self.limits = limits
        self.leases: dict[Partition, Lease] = {}
        self.handed_out: asyncio.Queue[Lease] = asyncio.Queue()
        self.on_commit: Callable[[float], None] = lambda _: None  # told the seconds that a commit took
        self._reader: Reader
        self._number = 0  # of the assignment; moves with every revocation
        self._stopping = False
        self._room = asyncio.Event()
        self._full_since: float | None = None  # monotonic seconds; None while every lease has room
        self._full_before = 0.0
        self._loops: set[asyncio.Task[None]] = set()
        self._jobs: set[asyncio.Task[None]] = set()

    def attach(self, reader: Reader) -> None:
        """The consumer that reads for the leases."""
        self._reader = reader

    def living(self) -> list[Lease]:
        """The leases that still count."""
        return [lease for lease in self.leases.values() if lease.alive]

    @property
    def full_seconds(self) -> float:
        """Time in which some partition was not read on, because its lease was full."""
        since = self._full_since
        return self._full_before + (time.monotonic() - since if since is not None else 0.0)

    def with_room(self) -> tuple[list[Partition], bool]:
        """Partitions to read on, and whether others have to wait for their loops."""
        self._room.clear()
        living = self.living()
        open_partitions = [lease.tp for lease in living if lease.waiting < self.limits.buffer]
        full = len(open_partitions) < len(living)
        self._count_full(full)
        return open_partitions, full

    async def wait_for_room(self, seconds: float) -> None:
        """Until some lease takes records again, or for so long."""
        try:
            await asyncio.wait_for(self._room.wait(), seconds)
        except TimeoutError:
            pass

    async def restore(self, partitions: Iterable[Partition]) -> None:
        """Return when all of them are served, or no longer ours."""
        number = self._number  # now: a task would begin after a revocation that comes in between
        await asyncio.gather(*[self._restore(Partition(*tp), number) for tp in partitions])

    def serve(self, lease: Lease) -> None:
        """Run the loop of a lease that was handed out."""
        task = asyncio.ensure_future(self._serve(lease))
        self._loops.add(task)
        task.add_done_callback(self._loops.discard)

    def revoke(self) -> None:
        """The partitions are no longer ours: every lease is lost, every restore in vain."""
        self._number += 1
        self._count_full(False)
        for lease in self.leases.values():
            lease.end()

    def forget(self) -> None:
        """After the last commit for lost leases."""
        self.leases = {tp: lease for tp, lease in self.leases.items() if lease.alive}

    async def finish(self) -> None:
        """Ordered stop: every loop ends after its batch, and the part says its last words."""
        self._stopping = True
        for lease in self.leases.values():
            lease.finish()
        if self._loops:
            await asyncio.wait(self._loops, timeout=FINISH_SECONDS)
        for lease in self.leases.values():
            lease.end()

    def _count_full(self, full: bool) -> None:
        self._full_before = self.full_seconds
        self._full_since = time.monotonic() if full else None

    async def _serve(self, lease: Lease) -> None:
        began = lease.done
        error = await follow(lease, self.part, self.limits)
        still_ours, number = lease.alive, self._number
        if error is not None:
            lease.end()
        await self._release(lease)
        if error is None or not still_ours:
            return
        if fatal(error):
            await self._reader.crash(error)
            return
        logger.warning("a partition starts over", **lease.tp._asdict(), after=lease.done, error=error)
        if self.leases.get(lease.tp) is lease:
            del self.leases[lease.tp]
            self._start(
                self._restore(lease.tp, number, FIRST_PAUSE if lease.done > began else LAST_PAUSE / 2)
            )

    async def _restore(self, tp: Partition, number: int, pause: float = 0.0) -> None:
        def wanted() -> bool:
            return number == self._number and not self._stopping

        while True:
            await asyncio.sleep(pause)
            if not wanted():
                return
            try:
                await self._hand_out(tp, wanted)
                return
            except Exception as error:
                if fatal(error):
                    await self._reader.crash(error)
                    return
                if wanted():
                    logger.warning("a partition cannot be restored yet", **tp._asdict(), error=error)
            pause = min(max(2 * pause, FIRST_PAUSE), LAST_PAUSE)

    async def _hand_out(self, tp: Partition, wanted: Wanted) -> None:
        state, position = await self.part.restore(tp, wanted)
        lease = Lease(tp, state, position)
        lease.on_room = self._room.set
        try:
            await self._reader.read_from(tp, position)
            if not wanted():
                raise LeaseLost(f"{tp.topic}-{tp.partition} was revoked during its restore")
        except BaseException:
            lease.end()
            self._start(self._release(lease))
            raise
        self.leases[tp] = lease
        self.handed_out.put_nowait(lease)
        self._room.set()
        logger.info("a partition is served", **tp._asdict(), offset=position)

    async def _release(self, lease: Lease) -> None:
        """Never stuck in what the part gives back: a producer without a broker may take for ever to stop."""
        job = asyncio.ensure_future(self.part.release(lease))
        await asyncio.wait((job,), timeout=FINISH_SECONDS)
        if not job.done():
            logger.warning("a partition was not released in time", **lease.tp._asdict())
        elif not job.cancelled() and job.exception():
            logger.warning("a partition was not released", **lease.tp._asdict(), error=job.exception())
        abandon(job)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._jobs.add(task)
        task.add_done_callback(self._jobs.discard)


def fatal(error: BaseException) -> bool:
    """Whether starting over cannot help: an error raised on purpose, but for those that pass."""
    return isinstance(error, StreamprocError) and not isinstance(error, LeaseLost | KafkaUnavailable)
