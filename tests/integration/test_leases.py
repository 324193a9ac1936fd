"""Leases on a real broker: in order, once per lease, handed over, restored, never from a committed offset."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streamproc.broker import probe
from streamproc.broker.kafka import Broker
from streamproc.config import BrokerConfig, Config, KafkaConfig
from streamproc.kafka import clients

pytestmark = pytest.mark.kafka

PROGRAM = Path(__file__).with_name("counting.py")
PARTITIONS = 2
PATIENCE = 60.0  # seconds; the machine may be busy


class Batch(msgspec.Struct):
    """One line of the output: what one call of process() was given."""

    process: int
    lease: int
    partition: int
    prev: int
    upto: int
    offsets: list[int]


class Stage:
    """Topics `in` and `out`, and the processes that serve them."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.prefix = config.kafka.prefix
        self.processes: list[subprocess.Popen[bytes]] = []
        self.fed = [0] * PARTITIONS

    async def open(self) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.config.kafka.bootstrap_servers)
        await admin.start()
        await admin.create_topics(
            [NewTopic(f"{self.prefix}in", PARTITIONS, 1), NewTopic(f"{self.prefix}out", 1, 1)]
        )
        await admin.close()

    def start(self, **orders: object) -> subprocess.Popen[bytes]:
        number = len(self.processes)
        given = {
            "servers": self.config.kafka.bootstrap_servers,
            "prefix": self.prefix,
            "folder": str(self.config.data_dir / str(number)),
            "number": number,
            **orders,
        }
        command = [sys.executable, str(PROGRAM), msgspec.json.encode(given).decode()]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        process = subprocess.Popen(command, env=environment)
        self.processes.append(process)
        return process

    async def feed(self, events: int) -> None:
        """So many records into each partition."""
        async with AIOKafkaProducer(bootstrap_servers=self.config.kafka.bootstrap_servers) as producer:
            for partition in range(PARTITIONS):
                pairs = [(b"", b"")] * events
                await asyncio.gather(*await clients.send_all(producer, f"{self.prefix}in", partition, pairs))
                self.fed[partition] += events

    async def seen(self) -> list[Batch]:
        found = clients.read_to_end(self.config, f"{self.prefix}out", 0)
        decoder = msgspec.json.Decoder(Batch)
        return [decoder.decode(record.value) async for records in found for record in records]

    async def until(self, condition: Callable[[list[Batch]], bool]) -> list[Batch]:
        async with asyncio.timeout(PATIENCE):
            while not condition(seen := await self.seen()):
                await asyncio.sleep(0.05)
        return seen

    async def until_served(self) -> list[Batch]:
        """Until the output covers everything fed."""
        return await self.until(lambda seen: highest(seen) == [fed - 1 for fed in self.fed])

    async def until_shared(self) -> None:
        """Until both processes have served the newest records."""
        async with asyncio.timeout(PATIENCE):
            while {batch.process for batch in (await self.seen())[-PARTITIONS:]} != {0, 1}:
                await self.feed(1)
                await self.until_served()

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


def highest(seen: list[Batch]) -> list[int]:
    """The reader's rule: a batch counts where it goes on without a hole. A hole fails the test."""
    high = [-1] * PARTITIONS
    for batch in seen:
        if batch.upto > high[batch.partition]:
            assert batch.prev <= high[batch.partition], f"a hole before {batch}"
            high[batch.partition] = batch.upto
    return high


def offsets(seen: list[Batch]) -> list[list[int]]:
    """By partition, in the order of the output."""
    found: list[list[int]] = [[] for _ in range(PARTITIONS)]
    for batch in seen:
        found[batch.partition] += batch.offsets
    return found


def stop(process: subprocess.Popen[bytes]) -> int:
    process.send_signal(signal.SIGTERM)
    return process.wait(PATIENCE)


@pytest.fixture
async def stage(config: Config) -> AsyncIterator[Stage]:
    """An empty one; whatever runs on it in the end is killed."""
    stage = Stage(config)
    await stage.open()
    try:
        yield stage
    finally:
        stage.close()


async def test_records_are_seen_in_order_and_once(stage: Stage) -> None:
    """300 in each of two partitions, half of them before the start; an ordered stop is exit code 0."""
    await stage.feed(150)
    process = stage.start()
    await stage.until_served()
    await stage.feed(150)

    seen = await stage.until_served()

    assert offsets(seen) == [list(range(300))] * PARTITIONS
    assert stop(process) == 0


async def test_another_process_takes_over_from_a_killed_one(stage: Stage) -> None:
    """Both serve a partition; one is killed; the other goes on with both, and leaves no hole."""
    first = stage.start()
    await stage.feed(50)
    await stage.until_served()
    stage.start()
    await stage.until_shared()
    first.kill()
    await stage.feed(50)

    seen = await stage.until_served()

    assert {batch.process for batch in seen if batch.upto == stage.fed[batch.partition] - 1} == {1}


@pytest.mark.parametrize("failure", ["fail_at", "lose_at"])
async def test_a_failed_append_ends_the_lease_and_restores(stage: Stage, failure: str) -> None:
    """Whether the write arrived or not, a new lease goes on exactly where the log ends."""
    await stage.feed(200)
    process = stage.start(**{failure: 120})

    seen = await stage.until_served()

    assert offsets(seen) == [list(range(200))] * PARTITIONS
    assert len({batch.lease for batch in seen}) == PARTITIONS + 1
    assert stop(process) == 0


@pytest.mark.parametrize("start", [0, 30])
async def test_the_position_of_a_restore_wins_over_committed_offsets(stage: Stage, start: int) -> None:
    """All 100 are committed, and still the next leases read what their restore asks for."""
    await stage.feed(100)
    first = stage.start()
    before = len(await stage.until_served())
    assert stop(first) == 0

    stage.start(start=start)

    right = [list(range(start, 100))] * PARTITIONS
    await stage.until(lambda seen: offsets(seen[before:]) == right)


async def test_batches_that_block_the_loop_cost_no_membership(stage: Stage) -> None:
    """40 batches of 0.1 s on the event loop, twice the session timeout, and no rebalance among them."""
    await stage.feed(1000)
    stage.start(block=0.1)

    seen = await stage.until_served()

    assert len({batch.lease for batch in seen}) == PARTITIONS


async def test_a_fenced_part_ends_its_program(stage: Stage) -> None:
    """With the exit code that tells a supervisor to leave it stopped."""
    await stage.feed(10)

    process = stage.start(fence_at=5)

    assert await asyncio.to_thread(process.wait, PATIENCE) == 4


async def test_a_zombie_leaves_no_hole(stage: Stage) -> None:
    """One of two is stopped past its session, and goes on later with what it believes to be its own."""
    zombie = stage.start()
    await stage.feed(50)
    await stage.until_served()
    stage.start()
    await stage.until_shared()

    zombie.send_signal(signal.SIGSTOP)
    await stage.feed(50)
    await stage.until_served()
    zombie.send_signal(signal.SIGCONT)
    await stage.until_shared()

    assert zombie.poll() is None


async def test_a_topic_that_lost_its_records_is_refused(stage: Stage) -> None:
    """Going on from another place would be wrong in silence."""
    await stage.feed(10)

    process = stage.start(start=50)

    assert await asyncio.to_thread(process.wait, PATIENCE) == 3


async def test_a_program_whose_broker_stays_away_ends(tmp_path: Path) -> None:
    """After kafka.connect_timeout, with the exit code of an unreachable Kafka."""
    with Broker(Config(data_dir=tmp_path, broker=BrokerConfig(port=0))) as broker:
        servers = KafkaConfig(bootstrap_servers=broker.bootstrap_servers)
        stage = Stage(Config(data_dir=tmp_path / "part", kafka=servers))
        await stage.open()
        await stage.feed(10)
        process = stage.start()
        await stage.until_served()
        broker.stop()
        try:
            assert await asyncio.to_thread(process.wait, PATIENCE) == 3
        finally:
            stage.close()


async def test_a_program_without_a_broker_says_so(stage: Stage) -> None:
    """With the exit code of an unreachable Kafka."""
    process = stage.start(servers=f"127.0.0.1:{probe.free_port()}")

    assert await asyncio.to_thread(process.wait, PATIENCE) == 3
