"""At a steady rate: how long until a click has its slate, and until the model that learned it is there."""

import asyncio
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import numpy as np
import uvloop
from aiokafka import TopicPartition
from numpy.typing import ArrayLike

from benchmarks import workloads
from benchmarks.cores import Load
from benchmarks.result import Figures, Result, at_most
from benchmarks.stage import Settings, Stage
from benchmarks.workloads import Workload
from streamproc.config import Config
from streamproc.contracts.journal import EVENTS
from streamproc.contracts.model import HEADER, unpack_header
from streamproc.contracts.slates import decode_slate
from streamproc.contracts.topics import Topic, topics
from streamproc.kafka.clients import new_consumer, new_producer, read_to_end

SETTINGS: Settings = {"publish": {"min_interval": 0.0}}
SLICE = 0.002  # seconds; events that are due within it leave together
AFTERWARDS = 2.5  # seconds for the last slates and syncs
MS = 1000.0


class Size(NamedTuple):
    """How much, how fast."""

    warm: int  # events learned before
    rate: int  # events a second
    seconds: int
    dropped: int  # seconds at the start that do not count


FULL, QUICK = Size(100_000, 500, 15, 3), Size(4000, 200, 4, 1)


class Sent(NamedTuple):
    """An event on its way."""

    user: bytes
    at: float  # seconds on the wall clock
    answer: "asyncio.Future[Any]"  # where the broker has put it


class Arrived(NamedTuple):
    """A record as a consumer got it."""

    at: float  # seconds on the wall clock
    record: Any


def run(quick: bool) -> Iterator[Result]:
    """Clicks to slates, and events to models, in one run."""
    size = QUICK if quick else FULL
    events = size.warm + size.rate * size.seconds
    workload = workloads.load(workloads.SHOP if quick else workloads.YOOCHOOSE, events)
    with Stage(SETTINGS) as stage:
        yield from uvloop.run(_measured(stage, workload, size))  # like the parts


async def _measured(stage: Stage, workload: Workload, size: Size) -> list[Result]:
    config, names = stage.config, topics(stage.config)
    await stage.feed(workload.part(0, size.warm))
    stage.start("worker", "trainer", "refresh")
    await stage.learned(size.warm)
    await stage.until(lambda now: now.total("worker", "model_version") > 0)
    load = Load()
    async with following(config, names.recommendations) as slates, following(config, names.model) as model:
        began, before = time.time(), stage.processor()
        sent = await send(config, workload.part(size.warm, len(workload.values)), size.rate)
        used = stage.processor()
        await asyncio.sleep(AFTERWARDS)
    foreign = load.foreign()
    counted = [event for event in sent if event.at >= began + size.dropped]
    clicks = _clicks(counted, slates) | {"rate": len(sent) / (sent[-1].at - began)}
    clicks |= {f"{name}_us": (used[name] - before[name]) / len(sent) * 1e6 for name in used}
    rows = _percentiles(await _rows(config, model, began + size.dropped)) | _applied(stage)
    goals = _goals(config) if size is FULL else ((), ())
    name = workload.name
    return [
        Result("latency", f"{name}, click to slate, ms", config, clicks, goals[0], foreign),
        Result("latency", f"{name}, event to model, ms", config, rows, goals[1], foreign),
    ]


def _goals(config: Config) -> tuple[Any, Any]:
    within = config.sync.interval * MS + 100.0
    return (at_most("p50", 15.0), at_most("p99", 50.0), at_most("lost", 0.0)), (at_most("p99", within),)


async def send(config: Config, workload: Workload, rate: int) -> list[Sent]:
    """Each event at its time, by itself, as a shop's own producer would."""
    sent: list[Sent] = []
    topic, count = topics(config).events.name, len(workload.values)
    async with new_producer(config) as producer:
        began = time.perf_counter()
        while len(sent) < count:
            due = min(count, 1 + int((time.perf_counter() - began) * rate))
            some = workload.part(len(sent), due)
            for key, value in zip(some.keys, some.values, strict=True):
                at = time.time()
                sent.append(Sent(key, at, await producer.send(topic, key=key, value=value)))
            await asyncio.sleep(SLICE)
        await asyncio.gather(*(event.answer for event in sent))
    return sent


@asynccontextmanager
async def following(config: Config, topic: Topic) -> AsyncIterator[list[Arrived]]:
    """What comes into a topic meanwhile, with the time of its arrival."""
    found: list[Arrived] = []
    async with new_consumer(config) as consumer:
        partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
        consumer.assign(partitions)
        await consumer.seek_to_end(*partitions)
        task = asyncio.create_task(_follow(consumer, found))
        try:
            yield found
        finally:
            task.cancel()


async def _follow(consumer: Any, found: list[Arrived]) -> None:
    while True:
        records = (await consumer.getmany(timeout_ms=500)).values()
        now = time.time()
        found += [Arrived(now, record) for some in records for record in some]


class Answered(NamedTuple):
    """An event and the slate that its user saw first after it; seconds on the wall clock."""

    sent: float
    stored: float  # in the events topic
    ranked: float
    seen: float  # by a consumer


def _answered(sent: Sequence[Sent], slates: Sequence[Arrived]) -> list[Answered]:
    """Each event with its user's first slate for it or a later one, where there is one."""
    answers: dict[bytes, list[tuple[int, float, float]]] = defaultdict(list)
    for at, record in slates:
        slate = decode_slate(record.value)
        if slate.trigger.kind == "event":
            answers[record.key].append((slate.trigger.offset, slate.generated_at / MS, at))
    found = []
    for event in sent:
        of_user, stored = answers[event.user], event.answer.result()
        first = bisect_left(of_user, (stored.offset, 0.0, 0.0))
        if first < len(of_user):
            found.append(Answered(event.at, stored.timestamp / MS, *of_user[first][1:]))
    return found


def _clicks(sent: Sequence[Sent], slates: Sequence[Arrived]) -> Figures:
    """How long until a slate was seen, and how much of it was spent where."""
    times = np.array(_answered(sent, slates))  # (events, 4)
    to_topic, to_rank, to_consumer = (np.diff(times, axis=1).mean(0) * MS).tolist()
    return _percentiles(times[:, 3] - times[:, 0]) | {
        "lost": len(sent) - len(times),
        "mean_to_topic": to_topic,
        "mean_to_ranked": to_rank,
        "mean_to_consumer": to_consumer,
    }


async def _rows(config: Config, model: Sequence[Arrived], since: float) -> list[float]:
    """Seconds from each record of the journal to the arrival of the first model that has learned it."""
    headers = [(at, unpack_header(record.value)) for at, record in model if record.key == HEADER]
    syncs = [(header.learned_to, at) for at, header in headers]
    waited = []
    async for records in read_to_end(config, topics(config).journal.name, 0, committed=False):
        for record in records:
            first = bisect_left(syncs, (record.offset + 1, 0.0))
            appended = record.timestamp / MS
            if record.value[0] == EVENTS and appended >= since and first < len(syncs):
                waited.append(syncs[first][1] - appended)
    return waited


def _applied(stage: Stage) -> Figures:
    """What the worker needs on top, on average, to take a sync in."""
    now = stage.samples()
    seconds, count = (now.total("worker", f"model_apply_seconds_{name}") for name in ("sum", "count"))
    return {"apply_mean": seconds / max(count, 1.0) * MS}


def _percentiles(waited: ArrayLike) -> Figures:
    """Of seconds, in ms."""
    seconds = np.asarray(waited)
    shares = np.percentile(seconds, (50, 95, 99)) * MS
    figures: Figures = {f"p{share}": float(value) for share, value in zip((50, 95, 99), shares, strict=True)}
    return figures | {"max": float(seconds.max()) * MS, "count": seconds.size}
