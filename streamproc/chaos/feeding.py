"""The stream of a run on its way into the topic: what a careful producer of careless events sends."""

import asyncio
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from itertools import islice

from streamproc.chaos.stream import Pair
from streamproc.config import Config
from streamproc.contracts.topics import topics
from streamproc.errors import KafkaUnavailable
from streamproc.kafka.feed import Feed

SLICE = 100  # events sent and acknowledged together
PAUSE = 0.5  # seconds before a slice is sent again
THIN = 0.1  # of the rate, where the stream is ahead of the faults
RECENT = 300  # events that a second producer may send once more


class Feeder:
    """Sends the stream at a rate; whatever is not acknowledged is sent again.

    Past `thin_from` events it goes on at a fraction of the rate: no fault shall come after its end.
    """

    def __init__(self, config: Config, pairs: Iterator[Pair], rate: float) -> None:
        self._pairs = pairs
        self._rate = rate
        self._first, self._second = _Producer(config), _Producer(config)
        self.sent = 0  # of the stream, acknowledged, without those sent again
        self.recent: deque[Pair] = deque(maxlen=RECENT)
        self.thin_from: int | None = None
        self.done = False

    async def run(self) -> None:
        """Until the stream ends."""
        clock = asyncio.get_running_loop().time
        due = clock()
        while some := list(islice(self._pairs, SLICE)):
            await self._first.send(some)
            self.sent += len(some)
            self.recent.extend(some)
            ahead = self.thin_from is not None and self.sent >= self.thin_from
            rate = self._rate * THIN if ahead else self._rate
            due = max(due + len(some) / rate, clock() - 1.0)  # after an outage it does not catch up
            await asyncio.sleep(max(due - clock(), 0))
        await self._first.close()
        self.done = True

    async def burst(self, pairs: Sequence[Pair]) -> None:
        """More events at once, by another producer; back when they are acknowledged."""
        for start in range(0, len(pairs), SLICE):
            await self._second.send(pairs[start : start + SLICE])

    async def close(self) -> None:
        """Let both producers go."""
        await asyncio.gather(self._first.close(), self._second.close())

    def missing(self, values: Iterator[bytes]) -> int:
        """Acknowledged events that are not among these."""
        there = Counter(map(hash, values))
        return sum((self._first.acknowledged + self._second.acknowledged - there).values())


class _Producer:
    def __init__(self, config: Config) -> None:
        self._config = config
        self._feed: Feed | None = None
        self.acknowledged: Counter[int] = Counter()  # by the hashes of values

    async def send(self, some: Sequence[Pair]) -> None:
        keys, values = [key for key, _ in some], [value for _, value in some]
        while not await self._sent(keys, values):
            await asyncio.sleep(PAUSE)
        self.acknowledged.update(map(hash, values))

    async def _sent(self, keys: Sequence[bytes], values: Sequence[bytes]) -> bool:
        try:
            if self._feed is None:
                self._feed = await Feed(self._config, topics(self._config).events.name).__aenter__()
            await self._feed.send(keys, values)
            await self._feed.flush()
        except KafkaUnavailable:
            await self.close()
            return False
        return True

    async def close(self) -> None:
        feed, self._feed = self._feed, None
        if feed is not None:
            await feed.__aexit__(None, None, None)
