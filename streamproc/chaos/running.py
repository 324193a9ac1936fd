"""One run: feed, hurt, wait, verify."""

import asyncio
import random
import signal
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from streamproc.chaos.feeding import Feeder, stream
from streamproc.chaos.reckoning import Place, Rules, reckon
from streamproc.chaos.repeating import digest_of, kept
from streamproc.chaos.schedule import NETWORK, Planned, plan
from streamproc.chaos.system import WORKERS, System
from streamproc.chaos.verifying import Verdict, verify
from streamproc.chaos.watching import Watcher
from streamproc.config import Config, merge
from streamproc.errors import StreamprocError

LOOK = 0.2  # seconds
FURTHER = 500  # events after a fault that have to be journalled before it counts as recovered from
SLACK = 3.0  # seconds beyond a time limit
CUT_SHORT = 1.0  # seconds
Told = Callable[[str], None]


class Settings(NamedTuple):
    """What a run is made of."""

    seed: int
    faults: tuple[str, ...]
    times: int  # faults in all
    events: int = 20_000
    rate: float = 1500.0  # events a second
    repeat: bool = False  # learn the journal once more, and compare the digests
    patience: float = 300.0  # seconds that any recovery may take


class Injected(NamedTuple):
    """What was done, and how long it took until all that had been sent by then was journalled again."""

    fault: str
    after: int  # events sent
    seconds: float  # since the start
    recovery_seconds: float


@dataclass
class Report:
    """Of one run."""

    seed: int
    events: int
    injected: list[Injected] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)
    acknowledged_missing: int = 0
    digests_equal: bool | None = None  # of trainer and undisturbed repetition; None: not compared
    seconds: float = 0.0

    @property
    def right(self) -> bool:
        """Nothing lost, nothing twice, nobody differs, no acknowledged event is gone."""
        return self.verdict.right and not self.acknowledged_missing and self.digests_equal is not False

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "seed": self.seed,
            "events": self.events,
            "right": self.right,
            "seconds": round(self.seconds, 1),
            "faults": [each._asdict() for each in self.injected],
            "acknowledged_missing": self.acknowledged_missing,
            "digests_equal": self.digests_equal,
            "verdict": self.verdict.as_dict(),
        }


class NotRecovered(StreamprocError):
    """The pipeline did not come back in time."""


QUICK: dict[str, dict[str, Any]] = {  # over the settings that are given: faults show sooner
    "sync": {"interval": 0.5, "users_interval": 1.0},
    "snapshots": {"interval": 5.0},
    "refresh": {"events": 4000, "shadow_events": 1000},
}


async def run(config: Config, settings: Settings, say: Told = lambda _: None) -> Report:
    """Raises NotRecovered. Everything is in a folder of its own, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="streamproc-chaos-", dir=_home(config)) as folder:
        own = Config.model_validate(merge(config.model_dump(), QUICK | {"data_dir": Path(folder)}))
        return await _Run(own, settings, say).run()


def _home(config: Config) -> Path:
    config.data_dir.mkdir(parents=True, exist_ok=True)
    return config.data_dir


class _Run:
    def __init__(self, config: Config, settings: Settings, say: Told) -> None:
        self._settings = settings
        self._say = say
        self._chance = random.Random(settings.seed + 1)
        environment = _environment(config)
        self._system = System(config, environment, bool(NETWORK & set(settings.faults)))
        self._began = time.monotonic()

    async def run(self) -> Report:
        report = Report(self._settings.seed, self._settings.events)
        try:
            await self._system.start()
            config = self._system.config
            self._say("the parts are starting")
            await self._until(self._system.ready, "every part is ready")
            self._watcher = Watcher(config)
            pairs = stream(self._settings.seed, self._settings.events, config.window.late_allowance)
            self._feeder = Feeder(config, pairs, self._settings.rate)
            feeding = asyncio.ensure_future(self._feeder.run())
            try:
                await self._hurt(report)
                await feeding
                await self._settle()
            finally:
                feeding.cancel()
            await self._judge(report)
            if self._settings.repeat:
                await self._repeat(report)
        finally:
            await self._system.stop()
        report.seconds = time.monotonic() - self._began
        return report

    async def _hurt(self, report: Report) -> None:
        planned = plan(
            self._settings.seed, self._settings.faults, self._settings.times, self._settings.events
        )
        for each in planned:
            await self._until(partial(self._sent, each.after), "the stream goes on")
            started = time.monotonic()
            self._say(f"{each.fault} after {self._feeder.sent:,} events")
            await self._inject(each)
            await self._recovered(each)
            took = time.monotonic() - started
            report.injected.append(
                Injected(each.fault, self._feeder.sent, round(started - self._began, 1), round(took, 2))
            )

    async def _sent(self, events: int) -> bool:
        return self._feeder.sent >= events or self._feeder.done

    async def _inject(self, planned: Planned) -> None:
        name, _, target = planned.fault.partition("-")
        config = self._system.config
        stopped = config.kafka.session_timeout + SLACK
        if name == "kill":
            part = self._chance.choice(WORKERS) if target == "worker" else target
            self._system.signal(part, signal.SIGKILL)
        elif name == "stop":
            parts = {"worker": (self._chance.choice(WORKERS),), "workers": WORKERS}.get(target, (target,))
            await self._stop(parts, stopped)
        else:
            mode = "cut" if name == "cut" else "half_open" if name == "half" else "trickle"
            self._system.network(mode)  # type: ignore[arg-type]
            await asyncio.sleep(CUT_SHORT if target == "short" else stopped)
            self._system.network("open")

    async def _stop(self, parts: tuple[str, ...], seconds: float) -> None:
        """Until Kafka takes them for dead; then they go on as if nothing had been."""
        for part in parts:
            self._system.signal(part, signal.SIGSTOP)
        await asyncio.sleep(seconds)
        for part in parts:
            self._system.signal(part, signal.SIGCONT)

    async def _recovered(self, planned: Planned) -> None:
        """What is sent after the fault is journalled; after one of the trainer it is published, too."""
        enough = self._feeder.sent + FURTHER
        await self._until(lambda: self._sent(enough), "the stream goes on")
        ends = await self._until_answered(self._watcher.ends)
        await self._until(lambda: self._watcher.covers(ends), f"the journal goes on after {planned.fault}")
        if "trainer" in planned.fault:
            end = await self._until_answered(self._watcher.journal_end)
            await self._until(lambda: self._watcher.published(end), "the trainer publishes again")

    async def _settle(self) -> None:
        ends = await self._until_answered(self._watcher.ends)
        await self._until(lambda: self._watcher.covers(ends), "the journal covers every event")
        end = await self._until_answered(self._watcher.journal_end)
        await self._until(lambda: self._watcher.published(end), "everything is learned and published")

    async def _judge(self, report: Report) -> None:
        events = await self._watcher.events()
        reckoned = reckon(events, rules(self._system.config))
        values = {Place(sent.partition, sent.offset): sent.value for sent in events}
        report.verdict = verify(reckoned, values, await self._watcher.evidence())
        there = b"\n".join(value for value in values.values() if value)
        report.acknowledged_missing = sum(
            f'"event_id":"{name}"'.encode() not in there for name in sorted(self._feeder.acknowledged)[::50]
        )

    async def _repeat(self, report: Report) -> None:
        config = self._system.config
        end = await self._until_answered(self._watcher.journal_end)

        async def is_kept() -> bool:
            return kept(config, end) is not None

        await self._until(is_kept, "the trainer has a snapshot of the whole journal")
        self._say("learning the journal once more")
        again = await asyncio.to_thread(digest_of, config, self._watcher.records)
        report.digests_equal = kept(config, end) == again

    async def _until(self, true: Callable[[], Awaitable[bool]], what: str) -> None:
        end = time.monotonic() + self._settings.patience
        while not await self._true(true):
            if time.monotonic() > end:
                raise NotRecovered(
                    f"not within {self._settings.patience:g} s: {what}", "\n".join(self._system.said[-10:])
                )
            await asyncio.sleep(LOOK)

    async def _true(self, true: Callable[[], Awaitable[bool]]) -> bool:
        """While Kafka is away nothing is known, and so nothing is true."""
        try:
            return await true()
        except Exception:
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
    )


def _environment(config: Config) -> dict[str, str]:
    """What the parts have to know beside their flags."""
    import os
    import sys

    told = {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "STREAMPROC_KAFKA__SESSION_TIMEOUT": str(config.kafka.session_timeout),
    }
    for section, values in QUICK.items():
        for name, value in values.items():
            told[f"STREAMPROC_{section}__{name}".upper()] = str(value)
    return told
