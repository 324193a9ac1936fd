"""Who gets a slate when."""

import asyncio

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from streamproc.clock import ManualClock
from streamproc.config import Config, PublishConfig
from streamproc.contracts.events import Decoder
from streamproc.contracts.slates import decode_slate
from streamproc.engine.acceptance import Acceptance
from streamproc.engine.view import ModelView
from streamproc.engine.windows import Windows
from streamproc.metrics import WorkerMetrics
from streamproc.worker import memory, toy, warmup
from streamproc.worker.answers import Answers
from streamproc.worker.following import Change
from streamproc.worker.observing import Observer
from streamproc.worker.pacing import Pacing
from streamproc.worker.served import Partitions, Served
from tests.event_columns import columns

FIRST, PROMOTED = Change(True, False, 0), Change(False, True, 0)


class Sender:
    """Keeps what would be sent."""

    def __init__(self):
        self.sent = []
        self.came = asyncio.Event()

    async def send(self, partition, pairs, kind):
        self.sent += [(kind, partition, decode_slate(value)) for _, value in pairs]
        self.came.set()

    async def next(self):
        await self.came.wait()
        self.came.clear()


class Stage:
    """One partition with the toy's two users, u1 and u2."""

    def __init__(self, interval, view=None):
        self.config = Config(publish=PublishConfig(min_interval=interval))
        self.clock = ManualClock(50_000)
        self.view = view or toy.view(self.config)
        self.sender = Sender()
        self.partitions = Partitions()
        windows = Windows(self.config)
        self.served = Served(3, windows, None, None, Pacing(interval, self.clock))
        self.partitions.add(self.served)
        metrics = WorkerMetrics(CollectorRegistry())
        self.answers = Answers(self.config, self.view, self.partitions, self.sender, metrics, self.clock)
        self.rows = self.observe()

    def observe(self):
        events = toy.events(self.config)
        columns, _ = Decoder(self.config.events).decode(events, np.arange(4), np.full(4, 10**13), 3)
        rows = Observer(self.config, self.view).decide(self.served.windows, columns)[1]
        self.served.newest = int(columns.times.max())
        return rows

    def told(self):
        """User and offset of every slate so far."""
        return [(slate.user_id, slate.trigger.offset) for _, _, slate in self.sender.sent]


@pytest.fixture
async def stage():
    stage = Stage(0.0)
    yield stage
    await stage.answers.close()


async def test_each_user_gets_one_slate_for_the_newest_event(stage):
    """u1 clicked at offsets 0, 2 and 3, u2 at 1."""
    await stage.answers.after_events(stage.served, stage.rows)

    assert stage.told() == [("u1", 3), ("u2", 1)]
    kind, partition, slate = stage.sender.sent[0]
    assert (kind, partition, slate.trigger.partition) == ("event", 3, 3)
    assert slate.rec_id == "e3-3-1"
    assert slate.items[0].item_id in ("cup", "spoon")


async def test_a_busy_user_gets_the_next_slate_after_the_interval():
    """By a timer of its own, as no other event comes."""
    stage = Stage(0.02)
    await stage.answers.after_events(stage.served, stage.rows)
    await stage.answers.after_events(stage.served, stage.rows[:1])
    assert len(stage.sender.sent) == 2

    stage.sender.came.clear()
    stage.clock.advance(0.02)
    await stage.sender.next()

    assert stage.told()[2:] == [("u1", 3)]
    await stage.answers.close()


async def test_before_the_first_model_users_wait_and_then_are_answered():
    """Serving without a model would be guessing; nobody is forgotten."""
    stage = Stage(0.0, ModelView(Config()))
    await stage.answers.after_events(stage.served, stage.rows)
    assert stage.sender.sent == []

    stage.view.apply(toy.rows(stage.config))
    stage.answers.model_changed(FIRST)
    await stage.sender.next()

    assert stage.told() == [("u1", 3), ("u2", 1)]
    await stage.answers.close()


async def test_a_promotion_renews_the_slates_of_the_recently_active(stage):
    """Both users are; the slate names the journal, and a rec_id of the generation."""
    stage.answers.model_changed(PROMOTED)
    await stage.sender.next()

    assert [kind for kind, _, _ in stage.sender.sent] == ["refresh", "refresh"]
    slate = stage.sender.sent[0][2]
    assert (slate.trigger.kind, slate.trigger.topic) == ("refresh", "journal")
    assert slate.rec_id.startswith("g1-")


async def test_a_promotion_leaves_those_alone_who_were_long_away(stage):
    """Longer than publish.refresh_active before the newest event."""
    stage.served.newest = 4000 + int(stage.config.publish.refresh_active * 1000)  # u2's click was at 2000 ms

    stage.answers.model_changed(PROMOTED)
    await stage.sender.next()

    assert [user for user, _ in stage.told()] == ["u1"]


async def test_a_partition_that_is_gone_gets_no_slates(stage):
    """Another worker has it."""
    stage.served.open = False

    await stage.answers.after_events(stage.served, stage.rows)

    assert stage.sender.sent == []


@pytest.mark.parametrize(("events", "most"), [(1, 800), (64, 1200), (65, 1600), (300, 3800)])
def test_memory_of_a_user_is_bounded(events, most):
    """In a worker at most 1.2 kB with 64 events; windows take room for what is there."""
    acceptance = Acceptance(Config())
    acceptance.observe(columns([(f"user {n}", "tea") for n in range(100) for _ in range(events)]))
    acceptance.windows.resize(1 << 14)

    assert memory.of_users(acceptance.windows).each <= most


def test_memory_of_an_item_is_bounded():
    """In a worker at most 2 kB."""
    view = toy.view(Config())
    view._grow(1 << 14)

    assert memory.of_items(view).each <= 2000


@pytest.mark.parametrize("exclude_seen", [False, True])
def test_warming_up_runs_everything_once(exclude_seen):
    """Whatever the configuration; the seconds are those of the clock."""
    config = Config(rules={"exclude_seen": exclude_seen}, events={"unknown_type": "count"})

    assert warmup.warm_up(config, ManualClock()) == 0.0
