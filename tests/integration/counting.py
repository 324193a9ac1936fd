"""A tiny part, run as a process of its own: it writes down which records it was given, and fails when told.

Its output plays the part of the journal: a record says which offsets (prev, upto] of a partition it is for,
and a lease begins where a reader of the output would go on.
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from streamproc.config import Config, KafkaConfig
from streamproc.errors import Fenced, StreamprocError
from streamproc.kafka import clients
from streamproc.kafka.app import make_app, run_app
from streamproc.kafka.lease import Lease, Limits, Partition, Wanted


class Seen(msgspec.Struct):
    """One batch, as the process saw it."""

    process: int  # the number it was started with
    lease: int  # counted in the process
    partition: int
    prev: int
    upto: int
    offsets: list[int]


class Orders(msgspec.Struct):
    """What a process is told."""

    servers: str
    prefix: str
    folder: str
    number: int = 0
    session: float = 2.0
    start: int = -1  # position of every first restore, instead of what the output says
    block: float = 0.0  # seconds on the event loop per batch
    fail_at: int = -1  # the first batch with this offset raises before it is written
    lose_at: int = -1  # the same, after it was written
    fence_at: int = -1


@dataclass
class State:
    """Of one lease."""

    producer: Any
    lease: int
    upto: int


@dataclass
class Counting:
    """The part."""

    config: Config
    orders: Orders
    tick: float = 0.0
    leases: Any = field(default_factory=count)
    started: set[Partition] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)

    async def restore(self, tp: Partition, wanted: Wanted) -> tuple[State, int]:
        upto = -1
        async for records in clients.read_to_end(self.config, f"{self.orders.prefix}out", 0, wanted=wanted):
            for record in records:
                seen = msgspec.json.decode(record.value, type=Seen)
                if seen.partition == tp.partition and seen.prev <= upto < seen.upto:
                    upto = seen.upto
        if self.orders.start >= 0 and tp not in self.started:
            upto = self.orders.start - 1
        self.started.add(tp)
        producer = clients.new_producer(self.config)
        await producer.start()
        return State(producer, next(self.leases), upto), upto + 1

    async def process(self, lease: Lease, records: Sequence[Any]) -> int:
        state: State = lease.state
        offsets: list[int] = [record.offset for record in records]
        time.sleep(self.orders.block)
        if self._due("fence_at", offsets):
            raise Fenced("told to")
        if self._due("fail_at", offsets):
            raise RuntimeError("told to fail")
        seen = Seen(self.orders.number, state.lease, lease.tp.partition, state.upto, offsets[-1], offsets)
        await state.producer.send_and_wait(f"{self.orders.prefix}out", msgspec.json.encode(seen), partition=0)
        if self._due("lose_at", offsets):
            raise RuntimeError("told to fail")
        state.upto = offsets[-1]
        return state.upto + 1

    async def release(self, lease: Lease) -> None:
        await clients.close(lease.state.producer)

    def _due(self, order: str, offsets: list[int]) -> bool:
        at: int = getattr(self.orders, order)
        due = order not in self.failed and 0 <= at <= offsets[-1]
        if due:
            self.failed.add(order)
        return due


def main() -> None:
    """Orders come as JSON in the first argument."""
    orders = msgspec.json.decode(sys.argv[1], type=Orders)
    kafka = KafkaConfig(
        bootstrap_servers=orders.servers,
        prefix=orders.prefix,
        session_timeout=orders.session,
        connect_timeout=1.0,
    )
    config = Config(data_dir=Path(orders.folder), kafka=kafka)
    part = Counting(config, orders)
    try:
        run_app(make_app(config, "counting", f"{orders.prefix}in", part, Limits(batch=50, seconds=10.0)))
    except StreamprocError as error:
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
