"""The topics that a configuration wants."""

from streamproc.config import Config
from streamproc.contracts.topics import topics


def test_every_topic_has_its_place():
    """Names with the prefix, the partitions, and what is kept."""
    config = Config(kafka={"prefix": "shop.", "partitions": 6})

    layout = {topic.name: (topic.partitions, topic.settings["cleanup.policy"]) for topic in topics(config)}

    assert layout == {
        "shop.events": (6, "delete"),
        "shop.events.dlq": (1, "delete"),
        "shop.journal": (1, "delete"),
        "shop.model": (1, "compact"),
        "shop.users": (6, "compact"),
        "shop.recommendations": (6, "compact"),
        "shop.items": (1, "compact"),
    }


def test_the_future_is_judged_by_the_broker_s_clock():
    """Producers must not be able to set the time that their events are judged against."""
    assert topics(Config()).events.settings["message.timestamp.type"] == "LogAppendTime"


def test_an_event_of_2_mb_arrives_to_be_rejected():
    """The broker lets more through than the contract, so that a dead letter can say why."""
    assert int(topics(Config()).events.settings["max.message.bytes"]) > 2 * 1024 * 1024


def test_the_journal_is_kept_as_long_as_configured():
    """In ms, or for ever."""
    month, ever = (Config(kafka={"journal_retention": seconds}) for seconds in (2_592_000.0, -1))

    assert topics(month).journal.settings["retention.ms"] == "2592000000"
    assert topics(ever).journal.settings["retention.ms"] == "-1"


def test_replication_is_that_of_the_cluster():
    """On every topic."""
    config = Config(kafka={"replication_factor": 3, "min_insync_replicas": 2})

    assert {(t.replication_factor, t.settings["min.insync.replicas"]) for t in topics(config)} == {(3, "2")}
