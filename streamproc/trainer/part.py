"""The trainer as a part: who holds the lease of the journal's one partition learns and publishes.

The group elects it; a fixed transactional id fences the one before. Whatever goes wrong ends the lease, and
the next one starts from the newest snapshot: nothing is mended in place.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka.errors import ProducerFenced

from streamproc.aside import aside
from streamproc.clock import Clock
from streamproc.config import Config
from streamproc.contracts.journal import pack_control
from streamproc.contracts.topics import topics
from streamproc.errors import Fenced, LeaseLost
from streamproc.kafka.clients import TRANSACTION_SECONDS, close, new_producer, new_transactional_producer
from streamproc.kafka.lease import Lease, Limits, Partition, Record, Wanted
from streamproc.logs import get_logger
from streamproc.metrics import TrainerMetrics
from streamproc.trainer import published, starting
from streamproc.trainer.follower import Follower
from streamproc.trainer.saving import Snapshots
from streamproc.trainer.sharing import Share
from streamproc.trainer.shedding import Shedding
from streamproc.trainer.showing import AGENT, Showing
from streamproc.trainer.syncing import Publisher

logger = get_logger(__name__)

TICK = 0.05  # seconds; how late a sync may be when nothing arrives
SHOW = 0.1  # seconds between two looks at the figures
RECORDS = 16  # of at most 4000 events each: what is under way when an order to stop comes
GATHER_BYTES, GATHER_SECONDS = 1 << 16, 0.03  # a fetch per record would cost more than learning it
STOP_SECONDS = 3.0  # to write the last snapshot


def limits(config: Config) -> Limits:
    """How much is done at a time; the limit of seconds only breaks what hangs."""
    seconds = 3 * config.kafka.request_timeout + TRANSACTION_SECONDS
    return Limits(RECORDS, seconds, GATHER_BYTES, GATHER_SECONDS)


def session_timeout(config: Config) -> float:
    """Seconds until a silent trainer is replaced: shorter than a worker's, for learning waits meanwhile."""
    return min(config.trainer.session_timeout, config.kafka.session_timeout)


def transactional_id(config: Config) -> str:
    """The one of all trainers of a journal: a later one shuts out an earlier one."""
    return f"{config.kafka.prefix}trainer"


@dataclass
class Training:
    """What belongs to one lease."""

    follower: Follower
    publisher: Publisher
    producer: Any  # of the syncs
    decisions: Any  # producer into the journal
    caught_up_at: int  # journal offset up to which decisions may have been written before us
    shedding: Shedding
    synced: float = 0.0  # seconds, when the last sync began
    users_synced: float = 0.0
    caught_up: bool = False


class Trainer:
    """A Part whose only partition is the journal's."""

    tick = TICK

    def __init__(self, config: Config, metrics: TrainerMetrics, clock: Clock) -> None:
        self.end_of: Callable[[Partition], int | None] = lambda _: None  # the journal's end, as last heard
        self._config = config
        self._metrics = metrics
        self._clock = clock
        self._snapshots = Snapshots(config, metrics, clock)
        self._showing = Showing(metrics, config.refresh.shadow_events)
        self._share = Share()
        self._journal = topics(config).journal.name
        self._shown = 0.0
        self._appended_at = 0  # Kafka's time of the newest record that is learned, ms

    async def restore(self, tp: Partition, wanted: Wanted) -> tuple[Training, int]:
        """Shut out the trainer before, and go on where it stood.

        Raises Fenced when a later one has shut us out, TopicMismatch where too much of the journal is gone.
        """
        began, config = time.monotonic(), self._config
        producer = new_transactional_producer(config, transactional_id(config))
        decisions = new_producer(config)
        try:
            await self._open(producer, decisions)
            training = await self._start(producer, decisions, wanted)
        except BaseException:
            await asyncio.gather(close(producer), close(decisions))
            raise
        self._metrics.recovery.observe(time.monotonic() - began)
        self._metrics.model_version.set(training.publisher.version)
        self._metrics.assigned_partitions.set(1)
        self._metrics.ready.set(1)
        return training, training.follower.position

    async def _open(self, producer: Any, decisions: Any) -> None:
        """Waits until the broker has ended the transaction that a dead trainer may have left open."""
        try:
            async with asyncio.timeout(self._config.kafka.request_timeout + TRANSACTION_SECONDS):
                await producer.start()
                await decisions.start()
        except ProducerFenced as error:
            raise Fenced("another trainer has taken over", "Leave this one stopped") from error

    async def _start(self, producer: Any, decisions: Any, wanted: Wanted) -> Training:
        last = await published.read_published(self._config, wanted)
        bounds = await published.journal_bounds(self._config)
        if not wanted():
            raise LeaseLost("the journal is no longer followed here")
        starting.require_whole(self._config, bounds, last.learned_to)
        follower, snapshot = await aside(
            starting.start, self._config, bounds.begin, last.learned_to, self._passed_over
        )
        await self._snapshots.restarted(follower, -1 if snapshot is None else follower.position)
        if snapshot is not None:
            self._metrics.snapshot_timestamp.labels("written").set(snapshot.created_at / 1000)
        logger.info(
            "begins at a snapshot" if snapshot else "begins at the beginning",
            journal_offset=follower.position,
            journal_end=bounds.end,
            events=follower.learner.events,
            synced_version=last.version,
            synced_to=last.learned_to,
        )
        self._showing.show(follower)
        now = self._clock.seconds()
        publisher = Publisher(self._config, producer, last)
        shedding = Shedding(self._config.trainer)
        return Training(follower, publisher, producer, decisions, bounds.end, shedding, now, now)

    def _passed_over(self, reason: str, _: str) -> None:
        self._metrics.snapshot_failures.labels(reason).inc()

    async def process(self, lease: Lease, records: Sequence[Record]) -> int:
        """Learn, decide, and publish when it is time."""
        training: Training = lease.state
        began, learned, pause = time.monotonic(), 0, 0
        for record in records:
            events = self._learn(training.follower, record)
            learned, pause = learned + events, pause + events
            await self._decide(training, self._age(record.timestamp))
            if await self._keep_up(training) or pause >= self._config.trainer.max_batch:
                pause = 0
                await asyncio.sleep(0)
        if not records:
            await self._decide(training, 0.0)
            await self._keep_up(training)
        self._show(lease, records, learned, time.monotonic() - began)
        self._left(training, records)
        return training.follower.position

    async def release(self, lease: Lease) -> None:
        """On an ordered stop, publish and keep what was learned, so that the next start is at once."""
        training: Training = lease.state
        self._metrics.ready.set(0)
        self._metrics.assigned_partitions.set(0)
        try:
            if lease.alive:
                await self._last_words(training)
        finally:
            await asyncio.gather(close(training.producer, 1.0), close(training.decisions, 1.0))

    async def _last_words(self, training: Training) -> None:
        follower, publisher = training.follower, training.publisher
        if follower.position < publisher.model_to:
            logger.info("stops without a snapshot: it has not learned again what was published")
            return
        if follower.position > publisher.users_to:
            await self._sync(training, True)
        if self._snapshots.busy:
            await self._snapshots.finished(STOP_SECONDS / 2)
        self._snapshots.begin(follower, publisher.version)
        await self._snapshots.finished(STOP_SECONDS)

    def _learn(self, follower: Follower, record: Record) -> int:
        shadow = follower.in_shadow
        step = follower.apply(record.offset, record.value)
        self._showing.step(step, follower, shadow)
        return step.events

    async def _decide(self, training: Training, behind: float) -> None:
        """Answer to the lag; write decisions down, once it is certain that the journal does not hold them."""
        follower = training.follower
        self._share.follow(behind, follower.learner.predict_every)
        if follower.position < training.caught_up_at:
            return
        if not training.caught_up:
            training.caught_up = True
            logger.info(
                "has caught up with the journal",
                journal_offset=follower.position,
                events=follower.learner.events,
            )
        shed = training.shedding.decide(self._clock.seconds(), behind, follower.learner.predict_every)
        if shed is not None:
            follower.undecided.append(shed)
        while follower.undecided:
            decision = follower.undecided.pop(0)
            async with asyncio.timeout(self._config.kafka.request_timeout):
                await training.decisions.send_and_wait(self._journal, pack_control(decision), partition=0)

    async def _keep_up(self, training: Training) -> bool:
        """Sync and snapshot when they are due; whether there was a sync."""
        follower, publisher, now = training.follower, training.publisher, self._clock.seconds()
        if follower.position < publisher.model_to:
            return False  # learning again what is published
        users = self._due(now, training.users_synced, self._config.sync.users_interval)
        users = users and follower.position > publisher.users_to
        model = self._due(now, training.synced, self._config.sync.interval)
        model = model and follower.position > publisher.model_to
        if users or model:
            training.synced = now
            training.users_synced = now if users else training.users_synced
            await self._sync(training, users)
        if follower.position == publisher.users_to and self._snapshots.due(follower.position):
            self._snapshots.begin(follower, publisher.version)
        return users or model

    @staticmethod
    def _due(now: float, last: float, interval: float) -> bool:
        return now - last >= interval

    async def _sync(self, training: Training, with_users: bool) -> None:
        synced = await training.publisher.sync(training.follower, with_users)
        metrics = self._metrics
        metrics.commit.observe(synced.seconds)
        metrics.commit_timestamp.set_to_current_time()
        metrics.sync_rows.labels("model").inc(synced.model)
        metrics.sync_rows.labels("users").inc(synced.users)
        metrics.model_version.set(training.publisher.version)
        logger.debug(
            "a sync is published",
            version=training.publisher.version,
            journal_offset=training.publisher.model_to,
            model_records=synced.model,
            user_records=synced.users,
            seconds=round(synced.seconds, 3),
        )

    def _show(self, lease: Lease, records: Sequence[Record], learned: int, seconds: float) -> None:
        follower, metrics, now = lease.state.follower, self._metrics, self._clock.seconds()
        if records:
            metrics.event_processing.labels(AGENT).observe(seconds)
            metrics.batch_size.labels(AGENT).observe(learned)
            metrics.events_consumed.labels(lease.tp.topic).inc(learned)
        if learned:
            age = max(self._clock.now_ms() - follower.learner.newest, 0) / 1000
            metrics.event_time_lag.labels(lease.tp.topic).observe(age)
        self._appended_at = records[-1].timestamp if records else self._appended_at
        if now - self._shown < SHOW:
            return
        self._shown = now
        self._showing.show(follower)
        metrics.buffer.labels(AGENT).set(lease.waiting)
        metrics.watermark.labels(lease.tp.topic, "0").set(follower.learner.newest / 1000)
        end = self.end_of(lease.tp)
        if end is not None:
            behind = max(end - follower.position, 0)
            age = self._age(self._appended_at) if behind else 0.0
            metrics.end_offset.labels(lease.tp.topic, "0").set(end)
            metrics.consumer_lag.labels(lease.tp.topic, "0").set(behind)
            metrics.consumer_lag_seconds.labels(lease.tp.topic, "0").set(age if self._appended_at else 0.0)

    def _age(self, appended_at: int) -> float:
        """Seconds since Kafka took a record."""
        return max(self._clock.now_ms() - appended_at, 0) / 1000

    def _left(self, training: Training, records: Sequence[Record]) -> None:
        """What the journal held at the start, and is still to be learned."""
        before = sum(record.offset < training.caught_up_at for record in records)
        self._metrics.recovery_restored.labels("journal").inc(before)
        left = max(training.caught_up_at - training.follower.position, 0)
        self._metrics.recovery_remaining.labels("journal").set(left)
