"""The pipeline under test: a Kafka of its own, workers, a trainer and a refresh, watched as `up` does."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence

from streamproc.chaos.memory import Memory
from streamproc.chaos.proxy import Mode, Proxy
from streamproc.config import Config
from streamproc.kafka.admin import ensure_topics
from streamproc.scrape import scrape
from streamproc.up.parts import EmbeddedBroker, Process
from streamproc.up.supervise import Supervisor

TRAINERS = ("trainer", "trainer-2")  # the second one only where the first has to be shut out
GUEST = "worker-guest"  # joins and leaves
LOOK = 0.1  # seconds between two looks at the processes
LONGEST_WAIT = 1.0  # seconds until a dead part is started again
PATIENCE = 4.0
PROGRAM = ("streamproc.cli",)

Programs = Mapping[str, Sequence[str]]  # verb -> module and its first arguments, in place of PROGRAM


class System:
    """Starts, watches, hurts and ends the parts."""

    def __init__(
        self, config: Config, environment: dict[str, str], workers: int, with_proxy: bool, programs: Programs
    ) -> None:
        self.config = config
        self.workers = tuple(f"worker-{number}" for number in range(1, workers + 1))
        self.said: list[str] = []
        self.memory = Memory()
        self._given = config
        self._environment = environment
        self._with_proxy = with_proxy
        self._programs = programs
        self._proxy: Proxy | None = None
        self._broker: EmbeddedBroker | None = None
        self._processes: dict[str, Process] = {}
        self._supervisor = Supervisor([], self.said.append, longest_wait=LONGEST_WAIT)
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return when the topics are there and every part is started. Call from the main thread."""
        broker = await self._start_broker()
        self._supervisor.add(broker)
        self._supervisor.started(broker)
        port = self._proxy.port if self._proxy else broker.port
        kafka = self._given.kafka.model_copy(update={"bootstrap_servers": f"127.0.0.1:{port}"})
        self.config = self._given.model_copy(update={"kafka": kafka})
        await ensure_topics(self.config)
        for name in (*self.workers, TRAINERS[0], "refresh"):
            self._processes[name] = self._process(name)
            self._supervisor.add(self._processes[name])
        self._supervisor.start()
        self._watching = asyncio.ensure_future(self._watch())

    async def stop(self) -> None:
        """In order; what does not want to, the hard way."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        others = [name for name in self._processes if name not in TRAINERS]
        await asyncio.to_thread(self._supervisor.stop, (*others, *TRAINERS, "broker"))
        guest = self._processes.get(GUEST)
        if guest is not None:
            guest.stop(PATIENCE)
        if self._proxy is not None:
            await self._proxy.close()

    async def ready(self) -> bool:
        """Whether every part says so itself."""
        samples = await asyncio.to_thread(scrape, self.config.data_dir)
        wanted = {"worker": len(self.workers), "trainer": 1, "refresh": 1}
        return all(samples.total(part, "ready") >= many for part, many in wanted.items())

    def signal(self, part: str, number: signal.Signals) -> None:
        """To the part's process, if it runs."""
        pid = self.pid(part)
        if pid is not None:
            os.kill(pid, number)

    def pid(self, part: str) -> int | None:
        """Of the part's process, None where it does not run now."""
        if part == "broker":
            return self._broker.pid if self._broker and self._broker.poll() is None else None
        process = self._processes.get(part)
        return process.pid if process is not None and process.poll() is None else None

    async def learning(self) -> str | None:
        """The trainer that learns, None where none does at the moment."""
        for name in TRAINERS:
            samples = await asyncio.to_thread(scrape, self.config_of(name).data_dir)
            if self.pid(name) is not None and samples.total("trainer", "assigned_partitions"):
                return name
        return None

    def need_two_trainers(self) -> None:
        """Start the one that was shut out again, or one with an empty folder."""
        for name in TRAINERS:
            if name not in self._processes:
                self._processes[name] = self._process(name)
                self._supervisor.add(self._processes[name])
            if self.pid(name) is None:
                self._processes[name].start()
                self._supervisor.started(self._processes[name])

    def guest_comes(self) -> None:
        """One more worker."""
        guest = self._processes[GUEST] = self._process(GUEST)
        guest.start()

    async def guest_serves(self) -> bool:
        """Whether it has partitions, or has died."""
        samples = await asyncio.to_thread(scrape, self.config_of(GUEST).data_dir)
        return self.pid(GUEST) is None or samples.total("worker", "assigned_partitions") > 0

    async def guest_leaves(self, hastily: bool) -> None:
        """In order, or by SIGKILL."""
        if hastily:
            self.signal(GUEST, signal.SIGKILL)
        await asyncio.to_thread(self._processes[GUEST].stop, PATIENCE)

    def config_of(self, part: str) -> Config:
        """As the part sees it: who is one too many has a folder of its own."""
        own = part in (TRAINERS[1], GUEST)
        folder = self.config.data_dir / part if own else self.config.data_dir
        return self.config.model_copy(update={"data_dir": folder})

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
        servers, folder = self.config.kafka.bootstrap_servers, self.config_of(name).data_dir
        folder.mkdir(parents=True, exist_ok=True)
        flags = ["--data-dir", str(folder), "--bootstrap-servers", servers]
        named = [f"{key}={value}" for key, value in self._environment.items()]
        program = self._programs.get(verb, PROGRAM)
        command = ["env", *named, sys.executable, "-u", "-m", *program, verb, *flags]
        return Process(name, command, self.config.data_dir / "logs" / f"{name}.log", PATIENCE)

    async def _watch(self) -> None:
        while True:
            self._supervisor.look()
            self.memory.look({name: self.pid(name) for name in (*self._processes, "broker")})
            await asyncio.sleep(LOOK)
