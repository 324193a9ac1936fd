"""The desk restores until it works, hands out once, and lets nothing of a revoked partition through."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from streamproc.errors import Fenced, KafkaUnavailable, LeaseLost
from streamproc.kafka import desk as desk_module
from streamproc.kafka.desk import LeaseDesk, fatal
from streamproc.kafka.lease import Lease, Limits, Partition, Wanted
from streamproc.kafka.reach import addresses

TEA = Partition("tea", 0)


class Reader:
    """Notes what the desk asks of the consumer."""

    def __init__(self) -> None:
        self.sought: list[tuple[Partition, int]] = []
        self.crashed: list[BaseException] = []

    async def read_from(self, tp: Partition, offset: int) -> None:
        self.sought.append((tp, offset))

    async def crash(self, reason: BaseException) -> None:
        self.crashed.append(reason)


class Restoring:
    """A part whose restores first raise what they are given."""

    tick = 0.0

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.released: list[bool] = []
        self.entered, self.gate = asyncio.Event(), asyncio.Event()
        self.gate.set()

    async def restore(self, tp: Partition, wanted: Wanted) -> tuple[Any, int]:
        self.entered.set()
        await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        return "state", 7

    async def process(self, lease: Lease, records: Sequence[Any]) -> int:
        raise Fenced("by a newer trainer")

    async def release(self, lease: Lease) -> None:
        self.released.append(lease.alive)


def stand(part: Restoring) -> tuple[LeaseDesk, Reader]:
    desk, reader = LeaseDesk(part, Limits(batch=2, seconds=5.0)), Reader()
    desk.attach(reader)
    return desk, reader


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_module, "FIRST_PAUSE", 0.0)
    monkeypatch.setattr(desk_module, "LAST_PAUSE", 0.0)


async def test_a_restore_is_repeated_until_it_works() -> None:
    """The lease begins, and is read, where the last one said."""
    desk, reader = stand(Restoring(RuntimeError("no"), KafkaUnavailable("a:1", 1.0)))

    await desk.restore([TEA])

    lease = desk.handed_out.get_nowait()
    assert (lease.state, lease.position, lease.done) == ("state", 7, 7)
    assert reader.sought == [(TEA, 7)]
    assert desk.handed_out.empty()


async def test_what_was_restored_for_nobody_is_released() -> None:
    """A revocation during the restore: nothing is handed out, and nothing stays open."""
    part = Restoring()
    part.gate.clear()
    desk, _ = stand(part)
    restoring = asyncio.ensure_future(desk.restore([TEA]))
    await part.entered.wait()

    desk.revoke()
    part.gate.set()
    await asyncio.wait_for(restoring, 5)

    await desk.finish()
    assert desk.handed_out.empty() and not desk.leases
    assert part.released == [False]


async def test_a_fenced_part_ends_the_program() -> None:
    """Starting over could not help; its lease is not said to be alive when it is released."""
    part = Restoring()
    desk, reader = stand(part)
    await desk.restore([TEA])
    lease = desk.handed_out.get_nowait()
    lease._buffer = ["a record"]

    desk.serve(lease)
    async with asyncio.timeout(5):
        while not reader.crashed:
            await asyncio.sleep(0)

    assert isinstance(reader.crashed[0], Fenced)
    assert part.released == [False]


async def test_a_full_lease_is_not_read_on() -> None:
    """Twice a batch may wait, no more; others are read on."""
    desk, _ = stand(Restoring())
    await desk.restore([TEA, Partition("tea", 1)])

    desk.leases[TEA]._buffer = ["a record"] * 4

    assert desk.with_room() == ([Partition("tea", 1)], True)


async def test_an_ordered_stop_releases_living_leases() -> None:
    """So that a part can still publish what it holds."""
    part = Restoring()
    desk, _ = stand(part)
    await desk.restore([TEA])
    desk.serve(desk.handed_out.get_nowait())
    await asyncio.sleep(0)

    await desk.finish()

    assert part.released == [True]


def test_only_errors_that_starting_over_cannot_help_are_fatal() -> None:
    """A lost lease and an absent broker pass; a fence does not; a bug is tried again."""
    errors = [LeaseLost(""), KafkaUnavailable("a:1", 1.0), RuntimeError(), Fenced("")]

    assert [fatal(error) for error in errors] == [False, False, False, True]


def test_servers_are_host_and_port_pairs() -> None:
    """Several, with blanks, IPv6 too."""
    assert addresses("a:1, [::1]:92") == [("a", 1), ("::1", 92)]
