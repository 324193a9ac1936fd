"""A lease: the right to serve one partition, from one restore to the next. Knows nothing of Faust.

A lease is dead once it is lost, and is never revived: whoever serves the partition next starts from what the
log says. Its records are processed by one loop, one batch at a time, each awaited before the next is taken.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, Protocol

from streamproc.errors import LeaseLost

Record = Any  # aiokafka.ConsumerRecord: offset, timestamp (ms), key and value as bytes
Wanted = Callable[[], bool]


class Partition(NamedTuple):
    """A partition of a topic; equal to Faust's and aiokafka's own."""

    topic: str
    partition: int


class Limits(NamedTuple):
    """Bounds of the loop over one lease."""

    batch: int  # most records in one call of process()
    seconds: float  # longest time that one call of process() may take
    gather_bytes: int = 1  # the broker waits for so much before it answers a fetch,
    gather_seconds: float = 1.5  # or for so long

    @property
    def buffer(self) -> int:
        """So many waiting records stop the reading of the partition."""
        return 2 * self.batch


class Part(Protocol):
    """What a worker or trainer does with the partitions that it is given.

    `tick`: process() is also called, with no records, when none came for so many seconds; 0.0 for never.
    Any exception of process() ends the lease: its state is in doubt, and the partition is restored. Only
    the errors that desk.fatal names end the whole program, with their exit code.
    """

    tick: float

    async def restore(self, tp: Partition, wanted: Wanted) -> tuple[Any, int]:
        """State of a partition, and the offset to read from, which wins over any committed one.

        Called again after a failure. Should raise LeaseLost soon after `wanted()` has become false.
        """
        ...

    async def process(self, lease: "Lease", records: Sequence[Record]) -> int:
        """Do all that these records ask for, and return the offset to commit, the next one to process
        (`lease.done` where there was none).

        Never called twice at a time for one lease. It may keep the event loop busy for about 100 ms: Faust's
        consumer lives in a thread with a loop of its own, which sends the heartbeats; compiled kernels let
        go of the GIL, so that it can. It is cancelled when the lease is lost or its time is over; what it
        has sent by then may still arrive.
        """
        ...

    async def release(self, lease: "Lease") -> None:
        """Give back what restore() opened. Called once, after the last process(); `lease.alive` when the
        program stops in order, so that a last publication is still right."""
        ...


class Lease:
    """State, read position and watermark of one partition."""

    def __init__(self, tp: Partition, state: Any, position: int) -> None:
        self.tp = tp
        self.state = state
        self.position = position  # the offset that must come next
        self.done = position  # watermark: from the start on, else the lag of a quiet partition never ends
        self.on_room: Callable[[], None] = lambda: None  # called when the buffer has become shorter
        self._buffer: list[Record] = []
        self._gap: int | None = None
        self._arrived = asyncio.Event()
        self._lost = asyncio.Event()
        self._finishing = False

    @property
    def alive(self) -> bool:
        """Whether what is done under it still counts."""
        return not self._lost.is_set()

    @property
    def waiting(self) -> int:
        """Records that are read and not yet taken by the loop."""
        return len(self._buffer)

    def end(self) -> None:
        """Lost, at once: the batch under way is dropped."""
        self._lost.set()
        self._arrived.set()
        self.on_room()

    def finish(self) -> None:
        """Stop after the batch under way; what waits is left to the next lease."""
        self._finishing = True
        self._arrived.set()

    def admit(self, records: list[Record]) -> bool:
        """Take records that continue what was read, without a hole. False: seek back to `position` first.

        Records dropped around a rebalance leave a hole that a second look fills. One that is there at the
        second look is a true one (deleted or compacted records, the marks of a transaction).
        """
        first = records[0].offset
        if first > self.position and self._gap != first:
            self._gap = first
            return False
        fresh = records if first >= self.position else [r for r in records if r.offset >= self.position]
        if fresh:
            self._gap = None
            self.position = fresh[-1].offset + 1
            self._buffer += fresh
            self._arrived.set()
        return True

    def look_again(self) -> None:
        """The seek back has failed: the same hole must not count as seen."""
        self._gap = None

    async def batch(self, most: int, tick: float) -> list[Record] | None:
        """The next records, in order; none after `tick` quiet seconds; None: there is nothing more to do."""
        if not self._buffer and not self._finishing and self.alive:
            self._arrived.clear()
            await _wait(self._arrived, tick)
        if self._finishing or not self.alive:
            return None
        taken, self._buffer = self._buffer[:most], self._buffer[most:]
        self.on_room()
        return taken

    async def guard(self, work: Awaitable[int], seconds: float) -> int:
        """The result of `work`, as long as the lease lives. Raises LeaseLost, TimeoutError or what it raised.

        The work is never awaited alone, and not even while it is cancelled: a send can hang for ever.
        """
        job, lost = asyncio.ensure_future(work), asyncio.ensure_future(self._lost.wait())
        try:
            await asyncio.wait((job, lost), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if not self.alive:
                raise LeaseLost(f"{self.tp.topic}-{self.tp.partition} was revoked")
            if not job.done():
                raise TimeoutError(f"a batch of {self.tp} took longer than {seconds:g} s")
            return job.result()
        finally:
            lost.cancel()
            abandon(job)


async def follow(lease: Lease, part: Part, limits: Limits) -> Exception | None:
    """The loop of one lease: whatever has piled up is one batch. Returns what ended it, None for an order."""
    try:
        while (records := await lease.batch(limits.batch, part.tick)) is not None:
            lease.done = await lease.guard(part.process(lease, records), limits.seconds)
    except Exception as error:
        return error
    return None


def abandon(job: "asyncio.Future[Any]") -> None:
    """Cancel a job that nobody waits for any more, and do not complain about how it ended."""
    job.cancel()
    job.add_done_callback(lambda done: done.cancelled() or done.exception())


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds or None)
    except TimeoutError:
        pass
