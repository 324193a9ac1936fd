"""One run: feed, hurt, wait, verify."""

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from aiokafka.errors import KafkaError

from streamproc.chaos.feeding import Feeder
from streamproc.chaos.injecting import Injector
from streamproc.chaos.reckoning import Place, Rules, reckon
from streamproc.chaos.repeating import digest_of, kept
from streamproc.chaos.report import Injected, Report
from streamproc.chaos.schedule import NETWORK, Planned, plan
from streamproc.chaos.stream import stream
from streamproc.chaos.system import TRAINERS, Programs, System
from streamproc.chaos.verifying import verify
from streamproc.chaos.watching import Watcher
from streamproc.clock import SystemClock
from streamproc.config import Config, merge
from streamproc.errors import StreamprocError

LOOK = 0.2  # seconds
START = 300.0  # seconds until every part is ready: kernels may have to be compiled
FURTHER = 500  # events after a fault that have to be journalled before it counts as recovered from
WHERE: Any = {
    "data_dir": True, "broker": True, "server": True, "metrics": True,
    "kafka": {"bootstrap_servers", "security"},
}  # fmt: skip
Told = Callable[[int, str], None]  # events sent so far, and what is going on


class Settings(NamedTuple):
    """What a run is made of."""

    seed: int
    faults: tuple[str, ...]
    times: int  # faults in all
    events: int = 20_000
    rate: float = 1500.0  # events a second
    workers: int = 2
    repeat: bool = False  # learn the journal once more, and compare the digests
    patience: float = 300.0  # seconds that any recovery may take


class NotRecovered(StreamprocError):
    """The pipeline did not come back in time."""


QUICK: dict[str, dict[str, Any]] = {  # over the settings that are given: faults show sooner
    "sync": {"interval": 0.5, "users_interval": 1.0},
    "snapshots": {"interval": 5.0},
    "refresh": {"events": 4000, "shadow_events": 1000},
}


async def run(
    config: Config, settings: Settings, tell: Told = lambda _, __: None, programs: Programs | None = None
) -> Report:
    """Everything is in a folder of its own, which is gone afterwards. Raises NotRecovered where it does
    not even start."""
    config.data_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="streamproc-chaos-", dir=config.data_dir) as folder:
        own = Config.model_validate(merge(merge(QUICK, _set(config)), {"data_dir": Path(folder)}))
        return await _Run(own, settings, tell, programs or {}).run()


def _set(config: Config) -> dict[str, Any]:
    """What differs from the defaults, without where and how things are reached: all is on this machine."""
    found: dict[str, Any] = config.model_dump(mode="json", exclude_unset=True, exclude=WHERE)
    return found


class _Run:
    def __init__(self, config: Config, settings: Settings, tell: Told, programs: Programs) -> None:
        self._settings = settings
        self._tell = tell
        with_proxy = bool(NETWORK & set(settings.faults))
        self._system = System(config, _environment(config), settings.workers, with_proxy, programs)
        self._began = time.monotonic()
        self._feeding: asyncio.Future[None] | None = None
        self._patience = START

    async def run(self) -> Report:
        report = Report(self._settings.seed, self._settings.events)
        try:
            await self._start()
            self._patience = self._settings.patience
            try:
                await self._feed(report)
            except NotRecovered as error:
                report.not_recovered = error.message
            await self._judge(report)
            if self._settings.repeat and not report.not_recovered:
                await self._repeat(report)
        finally:
            await self._system.stop()
        report.seconds = time.monotonic() - self._began
        report.memory = self._system.memory.found
        report.endings = [each for each in self._system.said if "was killed by signal 9" not in each]
        return report

    async def _start(self) -> None:
        self._tell(0, "the parts are starting")
        await self._system.start()
        await self._until(self._system.ready, "every part is ready")
        self._system.memory.found.clear()
        config, settings = self._system.config, self._settings
        self._watcher = Watcher(config)
        pairs = stream(settings.seed, settings.events, config.window.late_allowance)
        self._feeder = Feeder(config, pairs, settings.rate)
        self._injector = Injector(self._system, self._feeder, settings.seed, SystemClock(), self._until)

    async def _feed(self, report: Report) -> None:
        self._feeding = asyncio.ensure_future(self._feeder.run())
        try:
            await self._hurt(report)
            await self._feeding
            self._tell(self._feeder.sent, "the rest is learned")
            await self._settle()
        finally:
            self._feeding.cancel()
            await self._feeder.close()

    async def _hurt(self, report: Report) -> None:
        settings = self._settings
        planned = plan(settings.seed, settings.faults, settings.times, settings.events)
        for each, following in zip_longest(planned, planned[1:]):
            self._feeder.thin_from = following.after if following else None
            await self._until(partial(self._sent, each.after), "the stream goes on")
            after, started = self._feeder.sent, time.monotonic()
            self._tell(after, each.fault)
            await self._injector.inject(each.fault)
            await self._recovered(each)
            took, at = time.monotonic() - started, started - self._began
            report.injected.append(Injected(each.fault, after, round(at, 1), round(took, 2)))
            self._tell(self._feeder.sent, "undisturbed")

    async def _sent(self, events: int) -> bool:
        return self._feeder.sent >= events or self._feeder.done

    async def _recovered(self, planned: Planned) -> None:
        """What is sent after the fault is journalled; after one of the trainer it is published, too."""
        enough = self._feeder.sent + FURTHER
        await self._until(partial(self._sent, enough), "the stream goes on")
        ends = await self._until_answered(self._watcher.ends)
        await self._until(partial(self._watcher.covers, ends), f"the journal goes on after {planned.fault}")
        if "trainer" in planned.fault:
            end = await self._until_answered(self._watcher.journal_end)
            await self._until(partial(self._watcher.published, end), "the trainer publishes again")

    async def _settle(self) -> None:
        ends = await self._until_answered(self._watcher.ends)
        await self._until(partial(self._watcher.covers, ends), "the journal covers every event")
        end = await self._until_answered(self._watcher.journal_end)
        await self._until(partial(self._watcher.published, end), "everything is learned and published")

    async def _judge(self, report: Report) -> None:
        self._tell(self._feeder.sent, "verifying")
        events = await self._watcher.events()
        reckoned = reckon(events, rules(self._system.config))
        values = {Place(sent.partition, sent.offset): sent.value for sent in events}
        report.verdict = verify(reckoned, values, await self._watcher.evidence())
        report.acknowledged_missing = self._feeder.missing(value or b"" for value in values.values())

    async def _repeat(self, report: Report) -> None:
        configs = [self._system.config_of(name) for name in TRAINERS]
        end = await self._until_answered(self._watcher.journal_end)

        async def are_kept() -> bool:
            return any(kept(config, end) for config in configs)

        await self._until(are_kept, "a trainer has a snapshot of the whole journal")
        self._tell(self._feeder.sent, "learning the journal once more")
        again = await asyncio.to_thread(digest_of, configs[0], self._watcher.records)
        report.digests_equal = {again} == {kept(config, end) for config in configs} - {None}

    async def _until(self, true: Callable[[], Awaitable[bool]], what: str) -> None:
        end = time.monotonic() + self._patience
        while not await self._true(true):
            if self._feeding is not None and self._feeding.done():
                self._feeding.result()
            if time.monotonic() > end:
                raise NotRecovered(
                    f"not within {self._patience:g} s: {what}", "\n".join(self._system.said[-10:])
                )
            await asyncio.sleep(LOOK)

    async def _true(self, true: Callable[[], Awaitable[bool]]) -> bool:
        """While Kafka is away nothing is known, and so nothing is true."""
        try:
            return await true()
        except (KafkaError, StreamprocError, OSError, TimeoutError):
            return False

    async def _until_answered(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        found: list[Any] = []

        async def answered() -> bool:
            found.append(await ask())
            return True

        await self._until(answered, "Kafka answers")
        return found[-1]


def rules(config: Config) -> Rules:
    """The settings that decide over events."""
    events, window = config.events, config.window
    return Rules(
        types={name: kind.model_dump() for name, kind in events.types.items()},
        unknown_type=events.unknown_type,
        unknown_strength=events.unknown_strength,
        max_bytes=events.max_bytes,
        max_future_skew=events.max_future_skew,
        late_allowance=window.late_allowance,
        session_gap=window.session_gap,
        max_age=window.max_age,
        length=window.length,
        event_ids=window.event_ids,
        users=-(-config.users.max // config.kafka.partitions),
    )


def _environment(config: Config) -> dict[str, str]:
    """What the parts have to know beside their flags, as they read no file."""
    told = {"PYTHONPATH": os.pathsep.join(sys.path)}
    for section, given in _set(config).items():
        named = (
            {f"__{name}": value for name, value in given.items()} if isinstance(given, dict) else {"": given}
        )
        for name, value in named.items():
            text = value if isinstance(value, str) else json.dumps(value)
            told[f"STREAMPROC_{section}{name}".upper()] = text
    return told
