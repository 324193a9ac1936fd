"""Who gets a slate when."""

import asyncio

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from streamproc.clock import ManualClock
from streamproc.config import Config, PublishConfig
from streamproc.contracts.columns import ACCEPTED, DUPLICATE, IGNORED, LATE, span
from streamproc.contracts.events import Decoder, Event, encode
from streamproc.contracts.ids import texts
from streamproc.contracts.slates import decode_slate
from streamproc.engine import ids, toy
from streamproc.engine.acceptance import Acceptance
from streamproc.engine.observer import Observer
from streamproc.engine.ranker import Ranker
from streamproc.engine.view import ModelView
from streamproc.engine.windows import Windows
from streamproc.kafka.following import Change
from streamproc.kernel_thread import KernelThread
from streamproc.metrics import WorkerMetrics
from streamproc.worker import answers, memory, warmup
from streamproc.worker.answers import Answers
from streamproc.worker.pacing import Pacing
from streamproc.worker.served import Partitions, Served
from tests.event_columns import columns

FIRST, PROMOTED = Change(True, False, 0), Change(False, True, 0)


class Sender:
    """Keeps what would be sent."""

    def __init__(self):
        self.sent = []
        self.came = asyncio.Event()

    async def send(self, partition, answered, kind):
        slates = [decode_slate(value) for value in texts(answered.slates)]
        assert [slate.user_id.encode() for slate in slates] == texts(answered.user_ids)
        self.sent += [(kind, partition, slate) for slate in slates]
        self.came.set()

    async def next(self):
        await self.came.wait()
        self.came.clear()


class Stage:
    """One partition with the toy's two users, u1 and u2."""

    def __init__(self, interval, view=None, **config):
        self.config = Config(publish=PublishConfig(min_interval=interval), **config)
        self.clock = ManualClock(50_000)
        self.view = view or toy.view(self.config)
        self.sender = Sender()
        self.partitions = Partitions()
        self.observer = Observer(self.config, self.view)
        windows = Windows(self.config)
        self.served = Served(3, windows, None, None, Pacing(interval, self.clock))
        self.partitions.add(self.served)
        metrics = WorkerMetrics(CollectorRegistry())
        self.answers = Answers(
            self.config,
            self.view,
            self.observer,
            KernelThread(),
            self.partitions,
            self.sender,
            metrics,
            self.clock,
        )

    def columns(self, events=None):
        """Events of partition 3 at the offsets from 0 on; the toy's, where there are none."""
        events = events or toy.events(self.config)
        count = len(events)
        return Decoder(self.config.events).decode(events, np.arange(count), np.full(count, 10**13), 3)[0]

    def observe(self):
        """The toy's events are in the windows; the rows of their users."""
        columns = self.columns()
        self.served.newest = int(columns.times.max())
        return self.observer.decide(self.served.windows, columns)[1]

    async def process(self, columns):
        """What the worker does with a micro-batch; the outcomes."""
        outcomes, rows, answered = await self.answers.observe(self.served, columns)
        await self.answers.answer(self.served, rows[outcomes == ACCEPTED], answered)
        return outcomes.tolist()

    def told(self):
        """User and offset of every slate so far."""
        return [(slate.user_id, slate.trigger.offset) for _, _, slate in self.sender.sent]


@pytest.fixture
async def stage():
    stage = Stage(0.02)
    stage.rows = stage.observe()
    yield stage
    await stage.answers.close()


def click(user, item, second, **more):
    return encode(Event(type="click", user_id=user, item_id=item, ts=second * 1000, **more))


async def test_each_user_gets_one_slate_for_the_newest_event(stage):
    """u1 clicked at offsets 0, 2 and 3, u2 at 1."""
    await stage.answers.after_events(stage.served, stage.rows)

    assert stage.told() == [("u1", 3), ("u2", 1)]
    kind, partition, slate = stage.sender.sent[0]
    assert (kind, partition, slate.trigger.partition) == ("event", 3, 3)
    assert slate.rec_id == "e3-3-1"
    assert slate.items[0].item_id in ("cup", "spoon")


async def test_without_an_interval_each_event_gets_a_slate():
    """In the order of the events, by the window as it was right after each: the same as one at a time."""
    together, apart = Stage(0.0), Stage(0.0)
    columns = together.columns()

    await together.process(columns)
    for number in range(columns.users.size):
        await apart.process(span(columns, number, number + 1))

    assert together.told() == [("u1", 0), ("u2", 1), ("u1", 2), ("u1", 3)]
    assert together.sender.sent == apart.sender.sent
    assert [slate.rec_id for _, _, slate in together.sender.sent] == ["e3-0-1", "e3-1-1", "e3-2-1", "e3-3-1"]
    first, _, second, _ = [slate.items for _, _, slate in together.sender.sent]
    assert first != second


async def test_each_slate_is_what_ranking_after_that_event_gives():
    """By the ranker itself, over windows that hold this event and those before it, and no more."""
    stage = Stage(0.0)
    columns = stage.columns()
    await stage.process(columns)

    for number, (_, _, slate) in enumerate(stage.sender.sent):
        windows = Windows(stage.config)
        rows = stage.observer.decide(windows, span(columns, 0, number + 1))[1]
        found = Ranker(stage.config).rank(stage.view, windows, rows[-1:])
        scores = found.scores[0, : found.counts[0]]
        assert [item.score for item in slate.items] == pytest.approx(scores.tolist(), abs=1e-5)
        names = ids.text(stage.view.names, found.rows[0, : found.counts[0]])
        assert [item.item_id.encode() for item in slate.items] == names


async def test_with_an_interval_a_micro_batch_gives_one_slate_per_user():
    """For the newest event of each."""
    stage = Stage(0.02)

    await stage.process(stage.columns())

    assert stage.told() == [("u1", 3), ("u2", 1)]
    await stage.answers.close()


async def test_only_accepted_events_are_answered():
    """Not what is repeated, late or ignored."""
    stage, day = Stage(0.0), 86_400
    events = [
        click("u1", "tea", day, event_id="a"),
        click("u1", "cup", day + 1, event_id="a"),
        click("u1", "cup", 1),
        encode(Event(type="impression", user_id="u1", item_id="cup", ts=day * 1000)),
        click("u1", "cup", day + 2, event_id="b"),
    ]

    outcomes = await stage.process(stage.columns(events))

    assert outcomes == [ACCEPTED, DUPLICATE, LATE, IGNORED, ACCEPTED]
    assert stage.told() == [("u1", 0), ("u1", 4)]


async def test_what_was_just_seen_or_disliked_is_not_on_the_slate_for_it():
    """With rules.exclude_seen nothing of the past, and in any case nothing with negative feedback."""
    stage = Stage(0.0, rules={"exclude_seen": True})
    disliked = encode(Event(type="rating", user_id="u2", item_id="spoon", ts=2000, value=1.0))
    events = [click("u1", "tea", 1), click("u1", "cup", 2), disliked]

    await stage.process(stage.columns(events))

    shown = [{item.item_id for item in slate.items} for _, _, slate in stage.sender.sent]
    assert shown == [{"cup", "spoon"}, {"spoon"}, {"tea", "cup"}]


async def test_a_micro_batch_of_many_slices_is_answered_in_order(monkeypatch):
    """Others have their turn in between."""
    monkeypatch.setattr(answers, "SLICE", 3)
    stage = Stage(0.0)
    events = [click(f"u{number % 2}", "tea", number + 1) for number in range(8)]

    await stage.process(stage.columns(events))

    assert stage.told() == [(f"u{number % 2}", number) for number in range(8)]


async def test_a_busy_user_gets_the_next_slate_after_the_interval():
    """By a timer of its own, as no other event comes."""
    stage = Stage(0.02)
    stage.rows = stage.observe()
    await stage.answers.after_events(stage.served, stage.rows)
    await stage.answers.after_events(stage.served, stage.rows[:1])
    assert len(stage.sender.sent) == 2

    stage.sender.came.clear()
    stage.clock.advance(0.02)
    await stage.sender.next()

    assert stage.told()[2:] == [("u1", 3)]
    await stage.answers.close()


@pytest.mark.parametrize("interval", [0.0, 0.02])
async def test_before_the_first_model_users_wait_and_then_are_answered(interval):
    """Serving without a model would be guessing; nobody is forgotten."""
    stage = Stage(interval, ModelView(Config()))
    await stage.process(stage.columns())
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
