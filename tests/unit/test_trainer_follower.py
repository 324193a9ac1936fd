"""The learner on its way through the journal, without Kafka."""

import pytest

from streamproc.config import Config, KafkaConfig, RefreshConfig
from streamproc.contracts.control import Promote, Reject
from streamproc.contracts.journal import Reader, pack_control, pack_events, unpack
from streamproc.contracts.model import HEADER
from streamproc.engine import state
from streamproc.engine.learner import Learner
from streamproc.engine.publishing import SyncPoint, changed_rows, changed_users
from streamproc.errors import BadRecord
from streamproc.trainer.follower import APPLIED, BROKEN, OVERLAP, STALE, Follower
from tests.shop_journal import generation_of, journalled

EVENTS = 1500
CONFIG = Config(kafka=KafkaConfig(partitions=1), refresh=RefreshConfig(shadow_events=300))


@pytest.fixture(scope="module")
def records():
    return journalled(CONFIG, EVENTS, batch=100)


def follower():
    return Follower(Learner(CONFIG, CONFIG.kafka.partitions), Reader(), 0)


def follow(records, between=lambda follower: None):
    """A follower that has taken in these records."""
    one = follower()
    for offset, value in enumerate(records):
        one.apply(offset, value)
        between(one)
    return one


def digest(records):
    return state.digest(follow(records).learner)


def judged(records):
    """Records with a generation after a third of them."""
    third = len(records) // 3
    return [*records[:third], *generation_of(records[:third]), *records[third:]]


@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_what_is_learned_does_not_depend_on_how_the_events_were_cut(records, batch):
    """One event a record, or all of them at once."""
    assert digest(journalled(CONFIG, EVENTS, batch)) == digest(records)


def test_publishing_changes_nothing(records):
    """A sync after every record, or none."""

    def publish(one):
        changed_rows(one.learner, SyncPoint(1, one.position))
        changed_users(one.learner)

    assert state.digest(follow(records, publish).learner) == digest(records)


def test_nothing_changed_is_nothing_to_publish(records):
    """Right after a sync: only the header, and no user."""
    one = follow(records)
    changed_rows(one.learner, SyncPoint(1, one.position))
    changed_users(one.learner)

    [(key, _)] = changed_rows(one.learner, SyncPoint(2, one.position))

    assert key == HEADER
    assert changed_users(one.learner) == [[]]


def test_repeats_and_late_appends_change_nothing(records):
    """What two owners of a partition wrote at the same time counts once."""
    first, second = unpack(records[0]), unpack(records[1])
    both = pack_events(0, first.prev, second.upto, second.columns)  # says more than it adds
    one = follow([records[0], records[0], both, records[0], *records[2:]])

    assert state.digest(one.learner) == digest(records)
    assert (one.reader.stale, one.reader.overlap, one.reader.broken) == (2, 1, 0)


def test_each_record_is_told_apart(records):
    """Applied, stale, overlapping, and behind a gap."""
    one, second = follower(), unpack(records[1])
    overlap = pack_events(0, -1, second.upto, second.columns)
    taken = [records[0], records[0], overlap, records[3]]

    steps = [one.apply(offset, value) for offset, value in enumerate(taken)]

    assert [step.outcome for step in steps] == [APPLIED, STALE, OVERLAP, BROKEN]
    assert [step.events for step in steps] == [100, 0, 100, 0]
    assert one.position == 4
    assert one.highest(1) == [199]


def test_a_generation_is_judged_once_and_nothing_changes_until_the_decision_is_read(records):
    """The decision is wanted, not yet taken: it has to be written down first."""
    one = follow(judged(records))

    [decision] = one.undecided

    assert isinstance(decision, Promote | Reject)
    assert (one.in_shadow, one.generation) == (1, 0)


def test_a_decision_takes_effect_when_it_is_read_and_only_once(records):
    """A second one, of a trainer that was restarted, changes nothing."""
    one = follow(judged(records))
    promote = pack_control(Promote(1, 0.3, 0.2))

    first = one.apply(one.position, promote)
    after = state.digest(one.learner)
    second = one.apply(one.position, promote)
    third = one.apply(one.position, pack_control(Reject(1, "too late")))

    assert [first.outcome, second.outcome, third.outcome] == [APPLIED, STALE, STALE]
    assert (one.in_shadow, one.generation, one.undecided) == (0, 1, [])
    assert state.digest(one.learner) == after


def test_a_damaged_generation_asks_for_its_rejection(records):
    """A chunk is missing: nothing runs in shadow, and the journal will say why."""
    control = generation_of(records)[-1]

    one = follow([*records, control])

    [decision] = one.undecided
    assert isinstance(decision, Reject)
    assert (decision.generation, one.in_shadow) == (1, 0)


@pytest.mark.parametrize("at", [0.2, 0.4, 0.5, 0.9])
def test_a_restart_from_a_copy_ends_with_the_same_state(records, at):
    """Before, during and after the time in shadow, and between the pieces of a generation."""
    whole = judged(records)
    whole = [*whole, pack_control(Promote(1, 0.3, 0.2))]
    stop = round(at * len(whole))
    before = follow(whole[:stop])
    copies = {name: array.copy() for name, array in state.arrays(before.learner).items()}
    learner = Learner(CONFIG, 1)
    state.restore(learner, copies)
    after = Follower(learner, Reader(dict(enumerate(before.highest(1)))), before.position)

    for offset in range(stop, len(whole)):
        after.apply(offset, whole[offset])

    assert state.digest(after.learner) == digest(whole)
    assert state.digest_of(copies) == digest(whole[:stop])


def test_a_record_of_a_later_version_is_not_skipped(records):
    """The message names its offset."""
    with pytest.raises(BadRecord, match=r"journal offset 1: .*version 9"):
        follow([records[0], bytes([1, 9]) + records[1][2:]])
