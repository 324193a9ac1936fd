"""Names and settings of every topic, as a function of the configuration alone.

Keys of events, users and recommendations are user ids in UTF-8, placed by Kafka's default
partitioner, so a user's records lie in the partition of the same number in all three.
"""

from typing import NamedTuple

from streamproc.config import DAY, Config, KafkaConfig

DELETE, COMPACT = "delete", "compact"

_ARRIVAL = {"message.timestamp.type": "LogAppendTime"}  # no producer's clock decides over anything
_SEGMENTS = {"segment.bytes": str(64 * 1024 * 1024)}  # only closed segments are compacted or deleted
# Longer than a restore takes: a reader finds every record that was there when it began.
_COMPACTION = {"min.compaction.lag.ms": str(10 * 60 * 1000), "delete.retention.ms": str(24 * 3600 * 1000)}
# What producers pack, the broker unpacks and measures: a reader could not, before it has it in its memory.
_PLAIN = {"compression.type": "uncompressed"}
_LARGEST_MULTIPLE = 4  # of events.max_bytes: what is larger must still arrive to be called too large


class Topic(NamedTuple):
    """One topic as it is to be created; `settings` are Kafka's own names and words."""

    name: str
    partitions: int
    replication_factor: int
    settings: dict[str, str]


class Topics(NamedTuple):
    """All topics."""

    events: Topic
    dead_letters: Topic
    journal: Topic
    model: Topic
    users: Topic
    recommendations: Topic
    items: Topic


def topics(config: Config) -> Topics:
    """The topics that this configuration wants."""
    kafka, many = config.kafka, config.kafka.partitions
    large = {"max.message.bytes": str(max(_LARGEST_MULTIPLE * config.events.max_bytes, 2**20))}
    return Topics(
        events=_topic(kafka, "events", many, DELETE, _ARRIVAL | large | _PLAIN | _retention(7 * DAY)),
        dead_letters=_topic(kafka, "events.dlq", 1, DELETE, _ARRIVAL | _retention(30 * DAY)),
        journal=_topic(kafka, "journal", 1, DELETE, _ARRIVAL | _retention(kafka.journal_retention)),
        model=_topic(kafka, "model", 1, COMPACT, _SEGMENTS | _COMPACTION),
        users=_topic(kafka, "users", many, COMPACT, _SEGMENTS | _COMPACTION),
        recommendations=_topic(kafka, "recommendations", many, COMPACT, _SEGMENTS | _COMPACTION),
        items=_topic(kafka, "items", 1, COMPACT, _SEGMENTS | _COMPACTION),
    )


def _topic(kafka: KafkaConfig, name: str, partitions: int, policy: str, settings: dict[str, str]) -> Topic:
    common = {"cleanup.policy": policy, "min.insync.replicas": str(kafka.min_insync_replicas)}
    return Topic(kafka.prefix + name, partitions, kafka.replication_factor, common | settings)


def _retention(seconds: float) -> dict[str, str]:
    """By time only; -1 for ever."""
    return {"retention.ms": "-1" if seconds == -1 else str(int(seconds * 1000)), "retention.bytes": "-1"}
