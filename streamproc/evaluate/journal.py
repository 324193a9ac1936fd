"""The engine over a recorded journal, with its control records: what the trainer did, done again."""

import time
from collections.abc import Callable

from streamproc.config import Config
from streamproc.contracts import journal
from streamproc.contracts.journal import Chunk, EventsRecord, Reader
from streamproc.contracts.topics import topics
from streamproc.engine import generations
from streamproc.engine.learner import Learner
from streamproc.evaluate.run import Report, report
from streamproc.kafka import admin, clients

Progress = Callable[[int], None]  # takes the number of events learned so far


async def evaluate_journal(config: Config, progress: Progress) -> Report:
    """Learns the whole journal of a running Kafka again; KafkaUnavailable where none answers."""
    await admin.ensure_topics(config)
    learner = Learner(config, config.kafka.partitions, sample_every=1)
    reader, started = Reader(), time.perf_counter()
    async for records in clients.read_to_end(config, topics(config).journal.name, 0):
        for record in records:
            follow(learner, reader, record.value)
        progress(learner.events)
    return report(learner, time.perf_counter() - started, {"stale": reader.stale, "broken": reader.broken})


def follow(learner: Learner, reader: Reader, value: bytes) -> None:
    """One record of the journal. What has to be decided was decided when it was recorded."""
    record = journal.unpack(value)
    if isinstance(record, EventsRecord):
        columns = reader.accept(record)
        if columns is not None:
            learner.learn(record.partition, columns)
    elif isinstance(record, Chunk):
        generations.keep(learner, record)
    else:
        generations.follow(learner, record)
