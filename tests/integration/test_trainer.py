"""The trainer as a process of its own on a real Kafka: killed, replaced, and still at the same state."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from streamproc.config import Config
from streamproc.contracts.control import Promote, Reject
from streamproc.contracts.journal import Reader, pack_control, unpack
from streamproc.contracts.model import HEADER, unpack_header
from streamproc.contracts.topics import topics
from streamproc.contracts.users import MARK, unpack_mark
from streamproc.engine import snapshots, state
from streamproc.engine.learner import Learner
from streamproc.engine.publishing import changed_users
from streamproc.engine.snapshots import ARRAYS, folder
from streamproc.kafka.admin import ensure_topics
from streamproc.kafka.clients import new_producer, new_transactional_producer, read_to_end
from streamproc.trainer.follower import Follower
from streamproc.trainer.part import transactional_id
from streamproc.trainer.published import journal_bounds, read_published
from streamproc_models import evaluation
from streamproc_models.heads.gru import BATCHES
from tests.shop_journal import generation_of, journalled

EVENTS = 6000
QUICK = {
    "kafka": {"session_timeout": 2.0, "partitions": 2},
    "sync": {"interval": 0.1, "users_interval": 0.3},
    "snapshots": {"interval": 0.5},
    "refresh": {"shadow_events": 500},
}
PATIENCE = 60.0  # seconds; a cold cache of kernels is warmed before the first start


@pytest.fixture
def config(config):
    """Syncs and snapshots come often."""
    for name, settings in QUICK.items():
        section = getattr(config, name).model_copy(update=settings)
        config = config.model_copy(update={name: section})
    return config


@pytest.fixture(scope="session", autouse=True)
def warm_kernels():
    """Compiled here, if need be, and not while a test waits."""
    from streamproc.trainer.warming import warm

    warm(Config())


class Trainers:
    """Trainer processes; the log of each is at hand."""

    def __init__(self, config):
        self.config = config
        self.started = []

    def start(self, data_dir=None):
        folder = data_dir or self.config.data_dir
        folder.mkdir(parents=True, exist_ok=True)
        flags = ["--bootstrap-servers", self.config.kafka.bootstrap_servers, "--data-dir", str(folder)]
        log = folder / f"log-{len(self.started)}"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "streamproc.cli", *flags, "trainer"],
                env=os.environ | self._environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        process.log, process.folder = log, folder
        self.started.append(process)
        return process

    def _environment(self):
        settings = {"STREAMPROC_KAFKA__PREFIX": self.config.kafka.prefix}
        for section, values in QUICK.items():
            for name, value in values.items():
                settings[f"STREAMPROC_{section}__{name}".upper()] = str(value)
        return settings

    async def stop(self, process):
        """In order, with exit code 0."""
        process.send_signal(signal.SIGTERM)
        code = await asyncio.to_thread(process.wait, 30)
        assert code == 0, process.log.read_text()


@pytest.fixture
def trainers(config):
    started = Trainers(config)
    yield started
    for process in started.started:
        process.kill()
        process.wait()


async def append(config, records):
    producer = new_producer(config)
    await producer.start()
    try:
        for record in records:
            await producer.send_and_wait(topics(config).journal.name, record, partition=0)
    finally:
        await producer.stop()


async def until(true, process, seconds=PATIENCE):
    """Wait for a condition; fails with the log where it never comes or the process ends."""
    end = time.monotonic() + seconds
    while not await true():
        assert process.poll() is None, process.log.read_text()
        assert time.monotonic() < end, process.log.read_text()
        await asyncio.sleep(0.05)


async def all_published(config, process):
    """Wait until `users` speak for the whole journal."""

    async def published():
        bounds = await journal_bounds(config)
        return (await read_published(config, lambda: True)).users_to == bounds.end

    await until(published, process)


async def says(process, text):
    async def said():
        return text in process.log.read_text()

    await until(said, process)


async def read(config, topic, partition):
    return [r async for some in read_to_end(config, topic.name, partition) for r in some]


async def journal(config):
    return [record.value for record in await read(config, topics(config).journal, 0)]


def follow(config, records):
    """The same records without Kafka."""
    follower = Follower(Learner(config, config.kafka.partitions), Reader(), 0)
    for offset, value in enumerate(records):
        follower.apply(offset, value)
    return follower


def newest_digest(config):
    manifest, _ = next(snapshots.newest(folder(config)))
    return manifest.digest


def metrics(process):
    """Samples of a process by name and labels."""
    address = json.loads((process.folder / "run" / "trainer.json").read_text())["metrics"]
    with urllib.request.urlopen(address) as answer:
        families = text_string_to_metric_families(answer.read().decode())
    return {
        (sample.name.removeprefix("streamproc_"), *sorted(sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }


async def test_model_and_users_are_those_of_a_learner_without_kafka(config, trainers):
    """States byte for byte, figures to the last digit, a mark in every partition, the header last."""
    await ensure_topics(config)
    records = journalled(config, EVENTS, batch=40)
    process = trainers.start()
    await append(config, records)
    await all_published(config, process)
    expected = follow(config, records)

    model = await read(config, topics(config).model, 0)
    header = unpack_header(model[-1].value)
    sums = expected.learner.memory.record.sums
    assert model[-1].key == HEADER
    assert header.figures == {
        name: pytest.approx(sums[k].tolist(), rel=1e-9) for k, name in enumerate(evaluation.MODELS)
    }
    for partition, states in enumerate(changed_users(expected.learner)):
        found = {record.key: record.value for record in await read(config, topics(config).users, partition)}
        mark = unpack_mark(found.pop(MARK))
        assert found == dict(states)
        assert (mark.learned_to, mark.highest) == (len(records), expected.highest(2))

    await until_counted(process, expected)
    shown = metrics(process)
    assert shown["updates_total", "applied", "gru"] == expected.learner.model.gru.counters[BATCHES] > 0
    assert shown["consumer_lag_records", "0", topics(config).journal.name] == 0
    await trainers.stop(process)
    assert newest_digest(config) == state.digest(expected.learner)


async def test_killed_three_times_it_ends_with_the_same_state(config, trainers):
    """SIGKILL while the journal grows; versions ascend and no sync goes back behind an earlier one."""
    await ensure_topics(config)
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    records = journalled(config, EVENTS, batch=20)
    quarter = len(records) // 4
    for number in range(3):
        process = trainers.start()
        await append(config, records[number * quarter : (number + 1) * quarter])
        await says(process, "begins at")
        await asyncio.sleep(chance.uniform(0.0, 1.5))
        process.kill()
        process.wait()
    process = trainers.start()
    await append(config, records[3 * quarter :])
    await all_published(config, process)
    expected = follow(config, records)

    await until_counted(process, expected)
    await trainers.stop(process)

    assert newest_digest(config) == state.digest(expected.learner)
    headers = [unpack_header(r.value) for r in await read(config, topics(config).model, 0) if r.key == HEADER]
    assert [header.version for header in headers] == list(range(1, len(headers) + 1))
    assert [header.learned_to for header in headers] == sorted(header.learned_to for header in headers)


async def until_counted(process, expected):
    """The figures on /metrics go on where those before the kill ended."""
    sums = expected.learner.memory.record.sums[evaluation.FUSION]

    async def counted():
        found = metrics(process)
        trials, hits = (
            found["prequential_trials_total", "fusion"],
            found["prequential_hits_total", "20", "fusion"],
        )
        return (trials, hits) == (sums[evaluation.TRIALS], sums[evaluation.AT_20])

    await until(counted, process, 10)


async def test_of_two_trainers_one_waits_and_takes_over(config, trainers):
    """With a data folder of its own, the other knows nothing but the topics."""
    await ensure_topics(config)
    records = journalled(config, EVENTS, batch=40)
    both = [trainers.start(config.data_dir.parent / name) for name in ("one", "other")]
    for process in both:
        await says(process, "kernels are ready")
    await append(config, records[:100])
    await all_published(config, both[0])

    async def one_works():
        return sorted(metrics(process)["ready",] for process in both) == [0.0, 1.0]

    await until(one_works, both[0])
    [active] = [process for process in both if metrics(process)["ready",]]
    [waiting] = [process for process in both if process is not active]
    active.kill()
    await append(config, records[100:])
    await all_published(config, waiting)

    await trainers.stop(waiting)
    there = config.model_copy(update={"data_dir": waiting.folder})
    assert newest_digest(there) == state.digest(follow(config, records).learner)


async def test_a_trainer_that_is_shut_out_leaves(config, trainers):
    """A later one has its transactional id: exit code 4, and not one more sync."""
    await ensure_topics(config)
    records = journalled(config, 500, batch=40)
    process = trainers.start()
    await append(config, records[:5])
    await all_published(config, process)
    later = new_transactional_producer(config, transactional_id(config))
    await later.start()
    before = await read_published(config, lambda: True)

    await append(config, records[5:])
    code = await asyncio.to_thread(process.wait, PATIENCE)
    await later.stop()

    assert code == 4, process.log.read_text()
    assert "another trainer has taken over" in process.log.read_text()
    assert await read_published(config, lambda: True) == before


async def test_an_order_to_stop_is_obeyed_while_kernels_are_still_being_made(config, trainers):
    """The first start of all takes a minute; nobody waits for it to stop."""
    process = trainers.start()

    async def announced():
        return (config.data_dir / "run" / "trainer.json").exists()

    await until(announced, process)
    await trainers.stop(process)

    assert "kernels are ready" not in process.log.read_text()


async def test_a_damaged_snapshot_is_passed_over(config, trainers):
    """The older one and a little more of the journal lead to the same state."""
    await ensure_topics(config)
    records = journalled(config, EVENTS, batch=40)
    for part in (records[:100], records[100:120]):
        process = trainers.start()
        await append(config, part)
        await all_published(config, process)
        await trainers.stop(process)
    arrays = next(snapshots.newest(folder(config)))[1] / ARRAYS
    whole = bytearray(arrays.read_bytes())
    whole[len(whole) // 2] ^= 1
    arrays.write_bytes(bytes(whole))

    process = trainers.start()
    await append(config, records[120:])
    await all_published(config, process)

    await says(process, "is passed over")
    assert "the beginning" not in process.log.read_text()
    await trainers.stop(process)
    assert newest_digest(config) == state.digest(follow(config, records).learner)


async def test_a_generation_is_decided_once_although_the_trainer_is_killed(config, trainers):
    """The decision is in the journal, and whoever reads it ends with the same generation."""
    await ensure_topics(config)
    records = journalled(config, EVENTS, batch=40)
    third = len(records) // 3
    process = trainers.start()
    await append(config, [*records[:third], *generation_of(records[:third])])
    await says(process, "runs in shadow")
    await append(config, records[third : third + 5])
    process.kill()
    process = trainers.start()
    await append(config, records[third + 5 :])

    async def decided():
        return any(isinstance(unpack(value), Promote | Reject) for value in await journal(config))

    await until(decided, process)
    await all_published(config, process)
    process.kill()
    process = trainers.start()
    await says(process, "begins at")
    await append(config, [pack_control(Reject(1, "said again"))])
    await all_published(config, process)
    await trainers.stop(process)

    whole = await journal(config)
    decisions = [record for record in map(unpack, whole) if isinstance(record, Promote | Reject)]
    expected = follow(config, whole)
    assert len(decisions) == 2  # and the last one is ours
    assert newest_digest(config) == state.digest(expected.learner)
    assert expected.in_shadow == 0
    assert expected.generation == (1 if isinstance(decisions[0], Promote) else 0)


async def test_a_journal_that_begins_too_late_is_refused(config, trainers):
    """No snapshot, and the beginning of the journal is gone: exit code 3 and what to do."""
    from aiokafka import TopicPartition
    from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

    await ensure_topics(config)
    await append(config, journalled(config, 500, batch=40))
    admin = AIOKafkaAdminClient(bootstrap_servers=config.kafka.bootstrap_servers)
    await admin.start()
    tp = TopicPartition(topics(config).journal.name, 0)
    await admin.delete_records({tp: RecordsToDelete(before_offset=3)})
    await admin.close()

    process = trainers.start()
    code = await asyncio.to_thread(process.wait, PATIENCE)

    assert code == 3, process.log.read_text()
    assert "the journal begins at offset 3" in process.log.read_text()
