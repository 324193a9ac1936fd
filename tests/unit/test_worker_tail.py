"""One pass over the journal for all partitions that are restored together."""

import asyncio
from dataclasses import dataclass

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from streamproc.config import Config
from streamproc.contracts.control import Promote
from streamproc.contracts.events import Decoder, Event, encode
from streamproc.contracts.journal import Reader, pack_control, pack_events
from streamproc.engine.observer import Observer
from streamproc.engine.view import ModelView
from streamproc.engine.windows import Windows
from streamproc.errors import TopicMismatch
from streamproc.kernel_thread import KernelThread
from streamproc.metrics import WorkerMetrics
from streamproc.worker import tail
from streamproc.worker.tail import JournalTail, Place


@dataclass
class Record:
    value: bytes


class Journal:
    """Stands for the topic: one list of records; remembers from where it was read."""

    def __init__(self):
        self.values, self.starts, self.error = [], [], None

    async def read_to_end(self, config, topic, partition, start, committed, wanted, left, reaches):
        self.starts.append(start)
        await asyncio.sleep(0)
        if self.error:
            raise self.error
        left(len(self.values))
        yield [Record(value) for value in self.values]


@pytest.fixture
def config():
    return Config()


@pytest.fixture
def journal(monkeypatch):
    journal = Journal()
    monkeypatch.setattr(tail.clients, "read_to_end", journal.read_to_end)
    return journal


@pytest.fixture
def journal_tail(config):
    observer = Observer(config, ModelView(config))
    return JournalTail(config, observer, KernelThread(), WorkerMetrics(CollectorRegistry()))


def record(config, partition, prev, offsets):
    values = [encode(Event(type="click", user_id=f"u{n}", item_id="tea", ts=n)) for n in offsets]
    columns, _ = Decoder(config.events).decode(values, np.array(offsets), np.full(len(offsets), 10**13), 0)
    return pack_events(partition, prev, offsets[-1], columns)


def place(config, partition, start=0, highest=-1, wanted=lambda: True):
    return Place(partition, start, Windows(config), Reader({partition: highest}), wanted)


async def test_partitions_share_one_pass(config, journal, journal_tail):
    """It begins when the last one is there, at the earliest start; each gets its own events."""
    journal.values = [
        record(config, 0, -1, [0, 1]),
        pack_control(Promote(1, 0.5, 0.4)),
        record(config, 1, 5, [6]),
    ]
    first, second = place(config, 0, start=30), place(config, 1, start=20, highest=5)
    journal_tail.announce()
    journal_tail.announce()

    await asyncio.gather(journal_tail.read(first), journal_tail.read(second))

    assert journal.starts == [20]
    assert (first.windows.count, second.windows.count) == (2, 1)
    assert (first.reader.highest, second.reader.highest) == ({0: 1}, {1: 6})


async def test_one_that_does_not_come_is_not_waited_for(config, journal, journal_tail):
    """Its users could not be read; the other goes on."""
    journal_tail.announce()
    journal_tail.announce()
    reading = asyncio.ensure_future(journal_tail.read(place(config, 0)))
    await asyncio.sleep(0)
    assert journal.starts == []

    journal_tail.withdraw()

    await reading
    assert journal.starts == [0]


async def test_what_is_not_wanted_any_more_is_not_applied(config, journal, journal_tail):
    """The same partition may be restored anew while an old restore is still there."""
    journal.values = [record(config, 0, -1, [0])]
    old, new = place(config, 0, wanted=lambda: False), place(config, 0)
    journal_tail.announce()
    journal_tail.announce()

    await asyncio.gather(journal_tail.read(old), journal_tail.read(new))

    assert (old.windows.count, new.windows.count) == (0, 1)


async def test_a_journal_that_cannot_be_read_fails_every_restore(config, journal, journal_tail):
    """With the error that says why."""
    journal.error = TopicMismatch("journal begins too late")
    journal_tail.announce()
    journal_tail.announce()

    found = await asyncio.gather(
        journal_tail.read(place(config, 0)), journal_tail.read(place(config, 1)), return_exceptions=True
    )

    assert found == [journal.error, journal.error]
