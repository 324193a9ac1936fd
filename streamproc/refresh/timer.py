"""Refreshes by time and by events, for as long as it is left running."""

import asyncio
from typing import Any

from streamproc.clock import Clock
from streamproc.config import Config, RefreshConfig
from streamproc.contracts.control import Promote, Reject
from streamproc.errors import StreamprocError
from streamproc.kafka.reach import watch
from streamproc.logs import get_logger
from streamproc.metrics import RefreshMetrics
from streamproc.refresh.history import JournalHistory
from streamproc.refresh.run import enough, refresh
from streamproc.refresh.tail import JournalTail

logger = get_logger(__name__)

LOOK_MS = 500  # between two looks at the clock, while nothing arrives
RETRY_MS = 60_000  # after a refresh that failed


def due(history: JournalHistory, settings: RefreshConfig, now_ms: int) -> bool:
    """Whether it is time for a refresh.

    The first one as soon as there is enough to fit. Then `interval` seconds after the last, or once
    `events` new events are there or a drift wants it, though not while the last generation is still in
    shadow. Never where nothing has happened since.
    """
    if not enough(history) or history.new_events == 0:
        return False
    if history.last is None:
        return True
    decided = history.decision is not None
    enough_new = settings.events and history.new_events >= settings.events
    if decided and (enough_new or history.drifted):
        return True
    return now_ms - history.last.created_at >= settings.interval * 1000


class RefreshTimer:
    """Follows the journal and refreshes whenever that is due. A refresh that fails is tried again."""

    def __init__(self, config: Config, metrics: RefreshMetrics, clock: Clock) -> None:
        self.history = JournalHistory(config.refresh.history)
        self._config = config
        self._metrics = metrics
        self._clock = clock
        self._not_before = 0  # ms, after a failure
        self._told: Promote | Reject | None = None
        metrics.interval.set(config.refresh.interval)

    async def run(self) -> None:
        """Until it is cancelled. Raises KafkaUnavailable where no broker answers for too long."""
        async with JournalTail(self._config, self.history) as tail:
            watching = asyncio.create_task(watch(self._config.kafka))
            following = asyncio.create_task(self._follow(tail))
            try:
                done, _ = await asyncio.wait({watching, following}, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                watching.cancel()
                following.cancel()

    async def _follow(self, tail: JournalTail) -> None:
        self._metrics.enter("reading")
        await tail.to_end()
        if self.history.last is not None:
            self._metrics.last_success.set(self.history.last.created_at / 1000)
        self._told = self.history.decision  # decided before we came
        self._metrics.ready.set(1)
        while True:
            self._tell_decision()
            if self._is_due():
                await self._refresh(tail)
            await tail.read(LOOK_MS)

    def _is_due(self) -> bool:
        now_ms = self._clock.now_ms()
        return now_ms >= self._not_before and due(self.history, self._config.refresh, now_ms)

    async def _refresh(self, tail: JournalTail) -> None:
        try:
            refreshed = await refresh(tail, self._config, self._clock, self._metrics.enter)
        except StreamprocError as error:
            self._metrics.failures.inc()
            self._not_before = self._clock.now_ms() + RETRY_MS
            logger.error("a refresh failed", error=error, next_attempt_in_seconds=RETRY_MS // 1000)
        else:
            logger.info("a generation is handed over", **refreshed.told())
            self._metrics.batch.observe(refreshed.seconds)
            self._metrics.events.set(refreshed.events)
            self._metrics.last_success.set(self._clock.now_ms() / 1000)

    def _tell_decision(self) -> None:
        """One line for each decision, and what the state is until the next."""
        history, decision = self.history, self.history.decision
        self._metrics.learned_to.set(history.last.learned_to if history.last else 0)
        self._metrics.new_events.set(history.new_events if enough(history) else 0)
        self._metrics.enter("shadow" if history.last and decision is None else "idle")
        if decision is self._told or decision is None:
            return
        self._told = decision
        ordered: dict[str, Any] = {"by": decision.by} if decision.by else {}
        if isinstance(decision, Promote):
            self._metrics.model_generation.set(decision.generation)
            self._metrics.results.labels("promoted").inc()
            logger.info(
                "a generation is promoted",
                generation=decision.generation,
                **ordered
                or {"recall": round(decision.recall, 4), "recall_without": round(decision.frozen, 4)},
            )
        else:
            self._metrics.results.labels("rejected").inc()
            logger.info(
                "a generation is rejected", generation=decision.generation, reason=decision.reason, **ordered
            )
