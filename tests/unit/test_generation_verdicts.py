"""A generation in shadow is decided on by order: what is written, and what every reader makes of it."""

import msgspec
import pytest

from streamproc.config import Config, KafkaConfig, RefreshConfig
from streamproc.contracts.control import Promote, Reject
from streamproc.contracts.journal import Reader, pack_control, unpack
from streamproc.engine import state
from streamproc.engine.learner import Learner
from streamproc.errors import StreamprocError
from streamproc.evaluate import journal as evaluated
from streamproc.orders.generations import Generations
from streamproc.orders.verdicts import record, subject
from streamproc.trainer.follower import STALE, Follower
from tests.shop_journal import generation_of, journalled

SHADOW_EVENTS = 300
CONFIG = Config(kafka=KafkaConfig(partitions=1), refresh=RefreshConfig(shadow_events=SHADOW_EVENTS))
BY = "Ann at a desk"


@pytest.fixture
def records():
    """Events, and after 400 of them a generation on trial, of which 100 events are over."""
    events = journalled(CONFIG, 900, batch=100)
    return [*events[:4], *generation_of(events[:4]), events[4]]


@pytest.fixture
def more():
    """Events that would end the trial."""
    return journalled(CONFIG, 900, batch=100)[5:]


def read(records):
    found = Generations()
    for value in records:
        found.add(value)
    return found


def follow(records):
    follower = Follower(Learner(CONFIG, 1), Reader(), 0)
    steps = [follower.apply(offset, value) for offset, value in enumerate(records)]
    return follower, steps


def replayed(records):
    """The same by `evaluate --journal`, which decides nothing."""
    learner, reader = Learner(CONFIG, 1), Reader()
    for value in records:
        evaluated.follow(learner, reader, value)
    return learner


@pytest.mark.parametrize(("verdict", "serves"), [("promote", 1), ("reject", 0)])
def test_an_order_takes_effect_when_it_is_read(records, more, verdict, serves):
    """The trial ends there, and the trainer has nothing more to say about this generation."""
    follower, steps = follow([*records, record(verdict, 1, BY), *more])

    assert (follower.generation, follower.in_shadow, follower.undecided) == (serves, 0, [])
    assert steps[len(records)].record.by == BY


@pytest.mark.parametrize("verdict", ["promote", "reject"])
def test_whoever_reads_the_journal_comes_to_the_same_state(records, more, verdict):
    """A trainer, one that starts over, and an evaluation of the recorded journal."""
    whole = [*records, record(verdict, 1, BY), *more]

    assert state.digest(follow(whole)[0].learner) == state.digest(replayed(whole))
    assert state.digest(replayed(whole)) != state.digest(replayed([*records, *more]))


@pytest.mark.parametrize(
    ("verdict", "trainers"), [("promote", Reject(1, "worse")), ("reject", Promote(1, 0.5, 0.4))]
)
def test_the_first_decision_counts(records, more, verdict, trainers):
    """The trainer's own, or a second order, changes nothing any more."""
    order = record(verdict, 1, BY)
    once, _ = follow([*records, order, *more])
    twice, steps = follow([*records, order, pack_control(trainers), order, *more])

    assert [step.outcome for step in steps[len(records) + 1 : len(records) + 3]] == [STALE, STALE]
    assert state.digest(once.learner) == state.digest(twice.learner)
    assert read([*records, order, pack_control(trainers)]).decisions == {1: unpack(order)}


def test_what_is_on_trial_is_read_from_the_journal(records):
    """And no longer once it is decided on."""
    found = read(records)

    assert subject(found, "promote", None) == subject(found, "reject", 1) == 1
    assert subject(read([*records, record("promote", 1, BY)]), "promote", 1) is None  # decided so already


@pytest.mark.parametrize(
    ("decided", "wanted", "said"),
    [
        (False, 7, "generation 7 is not in shadow. Generation 1 is"),
        (True, None, "no generation is in shadow. `streamproc refresh now` fits one"),
        (True, 1, "generation 1 is not in shadow"),
    ],
)
def test_what_is_not_on_trial_is_refused_with_what_to_do(records, decided, wanted, said):
    """Nothing is written on a guess."""
    with pytest.raises(StreamprocError) as refused:
        subject(read([*records, *([record("reject", 1, BY)] if decided else [])]), "promote", wanted)

    assert said in str(refused.value)


def test_a_decision_of_before_there_were_orders_is_still_read():
    """Who gave it is empty."""
    old = msgspec.json.encode({"type": "promote", "generation": 3, "recall": 0.5, "frozen": 0.4, "events": 9})

    assert unpack(bytes([2, 1]) + old) == Promote(3, 0.5, 0.4, 9, by="", like=-1)
