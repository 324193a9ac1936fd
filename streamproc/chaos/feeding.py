"""The stream of a run: a simulated shop whose producers are not careful."""

import asyncio
import json
import random
from collections.abc import Iterator
from itertools import islice

from streamproc.config import Config
from streamproc.contracts.events import Event, encode
from streamproc.contracts.topics import topics
from streamproc.errors import KafkaUnavailable
from streamproc.kafka.feed import Feed
from streamproc.simulate.shop import OPENING, Shop

Pair = tuple[bytes, bytes]
SLICE = 100  # events sent and acknowledged together
REPEATED, SHUFFLED, POISONED = 0.03, 0.03, 0.005  # shares of the events
MOST_REPEATS = 4
PAUSE = 0.5  # seconds before a slice is sent again
POISON = (
    b"", b"\xff\xfe", b"{", b"null", b"[]", b'{"type":"view"}', b'{"v":2,"type":"view"}',
    b'{"type":"view","user_id":"u","item_id":"i"}',
    b'{"type":"view","user_id":"","item_id":"i","ts":1}',
    b'{"type":"sniff","user_id":"u","item_id":"i","ts":1}',
    b'{"type":"rating","user_id":"u","item_id":"i","ts":1,"value":1e400}',
    b'{"type":"view","user_id":"u","item_id":"i","ts":99999999999999}',
)  # fmt: skip


def stream(seed: int, events: int, allowance: float) -> Iterator[Pair]:
    """Keys and values: some sent again, some out of order, mostly within `allowance` (s), some no events."""
    chance = random.Random(seed)
    shop = Shop(seed, users=300, items=300, source=f"chaos-{seed}")
    for number, event in enumerate(shop.events(events)):
        event = _renamed(event, chance, number)
        if chance.random() < SHUFFLED:
            late = int(chance.choice((0.1, 0.5, 0.9, 0.9, 1.5)) * 1000 * allowance)  # the last is too late
            event.ts = max(int(_ms(event)) - late, OPENING)
        pair = event.user_id.encode(), encode(event)
        for _ in range(1 + (chance.randint(1, MOST_REPEATS) if chance.random() < REPEATED else 0)):
            yield pair
        if chance.random() < POISONED:
            yield pair[0], chance.choice(POISON)


def _renamed(event: Event, chance: random.Random, number: int) -> Event:
    """Ids that are no numbers: an event out of order must not count as a repeated one."""
    event.event_id = None if chance.random() < 0.01 else f"id-{number}"
    return event


def _ms(event: Event) -> float:
    return event.ts if isinstance(event.ts, (int, float)) else event.ts.timestamp() * 1000


class Feeder:
    """Sends the stream at a rate; whatever is not acknowledged is sent again, as a careful producer would."""

    def __init__(self, config: Config, pairs: Iterator[Pair], rate: float) -> None:
        self._config = config
        self._pairs = pairs
        self._rate = rate
        self.sent = 0  # acknowledged, without those sent again
        self.again = 0
        self.acknowledged: set[str] = set()  # event ids
        self.done = False

    async def run(self) -> None:
        """Until the stream ends."""
        feed: Feed | None = None
        while some := list(islice(self._pairs, SLICE)):
            began = asyncio.get_running_loop().time()
            feed = await self._send(feed, some)
            self._count(some)
            pause = len(some) / self._rate - (asyncio.get_running_loop().time() - began)
            await asyncio.sleep(max(pause, 0))
        if feed is not None:
            await feed.__aexit__(None, None, None)
        self.done = True

    async def _send(self, feed: Feed | None, some: list[Pair]) -> Feed:
        while True:
            try:
                if feed is None:
                    feed = await Feed(self._config, topics(self._config).events.name).__aenter__()
                await feed.send([key for key, _ in some], [value for _, value in some])
                await feed.flush()
                return feed
            except KafkaUnavailable:
                self.again += len(some)
                if feed is not None:
                    await feed.__aexit__(None, None, None)
                feed = None
                await asyncio.sleep(PAUSE)

    def _count(self, some: list[Pair]) -> None:
        self.sent += len(some)
        for _, value in some:
            if value.startswith(b'{"event_id"') or b'"event_id":"' in value:
                self.acknowledged.add(json.loads(value)["event_id"])
