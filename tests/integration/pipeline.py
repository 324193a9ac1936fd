"""Worker, trainer and refresh as processes of their own, and waiting for what they come to."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Self

import pytest

from streamproc.broker import child
from streamproc.clock import SystemClock
from streamproc.config import Config, merge
from streamproc.contracts.events import Event, encode
from streamproc.contracts.model import Header
from streamproc.contracts.slates import Slate
from streamproc.kafka.admin import ensure_topics
from streamproc.scrape import Samples, scrape
from tests.integration.recorded import Recorded

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
PATIENCE = 600.0  # seconds; two cores may be busy with other things, and kernels may have to be compiled
LOOK = 0.25  # seconds between two looks

Settings = dict[str, dict[str, Any]]


class DataSet(NamedTuple):
    """Real events in a file, and the flags that say how to read it."""

    path: Path
    flags: tuple[str, ...]

    def need(self) -> None:
        """Skip the test where the file is not on this machine."""
        if not self.path.exists():
            pytest.skip(f"no real events at {self.path}; they are not part of the repository")


def in_parts(folder: Path, events: Iterator[Event], counts: Sequence[int]) -> list[DataSet]:
    """Files of so many of the events each, one after the other."""
    parts = [DataSet(folder / f"part-{number}.jsonl", ()) for number in range(len(counts))]
    for part, count in zip(parts, counts, strict=True):
        part.path.write_bytes(b"".join(encode(event) + b"\n" for event in islice(events, count)))
    return parts


def _data_set(name: str, columns: str, *where: str) -> DataSet:
    conditions = [flag for condition in where for flag in ("--where", condition)]
    return DataSet(DATA / name / "events.csv.xz", ("--columns", columns, *conditions))


CLICKS = _data_set("rsc15-100k", "user=session,item=item,ts=ts,type=:click")
ARTICLES = _data_set("deskdrop", "user=user,item=item,ts=ts,type=event,session=session")
RETAIL = _data_set(
    "online-retail",
    "user=CustomerID,item=StockCode,ts=InvoiceDate,type=:purchase,value=Quantity",
    "Quantity>0",
    "CustomerID!=",
)


class Pipeline:
    """The parts of one prefix; whatever still runs at the end is killed."""

    def __init__(self, config: Config, settings: Settings | None = None) -> None:
        self.config = Config.model_validate(merge(config.model_dump(), settings or {}))
        self.recorded = Recorded(self.config)
        self.journal = self.recorded.journal
        self._settings = settings or {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    async def __aenter__(self) -> Self:
        compile_kernels()
        self.config.data_dir.mkdir(parents=True)
        await ensure_topics(self.config)
        return self

    async def __aexit__(self, *_: object) -> None:
        for part in list(self._running):
            self.kill(part)

    def start(self, *parts: str) -> None:
        """Call from the main thread: a part dies with it."""
        for part in parts:
            with self._log(part).open("ab") as output:
                self._running[part] = child.spawn(self._command(part), output, self.config.data_dir)

    def kill(self, part: str) -> None:
        """With SIGKILL."""
        process = self._running.pop(part)
        process.kill()
        process.wait()

    async def stop(self, *parts: str) -> None:
        """In order, one after the other."""
        for part in parts:
            process = self._running.pop(part)
            process.send_signal(signal.SIGTERM)
            try:
                code = await asyncio.to_thread(process.wait, PATIENCE)
            finally:
                process.kill()
            assert code == 0, self.last_words(part)

    async def run(self, *arguments: str) -> str:
        """What a command says that ends by itself."""
        with self._log(arguments[0]).open("ab") as output:
            process = subprocess.Popen(
                self._command(*arguments), stdout=subprocess.PIPE, stderr=output, cwd=self.config.data_dir
            )
        try:
            told, _ = await asyncio.to_thread(process.communicate, timeout=PATIENCE)
        finally:
            process.kill()
        assert process.returncode == 0, self.last_words(arguments[0])
        return told.decode()

    async def replay(self, data: DataSet, *flags: str) -> int:
        """Feed a file; how many events were sent."""
        told = await self.run("replay", str(data.path), *data.flags, *flags)
        found = re.search(r"sent ([\d,]+) events", told)
        assert found, told
        return int(found[1].replace(",", ""))

    async def evaluate(self, data: DataSet | None = None) -> dict[str, Any]:
        """The report on a file, or on the journal as it is."""
        what = [str(data.path), *data.flags] if data else ["--journal"]
        report: dict[str, Any] = json.loads(await self.run("evaluate", *what, "--json"))
        return report

    async def until(self, true: Callable[[], Awaitable[bool]], what: str) -> None:
        """Wait for a condition; every started part has to live meanwhile."""

        def check() -> None:
            for part, process in self._running.items():
                assert process.poll() is None, f"{part} has ended: {self.last_words(part)}"

        await until(true, what, check, self.last_words)

    async def until_learned(self) -> Header:
        """Every event is in the journal's ranges, and model and users speak for the whole journal."""
        await self.until(self.recorded.journalled, "the journal covers every event")
        await self.until(self.recorded.published, "model and users speak for the whole journal")
        header = await self.recorded.header()
        assert header is not None
        return header

    async def until_answered(self, users: int) -> dict[str, Slate]:
        """A slate is there for so many users; the newest of each."""
        newest: dict[str, Slate] = {}

        async def answered() -> bool:
            newest.update((slate.user_id, slate) for slate in await self.recorded.new_slates())
            return len(newest) >= users

        await self.until(answered, f"slates of {users} users")
        return newest

    def logged(self, part: str) -> list[dict[str, Any]]:
        """What a part has logged; every line is one object."""
        return [json.loads(line) for line in self._log(part).read_text("utf-8").splitlines()]

    def metrics(self) -> Samples:
        """What the living parts answer now."""
        return scrape(self.config.data_dir)

    def last_words(self, *parts: str) -> str:
        """The ends of the logs, for a message about a failure."""
        logs = [self._log(part) for part in parts] or sorted(self.config.data_dir.glob("*.log"))
        return "\n".join(f"{log.name}:\n{log.read_text()[-2000:]}" for log in logs)

    def _command(self, *arguments: str) -> list[str]:
        kafka, folder = self.config.kafka, self.config.data_dir
        flags = ["--bootstrap-servers", kafka.bootstrap_servers, "--data-dir", str(folder)]
        settings = merge({"kafka": {"prefix": kafka.prefix}}, self._settings)
        return ["env", *environment(settings), sys.executable, "-m", "streamproc.cli", *flags, *arguments]

    def _log(self, part: str) -> Path:
        return self.config.data_dir / f"{part}.log"


async def until(
    true: Callable[[], Awaitable[bool]],
    what: str,
    check: Callable[[], None] = lambda: None,
    last_words: Callable[[], str] = str,
) -> None:
    """Look until it is so; `check` may end the waiting."""
    end = time.monotonic() + PATIENCE
    while not await true():
        check()
        assert time.monotonic() < end, f"not within {PATIENCE:g} s: {what}\n{last_words()}"
        await asyncio.sleep(LOOK)


def environment(settings: Settings) -> list[str]:
    """NAME=VALUE for each setting, and for where the code is."""
    named = {
        f"STREAMPROC_{section}__{name}".upper(): value
        for section, values in settings.items()
        for name, value in values.items()
    }
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in named.items()}
    return [f"PYTHONPATH={os.pathsep.join(sys.path)}", *(f"{name}={text}" for name, text in texts.items())]


@cache
def compile_kernels() -> None:
    """Once and here, if need be, and not in every part at the same time."""
    from streamproc.trainer.warming import warm
    from streamproc.worker.warmup import warm_up

    warm(Config())
    warm_up(Config(), SystemClock())
