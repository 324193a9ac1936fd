"""Slates on their way: a producer that fails costs slates, never a lease."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from streamproc.clock import ManualClock
from streamproc.config import Config
from streamproc.contracts.ids import strings, texts
from streamproc.metrics import WorkerMetrics
from streamproc.worker import slates
from streamproc.worker.answering import Answered
from streamproc.worker.slates import SlateSender

TWO = Answered(strings([b"u1", b"u2"]), strings([b"{}", b"{}"]))
PAIRS = [(b"u1", b"{}"), (b"u2", b"{}")]
PUBLISHED = "streamproc_recommendations_published_total"
FAILURES = "streamproc_produce_failures_total"


class Producer:
    """Takes batches as it is told: into `taken`, into nowhere with an error later, or never."""

    def __init__(self, way="good"):
        self.way, self.taken, self.stopped = way, [], False

    async def start(self):
        if self.way == "absent":
            raise ConnectionError

    async def stop(self):
        self.stopped = True


class Factory:
    """Gives out one producer after the other."""

    def __init__(self, *ways):
        self.producers = [Producer(way) for way in ways]
        self.given = iter(self.producers)

    def new(self, config):
        return next(self.given)


async def send_packed(producer, topic, partition, keys, values, limit, time):
    if producer.way == "full":
        await asyncio.Event().wait()
    answer = asyncio.get_running_loop().create_future()
    if producer.way == "broken":
        answer.set_exception(RuntimeError("out of order"))
    else:
        producer.taken += zip(texts(keys), texts(values), strict=True)
        answer.set_result(None)
    return [answer]


@pytest.fixture
def registry():
    return CollectorRegistry()


@pytest.fixture
def make(monkeypatch, registry):
    """A sender whose producers behave in these ways, one after the other."""

    async def opened(*ways):
        factory = Factory(*ways)
        monkeypatch.setattr(slates.clients, "new_producer", factory.new)
        monkeypatch.setattr(slates, "send_packed", send_packed)
        monkeypatch.setattr(slates, "SECONDS", 0.01)
        monkeypatch.setattr(slates, "PAUSE", 0.001)
        sender = SlateSender(Config(), WorkerMetrics(registry), ManualClock())
        await sender.open()
        return sender, factory.producers

    return opened


async def settled(condition):
    async with asyncio.timeout(5.0):
        while not condition():
            await asyncio.sleep(0.001)


async def test_slates_are_sent_and_counted(make, registry):
    """By what triggered them."""
    sender, (producer,) = await make("good")

    await sender.send(1, TWO, "event")

    assert producer.taken == PAIRS
    assert registry.get_sample_value(PUBLISHED, {"trigger": "event"}) == 2
    await sender.close()
    assert producer.stopped


async def test_a_broken_producer_is_replaced(make, registry):
    """Also when the first tries to open another one fail; until then slates are dropped and counted."""
    sender, (broken, _, good) = await make("broken", "absent", "good")
    await sender.send(1, TWO, "event")
    await settled(lambda: broken.stopped)

    await sender.send(1, TWO, "event")
    await settled(lambda: sender._producer is good)
    await sender.send(1, TWO, "event")

    assert good.taken[-2:] == PAIRS
    labels = {"topic": "recommendations", "reason": "RuntimeError"}
    assert registry.get_sample_value(FAILURES, labels) == 1
    await sender.close()


async def test_events_do_not_wait_long_for_slates(make, registry):
    """A broker without room for them costs these slates, and the producer stays."""
    sender, (producer,) = await make("full")

    await sender.send(1, TWO, "event")

    labels = {"topic": "recommendations", "reason": "TimeoutError"}
    assert registry.get_sample_value(FAILURES, labels) == 2
    assert not producer.stopped
    await sender.close()
