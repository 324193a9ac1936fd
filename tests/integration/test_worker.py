"""A worker on a real broker: events to a whole journal, slates, dead letters; restored after kill -9."""

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from socket import gethostname

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from streamproc.broker import probe
from streamproc.broker.kafka import Broker
from streamproc.config import BrokerConfig, Config, KafkaConfig
from streamproc.contracts.journal import EventsRecord, Reader
from streamproc.contracts.slates import Slate
from streamproc.contracts.users import Mark
from streamproc.engine.observer import Observer
from streamproc.engine.publishing import SyncPoint, changed_rows
from streamproc.engine.ranker import Ranker
from streamproc.engine.view import ModelView
from streamproc.engine.windows import Windows
from streamproc.kafka import groups
from tests.integration.shopping import PATIENCE, Shop, event, header, newest, stop, taught

pytestmark = pytest.mark.kafka

KILLED = -9


@pytest.fixture
async def shop(config: Config) -> AsyncIterator[Shop]:
    """Empty topics; every worker started in it is killed in the end."""
    shop = Shop(config)
    await shop.open()
    try:
        yield shop
    finally:
        shop.close()


def accepted(journal: list[EventsRecord]) -> int:
    """Events that count, by the reader's rule; a gap fails the test."""
    reader = Reader()
    count = 0
    for record in journal:
        columns = reader.accept(record)
        count += 0 if columns is None else columns.offsets.size
    assert reader.broken == 0
    return count


def ranked(config: Config, journal: list[EventsRecord]) -> dict[str, list[str]]:
    """Items per user of the windows that the journal describes, by the model of `taught`."""
    view, found = ModelView(config), {}
    view.apply(changed_rows(taught(config), SyncPoint(1, 1)))
    names = {row: name for row, name in enumerate(_names(view))}
    for partition in range(config.kafka.partitions):
        windows, observer = Windows(config), Observer(config, view)
        for record in journal:
            if record.partition == partition:
                observer.apply(windows, record.columns)
        rows = windows.active(0)
        slates = Ranker(config).rank(view, windows, rows)
        for user, items, count in zip(windows.user_ids(rows), slates.rows, slates.counts, strict=True):
            found[user.decode()] = [names[row] for row in items[:count].tolist()]
    return found


def _names(view: ModelView) -> list[str]:
    names = view.names
    return [
        bytes(names.data[start : start + length]).decode()
        for start, length in zip(names.start.tolist(), names.length.tolist(), strict=True)
    ]


def shown(slates: list[Slate]) -> dict[str, list[str]]:
    """Items of everybody's newest slate."""
    return {user: [item.item_id for item in slate.items] for user, slate in newest(slates).items()}


async def test_events_become_a_whole_journal_and_slates(shop: Shop) -> None:
    """300 events of 30 users; everybody's newest slate is what the window in the journal gives."""
    await shop.publish(taught(shop.config), version=7)
    process = shop.start()
    await shop.clicks(300, users=30)

    journal = await shop.until_journaled()
    expected = ranked(shop.config, journal)
    slates = await shop.until(shop.slates, lambda found: shown(found) == expected)

    assert accepted(journal) == 300
    for partition in range(shop.config.kafka.partitions):
        ours = [record for record in journal if record.partition == partition]
        assert [record.prev for record in ours] == [-1, *(record.upto for record in ours)][:-1]
    assert {slate.model.version for slate in slates} == {7}
    assert stop(process) == 0


async def test_without_an_interval_every_event_has_its_slate(shop: Shop) -> None:
    """300 events of 5 users, of whom a micro-batch holds many; the last of each is what the journal gives."""
    await shop.publish(taught(shop.config), version=7)
    shop.start(PUBLISH__MIN_INTERVAL="0")
    await shop.clicks(300, users=5)

    journal = await shop.until_journaled()
    slates = await shop.until(shop.slates, lambda found: len(found) == 300)

    answered = sorted((slate.trigger.partition, slate.trigger.offset) for slate in slates)
    assert answered == sorted((r.partition, offset) for r in journal for offset in r.columns.offsets.tolist())
    assert shown(slates) == ranked(shop.config, journal)


async def test_users_wait_for_the_first_model(shop: Shop) -> None:
    """Events are journaled all the while; each user has a slate soon after a model is there."""
    shop.start()
    await shop.clicks(20, users=10)
    await shop.until_journaled()
    assert await shop.slates() == []

    await shop.publish(taught(shop.config), version=1)

    await shop.until(shop.slates, lambda found: len(newest(found)) == 10)


BAD = {
    "not_json": b"{",
    "invalid_utf8": b'{"type":"click","user_id":"\xff","item_id":"tea","ts":1}',
    "missing_field": b'{"type":"click","user_id":"u1","ts":1}',
    "wrong_type": b'{"type":"click","user_id":"u1","item_id":7,"ts":1}',
    "bad_id empty": b'{"type":"click","user_id":"u1","item_id":"","ts":1}',
    "bad_id long": b'{"type":"click","user_id":"u1","item_id":"%s","ts":1}' % (b"x" * 257),
    "bad_id control": b'{"type":"click","user_id":"u1","item_id":"a\\u0007","ts":1}',
    "bad_value nan": b'{"type":"click","user_id":"u1","item_id":"tea","ts":1,"value":NaN}',
    "bad_value infinite": b'{"type":"click","user_id":"u1","item_id":"tea","ts":1,"value":1e999}',
    "bad_value time": b'{"type":"click","user_id":"u1","item_id":"tea","ts":"yesterday"}',
    "future_time": b'{"type":"click","user_id":"u1","item_id":"tea","ts":"2999-01-01T00:00:00Z"}',
    "unknown_version": b'{"v":2,"type":"click","user_id":"u1","item_id":"tea","ts":1}',
    "unknown_type": b'{"type":"dance","user_id":"u1","item_id":"tea","ts":1}',
    "too_large": b'{"type":"click","user_id":"u1","item_id":"tea","ts":1,"x":"%s"}' % (b"x" * 2_000_000),
    "not_json empty": b"",
}


async def test_what_is_no_event_is_set_aside_and_the_stream_goes_on(shop: Shop) -> None:
    """Each with its reason and original bytes; a repeated event counts once, a late one not at all."""
    await shop.publish(taught(shop.config), version=1)
    shop.start()
    day = 86_400
    good = [event("u1", "tea", day, event_id="a"), event("u1", "cup", day + 1, event_id="b")]
    late = event("u1", "tea", 1, event_id="c")
    for value in [good[0], *BAD.values(), late, good[0], good[1]]:
        await shop.feed(["u1"], [value])

    journal = await shop.until_journaled()
    letters = await shop.until(shop.letters, lambda found: len(found) == len(BAD) + 1)

    assert [header(letter, "streamproc.reason") for letter in letters] == [
        *(name.split()[0] for name in BAD),
        "late",
    ]
    for letter, value in zip(letters, [*BAD.values(), late], strict=True):
        whole = len(value) < 1_000_000
        assert letter.value == (value if whole else value[: len(letter.value)])
        assert letter.key == b"u1"
        assert header(letter, "__connect.errors.topic") == shop.topics.events.name
    offsets = [int(header(letter, "__connect.errors.offset")) for letter in letters]
    assert offsets == list(range(1, len(BAD) + 2))
    assert accepted(journal) == 2
    figures = await shop.figures()
    outcomes = {
        outcome: figures[f'events_processed_total{{agent="worker",outcome="{outcome}"}}']
        for outcome in ("accepted", "duplicate", "late", "rejected")
    }
    assert outcomes == {"accepted": 2, "duplicate": 1, "late": 1, "rejected": len(BAD)}


async def test_windows_survive_a_kill(shop: Shop) -> None:
    """Twice: first from the journal alone, then from published states and the journal since."""
    learner = taught(shop.config)
    await shop.publish(learner, version=1)
    shop.start()
    await shop.clicks(200, users=20)
    await shop.until_journaled()

    for round_ in (1, 2):
        shop.processes[-1].kill()
        assert shop.processes[-1].wait() == KILLED
        shop.start()
        await shop.clicks(200, users=20, first=100 * round_)  # the first half was there before
        journal = await shop.until_journaled()
        expected = ranked(shop.config, journal)
        await shop.until(shop.slates, lambda found, expected=expected: shown(found) == expected)
        assert accepted(journal) == 200 + 100 * round_
        if round_ == 1:
            await play_trainer(shop, journal, len(journal) // 2)


async def play_trainer(shop: Shop, journal: list[EventsRecord], upto: int) -> None:
    """Publish the users' states after so many records of the journal."""
    learner, highest = taught(shop.config), [-1] * shop.config.kafka.partitions
    for record in journal[:upto]:
        learner.learn(record.partition, record.columns)
        highest[record.partition] = record.upto
    await shop.publish_users(learner, Mark(2, upto, highest, 0))


async def _held(shop: Shop, pid: int) -> tuple[int, ...]:
    """The partitions that the group says a worker has: two of the four."""
    group = await groups.describe(shop.config, f"{shop.config.kafka.prefix}worker", shop.topics.events.name)
    (member,) = [each for each in group.members if each.client_id == f"worker-{gethostname()}-{pid}"]
    assert group.state == "Stable" and len(member.partitions) == 2
    return member.partitions


async def test_two_workers_share_the_partitions(shop: Shop) -> None:
    """Each tells of its own, as the group does. One is killed: the other goes on with all, without a gap."""
    await shop.publish(taught(shop.config), version=1)
    shop.start()
    await shop.until_ready(0)
    shop.start()

    async def shares() -> list[float]:
        found = [(await shop.figures(number)).get("assigned_partitions", 0.0) for number in (0, 1)]
        return found

    await shop.until(shares, lambda found: sorted(found) == [2.0, 2.0])
    for number, process in enumerate(shop.processes):
        held = await _held(shop, process.pid)
        lags = {f'consumer_lag_records{{partition="{p}",topic="{shop.topics.events.name}"}}' for p in held}
        await shop.until(
            lambda number=number: shop.figures(number),
            lambda found, lags=lags: {name for name in found if name.startswith("consumer_lag_rec")} == lags,
        )
    await shop.clicks(200, users=20)
    await shop.until_journaled()
    shop.processes[0].kill()
    await shop.clicks(200, users=20, first=200)

    assert accepted(await shop.until_journaled()) == 400
    await shop.until(shop.slates, lambda found: len(newest(found)) == 20)


async def test_a_promotion_refreshes_the_slates_of_active_users(shop: Shop) -> None:
    """Everybody gets one more, which names the new generation."""
    learner = taught(shop.config)
    await shop.publish(learner, version=1)
    shop.start()
    await shop.clicks(40, users=10)
    await shop.until(shop.slates, lambda found: len(newest(found)) == 10)
    await shop.until_journaled()

    learner.model.lasting[0] = 3
    await shop.publish(learner, version=2)

    def refreshed(slates: list[Slate]) -> bool:
        last = newest(slates).values()
        return {(s.trigger.kind, s.model.generation) for s in last} == {("refresh", 3)}

    await shop.until(shop.slates, refreshed)


async def test_a_journal_that_lost_its_beginning_is_refused(shop: Shop) -> None:
    """Windows without the lost events would be wrong in silence."""
    shop.start()
    await shop.clicks(20, users=10)
    await shop.until_journaled()
    assert stop(shop.processes[0]) == 0
    admin = AIOKafkaAdminClient(bootstrap_servers=shop.config.kafka.bootstrap_servers)
    await admin.start()
    await admin.delete_records(
        {TopicPartition(shop.topics.journal.name, 0): RecordsToDelete(before_offset=1)}
    )
    await admin.close()

    process = shop.start()

    assert process.wait(PATIENCE) == 3
    assert "has to be read from 0 on" in shop.log(1).read_text()


async def test_a_model_of_other_settings_is_refused(shop: Shop) -> None:
    """Rows of another shape cannot be used; both parts need the same configuration."""
    await shop.publish(taught(shop.config), version=1)

    process = shop.start(HEADS__GRU__SIZE="16")

    assert process.wait(PATIENCE) == 2
    assert "Give worker and trainer the same configuration" in shop.log(0).read_text()


async def test_it_goes_on_when_the_broker_comes_back(tmp_path: Path) -> None:
    """Killed in the middle and started again: every event counts once, and slates go on."""
    settings = BrokerConfig(port=probe.free_port())
    kafka = KafkaConfig(bootstrap_servers=f"127.0.0.1:{settings.port}")
    config = Config(data_dir=tmp_path, broker=settings, kafka=kafka)
    broker, shop = Broker(config), Shop(config)
    try:
        broker.start()
        await shop.open()
        await shop.publish(taught(config), version=1)
        shop.start()
        await shop.clicks(200, users=20)
        await shop.until_journaled()
        os.kill(broker.pid or 0, signal.SIGKILL)
        broker.stop()
        broker = Broker(config)
        broker.start()
        await shop.clicks(200, users=20, first=200)

        journal = await shop.until_journaled()
        expected = ranked(config, journal)
        await shop.until(shop.slates, lambda found: shown(found) == expected)
        assert accepted(journal) == 400
    finally:
        shop.close()
        broker.stop()


def test_without_a_broker_it_gives_up_and_names_the_address(tmp_path: Path) -> None:
    """Exit code 3 after kafka.connect_timeout."""
    port = probe.free_port()
    shop = Shop(Config(data_dir=tmp_path, kafka=KafkaConfig(bootstrap_servers=f"127.0.0.1:{port}")))

    process = shop.start(KAFKA__CONNECT_TIMEOUT="1")

    assert process.wait(PATIENCE) == 3
    assert f"no Kafka answered at 127.0.0.1:{port}" in shop.log(0).read_text()
