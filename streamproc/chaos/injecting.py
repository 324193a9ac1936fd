"""How each fault is done to a running system."""

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable, Sequence

from streamproc.chaos.feeding import Feeder
from streamproc.chaos.proxy import Mode
from streamproc.chaos.stream import Pair, disorder, duplicates, flood, skew, strangers
from streamproc.chaos.system import System
from streamproc.clock import Clock

SLACK = 3.0  # seconds beyond a time limit
CUT_SHORT, CUT_LONG = 1.0, 15.0  # seconds
VISITS, LONGEST_VISIT = 5, 4.0  # of a guest, and seconds of one
Until = Callable[[Callable[[], Awaitable[bool]], str], Awaitable[None]]


class Injector:
    """Faults by their names; which part is hit, where there are several, is a function of the seed."""

    def __init__(self, system: System, feeder: Feeder, seed: int, clock: Clock, until: Until) -> None:
        self._system = system
        self._feeder = feeder
        self._chance = random.Random(seed + 1)
        self._clock = clock
        self._until = until
        self._turns = 0

    async def inject(self, fault: str) -> None:
        """Return when the fault itself is over; recovering from it takes longer."""
        name, _, target = fault.partition("-")
        if name == "kill":
            await self._kill(target)
        elif name == "stop":
            await self._stop(target)
        elif fault == "storm":
            await self._storm()
        elif fault in ("duplicates", "disorder", "skew"):
            await self._feeder.burst(self._burst(fault))
        elif fault == "strangers":
            await self._feeder.burst(strangers(self._chance, self._clock.now_ms()))
        elif fault == "flood":
            await self._flood()
        else:
            await self._cut(fault)

    @property
    def _silence(self) -> float:
        """Seconds after which Kafka takes a silent part for dead."""
        return self._system.config.kafka.session_timeout + SLACK

    async def _kill(self, target: str) -> None:
        part = target
        if target == "worker":
            part = self._system.workers[self._turns % len(self._system.workers)]
            self._turns += 1
        if target == "trainer":
            part = await self._system.learning() or "trainer"
        self._system.signal(part, signal.SIGKILL)

    async def _stop(self, target: str) -> None:
        if target == "trainer":
            await self._replace_trainer()
        else:
            workers = self._system.workers
            parts = workers if target == "workers" else (self._chance.choice(workers),)
            await self._stand_still(parts, asyncio.sleep(self._silence))

    async def _stand_still(self, parts: Sequence[str], meanwhile: Awaitable[object]) -> None:
        """Then they go on as if nothing had been."""
        for part in parts:
            self._system.signal(part, signal.SIGSTOP)
        try:
            await meanwhile
        finally:
            for part in parts:
                self._system.signal(part, signal.SIGCONT)

    async def _replace_trainer(self) -> None:
        self._system.need_two_trainers()
        await self._until(self._one_learns, "a trainer learns")
        stopped = await self._system.learning() or "trainer"

        async def another() -> bool:
            return await self._system.learning() not in (None, stopped)

        await self._stand_still([stopped], self._until(another, f"another one learns in place of {stopped}"))

    async def _one_learns(self) -> bool:
        return await self._system.learning() is not None

    async def _storm(self) -> None:
        for _ in range(VISITS):
            self._system.guest_comes()
            await self._until(self._system.guest_serves, "one more worker has partitions")
            await asyncio.sleep(self._chance.uniform(0.0, LONGEST_VISIT))
            await self._system.guest_leaves(hastily=self._chance.random() < 0.5)

    def _burst(self, fault: str) -> list[Pair]:
        now, config = self._clock.now_ms(), self._system.config
        if fault == "duplicates":
            return duplicates(self._chance, self._feeder.recent)
        if fault == "disorder":
            return disorder(self._chance, now, config.window.late_allowance)
        return skew(self._chance, now, config.events.max_future_skew)

    async def _flood(self) -> None:
        events = flood(self._chance, self._clock.now_ms())
        await self._stand_still(self._system.workers, self._feeder.burst(events))

    async def _cut(self, fault: str) -> None:
        modes: dict[str, Mode] = {"half-open": "half_open", "trickle": "trickle"}
        seconds = self._silence
        if fault == "cut-short":
            seconds = CUT_SHORT
        if fault == "cut-long":
            seconds = max(CUT_LONG, self._silence)
        self._system.network(modes.get(fault, "cut"))
        try:
            await asyncio.sleep(seconds)
        finally:
            self._system.network("open")
