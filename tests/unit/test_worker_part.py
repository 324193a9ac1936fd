"""A micro-batch on its way through the worker, without Kafka: what has to come before what."""

import asyncio
from dataclasses import dataclass, field

import pytest
from prometheus_client import CollectorRegistry

from streamproc.clock import ManualClock
from streamproc.config import Config
from streamproc.contracts.events import Event, encode
from streamproc.engine.windows import Windows
from streamproc.kafka.lease import Lease, Partition
from streamproc.metrics import WorkerMetrics
from streamproc.worker.pacing import Pacing
from streamproc.worker.part import WorkerPart
from streamproc.worker.served import Served

TP = Partition("events", 0)


@dataclass
class Record:
    """What aiokafka hands out."""

    offset: int
    value: bytes
    key: bytes = b"u1"
    timestamp: int = 10**13
    headers: list = field(default_factory=list)


class Log:
    """Journal and dead letters in one: the order in which things were sent and had arrived."""

    def __init__(self):
        self.order = []

    async def begin(self, upto, columns):
        self.order.append(f"journal sent to {upto}")
        return asyncio.get_running_loop().create_future()

    async def finish(self, appended, upto):
        self.order.append(f"journal arrived to {upto}")

    async def send(self, records, rejects, tp):
        await asyncio.sleep(0)
        self.order += [f"letter {records[reject.index].offset} arrived" for reject in rejects]

    async def close(self):
        """Nothing to give back."""


@pytest.fixture
def part():
    config, clock = Config(), ManualClock(10**13)
    return WorkerPart(config, WorkerMetrics(CollectorRegistry()), clock)


async def test_a_range_is_journalled_after_its_dead_letters_have_arrived(part):
    """Killed in between, nobody would read the range again, and the letter would be missing for ever."""
    log = Log()
    served = Served(0, Windows(Config()), log, log, Pacing(0.1, ManualClock(10**13)))
    part.partitions.add(served)
    good = encode(Event(type="click", user_id="u1", item_id="tea", ts=10**12))

    done = await part.process(Lease(TP, served, 0), [Record(0, good), Record(1, b"{"), Record(2, good)])

    assert done == 3
    assert log.order == ["letter 1 arrived", "journal sent to 2", "journal arrived to 2"]
