"""Recommendations over HTTP, asked for by wrk, while a steady stream of events is being learned."""

import asyncio
import json
import random
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

import click
import uvloop

from benchmarks import workloads
from benchmarks.cores import Load
from benchmarks.latency import Size, send
from benchmarks.result import Figures, Goal, Result, at_least, at_most
from benchmarks.stage import Settings, Stage
from benchmarks.workloads import Workload
from streamproc.errors import StreamprocError
from streamproc.scrape import page

CONNECTIONS = 32
STRANGERS = 0.05  # share of the requests that are for users nobody knows
ASKED = 20_000  # different requests; then they begin again
SETTINGS: Settings = {"server": {"port": 0, "rate": 1_000_000}}
SCRIPT = Path(__file__).with_name("serve.lua")
GOALS = (at_least("requests_per_second", 3000.0), at_most("p99", 25.0), at_most("refused", 0.0),
         at_most("broken", 0.0), at_least("learned_per_second", 950.0))  # fmt: skip
FULL, QUICK = Size(100_000, 1000, 20, 3), Size(4000, 200, 4, 1)


def run(quick: bool) -> Iterator[Result]:
    """Nothing where wrk is not installed; it says so."""
    wrk = shutil.which("wrk")
    if wrk is None:
        click.echo(
            "serve is left out: wrk, which asks the server, is not installed (apt-get install wrk)", err=True
        )
        return
    size = QUICK if quick else FULL
    events = size.warm + size.rate * (size.seconds + size.dropped)
    workload = workloads.load(workloads.SHOP if quick else workloads.YOOCHOOSE, events)
    goals: tuple[Goal, ...] = () if quick else GOALS
    with Stage(SETTINGS) as stage:
        load = Load()
        figures = uvloop.run(_measured(stage, workload, size, wrk))
        yield Result("serve", workload.name, stage.config, figures, goals, load.foreign())


async def _measured(stage: Stage, workload: Workload, size: Size, wrk: str) -> Figures:
    await stage.feed(workload.part(0, size.warm))
    stage.start("worker", "trainer", "refresh", "serve")
    await stage.learned(size.warm)
    await stage.until(lambda now: now.highest("server", "ready") == 1.0)
    sending = asyncio.create_task(
        send(stage.config, workload.part(size.warm, len(workload.values)), size.rate)
    )
    await asyncio.sleep(size.dropped)
    before, learned = stage.processor(), _learned(stage)
    asked = _paths(stage.config.data_dir, workload.keys[: size.warm])
    told = await _ask(wrk, page(stage.config.data_dir) or "", asked, size.seconds)
    used, requests, seconds = stage.processor(), told["requests"], told["seconds"]
    figures = {
        "requests_per_second": requests / seconds,
        **{name: told[name] for name in ("p50", "p99", "max", "refused", "broken")},
        "learned_per_second": (_learned(stage) - learned) / seconds,
        "server_us": (used["serve"] - before["serve"]) / requests * 1e6,
        **{f"{name}_share": (used[name] - before[name]) / seconds for name in used},
    }
    await sending
    return figures


async def _ask(wrk: str, address: str, paths: Path, seconds: int) -> Figures:
    """What wrk says in the end; times in ms."""
    command = ["-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(SCRIPT), address, "--", str(paths)]
    asking = await asyncio.create_subprocess_exec(wrk, *command, stdout=asyncio.subprocess.PIPE)
    told, _ = await asking.communicate()
    lines = told.decode().splitlines()
    if asking.returncode or not lines:
        raise StreamprocError(f"wrk ended with code {asking.returncode}", "Run it by hand to see why")
    figures: Figures = json.loads(lines[-1])
    return figures


def _learned(stage: Stage) -> float:
    return stage.samples().total("trainer", "events_processed_total")


def _paths(folder: Path, users: Sequence[bytes]) -> Path:
    """A file of requests, for users in the order of chance."""
    chance = random.Random(7)
    known = list(dict.fromkeys(user.decode() for user in users))
    asked = [
        f"stranger-{number}" if chance.random() < STRANGERS else chance.choice(known)
        for number in range(ASKED)
    ]
    file = folder / "paths"
    file.write_text("".join(f"/v1/users/{quote(user, safe='')}/recommendations\n" for user in asked), "utf-8")
    return file
