"""What the doctor makes of what it sees, and what it says to do."""

import resource

import pytest

from streamproc.config import Config, KafkaConfig
from streamproc.contracts.topics import topics
from streamproc.doctor import cluster, machine
from streamproc.kafka.admin import Standing

CONFIG = Config(kafka=KafkaConfig(prefix="shop-"))


def right(config=CONFIG):
    """Every topic as it is wanted."""
    return {
        topic.name: Standing(topic.partitions, topic.replication_factor, dict(topic.settings))
        for topic in topics(config)
    }


def changed(name, **changes):
    """The findings on the topics where one differs."""
    standings = right()
    settings = standings[name].settings | changes.pop("settings", {})
    standings[name] = standings[name]._replace(settings=settings, **changes)
    return [found for found in cluster.settings(CONFIG, standings) if found.state != "ok"]


def test_topics_as_wanted_are_fine():
    """One line for each."""
    found = list(cluster.settings(CONFIG, right()))

    assert {each.state for each in found} == {"ok"}
    assert len(found) == len(topics(CONFIG))


def test_a_missing_topic_is_no_failure():
    """It is made at the first start."""
    standings = right()
    del standings["shop-users"]

    [found] = [each for each in cluster.settings(CONFIG, standings) if each.state != "ok"]

    assert (found.check, found.state) == ("topic shop-users", "warning")


@pytest.mark.parametrize(
    ("name", "changes", "state", "told", "remedy"),
    [
        ("shop-events", {"partitions": 3}, "failure", "partitions is 3, wanted 4", "kafka.partitions"),
        ("shop-users", {"settings": {"cleanup.policy": "delete"}}, "failure", "wanted compact",
         "--entity-name shop-users --add-config cleanup.policy=compact"),
        ("shop-events", {"settings": {"message.timestamp.type": "CreateTime"}}, "failure", "CreateTime",
         "message.timestamp.type=LogAppendTime"),
        ("shop-journal", {"settings": {"retention.ms": "1000"}}, "warning", "is 1000", "retention.ms"),
        ("shop-events", {"settings": {"compression.type": "producer"}}, "warning", "producer",
         "compression.type=uncompressed"),
    ],
)  # fmt: skip
def test_a_topic_that_differs_is_told_with_the_command_that_corrects_it(name, changes, state, told, remedy):
    """What correctness rests on is a failure, the rest a warning."""
    [found] = changed(name, **changes)

    assert (found.check, found.state) == (f"topic {name}", state)
    assert told in found.told
    assert remedy in found.remedy


def test_fewer_copies_than_wanted_are_told():
    """As topics that were made before more brokers were there."""
    config = Config(kafka=KafkaConfig(replication_factor=3))
    standings = {name: each._replace(replication_factor=1) for name, each in right(config).items()}

    found = list(cluster.settings(config, standings))

    assert {each.state for each in found} == {"warning"}
    assert "replication factor is 1, wanted 3" in found[0].told


@pytest.mark.parametrize(("count", "state"), [(1, "failure"), (3, "ok")])
def test_there_must_be_as_many_brokers_as_copies(count, state):
    """Else no topic can be made."""
    config = Config(kafka=KafkaConfig(replication_factor=3))

    assert cluster.brokers(count, "4.3", config).state == state


@pytest.mark.parametrize(
    ("ahead", "state"), [(0.2, "ok"), (-0.9, "ok"), (2.0, "warning"), (-59, "warning"), (3600, "failure")]
)
def test_clocks_may_differ_a_little(ahead, state):
    """By more than a minute good events would be called future ones."""
    assert cluster.clocks(ahead).state == state


@pytest.mark.parametrize(
    ("bounds", "state"), [((0, 100), "ok"), ((60, 100), "ok"), ((0, 59), "failure"), ((61, 100), "failure")]
)
def test_the_journal_must_reach_from_what_is_published_to_its_end(bounds, state):
    """60 is published."""
    assert cluster.journal(*bounds, 60).state == state


@pytest.mark.parametrize(("free", "state"), [(50e9, "ok"), (2e9, "warning"), (1e8, "failure")])
def test_disk(free, state, tmp_path):
    """A snapshot, the embedded Kafka's logs."""
    assert machine.disk(free, tmp_path).state == state


@pytest.mark.parametrize(
    ("limit", "state"), [(resource.RLIM_INFINITY, "ok"), (65536, "ok"), (1024, "warning"), (64, "failure")]
)
def test_file_descriptors(limit, state):
    """With the command that raises them."""
    found = machine.files(limit)

    assert found.state == state
    assert ("ulimit" in found.remedy) == (state != "ok")


def test_versions():
    """What is too old or missing is named."""
    assert machine.python((3, 10)).state == "failure"
    assert machine.packages().state == "ok"
    assert machine.packages(("numpy", "no-such-package")).told == "missing: no-such-package"


def test_a_folder_that_cannot_be_written_is_a_failure(tmp_path, monkeypatch):
    """Also where only the sync fails."""

    def fail(handle):
        raise OSError(5, "Input/output error")

    assert machine.folder(tmp_path / "not" / "there").state == "ok"
    monkeypatch.setattr("os.fsync", fail)
    assert machine.folder(tmp_path).state == "failure"


async def test_a_broker_that_does_not_answer_is_all_there_is_to_say():
    """With both ways out of it."""
    nobody = Config(kafka=KafkaConfig(bootstrap_servers="127.0.0.1:1"))

    [found] = await cluster.look(nobody, None)

    assert (found.check, found.state) == ("broker", "failure")
    assert "127.0.0.1:1" in found.told
    assert "streamproc up" in found.remedy and "kafka.bootstrap_servers" in found.remedy
