"""The engine over a recorded journal, with its control records: what the trainer did, done again."""

import time
from collections.abc import Callable

from streamproc.config import Config
from streamproc.contracts import journal
from streamproc.contracts.columns import EventColumns
from streamproc.contracts.journal import Chunk, EventsRecord, Reader
from streamproc.contracts.topics import topics
from streamproc.engine import generations
from streamproc.engine.learner import Learner
from streamproc.evaluate.predictions import Collector
from streamproc.evaluate.report import Clock
from streamproc.evaluate.run import Fusing, Measured, evaluated_learner, measured
from streamproc.kafka import admin, clients

Progress = Callable[[int], None]  # takes the number of events learned so far
Learned = Callable[[EventColumns], None]  # takes what has just been learned


async def measure_journal(
    config: Config, clock: Clock, progress: Progress, fusing: Fusing = "learned"
) -> Measured:
    """Learns the whole journal of a running Kafka again; KafkaUnavailable where none answers."""
    await admin.ensure_topics(config)
    learner = evaluated_learner(config, config.kafka.partitions, clock, fusing)
    collector, reader, started = Collector(), Reader(), time.perf_counter()
    async for records in clients.read_to_end(config, topics(config).journal.name, 0):
        for record in records:
            collector.collect(learner, follow(learner, reader, record.value, collector.learned))
        progress(learner.events)
    passed_over = {"stale": reader.stale, "broken": reader.broken}
    return measured(learner, collector, time.perf_counter() - started, passed_over)


def follow(learner: Learner, reader: Reader, value: bytes, learned: Learned = lambda _: None) -> int:
    """One record of the journal. What has to be decided was decided when it was recorded.

    Returns the partition whose events were learned, 0 where there were none.
    """
    record = journal.unpack(value)
    if isinstance(record, EventsRecord):
        columns = reader.accept(record)
        if columns is not None:
            learner.learn(record.partition, columns)
            learned(columns)
        return record.partition
    if isinstance(record, Chunk):
        generations.keep(learner, record)
    else:
        generations.follow(learner, record)
    return 0
