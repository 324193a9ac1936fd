"""What the worker's tests share: events in, a model out of a learner, and what the topics hold then."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import numpy as np

from streamproc.config import Config
from streamproc.contracts.events import Decoder, Event, EventColumns, encode
from streamproc.contracts.journal import EventsRecord, unpack
from streamproc.contracts.slates import Slate, decode_slate
from streamproc.contracts.topics import topics
from streamproc.contracts.users import MARK, Mark, pack_mark
from streamproc.engine.learner import Learner
from streamproc.engine.publishing import Rows, SyncPoint, changed_rows, changed_users
from streamproc.kafka import clients
from streamproc.kafka.admin import ensure_topics
from streamproc.kafka.feed import Feed

PATIENCE = 90.0  # seconds; the machine may be busy, and kernels may have to be compiled
TEA, CUP, SPOON = "tea", "cup", "spoon"


def event(user: str, item: str = TEA, second: int = 1, **more: Any) -> bytes:
    """A click at so many seconds."""
    return encode(Event(type="click", user_id=user, item_id=item, ts=second * 1000, **more))


def columns(config: Config, values: Sequence[bytes]) -> EventColumns:
    """Events as a worker would journal them."""
    many = len(values)
    found, rejects = Decoder(config.events).decode(values, np.arange(many), np.full(many, 10**13), 0)
    assert not rejects
    return found


def taught(config: Config, visits: int = 50) -> Learner:
    """A learner that has seen tea, cup, spoon so many times in this order."""
    learner = Learner(config, config.kafka.partitions)
    clicks = [
        event(f"teacher{visit}", item, 10 * visit + place)
        for visit in range(visits)
        for place, item in enumerate((TEA, CUP, SPOON))
    ]
    learner.learn(0, columns(config, clicks))
    return learner


class Shop:
    """One prefix on the broker: feeds events, plays the trainer, and looks at what comes out."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.topics = topics(config)
        self.processes: list[subprocess.Popen[bytes]] = []

    async def open(self) -> None:
        await ensure_topics(self.config)

    async def feed(self, keys: Sequence[str], values: Sequence[bytes]) -> None:
        async with Feed(self.config, self.topics.events.name) as feed:
            await feed.send([key.encode() for key in keys], values)
            await feed.flush()

    async def clicks(self, count: int, users: int, first: int = 0) -> None:
        """Event number n is of user n % users, at second n, with the id `e<n>`."""
        numbers = range(first, first + count)
        keys = [f"u{n % users}" for n in numbers]
        items = (TEA, CUP, SPOON)
        values = [event(key, items[n % 3], n, event_id=f"e{n}") for key, n in zip(keys, numbers, strict=True)]
        await self.feed(keys, values)

    async def publish(self, learner: Learner, version: int) -> None:
        """The items of one sync, as the trainer makes it."""
        rows = changed_rows(learner, SyncPoint(version, learned_to=version))
        await self._commit([(self.topics.model.name, 0, rows)])

    async def publish_users(self, learner: Learner, mark: Mark) -> None:
        """The users of one sync."""
        users = [[*states, (MARK, pack_mark(mark))] for states in changed_users(learner)]
        name = self.topics.users.name
        await self._commit([(name, number, states) for number, states in enumerate(users)])

    def start(self, **settings: str) -> subprocess.Popen[bytes]:
        """A worker in a process of its own; settings like KAFKA__SESSION_TIMEOUT="2"."""
        number = len(self.processes)
        kafka = self.config.kafka
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "STREAMPROC_KAFKA__PREFIX": kafka.prefix,
            "STREAMPROC_KAFKA__SESSION_TIMEOUT": "2",
            "STREAMPROC_KAFKA__PARTITIONS": str(kafka.partitions),
            **{f"STREAMPROC_{name}": value for name, value in settings.items()},
        }
        folder = self.config.data_dir / str(number)
        folder.mkdir(parents=True, exist_ok=True)
        flags = ["--bootstrap-servers", kafka.bootstrap_servers, "--data-dir", str(folder)]
        command = [sys.executable, "-m", "streamproc.cli", "worker", *flags]
        with self.log(number).open("ab") as output:
            process = subprocess.Popen(command, env=environment, stdout=output, stderr=output, cwd=folder)
        self.processes.append(process)
        return process

    def log(self, number: int) -> Path:
        """Of the process with that number."""
        return self.config.data_dir / str(number) / "worker.log"

    async def figures(self, number: int = 0) -> dict[str, float]:
        """What /metrics of a process says; empty before it does."""
        try:
            address = json.loads((self.log(number).parent / "run" / "worker.json").read_text())["metrics"]
        except FileNotFoundError:
            return {}
        lines = (await asyncio.to_thread(urlopen, address)).read().decode().splitlines()
        pairs = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
        return {name.removeprefix("streamproc_"): float(value) for name, value in pairs}

    async def until_ready(self, number: int = 0) -> None:
        """Until a process has all its partitions and a model."""

        async def ready() -> float:
            return (await self.figures(number)).get("ready", 0.0)

        await self.until(ready, bool)

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()

    async def journal(self) -> list[EventsRecord]:
        """The events records, in order."""
        found = [unpack(record.value) for record in await self._records(self.topics.journal.name, 0)]
        return [record for record in found if isinstance(record, EventsRecord)]

    async def covered(self) -> list[int]:
        """The newest source offset in the journal, per partition; -1 for none."""
        highest = [-1] * self.config.kafka.partitions
        for record in await self.journal():
            highest[record.partition] = max(highest[record.partition], record.upto)
        return highest

    async def ends(self) -> list[int]:
        """The newest offset in the events topic, per partition."""
        many = range(self.config.kafka.partitions)
        found = [await self._records(self.topics.events.name, number) for number in many]
        return [records[-1].offset if records else -1 for records in found]

    async def letters(self) -> list[Any]:
        return await self._records(self.topics.dead_letters.name, 0)

    async def slates(self) -> list[Slate]:
        many = range(self.config.kafka.partitions)
        found = [await self._records(self.topics.recommendations.name, number) for number in many]
        return [decode_slate(record.value) for records in found for record in records]

    async def until_journaled(self) -> list[EventsRecord]:
        """Until the journal covers every event there is."""
        ends = await self.ends()
        await self.until(self.covered, lambda covered: covered == ends)
        return await self.journal()

    async def until(self, look: Callable[[], Any], condition: Callable[[Any], bool]) -> Any:
        """What `look` finds once it is as it should be."""
        async with asyncio.timeout(PATIENCE):
            while not condition(found := await look()):
                for process in self.processes:
                    assert process.poll() in (None, -signal.SIGKILL), f"a worker has ended: {process.args}"
                await asyncio.sleep(0.05)
        return found

    async def _commit(self, parts: Sequence[tuple[str, int, Rows]]) -> None:
        producer = clients.new_transactional_producer(self.config, f"{self.config.kafka.prefix}trainer")
        async with producer, clients.transaction(producer, PATIENCE) as answers:
            for topic, partition, rows in parts:
                answers += await clients.send_all(producer, topic, partition, rows)

    async def _records(self, topic: str, partition: int) -> list[Any]:
        found = clients.read_to_end(self.config, topic, partition)
        return [record async for records in found for record in records]


def stop(process: subprocess.Popen[bytes]) -> int:
    """In order; its exit code."""
    process.send_signal(signal.SIGTERM)
    return process.wait(PATIENCE)


def header(record: Any, name: str) -> str:
    """One header of a record."""
    return dict(record.headers)[name].decode()


def newest(slates: Sequence[Slate]) -> dict[str, Slate]:
    """The last slate of every user."""
    return {slate.user_id: slate for slate in slates}
