"""A server without Kafka: its state filled by hand, asked in memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
import numpy as np
from prometheus_client import CollectorRegistry

from streamproc.clock import ManualClock
from streamproc.config import Config
from streamproc.contracts.events import Decoder, Event, encode
from streamproc.contracts.slates import Gate, ModelStamp, Slate, SlateItem, Trigger
from streamproc.engine import toy
from streamproc.engine.observer import Observer
from streamproc.engine.windows import Windows
from streamproc.metrics import ServerMetrics
from streamproc.server.app import guarded, make_app
from streamproc.server.producing import NotWritten, Written
from streamproc.server.state import ServerState

NOW = 10_000  # ms
TEA, CUP, SPOON = "tea", "cup", "spoon"  # the toy's items, which follow one another


class FakeProducer:
    """Checks as the real one does, and keeps what it would have sent."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.sent: list[Event] = []
        self.fail = False

    async def close(self) -> None:
        """Nothing is open."""

    async def send(self, values: Any) -> list[Written]:
        events = self._real._checked(values)
        if self.fail:
            raise NotWritten(Config(), [event.event_id or "" for event in events], TimeoutError())
        self.sent += events
        return [Written(0, offset, event.event_id or "") for offset, event in enumerate(events)]


def slate(user: str, offset: int, *items: str, kind: Any = "event") -> bytes:
    """A record of `recommendations`."""
    ranked = [SlateItem(item, 2.0 - place, place + 1, "markov", [TEA]) for place, item in enumerate(items)]
    trigger = Trigger(kind, "events" if kind == "event" else "journal", 0, offset)
    told = Slate(
        1, f"e0-{offset}-1", user, NOW, trigger, ModelStamp(1, 1, 1), Gate(0.6, 0.1, 0.3), ranked
    )  # fmt: skip
    return msgspec.json.encode(told)


def state(settings: dict[str, Any] | None = None, with_model: bool = True) -> ServerState:
    """Nobody has a slate yet; the model knows tea, cup and spoon."""
    config = Config.model_validate(settings or {})
    made = ServerState(config, ServerMetrics(CollectorRegistry()), ManualClock(NOW))
    if with_model:
        made.view.apply(toy.rows(config))
        made.synced_at = NOW
    made.producer = FakeProducer(made.producer)  # type: ignore[assignment]
    return made


def watch(made: ServerState, user: str, *items: str) -> None:
    """The trainer has published that a user had these items, the newest last."""
    windows = Windows(made.config, partitions=1)
    values = [
        encode(Event(type="click", user_id=user, item_id=item, ts=1000 * (place + 1)))
        for place, item in enumerate(items)
    ]
    count = len(values)
    columns, _ = Decoder(made.config.events).decode(values, np.arange(count), np.full(count, NOW), 0)
    Observer(made.config, made.view).decide(windows, columns)
    made.states.put(user.encode(), windows.pack(np.zeros(1, np.int32))[0])


@asynccontextmanager
async def client(made: ServerState, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
    """Asks the guarded app as a client on this machine would."""
    app = guarded(make_app(made, CollectorRegistry()))
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://127.0.0.1:8080", headers=headers
    ) as asking:
        yield asking
