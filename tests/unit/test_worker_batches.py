"""A micro-batch: what counts, what is set aside, and the dead letters for that."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from streamproc.config import Config
from streamproc.contracts.deadletters import Reject
from streamproc.contracts.events import Event, encode, texts
from streamproc.engine.observer import Observer
from streamproc.engine.view import ModelView
from streamproc.engine.windows import Windows
from streamproc.kafka.lease import Partition
from streamproc.worker.batches import Judge
from streamproc.worker.letters import MAX_HEADER_BYTES, MAX_KEY_BYTES, LetterBox, letter

TP = Partition("events", 2)
HOUR = 3600


@dataclass
class Record:
    """What aiokafka hands out."""

    offset: int
    value: bytes | None
    key: bytes | None = b"u1"
    timestamp: int = 10**13
    headers: list = field(default_factory=list)


def click(offset, second, user="u1", item="tea", **more):
    event = Event(**{"type": "click", "user_id": user, "item_id": item, "ts": second * 1000, **more})
    return Record(offset, encode(event))


@pytest.fixture(scope="module")
def config():
    return Config()


class Decisions:
    """What a judge makes of records once the windows have been asked."""

    def __init__(self, config):
        self.judge, self.observer = Judge(config), Observer(config, ModelView(config))

    def decide(self, windows, records, partition):
        batch = self.judge.decode(records, partition)
        return self.judge.decide(batch, *self.observer.decide(windows, batch.columns))


@pytest.fixture
def judge(config):
    return Decisions(config)


@pytest.fixture
def windows(config):
    return Windows(config)


def test_good_events_are_accepted_with_the_rows_of_their_users(judge, windows):
    """Two users, three events; rows are what the windows know the users by."""
    decided = judge.decide(windows, [click(4, 1), click(5, 2, "u2"), click(9, 3)], 2)

    assert decided.accepted.offsets.tolist() == [4, 5, 9]
    assert windows.user_ids(decided.rows) == [b"u1", b"u2", b"u1"]
    assert decided.newest == 3000
    assert decided.rejects == []


def test_what_is_repeated_ignored_late_or_bad_changes_no_window(judge, windows):
    """Of six records one is left; the late and the bad one are named by their place in the batch."""
    first = click(0, 2 * HOUR, event_id="a")
    judge.decide(windows, [first], 2)
    batch = [
        Record(1, b"not json"),
        click(2, 2 * HOUR, event_id="a"),
        click(3, 1, event_id="b"),
        click(4, 2 * HOUR, type="impression"),
        Record(5, None),
        click(6, 2 * HOUR + 1, event_id="c"),
    ]

    decided = judge.decide(windows, batch, 2)

    assert decided.accepted.offsets.tolist() == [6]
    assert [(reject.index, reject.reason) for reject in decided.rejects] == [
        (0, "not_json"),
        (2, "late"),
        (4, "not_json"),
    ]
    assert np.bincount(decided.outcomes, minlength=4).tolist() == [1, 1, 1, 1]
    assert windows.offsets(windows.find(decided.accepted.users)).tolist() == [6]


def test_a_batch_of_rejects_is_an_empty_range(judge, windows):
    """Nothing is accepted, and there is still something to say of every record."""
    decided = judge.decide(windows, [Record(1, b""), Record(2, b"{}")], 2)

    assert decided.accepted.offsets.size == 0
    assert texts(decided.accepted.user_ids) == []
    assert len(decided.rejects) == 2
    assert decided.newest == 0


def reject_of(judge, windows, record):
    return judge.decide(windows, [record], 2).rejects[0]


def test_a_dead_letter_is_the_original_with_its_reason(judge, windows):
    """Bytes, key and headers as they came, and Kafka Connect's names beside them."""
    record = Record(7, b"\xff", headers=[("trace", b"1")])

    sent = letter(record, reject_of(judge, windows, record), TP, "worker")

    headers = dict(sent.headers)
    assert (sent.key, sent.value, headers["trace"]) == (b"u1", b"\xff", b"1")
    assert headers["streamproc.reason"] == b"invalid_utf8"
    assert headers["__connect.errors.topic"] == b"events"
    assert headers["__connect.errors.partition"] == b"2"
    assert headers["__connect.errors.offset"] == b"7"


def test_a_dead_letter_always_fits(judge, windows):
    """Whatever a producer sends, the letter is small enough for the topic, or the stream would stop."""
    record = Record(7, bytes(2_000_000), bytes(2_000_000), headers=[("big", bytes(500_000))])

    sent = letter(record, reject_of(judge, windows, record), TP, "worker")

    headers = dict(sent.headers)
    assert headers["streamproc.reason"] == b"too_large"
    assert headers["streamproc.length"] == b"2000000"
    assert headers["streamproc.headers_dropped"] == b"1"
    assert len(sent.key) == MAX_KEY_BYTES
    assert len(sent.value) + sum(len(text) for _, text in sent.headers) < 2 * MAX_HEADER_BYTES


class Nowhere(LetterBox):
    """Sends nothing."""

    async def _open(self):
        return None

    async def _send(self, producer, letters):
        return []


async def test_the_log_tells_of_the_first_letter_of_a_kind(caplog):
    """Where to look, and a hash for the user; the others are in the topic."""
    box = Nowhere(Config())
    records = [Record(7 + number, b"{", b"anna") for number in range(3)]
    rejects = [Reject(0, "not_json", ""), Reject(1, "not_json", ""), Reject(2, "late", "")]

    for _ in range(2):
        await box.send(records, rejects, Partition("events", 3))

    told = [line.getMessage() for line in caplog.records]
    where = "events of a kind are set aside reason={} topic=events partition=3 offset={} user="
    assert [line[:-16] for line in told] == [where.format("not_json", 7), where.format("late", 9)]
    assert "anna" not in caplog.text
