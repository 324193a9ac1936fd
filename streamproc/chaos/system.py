"""The pipeline under test: a Kafka of its own, two workers, a trainer and a refresh, watched as `up` does."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from typing import Literal

from streamproc.chaos.proxy import Mode, Proxy
from streamproc.config import Config
from streamproc.kafka.admin import ensure_topics
from streamproc.scrape import scrape
from streamproc.up.parts import EmbeddedBroker, Process
from streamproc.up.supervise import Supervisor

WORKERS = ("worker-1", "worker-2")
ORDER = (*WORKERS, "refresh", "trainer", "broker")
LOOK = 0.1  # seconds between two looks at the processes
LONGEST_WAIT = 1.0  # seconds until a dead part is started again
PATIENCE = 4.0
READY = {"worker": len(WORKERS), "trainer": 1, "refresh": 1}  # parts that are waited for

Part = Literal["worker-1", "worker-2", "trainer", "refresh", "broker"]


class System:
    """Starts, watches, hurts and ends the parts."""

    def __init__(self, config: Config, environment: dict[str, str], with_proxy: bool) -> None:
        self._given = config
        self._environment = environment
        self._with_proxy = with_proxy
        self._proxy: Proxy | None = None
        self._broker: EmbeddedBroker | None = None
        self._processes: dict[str, Process] = {}
        self.said: list[str] = []
        self._supervisor = Supervisor([], self.said.append, longest_wait=LONGEST_WAIT)
        self._watching: asyncio.Task[None] | None = None
        self.config = config

    async def start(self) -> None:
        """Return when the topics are there and every part is started. Call from the main thread."""
        broker = await self._start_broker()
        self._supervisor.add(broker)
        self._supervisor.started(broker)
        port = self._proxy.port if self._proxy else broker.port
        kafka = self._given.kafka.model_copy(update={"bootstrap_servers": f"127.0.0.1:{port}"})
        self.config = self._given.model_copy(update={"kafka": kafka})
        await ensure_topics(self.config)
        for name in (*WORKERS, "trainer", "refresh"):
            self._processes[name] = self._process(name)
            self._supervisor.add(self._processes[name])
        self._supervisor.start()
        self._watching = asyncio.ensure_future(self._watch())

    async def stop(self, names: Sequence[str] = ORDER) -> None:
        """In order; what does not want to, the hard way."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await asyncio.to_thread(self._supervisor.stop, ORDER)
        if self._proxy is not None:
            await self._proxy.close()

    async def ready(self) -> bool:
        """Whether every part says so itself."""
        samples = await asyncio.to_thread(scrape, self.config.data_dir)
        return all(samples.total(part, "ready") >= many for part, many in READY.items())

    def signal(self, part: str, number: signal.Signals) -> None:
        """To the part's process, if it runs."""
        pid = self.pid(part)
        if pid is not None:
            os.kill(pid, number)

    def pid(self, part: str) -> int | None:
        """Of the part's process, None where it does not run now."""
        if part == "broker":
            return self._broker.pid if self._broker and self._broker.poll() is None else None
        process = self._processes[part]
        return process.pid if process.poll() is None else None

    def network(self, mode: Mode) -> None:
        """Between every part and Kafka."""
        assert self._proxy is not None, "network faults need the proxy"
        self._proxy.become(mode)

    async def _start_broker(self) -> EmbeddedBroker:
        settings = {"port": 0}
        if self._with_proxy:
            self._proxy = Proxy(0)
            await self._proxy.start()
            settings["advertised_port"] = self._proxy.port
        config = self._given.model_copy(update={"broker": self._given.broker.model_copy(update=settings)})
        self._broker = broker = EmbeddedBroker(config)
        broker.start_and_wait()
        if self._proxy is not None:
            self._proxy.point_at(broker.port)
        return broker

    def _process(self, name: str) -> Process:
        verb = name.split("-")[0]
        flags = [
            "--data-dir",
            str(self.config.data_dir),
            "--bootstrap-servers",
            self.config.kafka.bootstrap_servers,
        ]
        named = [f"{key}={value}" for key, value in self._environment.items()]
        command = ["env", *named, sys.executable, "-u", "-m", "streamproc.cli", verb, *flags]
        return Process(name, command, self.config.data_dir / "logs" / f"{name}.log", PATIENCE)

    async def _watch(self) -> None:
        while True:
            self._supervisor.look()
            await asyncio.sleep(LOOK)
