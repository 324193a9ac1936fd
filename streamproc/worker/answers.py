"""Who gets a slate when: after events, when the first model is there, and when a new generation serves."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, NamedTuple, ParamSpec, TypeVar

import numpy as np

from streamproc.clock import Clock
from streamproc.config import Config
from streamproc.contracts.columns import EventColumns, span
from streamproc.contracts.slates import Kind
from streamproc.engine.observer import Observer
from streamproc.engine.view import ModelView
from streamproc.kafka.following import Change
from streamproc.kernel_thread import KernelThread
from streamproc.metrics import WorkerMetrics
from streamproc.worker.answering import Answered, Answerer
from streamproc.worker.served import Partitions, Served
from streamproc.worker.slates import SlateSender
from streamproc.worker.turns import Turn, Turns, due
from streamproc_models.arrays import I32, U8

P = ParamSpec("P")
R = TypeVar("R")

SLICE = 1024  # slates ranked at a time, about 15 ms; the way into the kernels costs as much as 20 slates
FEW = 16  # events or slates that are done in less time than the way to the thread of the kernels takes
AT_ONCE = 2  # micro-batches: while what one has is taken in here, the kernels go on with the other
REFRESH_SLICE = 64  # the same where events have precedence, about 1 ms

NOBODY: I32 = np.empty(0, np.int32)


class Observed(NamedTuple):
    """What became of the events (n,) of a micro-batch."""

    outcomes: U8  # (n,)
    rows: I32  # (n,), the users'
    answered: list[Answered] | None  # each accepted event, a slice at a time; None: answers are still to come


class Answers:
    """Slates for the users of all leases."""

    def __init__(
        self,
        config: Config,
        view: ModelView,
        observer: Observer,
        kernels: KernelThread,
        partitions: Partitions,
        sender: SlateSender,
        metrics: WorkerMetrics,
        clock: Clock,
    ) -> None:
        self._config = config
        self._view = view
        self._observer = observer
        self._kernels = kernels
        self._partitions = partitions
        self._sender = sender
        self._metrics = metrics
        self._clock = clock
        self._paced = config.publish.min_interval > 0
        self._model_sent_at = 0  # ms
        self._answerer = Answerer(config, view, observer, clock)
        self._turns = Turns(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._refresh: asyncio.Task[None] | None = None

    @property
    def gates(self) -> list[float]:
        """Mean share of short term, long term and popularity over the newest slates."""
        return list(map(float, self._answerer.gates))

    @property
    def newest(self) -> I32 | None:
        """Items of the newest slates (k, n), as rows; None before the first."""
        return self._answerer.newest

    async def observe(self, served: Served, columns: EventColumns) -> Observed:
        """Let events (n,) into the windows; without publish.min_interval each is answered right there."""
        if self._paced or not self._view.knows_items:
            decided = await self._run(columns.users.size, self._observer.decide, served.windows, columns)
            return Observed(*decided, None)
        async with self._turns.turn(due(self._clock.seconds(), columns.users.size)) as turn:
            return await self._observe_each(served, columns, turn)

    async def _observe_each(self, served: Served, columns: EventColumns, turn: Turn) -> Observed:
        outcomes, rows = np.empty(columns.users.size, np.uint8), np.empty(columns.users.size, np.int32)
        answered = []
        for start in range(0, columns.users.size, SLICE):
            await turn.give_way()
            part = slice(start, min(start + SLICE, columns.users.size))
            events = span(columns, part.start, part.stop)
            outcomes[part], rows[part], some = await self._run(
                events.users.size, self._answerer.for_each, served.windows, events, served.partition
            )
            answered.append(some)
        return Observed(outcomes, rows, answered)

    async def answer(self, served: Served, rows: I32, answered: Sequence[Answered] | None) -> None:
        """Send what `observe` has answered; where it has not, these users (n,) have news."""
        if answered is None:
            await self.after_events(served, rows)
            return
        for some in answered:
            await self._send(served, some, "event")

    async def after_events(self, served: Served, rows: I32) -> None:
        """These users (n,) have news: answered now, or after publish.min_interval."""
        if not self._view.knows_items:
            served.pacing.hold(rows)
            return
        due = served.pacing.take(rows)
        for start in range(0, due.size, SLICE):
            await self._answer(served, due[start : start + SLICE])
        self._wake_later(served)

    def model_changed(self, change: Change) -> None:
        """Whoever waits for the first model gets a slate; after a promotion, whoever was active lately."""
        self._model_sent_at = change.sent_at
        if change.first:
            for served in self._partitions.all():
                self._start(self.after_events(served, NOBODY))
        if change.promoted:
            if self._refresh is not None:
                self._refresh.cancel()
            self._refresh = self._start(self._refresh_all())

    async def _run(self, count: int, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        run = self._kernels.run_short if count <= FEW else self._kernels.run
        return await run(function, *args, **kwargs)

    async def close(self) -> None:
        """Stop everything that was begun here."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _answer(self, served: Served, rows: I32) -> None:
        if served.open:
            answered = await self._run(
                rows.size, self._answerer.for_events, served.windows, rows, served.partition
            )
            await self._send(served, answered, "event")

    def _wake_later(self, served: Served) -> None:
        if served.open and served.timer is None and (pause := served.pacing.pause()) is not None:
            loop = asyncio.get_running_loop()
            served.timer = loop.call_later(pause, self._wake, served)

    def _wake(self, served: Served) -> None:
        served.timer = None
        self._start(self.after_events(served, NOBODY))

    async def _refresh_all(self) -> None:
        newest = max((served.newest for served in self._partitions.all()), default=0)
        since = newest - int(self._config.publish.refresh_active * 1000)
        for served in self._partitions.all():
            rows = served.windows.active(since)
            for start in range(0, rows.size, REFRESH_SLICE):
                began = self._clock.seconds()
                await self._refresh_slice(served, rows[start : start + REFRESH_SLICE])
                await asyncio.sleep(self._clock.seconds() - began)  # at most half of the time

    async def _refresh_slice(self, served: Served, rows: I32) -> None:
        if served.open:
            answered = await self._kernels.run(self._answerer.for_generation, served.windows, rows)
            await self._send(served, answered, "refresh")

    async def _send(self, served: Served, answered: Answered, kind: Kind) -> None:
        if not (served.open and answered.size):
            return
        age = max(self._clock.now_ms() - self._model_sent_at, 0) / 1000.0
        self._metrics.staleness.observe(age)  # of all slates of a batch
        await self._sender.send(served.partition, answered, kind)

    def _start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
