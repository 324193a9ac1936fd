"""All that the server answers from, and the way to the kernels."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, ParamSpec, TypeVar

from streamproc.clock import Clock
from streamproc.config import Config
from streamproc.contracts.items import Item
from streamproc.contracts.slates import Kind, Slate
from streamproc.engine.view import ModelView
from streamproc.engine.windows import Windows
from streamproc.kafka.following import Change, ModelFollower
from streamproc.kernel_thread import KernelThread
from streamproc.metrics import ServerMetrics
from streamproc.server.asking import Asker
from streamproc.server.cold import ColdSlate
from streamproc.server.following import TopicFollower
from streamproc.server.producing import EventProducer
from streamproc.server.slates import NewestSlates
from streamproc.server.states import UserStates

P = ParamSpec("P")
R = TypeVar("R")


class ServerState:
    """Filled from the topics; read by the API and the console."""

    def __init__(self, config: Config, metrics: ServerMetrics, clock: Clock) -> None:
        self.config = config
        self.clock = clock
        self.slate_size = config.publish.slate_size
        self.metrics = metrics
        self.view = ModelView(config)
        self.slates = NewestSlates(config.server.users)
        self.states = UserStates(config, config.server.users)
        self.catalogue: dict[str, Item] = {}
        self.producer = EventProducer(config, clock)
        self.asker = Asker(config, self.view, clock)
        self.synced_at = 0  # ms, by the trainer; 0 before the first model
        self.promoted_at = 0  # ms
        self._kernels = KernelThread()
        self._cold = ColdSlate(partial(self.run, self.asker.rank, "", None, "cold"))
        self.followed = TopicFollower(config, self.slates, self.states, self.catalogue)
        self.model = ModelFollower(config, self.view, self._kernels, metrics, clock, self._changed)
        self.on_failure: Callable[[], None] = lambda: None  # called when a topic is not followed any more
        self._tasks: list[asyncio.Task[None]] = []
        metrics.ready.set_function(lambda: float(not self.missing()))
        tables = (("slates", self.slates), ("users", self.states), ("items", self.catalogue))
        for name, table in tables:
            metrics.table_entries.labels(name).set_function(partial(len, table))

    def start(self) -> None:
        """Follow the topics in the background."""
        self._tasks = [asyncio.ensure_future(each.run()) for each in (self.followed, self.model)]
        for task in self._tasks:
            task.add_done_callback(lambda task: None if task.cancelled() else self.on_failure())

    async def close(self) -> None:
        """Stop following."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.producer.close()
        self._kernels.close()

    @property
    def failed(self) -> BaseException | None:
        """What ended the following, if anything did."""
        ended = [task.exception() for task in self._tasks if task.done() and not task.cancelled()]
        return next((error for error in ended if error is not None), None)

    def missing(self) -> str:
        """What is not there yet, "" where everything is."""
        if (error := self.failed) is not None:
            return str(error)
        if not self.followed.caught_up.is_set():
            return f"reading what was published before: {self.followed.behind:,} records to go"
        if not self.model.caught_up.is_set():
            return "reading the model"
        return ""

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call what reads the model where nobody changes it meanwhile."""
        return await self._kernels.run(function, *args, **kwargs)

    async def cold(self) -> Slate:
        """A stranger's slate."""
        return await self._cold.by(self.view.version)

    def cold_at_hand(self) -> Slate | None:
        """The same, where nobody has to wait for it."""
        return self._cold.at_hand(self.view.version)

    async def rank(self, user: str, windows: Windows | None, kind: Kind = "event") -> Slate:
        """A ranking of a user's window now."""
        return await self.run(self.asker.rank, user, windows, kind)

    def described(self, item_id: str) -> dict[str, Any]:
        """What the catalogue says about an item."""
        item = self.catalogue.get(item_id)
        if item is None:
            return {}
        told = {"title": item.title, "categories": list(item.categories), "tags": list(item.tags)}
        return {name: value for name, value in told.items() if value}

    def _changed(self, change: Change) -> None:
        self.synced_at = change.sent_at
        if change.promoted:
            self.promoted_at = change.sent_at
        self._cold.renew()
