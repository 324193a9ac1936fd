"""Who holds which partition: the group's answer, the workers' own figures, and the table made of both."""

from typing import Any

import pytest
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import GroupAuthorizationFailedError

from streamproc.broker import probe
from streamproc.clock import ManualClock
from streamproc.config import Config
from streamproc.errors import KafkaUnavailable
from streamproc.kafka import groups
from streamproc.kafka.groups import Group, Member
from streamproc.scrape import Sample, Samples
from streamproc.server.console import holders
from streamproc.server.holders import EVERY, Holding, WorkerGroup, holdings
from streamproc.server.sampling import History
from tests import serving

TOPIC = "events"
FIRST, SECOND, IDLE = "worker-a-11", "worker-b-12", "worker-c-13"


def member(client_id: str, *numbers: int) -> tuple[Any, ...]:
    """As it is in a DescribeGroups response; it holds these partitions of two topics."""
    held = [(TOPIC, list(numbers)), ("others", [7])]
    assignment = ConsumerProtocolMemberAssignment(0, held, b"").encode()
    return f"{client_id}-0123", client_id, "/10.0.0.1", b"", assignment


def said(process: str, client_id: str, rebalances: float, *leases: tuple[int, float, float]) -> list[Sample]:
    """A worker's /metrics: (partition, lag, since) each."""
    found = [
        Sample("worker", "group_member_info", {"client_id": client_id}, 1.0, process),
        Sample("worker", "rebalances_total", {}, rebalances, process),
    ]
    for number, lag, since in leases:
        labels = {"topic": TOPIC, "partition": str(number)}
        found.append(Sample("worker", "consumer_lag_records", labels, lag, process))
        found.append(Sample("worker", "lease_timestamp_seconds", labels, since, process))
    return found


@pytest.fixture
def group():
    """Two workers share out partitions 0 to 2; a third has none, and nobody holds the last one."""
    members = [member(SECOND, 1), member(FIRST, 2, 0), (*member(IDLE)[:4], b"")]
    return groups.read((0, "worker", "Stable", "consumer", "range", members), TOPIC)


@pytest.fixture
def samples():
    """The first worker was left by partition 1, of which it still tells; the third is not asked."""
    return Samples(
        said("http://a", FIRST, 3, (0, 5, 100.0), (2, 0, 130.0), (1, 999, 50.0))
        + said("http://b", SECOND, 1, (1, 40, 190.0))
    )


def test_the_groups_description_is_read(group):
    """Of this topic alone, in the order of names and numbers."""
    assert group == Group(
        "Stable",
        (
            Member(FIRST, (0, 2)),
            Member(SECOND, (1,)),
            Member(IDLE, ()),
        ),
    )


def test_a_group_that_may_not_be_described_is_an_error():
    """Not an empty one."""
    with pytest.raises(GroupAuthorizationFailedError):
        groups.read((30, "worker", "", "", "", []), TOPIC)


def test_every_partition_has_the_figures_of_its_own_worker(group, samples):
    """What a former holder still says does not count."""
    assert holdings(group, samples, 4) == [
        Holding(0, FIRST, 5, 100.0, 3),
        Holding(1, SECOND, 40, 190.0, 1),
        Holding(2, FIRST, 0, 130.0, 3),
        Holding(3, "", None, None, None),
        Holding(None, IDLE, None, None, None),
    ]


def test_the_table_says_who_holds_what(group, samples, tmp_path):
    """Since when, how far behind, how often it changed; and what nobody knows is a dash."""
    history = History(tmp_path, [], ManualClock(200_000))
    history.take(samples)

    table = holders.told(group, history, partitions=4, now=200.0)

    rows = [row.split("</td></tr>")[0].split("</td><td>") for row in table.split("<tr><td>")[1:]]
    assert rows == [
        ["0", FIRST, "5", "100 s", "3"],
        ["1", SECOND, "40", "10 s", "1"],
        ["2", FIRST, "0", "70 s", "3"],
        ["3", "nobody", "-", "-", "-"],
        ["none, stands by", IDLE, "-", "-", "-"],
    ]


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (Group("Dead", ()), "start one with `streamproc worker`"),
        (Group("PreparingRebalance", (Member(FIRST, ()),)), "sharing out the partitions anew"),
    ],
)
def test_without_holders_it_says_why_and_what_to_do(found, sentence, tmp_path):
    """No empty table."""
    told = holders.told(found, History(tmp_path, [], ManualClock()), partitions=4, now=0.0)

    assert sentence in told and "<table" not in told


async def test_without_a_broker_it_is_an_error_that_names_the_address():
    """At once, and nothing is left open."""
    address = f"127.0.0.1:{probe.free_port()}"
    config = Config.model_validate({"kafka": {"bootstrap_servers": address}})

    with pytest.raises(KafkaUnavailable, match=address):
        await groups.describe(config, "worker", TOPIC)


async def test_the_group_is_asked_once_in_a_while(monkeypatch):
    """However many pages are open; a refusal is kept for as long, and costs no more than its own table."""
    clock, answers, asked = ManualClock(), [Group("Stable", ()), KafkaUnavailable("here:1", 5)], []

    async def describe(config: Config, name: str, topic: str) -> Group:
        asked.append((name, topic))
        answer = answers[len(asked) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(groups, "describe", describe)
    state = serving.state({"kafka": {"prefix": "shop."}})
    group, history = WorkerGroup(state.config, clock), History(state.config.data_dir, [], clock)

    for _ in range(3):
        assert await group.look() == answers[0]
    assert asked == [("shop.worker", "shop.events")]

    clock.advance(EVERY)
    for _ in range(3):
        told = await holders.shown(state, history, group)
        assert "cannot be asked for its workers now: no Kafka answered at here:1" in told
    assert len(asked) == 2
