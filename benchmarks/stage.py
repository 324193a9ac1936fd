"""A real Kafka and real parts, each a process, on a folder of their own; nothing of it is left afterwards."""

import asyncio
import json
import os
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks import cores
from benchmarks.workloads import Workload
from streamproc.broker.kafka import Broker
from streamproc.config import BrokerConfig, Config, merge
from streamproc.contracts.topics import topics
from streamproc.errors import StreamprocError
from streamproc.kafka.admin import ensure_topics
from streamproc.kafka.feed import Feed
from streamproc.scrape import Samples, scrape
from streamproc.up.parts import Process, verb

PATIENCE = 600.0  # seconds; kernels may have to be compiled first, on a busy machine
LOOK = 0.1  # seconds between two looks at the figures; the error of a measurement
STOP = 10.0  # seconds for an orderly stop

Settings = dict[str, dict[str, Any]]


class Stage:
    """The broker runs while the stage is open; parts are started by name."""

    def __init__(self, settings: Settings) -> None:
        self.config = Config()
        self._settings = settings
        self._folder = tempfile.TemporaryDirectory(prefix="streamproc-bench-")
        self._parts: dict[str, Process] = {}
        self._broker = Broker(Config(data_dir=Path(self._folder.name), broker=BrokerConfig(port=0)))

    def __enter__(self) -> Self:
        try:
            self._broker.start()
        except BaseException:
            self._folder.cleanup()
            raise
        where = {
            "data_dir": self._folder.name,
            "kafka": {"bootstrap_servers": self._broker.bootstrap_servers, "session_timeout": 60.0},
        }
        self._settings = merge(where, self._settings)
        self.config = Config.model_validate(self._settings)
        self._file.write_text(_toml(self._settings), "utf-8")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._broker.stop()
        self._folder.cleanup()

    def start(self, *names: str) -> None:
        """Start parts by the names of their commands; "worker-2" is another worker."""
        for name in names:
            part = verb(name.split("-")[0], ["--config", str(self._file)], self.config, STOP)
            self._parts[name] = part
            part.start()

    def stop(self) -> None:
        """Stop all parts in order, the broker excepted."""
        for part in self._parts.values():
            part.stop(part.patience)
        self._parts.clear()

    def kill(self, name: str) -> float:
        """With SIGKILL; when that was, in seconds on the wall clock."""
        at = time.time()
        os.kill(self._pid(name), signal.SIGKILL)
        self._parts.pop(name).stop(STOP)
        return at

    def pause(self, name: str) -> None:
        """Its process does nothing any more."""
        os.kill(self._pid(name), signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """Its process goes on."""
        os.kill(self._pid(name), signal.SIGCONT)

    def processor(self) -> dict[str, float]:
        """Seconds of processor time that each part and the broker have used."""
        pids = {name: self._pid(name) for name in self._parts} | {"broker": self._broker.pid or 0}
        return {name: cores.seconds(pid) for name, pid in pids.items()}

    def samples(self) -> Samples:
        """What the parts say about themselves now."""
        return scrape(self.config.data_dir)

    async def feed(self, workload: Workload) -> None:
        """All events into the topic; back when they have arrived."""
        await ensure_topics(self.config)
        async with Feed(self.config, topics(self.config).events.name) as feed:
            await feed.send(workload.keys, workload.values)
            await feed.flush()

    async def learned(self, events: int) -> Samples:
        """Wait until the trainer has learned so many events."""
        return await self.until(lambda now: now.total("trainer", "events_processed_total") >= events)

    async def until(
        self, true: Callable[[Samples], bool], pause: Callable[[Samples], float] = lambda _: LOOK
    ) -> Samples:
        """Wait for what the parts say to be so, with pauses (s) between two looks.

        Raises StreamprocError where a part ends or it is never so.
        """
        patience = time.monotonic() + PATIENCE
        while not true(samples := self.samples()):
            for name, part in self._parts.items():
                if part.poll() is not None:
                    raise StreamprocError(f"the {name} has ended", part.last_words())
            if time.monotonic() > patience:
                raise StreamprocError(f"it was not done in {PATIENCE:g} s")
            await asyncio.sleep(pause(samples))
        return samples

    @property
    def _file(self) -> Path:
        return Path(self._folder.name) / "streamproc.toml"

    def _pid(self, name: str) -> int:
        pid = self._parts[name].pid
        if pid is None:
            raise ValueError(f"the {name} does not run")
        return pid


def _toml(settings: dict[str, Any], name: str = "") -> str:
    """Settings and tables of them; TOML writes texts, numbers and booleans like JSON."""
    lines = [f"[{name}]"] if name else []
    for key, value in settings.items():
        if not isinstance(value, dict):
            lines.append(f"{key} = {json.dumps(value)}")
    for key, value in settings.items():
        if isinstance(value, dict):
            lines.append(_toml(value, f"{name}.{key}" if name else key))
    return "\n".join(lines) + "\n"
