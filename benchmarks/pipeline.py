"""Broker, worker and trainer as real processes on two cores, against Faust alone on the same events.

Faust alone runs before and after, for its mean.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import NamedTuple

from benchmarks import signals, workloads
from benchmarks.cores import Load, pinned
from benchmarks.machine import ROOT
from benchmarks.result import Figures, Result, at_least
from benchmarks.stage import LOOK, Settings, Stage
from benchmarks.workloads import Workload
from streamproc.config import PublishConfig, merge
from streamproc.contracts.topics import topics
from streamproc.scrape import Samples

SETTINGS: Settings = {
    "publish": {"min_interval": 0.0},  # a slate for every event
    "refresh": {"enabled": False},
}
OVERLOAD: Settings = {"trainer": {"shed_after": 0.1}}  # what by default takes a minute of it
PACE: Settings = {"publish": {"min_interval": PublishConfig().min_interval}}
RUNS = {
    **signals.PROFILES,
    "/overload": OVERLOAD,
    "/paced": PACE,
    "/paced/overload": merge(PACE, OVERLOAD),
}
TIMES_STOCK = 3.0
LONGEST_PAUSE = 1.0  # seconds between two looks
QUIET = 0.5  # seconds without a slate: there is none left on its way


class Size(NamedTuple):
    """Events."""

    warm: int  # learned before the clock starts: tables have grown, kernels are loaded, popular items known
    measured: int
    stock: int  # for the stock agent, which needs no more to show its pace


FULL, QUICK = Size(100_000, 200_000, 100_000), Size(4000, 6000, 2000)


def run(quick: bool) -> Iterator[Result]:
    """The whole way of every event, at full speed: with all signals, with few, and with load that is shed.

    A slate for every event; `/paced`: for a user no sooner after the last one than by default.
    """
    size = QUICK if quick else FULL
    workload = workloads.load(workloads.SHOP if quick else workloads.YOOCHOOSE, size.warm + size.measured)
    for ending, settings in RUNS.items():
        yield _run("pipeline" + ending, merge(SETTINGS, settings), workload, size, quick)


def _run(name: str, settings: Settings, workload: Workload, size: Size, quick: bool) -> Result:
    with pinned(2), Stage(settings) as stage:
        load = Load()
        asyncio.run(stage.feed(workload.part(0, size.warm)))
        before = _stock(stage, size)
        figures = asyncio.run(_measured(stage, workload, size))
        stage.stop()
        stock = _mean(before, _stock(stage, size))
        foreign = load.foreign()
    figures |= {f"stock_{name}": value for name, value in stock.items()}
    figures["times_stock"] = figures["events_per_second"] / stock["events_per_second"]
    goals = () if quick else (at_least("times_stock", TIMES_STOCK),)
    return Result(name, workload.name, stage.config, figures, goals, foreign)


async def _measured(stage: Stage, workload: Workload, size: Size) -> Figures:
    """The worker sleeps while the topic is filled, so that filling it costs nothing of what is measured."""
    stage.start("worker", "trainer")
    await _done(stage, size.warm)
    before = await _settled(stage)
    stage.pause("worker")
    await stage.feed(workload.part(size.warm, size.warm + size.measured))
    processor, began = stage.processor(), time.perf_counter()
    stage.resume("worker")
    after = await _done(stage, size.warm + size.measured)
    seconds = time.perf_counter() - began
    used = {name: value - processor[name] for name, value in stage.processor().items()}
    return {
        "events": size.measured,
        "events_per_second": size.measured / seconds,
        "slates_per_event": (_slates(after) - before) / size.measured,
        **{f"{name}_us": value / size.measured * 1e6 for name, value in used.items()},
    }


async def _done(stage: Stage, events: int) -> Samples:
    """Wait until the worker has answered so many events and the trainer has learned them.

    A look costs the parts and this process ten milliseconds of what is measured, so there are few of them:
    each in the middle of the time that seems to be left.
    """
    began: tuple[float, float] | None = None

    def so_many(now: Samples) -> bool:
        return _through(now) >= events

    def half_of_the_rest(now: Samples) -> float:
        nonlocal began
        at, done = time.perf_counter(), _through(now)
        since, first = began = began or (at, done)
        seconds = (at - since) / (done - first) * (events - done) / 2 if done > first else LOOK
        return min(max(seconds, LOOK), LONGEST_PAUSE)

    return await stage.until(so_many, half_of_the_rest)


def _through(now: Samples) -> float:
    return min(now.total(part, "events_processed_total") for part in ("worker", "trainer"))


async def _settled(stage: Stage) -> float:
    """Slates so far, once those are out who waited for the first model."""
    before, now = -1.0, _slates(await stage.until(lambda now: now.total("worker", "model_version") > 0))
    while now != before:
        await asyncio.sleep(QUIET)
        before, now = now, _slates(stage.samples())
    return now


def _slates(samples: Samples) -> float:
    return samples.total("worker", "recommendations_published_total")


def _mean(before: Figures, after: Figures) -> Figures:
    """Of the stock agent's two runs: how fast a machine is changes within minutes, and with it the ratio."""
    rates = before["events_per_second"], after["events_per_second"]
    return {"events_per_second": statistics.harmonic_mean(rates), "us": (before["us"] + after["us"]) / 2}


def _stock(stage: Stage, size: Size) -> Figures:
    """A tenth is read before its clock starts, too."""
    config, skipped = stage.config, size.stock // 10
    topic = topics(config).events.name
    command = [sys.executable, "-m", "benchmarks.stock", config.kafka.bootstrap_servers, topic]
    command += [str(skipped), str(size.stock - skipped), str(config.data_dir / "stock")]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=ROOT, timeout=600)
    figures: Figures = json.loads(done.stdout)
    return figures
