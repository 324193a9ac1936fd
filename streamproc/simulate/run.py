"""The simulated shop in real time, and the view of one of its users."""

import asyncio
import time
from itertools import islice
from typing import Any, NamedTuple, Protocol

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from streamproc.clock import SystemClock
from streamproc.config import Config
from streamproc.contracts.events import encode
from streamproc.contracts.slates import decode_slate
from streamproc.contracts.topics import topics
from streamproc.kafka.clients import new_consumer
from streamproc.kafka.feed import Feed, partition_of
from streamproc.logs import get_logger
from streamproc.simulate import record
from streamproc.simulate.shop import Shop
from streamproc.simulate.watch import Say, Watch

SLICES_PER_SECOND = 20
SHOP_DAY = 864_000  # ms; a hundredth of a day, so that a user is back in seconds while one watches
SHOW_EVERY = 2.0  # seconds between two slates that are shown
RECORD_EVERY = 5.0  # seconds
LATE = 1.0  # seconds behind after which the rate is given up rather than caught up with

logger = get_logger(__name__)


class Settings(NamedTuple):
    """The shop, and how fast it goes."""

    rate: float = 200.0  # events a second
    users: int = 500
    items: int = 400
    seed: int = 7
    events: int | None = None  # None: without end
    watch: bool = True  # show what one user gets


class Stop(Protocol):
    """A threading.Event or an asyncio.Event."""

    def is_set(self) -> bool: ...


def run(config: Config, settings: Settings, stop: Stop, say: Say) -> int:
    """Events sent until there are as many as wanted, or `stop` is set. The topics have to be there.

    `say` shows lines and tables. Raises KafkaUnavailable.
    """
    return asyncio.run(_run(config, settings, stop, say))


async def _run(config: Config, settings: Settings, stop: Stop, say: Say) -> int:
    source = f"shop-{settings.seed}-{SystemClock().now_ms()}"  # a second run is no repetition of the first
    shop = Shop(settings.seed, settings.users, settings.items, day=SHOP_DAY, source=source)
    watch = Watch(shop.regular(), say)
    async with Feed(config, topics(config).events.name) as feed:
        views = [_follow(config, watch), _keep_record(config, say)] if settings.watch else []
        if settings.watch:
            watch.introduce()
        tasks = [asyncio.create_task(view) for view in views]
        try:
            return await _send(feed, shop, settings, stop, watch)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _send(feed: Feed, shop: Shop, settings: Settings, stop: Stop, watch: Watch) -> int:
    """Send the shop's events as of now, evenly."""
    events, sent = shop.events(settings.events), 0
    size = max(1, round(settings.rate / SLICES_PER_SECOND))
    due = time.monotonic()
    while not stop.is_set() and (some := list(islice(events, size))):
        due = max(due, time.monotonic() - LATE)
        await asyncio.sleep(due - time.monotonic())
        due += len(some) / settings.rate
        now = SystemClock().now_ms()
        for event in some:
            event.ts = now
            if event.user_id == watch.user_id:
                watch.clicked(event)
        await feed.send([event.user_id.encode() for event in some], [encode(event) for event in some])
        await feed.ship()
        sent += len(some)
    await feed.flush()
    return sent


async def _follow(config: Config, watch: Watch) -> None:
    """Read the watched user's slates from now on."""
    topic = topics(config).recommendations
    key = watch.user_id.encode()
    partition = TopicPartition(topic.name, partition_of(key, topic.partitions))
    while True:
        try:
            async with new_consumer(config) as consumer:
                consumer.assign([partition])
                await consumer.seek_to_end(partition)
                while True:
                    await _show_newest(consumer, key, watch)
        except KafkaError as error:
            logger.warning("a topic cannot be read for a moment", topic=topic.name, error=error)
            await asyncio.sleep(SHOW_EVERY)


async def _show_newest(consumer: Any, key: bytes, watch: Watch) -> None:
    """One slate at a time, no more often than an eye can follow."""
    newest = None
    for records in (await consumer.getmany(timeout_ms=200)).values():
        newest = next((each.value for each in reversed(records) if each.key == key and each.value), newest)
    if newest:
        watch.answered(decode_slate(newest))
        await asyncio.sleep(SHOW_EVERY)


async def _keep_record(config: Config, say: Say) -> None:
    before: record.Records = {}
    while True:
        await asyncio.sleep(RECORD_EVERY)
        now = await asyncio.to_thread(record.read, config.data_dir)
        if now:
            say(record.lines(before, now))
        before = now
