"""Faust's consumer, handing out leases: its group membership, rebalances and commits, but records in lists.

Where Faust delivers an event at a time to a stream, this consumer puts whatever one fetch brought into the
buffer of the partition's lease. The agent (see app.py) takes each new lease and runs its loop. What holds the
rest together, each for a trap of Faust 0.15.3 or aiokafka 0.14:

- Restores run in the signal `on_rebalance_complete`, which Faust awaits before it lets records flow, while
  heartbeats go on. In `on_partitions_assigned` neither is the case.
- The read position is the lease's: `perform_seek`, by which Faust goes to the committed offsets, goes there.
- A fetch under way when the flow stops still returns later, hence the check of the offset in `Lease.admit`.
- Only partitions with a lease that has room are asked for, so that one full partition stops no other.
- Offsets are committed for the display of lag; a commit that fails, or hangs, changes nothing.
- A rebalance revokes every partition everywhere (it is eager), and everything is restored after it.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, cast

from faust.streams import Stream
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streamproc.errors import TopicMismatch
from streamproc.kafka.desk import LeaseDesk
from streamproc.kafka.lease import Lease, Partition, Record
from streamproc.logs import get_logger

logger = get_logger(__name__)

FETCH_SECONDS = 1.0  # one look for records when every lease has room
FULL_SECONDS = 0.01  # the same while some lease is full, and may have room again at any moment
COMMIT_SECONDS = 3.0
LEAVE_SECONDS = 3.0  # to leave the group and close the connections


class LeaseConsumer(driver.Consumer):
    """The only consumer of its app; the app's transport brings the desk that keeps the leases."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.desk = cast(LeaseTransport, self.transport).desk
        self.desk.attach(self)

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return LeaseConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """End the leases first, then let Faust commit the watermarks of what is done."""
        self.desk.revoke()
        await super().on_partitions_revoked(revoked)
        self.desk.forget()

    async def read_from(self, tp: Partition, offset: int) -> None:
        """Read a partition from there on. Raises TopicMismatch where it ends before."""
        end: int = (await self.highwaters(TP(*tp)))[TP(*tp)]
        if offset > end:
            raise TopicMismatch(
                f"{tp.topic}-{tp.partition} ends at offset {end}, but was read up to {offset} before",
                "It was deleted or lost records: take another kafka.prefix and data folder, or restore it",
            )
        await self.seek_wait({TP(*tp): offset})

    def fetched_to(self, tp: Partition) -> int | None:
        """The next offset to be fetched: also behind the marks of transactions, which are no records."""
        consumer = self._thread._consumer
        assigned = consumer._subscription.subscription if consumer is not None else None
        state = assigned.assignment.state_value(driver.ensure_aiokafka_TP(TP(*tp))) if assigned else None
        return state.position if state is not None and state.has_valid_position else None

    async def perform_seek(self) -> None:
        """To where the leases go on, wherever the committed offsets are."""
        positions = {TP(*lease.tp): lease.position for lease in self.desk.living()}
        if positions:
            await self.seek_wait(positions)

    async def wait_empty(self) -> None:
        """On the way to an ordered stop, let every loop finish its batch; then commit."""
        if self.app.should_stop:
            await self.desk.finish()
        await super().wait_empty()

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Nothing: Faust would report every lease as stuck, as it sees no events in streams."""

    async def _drain_messages(self, fetcher: Any) -> None:
        """The fetcher's loop. Back-pressure: no reading for a lease whose buffer is full."""
        try:
            while not (self._stopped.is_set() or fetcher._stopped.is_set()):
                await self._fetch()
        except asyncio.CancelledError:
            if not self.app.should_stop:
                raise
        except Exception as error:
            if not (self.app.should_stop and isinstance(error, self.consumer_stopped_errors)):
                raise

    async def _fetch(self) -> None:
        if not self.flow_active:
            await self.wait(self.can_resume_flow.wait())
        open_partitions, full = self.desk.with_room()
        if not open_partitions:
            await self.desk.wait_for_room(FETCH_SECONDS)
            return
        active = {TP(*tp) for tp in open_partitions}
        found = await self._getmany(active, FULL_SECONDS if full else FETCH_SECONDS)
        for tp, records in (found or {}).items():
            await self._deliver(tp, records)
        await asyncio.sleep(0)

    async def _deliver(self, tp: TP, records: list[Record]) -> None:
        lease = self.desk.leases.get(Partition(*tp))
        if lease is None or not lease.alive or not records or lease.admit(records):
            return
        try:
            await self.seek_wait({tp: lease.position})
        except Exception as error:
            lease.look_again()
            logger.warning("cannot seek back", **tp._asdict(), offset=lease.position, error=error)

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        return iter([TP(*tp) for tp in self.desk.leases])

    def _new_offset(self, tp: TP) -> int | None:
        lease = self.desk.leases.get(Partition(*tp))
        return lease.done if lease else None

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """Faust's own crashes the app when it fails."""
        wanted = {driver.ensure_aiokafka_TP(tp): offset for tp, offset in offsets.items()}
        began = time.monotonic()
        try:
            commit = self._thread.call_thread(self._thread._ensure_consumer().commit, wanted)
            await asyncio.wait_for(commit, COMMIT_SECONDS)
        except Exception as error:
            logger.info("offsets are not committed this time", error=error)
            return False
        self.desk.on_commit(time.monotonic() - began)
        return True


class LeaseConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's thread around aiokafka's consumer, whose end is certain."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        """With the desk's patience: Faust has no setting for it, and a fetch per record is dear.

        What a producer has taken back (an aborted transaction) was never an event.
        """
        consumer = super()._create_worker_consumer(transport)
        limits = cast(LeaseTransport, transport).desk.limits
        consumer._fetch_min_bytes = limits.gather_bytes
        consumer._fetch_max_wait_ms = int(limits.gather_seconds * 1000)
        consumer._isolation_level = "read_committed"
        return consumer

    async def on_thread_stop(self) -> None:
        """Without a broker aiokafka's stop() may hang or cancel itself; Faust would wait for ever."""
        try:
            await asyncio.wait_for(super().on_thread_stop(), LEAVE_SECONDS)
        except (Exception, asyncio.CancelledError) as error:
            logger.info("the consumer did not leave its group", error=error)


class LeaseTransport(driver.Transport):
    """Faust's Kafka transport with this consumer."""

    Consumer = LeaseConsumer

    def __init__(self, *args: Any, desk: LeaseDesk, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.desk = desk


class LeaseStream(Stream[Any]):
    """What the agent iterates over: not the events of a topic, but the leases on its partitions."""

    async def leases(self) -> AsyncIterator[Lease]:
        """Each lease once, as it is handed out."""
        self._finalized = True
        await self.maybe_start()
        desk = cast(LeaseConsumer, self.app.consumer).desk
        while not self.should_stop:
            yield await desk.handed_out.get()
