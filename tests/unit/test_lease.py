"""A lease takes what continues what it has, and its loop does one thing at a time."""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest

from streamproc.errors import LeaseLost
from streamproc.kafka.lease import Lease, Limits, Partition, Wanted, follow

TEA = Partition("tea", 0)


class Record(NamedTuple):
    offset: int


def records(*offsets: int) -> list[Any]:
    return [Record(offset) for offset in offsets]


async def taken(lease: Lease, most: int = 100) -> list[int]:
    return [record.offset for record in await lease.batch(most, tick=0.01) or []]


class Doing:
    """A part that does what it is told, and notes what it was given."""

    tick = 0.0

    def __init__(self, *doing: Any) -> None:
        self.doing = list(doing)
        self.seen: list[list[int]] = []
        self.inside = 0

    async def restore(self, tp: Partition, wanted: Wanted) -> tuple[Any, int]:
        return None, 0

    async def process(self, lease: Lease, records: Sequence[Any]) -> int:
        self.inside += 1
        assert self.inside == 1, "two batches at a time"
        self.seen.append([record.offset for record in records])
        if self.doing:
            await self.doing.pop(0)(lease)
        self.inside -= 1
        return self.seen[-1][-1] + 1

    async def release(self, lease: Lease) -> None:
        pass


async def test_records_from_before_the_position_are_left_out() -> None:
    """A fetch that was under way before a seek brings some again."""
    lease = Lease(TEA, None, position=5)

    assert lease.admit(records(3, 4, 5, 6))

    assert await taken(lease) == [5, 6]
    assert lease.position == 7


async def test_a_hole_is_looked_at_twice_before_it_is_believed() -> None:
    """First a seek back; what is missing then as well is not in the log."""
    lease = Lease(TEA, None, position=5)

    assert not lease.admit(records(8, 9))
    assert await taken(lease) == []
    assert lease.admit(records(8, 9))
    assert await taken(lease) == [8, 9]


async def test_records_dropped_around_a_rebalance_come_with_the_second_look() -> None:
    """And the hole that was seen then counts for nothing later."""
    lease = Lease(TEA, None, position=5)

    assert not lease.admit(records(8, 9))
    assert lease.admit(records(5, 6))
    assert not lease.admit(records(8, 9))


async def test_a_hole_that_could_not_be_looked_at_is_not_believed() -> None:
    """A failed seek leaves it unseen."""
    lease = Lease(TEA, None, position=5)

    assert not lease.admit(records(8, 9))
    lease.look_again()
    assert not lease.admit(records(8, 9))


async def test_the_loop_takes_what_piled_up_in_bounded_batches() -> None:
    """Five records in batches of two, one after the other; the watermark follows."""
    lease, part = Lease(TEA, None, position=0), Doing()
    lease.admit(records(0, 1, 2, 3, 4))
    loop = asyncio.ensure_future(follow(lease, part, Limits(batch=2, seconds=5.0)))

    async with asyncio.timeout(5):
        while lease.done < 5:
            await asyncio.sleep(0)
    lease.finish()

    assert await loop is None
    assert part.seen == [[0, 1], [2, 3], [4]]


async def test_a_lost_lease_drops_its_batch_at_once() -> None:
    """Even when the work under way never ends."""

    async def hang(lease: Lease) -> None:
        lease.end()
        await asyncio.Event().wait()

    lease = Lease(TEA, None, position=0)
    lease.admit(records(0, 1))

    error = await follow(lease, Doing(hang), Limits(batch=10, seconds=60.0))

    assert isinstance(error, LeaseLost)
    assert lease.done == 0


async def test_a_batch_has_its_time_and_no_more() -> None:
    """A send that hangs for ever ends the lease, not the worker."""

    async def hang(lease: Lease) -> None:
        await asyncio.Event().wait()

    lease = Lease(TEA, None, position=0)
    lease.admit(records(0))

    assert isinstance(await follow(lease, Doing(hang), Limits(batch=10, seconds=0.01)), TimeoutError)


async def test_finishing_lets_the_batch_end_and_takes_no_other() -> None:
    """What waits is left to the next lease, and the watermark says so."""

    async def finish(lease: Lease) -> None:
        lease.finish()
        await asyncio.sleep(0)

    lease = Lease(TEA, None, position=0)
    lease.admit(records(0, 1, 2))

    assert await follow(lease, Doing(finish), Limits(batch=2, seconds=5.0)) is None
    assert (lease.done, lease.waiting, lease.alive) == (2, 1, True)


async def test_a_quiet_partition_is_still_asked_for_after_a_tick() -> None:
    """A batch without records, so that timed work needs no clock of its own."""
    assert await Lease(TEA, None, position=0).batch(10, tick=0.001) == []


@pytest.mark.parametrize("order", ["end", "finish"])
async def test_a_waiting_loop_hears_the_order_to_stop(order: str) -> None:
    """Neither order needs a record to come first."""
    lease = Lease(TEA, None, position=0)
    waiting = asyncio.ensure_future(lease.batch(10, tick=0.0))
    await asyncio.sleep(0)

    getattr(lease, order)()

    async with asyncio.timeout(5):
        assert await waiting is None
