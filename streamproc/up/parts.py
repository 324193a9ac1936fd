"""The things a supervisor watches: child processes that write a log, and the embedded broker."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from streamproc.broker import child
from streamproc.broker.kafka import Broker
from streamproc.config import Config
from streamproc.log_lines import plain

FENCED = 4  # exit code of a trainer that another one has replaced
TAIL_BYTES = 65_536  # of a log, in which its last line is looked for
WORDS = 200  # characters of a log's last line that are shown


class Part(Protocol):
    """Something that is started, looked at and stopped."""

    name: str
    patience: float  # seconds it gets for an orderly stop

    def start(self) -> None:
        """Start it, or start it again. Call from the main thread."""

    def poll(self) -> int | None:
        """Its exit code, None while it runs."""

    def stop(self, patience: float) -> None:
        """Stop it, the hard way after `patience` seconds; nothing where it does not run."""

    def last_words(self) -> str:
        """The end of its log."""


class Process:
    """A child that dies with its parent, whose output is added to a log file."""

    def __init__(self, name: str, command: Sequence[str], log: Path, patience: float) -> None:
        self.name = name
        self.patience = patience
        self._command = list(command)
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as output:
            self._process = child.spawn(self._command, output, Path.cwd())

    def poll(self) -> int | None:
        return self._process.poll() if self._process else None

    def stop(self, patience: float) -> None:
        """Stop it, and what it may have started: it leads a process group of its own."""
        if self._process:
            child.stop(self._process, patience)
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def last_words(self) -> str:
        return last_line(self._log)


class EmbeddedBroker:
    """The broker as a part. It keeps its address when it is started again, because the others have it."""

    name = "broker"
    patience = 4.5

    def __init__(self, config: Config, make: Callable[[Config], Broker] = Broker) -> None:
        self._make = make
        self._config = config
        self._log = config.data_dir / "logs" / "broker.log"
        self._broker = make(config)

    @property
    def bootstrap_servers(self) -> str:
        return self._broker.bootstrap_servers

    @property
    def port(self) -> int:
        return self._broker.port

    @property
    def pid(self) -> int | None:
        return self._broker.pid

    def start_and_wait(self) -> None:
        """Return when clients are served. Raises BrokerFailed."""
        self._broker.start()
        settings = self._config.broker.model_copy(update={"port": self._broker.port})
        self._config = self._config.model_copy(update={"broker": settings})

    def start(self) -> None:
        self._broker = self._make(self._config)
        self._broker.prepare()
        self._broker.launch()

    def poll(self) -> int | None:
        return self._broker.poll()

    def stop(self, patience: float) -> None:
        self._broker.stop(patience)

    def last_words(self) -> str:
        return last_line(self._log)


def verb(name: str, flags: Sequence[str], config: Config, patience: float) -> Process:
    """`streamproc NAME` with the same flags, logging to data_dir/logs/NAME.log."""
    command = [sys.executable, "-u", "-m", "streamproc.cli", name, *flags]
    return Process(name, command, config.data_dir / "logs" / f"{name}.log", patience)


def last_line(log: Path) -> str:
    """What a process said last, shortened."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - TAIL_BYTES))
            lines = file.read().decode("utf-8", "replace").split("\n")
    except OSError:
        return ""
    return next((plain(line.strip())[:WORDS] for line in reversed(lines) if line.strip()), "")
