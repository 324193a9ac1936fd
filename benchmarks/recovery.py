"""How soon all goes on: after kill -9 of a worker, of the trainer, and while a snapshot is written."""

import asyncio
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import uvloop
from prometheus_client import CollectorRegistry

from benchmarks import workloads
from benchmarks.cores import Load
from benchmarks.latency import MS, Arrived, following, send
from benchmarks.result import Result, at_most
from benchmarks.stage import PATIENCE, Settings, Stage
from benchmarks.workloads import Workload
from streamproc.clock import SystemClock
from streamproc.collector import settle
from streamproc.config import Config
from streamproc.contracts.columns import EventColumns, span
from streamproc.contracts.journal import EVENTS, Reader, pack_events, unpack_events
from streamproc.contracts.model import HEADER, unpack_header
from streamproc.contracts.topics import topics
from streamproc.engine import state
from streamproc.engine.learner import Learner
from streamproc.engine.warming import warm_learner
from streamproc.errors import StreamprocError
from streamproc.metrics import TrainerMetrics
from streamproc.trainer.follower import Follower
from streamproc.trainer.saving import Snapshots

SNAPSHOTS = 10.0  # seconds between two
BEFORE, AFTER = 5.0, 20.0  # seconds of the stream before a kill, and after a session's end
SERVED_WITHIN, LEARNING_WITHIN = 5.0, 10.0  # seconds after the session's end
LONGEST_STALL = 50.0  # ms
PIECE = 100  # events learned between two looks at whether a snapshot holds the stream up


class Size(NamedTuple):
    """How much, how fast, how often."""

    warm: int  # events learned before
    rate: int  # events a second
    kills: int  # of each part
    session: float  # seconds until a silent part is taken for dead
    state: int  # events of which a half is learned before the first snapshot
    between: int  # pieces learned between two snapshots

    @property
    def step(self) -> int:
        """Events around one kill."""
        return int(self.rate * (BEFORE + self.session + AFTER))


FULL, QUICK = Size(50_000, 500, 3, 10.0, 200_000, 50), Size(2000, 200, 1, 3.0, 3000, 5)


def run(quick: bool) -> Iterator[Result]:
    """Kills on a real Kafka, then snapshots in memory."""
    size, name = (QUICK, workloads.SHOP) if quick else (FULL, workloads.YOOCHOOSE)
    workload = workloads.load(name, size.warm + 2 * size.kills * size.step)
    settings: Settings = {
        "kafka": {"session_timeout": size.session},
        "snapshots": {"interval": SNAPSHOTS},
    }
    with Stage(settings) as stage:
        yield from uvloop.run(_killed(stage, workload, size))
    yield asyncio.run(_snapshots(workloads.load(name, size.state), size))


async def _killed(stage: Stage, workload: Workload, size: Size) -> list[Result]:
    await stage.feed(workload.part(0, size.warm))
    stage.start("worker", "worker-2", "trainer")
    await stage.learned(size.warm)
    await stage.until(lambda now: now.total("worker", "ready") >= 2)
    load, at = Load(), size.warm
    workers, trainers = [], []
    for _ in range(size.kills):
        workers.append(await _worker(stage, workload.part(at, at + size.step), size))
        trainers.append(await _trainer(stage, workload.part(at + size.step, at + 2 * size.step), size))
        at += 2 * size.step
    told = (
        ("a killed worker's partitions are served", workers, size.session + SERVED_WITHIN),
        ("a killed trainer has learned more", trainers, LEARNING_WITHIN),
    )
    return [
        Result(
            "recovery",
            f"{workload.name}, s until {what}",
            stage.config,
            {"median": float(np.median(found)), "longest": max(found), "kills": len(found)},
            (at_most("longest", limit),) if size is FULL else (),
            load.foreign(),
        )
        for what, found, limit in told
    ]


async def _worker(stage: Stage, workload: Workload, size: Size) -> float:
    """One of two; it is replaced when the other one has taken over. Seconds from the kill on."""
    config = stage.config
    async with following(config, topics(config).journal) as journal:
        killed = await _kill_amid(stage, "worker", workload, size)
    stage.start("worker")
    await stage.until(lambda now: now.total("worker", "assigned_partitions") == config.kafka.partitions)
    await stage.until(lambda now: now.total("worker", "ready") >= 2)
    return max(_silence(journal, number, killed) for number in range(config.kafka.partitions))


async def _kill_amid(
    stage: Stage, part: str, workload: Workload, size: Size, replaced: bool = False
) -> float:
    """When the part was killed, while events came; `replaced` starts another one at once."""
    feeding = asyncio.ensure_future(send(stage.config, workload, size.rate))
    await asyncio.sleep(BEFORE)
    killed = stage.kill(part)
    if replaced:
        stage.start(part)
    await feeding
    return killed


def _silence(journal: Sequence[Arrived], partition: int, killed: float) -> float:
    """From the kill to the end of the longest silence of a partition since then."""
    times = [at for at, record in journal if at > killed and _is_of(record.value, partition)]
    if not times:
        raise StreamprocError(f"partition {partition} was not served any more")
    silences = [(later - sooner, later) for sooner, later in zip([killed, *times], times, strict=False)]
    return max(silences)[1] - killed


def _is_of(value: bytes, partition: int) -> bool:
    return value[0] == EVENTS and unpack_events(value).partition == partition


async def _trainer(stage: Stage, workload: Workload, size: Size) -> float:
    """Started again at once. Seconds from the kill to a model that has learned what none had before."""
    config = stage.config
    async with following(config, topics(config).model) as model:
        killed = await _kill_amid(stage, "trainer", workload, size, replaced=True)
        await stage.until(lambda now: now.total("trainer", "ready") > 0)
        await stage.until(lambda now: _newer(model, killed) is not None)
    return (_newer(model, killed) or 0.0) - killed


def _newer(model: Sequence[Arrived], killed: float) -> float | None:
    """When the first model came that goes further than those before the kill."""
    syncs = [(at, unpack_header(record.value).learned_to) for at, record in model if record.key == HEADER]
    known = max((learned_to for at, learned_to in syncs if at <= killed), default=0)
    return next((at for at, learned_to in syncs if at > killed and learned_to > known), None)


async def _snapshots(workload: Workload, size: Size) -> Result:
    """The longest time that one piece of the stream takes while snapshots are written, and without."""
    with tempfile.TemporaryDirectory(prefix="streamproc-bench-") as data:
        config = Config(data_dir=Path(data))
        warm_learner(config)
        batches = workloads.batches(workload, config)
        follower = Follower(Learner(config, 1), Reader(), 0)
        half = len(batches) // 2
        for number, columns in enumerate(batches[:half]):
            follower.apply(number, _record(columns))
        settle()
        load = Load()
        snapshots = Snapshots(config, TrainerMetrics(CollectorRegistry()), SystemClock())
        await snapshots.restarted(follower, -1)
        pieces = [_record(piece) for columns in batches[half:] for piece in _pieces(columns)]
        beside, without = await _learn(follower, snapshots, pieces, size.between)
    figures = {
        "longest": max(beside), "longest_without": max(without), "snapshots": len(beside),
        "megabytes": sum(array.nbytes for array in state.arrays(follower.learner).values()) / 1e6,
    }  # fmt: skip
    goals = (at_most("longest", LONGEST_STALL),) if size is FULL else ()
    what = f"{workload.name}, ms that a snapshot holds {PIECE} events up"
    return Result("recovery", what, config, figures, goals, load.foreign())


async def _learn(
    follower: Follower, snapshots: Snapshots, pieces: Sequence[bytes], between: int
) -> tuple[list[float], list[float]]:
    """Milliseconds of the slowest piece of each snapshot, its copy included, and of those between two."""
    beside: list[float] = []
    without: list[float] = []
    left = iter(pieces)
    while len(rest := list(islice(left, between))) == between:
        without.append(max([await _piece(follower, value) for value in rest]))
        slowest, began = 0.0, time.perf_counter()
        snapshots.begin(follower, 1)
        while snapshots.busy and (value := next(left, None)) is not None:
            await _piece(follower, value)
            slowest, began = max(slowest, time.perf_counter() - began), time.perf_counter()
        await snapshots.finished(PATIENCE)
        beside.append(slowest * MS)
    return beside, without


async def _piece(follower: Follower, value: bytes) -> float:
    began = time.perf_counter()
    follower.apply(follower.position, value)
    await asyncio.sleep(0)
    return (time.perf_counter() - began) * MS


def _pieces(columns: EventColumns) -> Iterator[EventColumns]:
    for start in range(0, columns.users.size, PIECE):
        yield span(columns, start, min(start + PIECE, columns.users.size))


def _record(columns: EventColumns) -> bytes:
    first, last = int(columns.offsets[0]), int(columns.offsets[-1])
    return pack_events(0, first - 1, last, columns)
