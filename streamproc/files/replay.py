"""Event files fed into the events topic, and the account of it."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from streamproc.config import Config
from streamproc.contracts.topics import topics
from streamproc.files.columns import Columns
from streamproc.files.reading import ALWAYS, FileBatch, Skipped, read_events
from streamproc.files.times import Span
from streamproc.files.where import Where
from streamproc.kafka.admin import ensure_topics
from streamproc.kafka.feed import Feed

SLICES_PER_SECOND = 20  # of an even rate


class Selection(NamedTuple):
    """What is taken from the files."""

    columns: Columns | None = None
    where: Sequence[Where] = ()
    span: Span = ALWAYS


class Cause(NamedTuple):
    """Rows that were skipped for one reason."""

    rows: int
    file: Path  # of the first one
    first: Skipped


@dataclass
class Account:
    """What a replay did so far."""

    sent: int = 0
    skipped: dict[str, Cause] = field(default_factory=dict)  # by reason, in order of appearance
    seconds: float = 0.0

    def add(self, path: Path, batch: FileBatch) -> None:
        self.sent += len(batch.values)
        for row in batch.skipped:
            known = self.skipped.get(row.reason, Cause(0, path, row))
            self.skipped[row.reason] = known._replace(rows=known.rows + 1)


Progress = Callable[[Path, FileBatch], None]


async def replay(
    config: Config,
    files: Sequence[Path],
    selection: Selection,
    rate: float | None = None,
    progress: Progress = lambda path, batch: None,
) -> Account:
    """Feed the files one after the other, as fast as Kafka takes them or `rate` events a second.

    `progress` is called after each batch. Topics that are missing are made.
    Raises BadFile, KafkaUnavailable, TopicMismatch.
    """
    await ensure_topics(config)
    account, begun = Account(), time.monotonic()
    async with Feed(config, topics(config).events.name) as feed:
        pace = Pace(feed, rate, begun)
        for path in files:
            for batch in read_events(path, selection.columns, selection.where, span=selection.span):
                await pace.send(batch)
                account.add(path, batch)
                progress(path, batch)
        await feed.flush()
    account.seconds = time.monotonic() - begun
    return account


class Pace:
    """Sends batches whole, or sliced so that a rate is kept to."""

    def __init__(self, feed: Feed, rate: float | None, begun: float) -> None:
        self._feed = feed
        self._rate = rate
        self._due = begun  # when the next slice may go

    async def send(self, batch: FileBatch) -> None:
        if self._rate is None:
            await self._feed.send(batch.keys, batch.values)
            return
        for keys, values in self._slices(batch, max(1, round(self._rate / SLICES_PER_SECOND))):
            await asyncio.sleep(self._due - time.monotonic())
            self._due += len(keys) / self._rate
            await self._feed.send(keys, values)
            await self._feed.ship()

    def _slices(self, batch: FileBatch, size: int) -> Iterator[tuple[list[bytes], list[bytes]]]:
        for start in range(0, len(batch.keys), size):
            yield batch.keys[start : start + size], batch.values[start : start + size]
