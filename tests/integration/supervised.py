"""`streamproc up` as a user runs it: a process, a Kafka and a folder of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from streamproc.broker import child
from streamproc.scrape import scrape
from tests.integration.pipeline import PATIENCE, Settings, compile_kernels, environment

PARTS = ("worker", "trainer", "refresh", "server")


class Supervised:
    """Commands on one data folder; what still runs in the end is killed."""

    def __init__(self, folder: Path, settings: Settings | None = None) -> None:
        self.folder = folder
        self.data_dir = folder / "data"
        self._environment = environment({"broker": {"port": 0}, "server": {"port": 0}} | (settings or {}))
        self._started: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        compile_kernels()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill_everything()

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """A command in the background. Call from the main thread: it dies with it."""
        flags = ["--data-dir", str(self.data_dir), *arguments]
        command = ["env", *self._environment, sys.executable, "-u", "-m", "streamproc.cli", *flags]
        with self._log(len(self._started)).open("wb") as output:
            process = child.spawn(command, output, self.folder)
        self._started.append(process)
        return process

    def said(self, process: "subprocess.Popen[bytes]") -> str:
        """All that a command has said so far."""
        return self._log(self._started.index(process)).read_text()

    def wait_ready(self, process: "subprocess.Popen[bytes]") -> None:
        """Until every part says so itself."""

        def ready() -> bool:
            assert process.poll() is None, self.said(process)
            samples = scrape(self.data_dir)
            return all(samples.highest(part, "ready") for part in PARTS)

        wait_until(ready, "all parts are ready")

    def pid_of(self, part: str) -> int | None:
        """Of the part that runs now."""
        return self._run_file(part).get("pid")

    @property
    def bootstrap_servers(self) -> str:
        """Where the embedded Kafka answers now."""
        return str(self._run_file("broker")["bootstrap_servers"])

    def processes(self) -> dict[int, str]:
        """Command lines of all processes that were given this folder, by process id."""
        lines = {}
        for file in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                lines[int(file.parent.name)] = file.read_text().replace("\0", " ")
        return {pid: line for pid, line in lines.items() if str(self.data_dir) in line}

    def kill_everything(self) -> None:
        """SIGKILL for the supervisor, the broker and every other process of this folder, at once."""
        for process in self._started:
            process.kill()
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for process in self._started:
            process.wait()
        wait_until(lambda: not self.processes(), "everything has ended")

    def _run_file(self, part: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads((self.data_dir / "run" / f"{part}.json").read_text())
        except FileNotFoundError:
            return {}
        return found

    def _log(self, number: int) -> Path:
        return self.folder / f"command-{number}.log"


def wait_until(true: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Wait for a condition."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, f"not within {seconds:g} s: {what}"
        time.sleep(0.1)
