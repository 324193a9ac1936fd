"""The embedded broker: a real Apache Kafka, one node in KRaft mode, as a child process on loopback."""

import base64
import json
import subprocess
import time
import uuid
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console

from streamproc.broker import child, jars, java, probe, properties
from streamproc.config import Config
from streamproc.errors import BrokerFailed

START_TIMEOUT = 90.0  # seconds; 2 to 3 on an idle machine, more after a kill, when logs are recovered
STOP_TIMEOUT = 10.0  # seconds for an orderly stop
PATIENCE = 0.05  # seconds between two looks at a starting broker
TAIL_LINES = 15  # of the log, shown when a start fails


class Broker:
    """One Kafka on one data folder; starting again on the same folder goes on with what is in it.

    `start()` is `prepare()`, `launch()`, `wait_ready()` in a row. `launch()` belongs in the main thread
    (see child.spawn), the other two may run anywhere.
    """

    def __init__(
        self,
        config: Config,
        console: Console | None = None,
        more: Sequence[properties.Listener] = (),
        users: Mapping[str, str] | None = None,
    ) -> None:
        """`more` listeners beside the plain one; `users` with their passwords, for SCRAM on these."""
        self._settings = config.broker
        self._more = more
        self._users = users or {}
        self._console = console
        self._folder = config.data_dir.resolve() / "broker"
        self._log = config.data_dir.resolve() / "logs" / "broker.log"
        self._run_file = config.data_dir.resolve() / "run" / "broker.json"
        self._process: subprocess.Popen[bytes] | None = None
        self._java, self._classpath = Path(), ""
        self.port = self._settings.port  # 0 until prepare() has chosen one

    @property
    def bootstrap_servers(self) -> str:
        """Where clients find it."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """Process id while it has one."""
        return self._process.pid if self._process else None

    def start(self, timeout: float = START_TIMEOUT) -> None:
        """Return once clients are served. Raises BrokerFailed, with the end of its log, where it fails."""
        self.prepare()
        self.launch()
        self.wait_ready(timeout)

    def prepare(self) -> None:
        """Find Java, fetch the jars, choose ports, format the folder where it is new."""
        self._java = java.find()
        self._classpath = ":".join(map(str, jars.fetch(self._settings.cache_dir, self._console)))
        for folder in (self._folder, self._log.parent, self._run_file.parent):
            folder.mkdir(parents=True, exist_ok=True)
        self._choose_ports()
        if not (self._data / "meta.properties").exists():
            self._format()

    def launch(self) -> None:
        """Start the process; it is not ready yet."""
        with self._log.open("ab") as output:
            command = self._command("kafka.Kafka", str(self._properties))
            self._process = child.spawn(command, output, self._folder, gives_way=True)
        state = {"pid": self._process.pid, "port": self.port, "bootstrap_servers": self.bootstrap_servers}
        self._run_file.write_text(json.dumps(state), "utf-8")

    def wait_ready(self, timeout: float = START_TIMEOUT) -> None:
        """Ask until it answers. Raises BrokerFailed when it ends first or `timeout` seconds are over."""
        until = time.monotonic() + timeout
        while not probe.ready(self.port):
            if (code := self.poll()) is not None:
                raise BrokerFailed(
                    f"the embedded broker ended with code {code} while starting", self.last_words()
                )
            if time.monotonic() > until:
                self.stop()
                raise BrokerFailed(
                    f"the embedded broker did not answer within {timeout:g} s", self.last_words()
                )
            time.sleep(PATIENCE)

    def poll(self) -> int | None:
        """Exit code of a process that has ended, None while it runs."""
        return self._process.poll() if self._process else None

    def stop(self, timeout: float = STOP_TIMEOUT) -> None:
        """Stop this very process; after `timeout` seconds the hard way, which Kafka recovers from."""
        if self._process:
            child.stop(self._process, timeout)
        self._process = None
        self._run_file.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _properties(self) -> Path:
        return self._folder / "server.properties"

    def _choose_ports(self) -> None:
        if self._settings.port and probe.taken(self._settings.port):
            raise BrokerFailed(
                f"port {self._settings.port} on 127.0.0.1 is taken",
                "Stop what listens there, or set broker.port to another port, or to 0 for any free one",
            )
        self.port = self._settings.port or probe.free_port()
        advertised = self._settings.advertised_port
        controller = probe.free_port(but=self.port)
        text = properties.render(self.port, controller, self._data, advertised, self._more)
        self._properties.write_text(text, "utf-8")

    def _format(self) -> None:
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        arguments = [
            "format",
            "-g",
            f"--cluster-id={cluster}",
            "-c",
            str(self._properties),
        ]  # it may begin with -
        for name, password in self._users.items():
            arguments += ["--add-scram", f"SCRAM-SHA-512=[name={name},password={password}]"]
        command = self._command("kafka.tools.StorageTool", *arguments)
        done = subprocess.run(command, capture_output=True, text=True, cwd=self._folder)
        if done.returncode:
            raise BrokerFailed(f"the embedded broker cannot format {self._data}", done.stdout + done.stderr)

    def _command(self, main: str, *arguments: str) -> list[str]:
        heap = f"{self._settings.heap_mb}m"
        logging = files("streamproc.broker").joinpath("log4j2.xml")
        return [
            str(self._java),
            f"-Xms{heap}",
            f"-Xmx{heap}",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:Tier3InvocationThreshold=20",
            "-XX:Tier3MinInvocationThreshold=10",
            "-XX:Tier3CompileThreshold=200",
            "-XX:Tier3BackEdgeThreshold=6000",
            "-Xshare:auto",
            "-Djava.awt.headless=true",
            f"-Dlog4j2.configurationFile={logging}",
            f"-Dstreamproc.log={self._log}",
            "-cp",
            self._classpath,
            main,
            *arguments,
        ]

    def last_words(self) -> str:
        """The end of its log, for a message about a failure."""
        lines = self._log.read_text("utf-8", "replace").splitlines()[-TAIL_LINES:]
        return f"The end of {self._log}:\n" + "\n".join(lines)
