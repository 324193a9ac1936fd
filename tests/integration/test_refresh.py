"""Refreshes on a real Kafka: events in the journal, a generation out of it."""

import asyncio
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from streamproc.clock import SystemClock
from streamproc.contracts.columns import DTYPES, EventColumns
from streamproc.contracts.control import Generation, Promote
from streamproc.contracts.generation import unpack as unpack_generation
from streamproc.contracts.ids import hashes, strings, texts
from streamproc.contracts.journal import Assembler, Chunk, cut, pack_control, pack_events, unpack
from streamproc.contracts.topics import topics
from streamproc.errors import StreamprocError
from streamproc.kafka.admin import ensure_topics
from streamproc.kafka.clients import new_producer, read_to_end
from streamproc.metrics import RefreshMetrics
from streamproc.refresh.history import JournalHistory
from streamproc.refresh.run import refresh
from streamproc.refresh.tail import JournalTail
from streamproc.refresh.timer import RefreshTimer

CIRCLE = 12  # items that the users of one circle share
USERS = 60
EVENTS = USERS * (CIRCLE - 1)  # of one record


def two_circles(first=0):
    """Even users take the first CIRCLE items, odd users the others, each user all but one."""
    pairs = [
        (user, item + CIRCLE * (user % 2))
        for user in range(USERS)
        for item in range(CIRCLE)
        if item != user // 2 % CIRCLE
    ]
    user_ids = strings([b"user %d" % user for user, _ in pairs])
    item_ids = strings([b"item %d" % item for _, item in pairs])
    columns = [np.ones(len(pairs), dtype) for dtype in DTYPES]
    return EventColumns._make([*columns, user_ids, item_ids])._replace(
        offsets=np.arange(first, first + len(pairs)), users=hashes(user_ids), items=hashes(item_ids)
    )


def events_record(first=0):
    columns = two_circles(first)
    return pack_events(0, first - 1, int(columns.offsets[-1]), columns)


async def append(config, *records):
    producer = new_producer(config)
    await producer.start()
    try:
        for record in records:
            await producer.send_and_wait(topics(config).journal.name, record, partition=0)
    finally:
        await producer.stop()


async def journal(config):
    """Every record of the journal, unpacked."""
    reading = read_to_end(config, topics(config).journal.name, 0)
    return [unpack(record.value) async for records in reading for record in records]


def assembled(records):
    """The generations whose control record is in the journal, with their arrays."""
    assembler, found = Assembler(), []
    for record in records:
        if isinstance(record, Chunk):
            assembler.add(record)
        elif isinstance(record, Generation):
            found.append((record, unpack_generation(assembler.finish(record))))
    return found


async def refresh_once(config, clock=None):
    async with JournalTail(config, JournalHistory()) as tail:
        return await refresh(tail, config, clock or SystemClock())


async def until(true, seconds=30.0):
    """Wait for a condition, and fail by name where it never comes."""
    end = time.monotonic() + seconds
    while not await true():
        assert time.monotonic() < end, f"{true.__name__} did not become true"
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("method", ["ease", "als"])
async def test_a_refresh_leaves_a_generation_that_assembles_and_verifies(config, method):
    """Items of one circle speak for their own circle, in the journal as in the fit."""
    config = config.model_copy(update={"refresh": config.refresh.model_copy(update={"method": method})})
    await ensure_topics(config)
    await append(config, events_record())

    done = await refresh_once(config)

    [(control, arrays)] = assembled(await journal(config))
    circle = np.array([int(text.split()[1]) // CIRCLE for text in texts(arrays.item_ids)])
    assert (control.id, control.method, control.items, control.learned_to) == (1, method, 2 * CIRCLE, 1)
    assert (done.events, done.users) == (EVENTS, USERS)
    assert (circle[arrays.neighbours[:, 0]] == circle).all()


async def test_an_encoder_is_trained_once_and_then_waits_for_the_history_to_grow(config):
    """Four records are 2,640 events of users with 44 each; the next refresh brings no other."""
    encoder = config.refresh.encoder.model_copy(
        update={"size": 8, "epochs": 1, "negatives": 16, "enabled": "auto"}
    )
    config = config.model_copy(update={"refresh": config.refresh.model_copy(update={"encoder": encoder})})
    await ensure_topics(config)
    await append(config, *(events_record(first=EVENTS * part) for part in range(4)))

    first, second = await refresh_once(config), await refresh_once(config)

    [(_, arrays), (_, later)] = assembled(await journal(config))
    assert first.encoding.startswith("gru encoder of epoch 1")
    assert arrays.encoder.embeddings.shape == (2 * CIRCLE, 8)
    assert later.encoder is None
    assert second.encoding == "no encoder: 0 events are new since the last one, which is fewer than 792"


async def test_a_second_refresh_takes_the_next_id_and_starts_from_the_factors_of_the_first(config):
    """Warm start: the history that the second one reads holds the first one's factors."""
    config = config.model_copy(update={"refresh": config.refresh.model_copy(update={"method": "als"})})
    await ensure_topics(config)
    await append(config, events_record())
    await refresh_once(config)
    await append(config, events_record(first=EVENTS))

    history = JournalHistory()
    async with JournalTail(config, history) as tail:
        await tail.to_end()
        earlier = history.factors
        await refresh(tail, config, SystemClock())

    assert [control.id for control, _ in assembled(await journal(config))] == [1, 2]
    assert earlier.vectors.shape == (2 * CIRCLE, 32)


async def test_chunks_of_a_refresh_that_died_are_ignored(config):
    """Killed before its control record, it only uses up an id: the next generation is whole."""
    await ensure_topics(config)
    left_over = cut(1, {"weights": np.zeros((300_000,), np.float32)}).records
    await append(config, events_record(), *left_over)

    await refresh_once(config)

    [(control, _)] = assembled(await journal(config))
    assert control.id == 2


async def test_too_little_history_is_no_generation(config):
    """The message says how much there is, and the journal stays as it was."""
    await ensure_topics(config)

    with pytest.raises(StreamprocError, match="0 events of 0 items"):
        await refresh_once(config)

    assert await journal(config) == []


async def test_the_timer_refreshes_once_there_is_enough_and_again_after_so_many_events(config):
    """First at once, the second after `refresh.events` new ones, when the first has been decided."""
    config = config.model_copy(update={"refresh": config.refresh.model_copy(update={"events": 100})})
    await ensure_topics(config)
    metrics = RefreshMetrics(CollectorRegistry())
    timer = RefreshTimer(config, metrics, SystemClock())
    running = asyncio.create_task(timer.run())

    async def one_generation():
        return timer.history.last is not None and timer.history.last.id == 1

    async def two_generations():
        return timer.history.last.id == 2

    try:
        await append(config, events_record())
        await until(one_generation)
        await append(config, pack_control(Promote(1, 0.3, 0.2)), events_record(first=EVENTS))
        await until(two_generations)
    finally:
        running.cancel()
        await asyncio.wait({running})

    assert [control.id for control, _ in assembled(await journal(config))] == [1, 2]
    assert metrics.results.labels("promoted")._value.get() == 1


@pytest.fixture
def command(config):
    """`streamproc refresh …` as a process of its own."""
    environment = os.environ | {"STREAMPROC_KAFKA__PREFIX": config.kafka.prefix}
    flags = ["--bootstrap-servers", config.kafka.bootstrap_servers, "--data-dir", str(config.data_dir)]
    started = []

    def start(*arguments):
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "streamproc.cli", *flags, "refresh", *arguments],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


async def test_refresh_now_says_what_it_fitted(config, command):
    """One line on the terminal, exit code 0, one generation."""
    await ensure_topics(config)
    await append(config, events_record())

    process = command("now")
    output, errors = await asyncio.to_thread(process.communicate, timeout=60)

    assert process.returncode == 0, errors
    assert "generation 1: EASE over 24 items from 660 events of 60 users" in output
    assert len(assembled(await journal(config))) == 1


async def test_the_timer_ends_on_sigterm(config, command):
    """At once and with exit code 0, once it has said where its metrics are."""
    await ensure_topics(config)
    process = command()

    async def announced():
        assert process.poll() is None, process.communicate()
        return (config.data_dir / "run" / "refresh.json").exists()

    await until(announced, 60.0)
    process.send_signal(signal.SIGTERM)
    _, errors = await asyncio.to_thread(process.communicate, timeout=20)

    assert process.returncode == 0, errors
    assert not (config.data_dir / "run" / "refresh.json").exists()
