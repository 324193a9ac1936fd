"""kill -9 while events come: what is lost and what counts twice, here and in a stock Faust agent."""

import asyncio
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.cores import Load
from benchmarks.machine import ROOT
from benchmarks.result import Figures, Result, at_most
from benchmarks.stage import Stage
from benchmarks.stock_counting import CHANGELOG
from streamproc.chaos.running import Settings
from streamproc.chaos.running import run as run_chaos
from streamproc.chaos.stream import Pair
from streamproc.config import Config
from streamproc.contracts.events import encode
from streamproc.contracts.topics import topics
from streamproc.kafka.admin import ensure_topics
from streamproc.kafka.clients import read_to_end
from streamproc.kafka.feed import Feed
from streamproc.simulate.shop import Shop

SEED = 20261128
SLICE = 200  # events sent together
QUIET = 15.0  # seconds without a change of the table: longer than a session timeout
PATIENCE = 600.0  # seconds for the table to come to rest


class Size(NamedTuple):
    """Of one run."""

    events: int
    kills: int
    rate: float  # events a second


FULL, QUICK = Size(60_000, 10, 1000.0), Size(3000, 1, 1000.0)


def run(quick: bool) -> Iterator[Result]:
    """Ours by the independent verifier of `streamproc chaos`, the other by its own table."""
    size = QUICK if quick else FULL
    load = Load()
    ours, config = asyncio.run(_ours(size))
    goals = at_most("lost", 0), at_most("twice", 0)
    yield Result("kills", "streamproc, workers killed", config, ours, goals, load.foreign())
    load = Load()
    with Stage({}) as stage:
        figures = asyncio.run(_stock(stage, size))
        yield Result("kills", "stock Faust agent with a table", stage.config, figures, (), load.foreign())


async def _ours(size: Size) -> tuple[Figures, Config]:
    with tempfile.TemporaryDirectory(prefix="streamproc-kills-") as folder:
        config = Config(data_dir=Path(folder))
        settings = Settings(SEED, ("kill-worker",), size.kills, size.events, size.rate)
        report = await run_chaos(config, settings)
    verdict = report.verdict
    return {
        "events": verdict.sent, "kills": len(report.injected), "lost": verdict.lost, "twice": verdict.twice,
        "users_differing": verdict.users_differing,
        "longest_recovery_seconds": max((each.recovery_seconds for each in report.injected), default=0.0),
    }, config  # fmt: skip


async def _stock(stage: Stage, size: Size) -> Figures:
    """One worker, killed and started again at once."""
    shop, chance = Shop(SEED, users=300, items=300), random.Random(SEED)
    pairs = [(event.user_id.encode(), encode(event)) for event in shop.events(size.events)]
    moments = sorted(chance.sample(range(size.events // 10, size.events), size.kills))
    await ensure_topics(stage.config)
    agent = _start(stage)
    try:
        agent = await _feed(stage, pairs, moments, size.rate, agent)
        counted = await _at_rest(stage)
    finally:
        agent.kill()
        agent.wait()
    sent = Counter(key.decode() for key, _ in pairs)
    return {
        "events": size.events,
        "kills": size.kills,
        "lost": sum(max(sent[user] - counted[user], 0) for user in sent),
        "twice": sum(max(counted[user] - sent[user], 0) for user in sent),
        "users_differing": sum(counted[user] != sent[user] for user in sent),
    }


def _start(stage: Stage) -> "subprocess.Popen[bytes]":
    config = stage.config
    folder = tempfile.mkdtemp(dir=config.data_dir)
    events = topics(config).events
    arguments = (config.kafka.bootstrap_servers, events.name, str(events.partitions), folder)
    command = [sys.executable, "-m", "benchmarks.stock_counting", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


async def _feed(
    stage: Stage, pairs: list[Pair], moments: list[int], rate: float, agent: "subprocess.Popen[bytes]"
) -> "subprocess.Popen[bytes]":
    async with Feed(stage.config, topics(stage.config).events.name) as feed:
        for start in range(0, len(pairs), SLICE):
            some = pairs[start : start + SLICE]
            await feed.send([key for key, _ in some], [value for _, value in some])
            await feed.flush()
            while moments and moments[0] < start + SLICE:
                moments.pop(0)
                agent.kill()
                agent.wait()
                agent = _start(stage)
            await asyncio.sleep(len(some) / rate)
    return agent


async def _at_rest(stage: Stage) -> "Counter[str]":
    """The table, once it has not changed for QUIET seconds."""
    counted, since, until = Counter[str](), time.monotonic(), time.monotonic() + PATIENCE
    while time.monotonic() - since < QUIET and time.monotonic() < until:
        found = await _table(stage)
        if found != counted:
            counted, since = found, time.monotonic()
        await asyncio.sleep(1.0)
    return counted


async def _table(stage: Stage) -> "Counter[str]":
    found = Counter[str]()
    for partition in range(topics(stage.config).events.partitions):
        async for records in read_to_end(stage.config, CHANGELOG, partition):
            for record in records:
                if record.value is not None:
                    found[json.loads(record.key)] = json.loads(record.value)
    return found
