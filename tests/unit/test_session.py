"""The session's table: both directions, fading with distance, and never over the end of a session."""

import numpy as np
import pytest

from streamproc.config import Config
from streamproc.engine.model import BRIEF, LONG
from streamproc.heads_config import HeadConfig, HeadsConfig, SessionConfig
from streamproc_models.heads import covisitation, session
from tests.event_columns import Event
from tests.learning import learner_of

TEA, CUP, SPOON, POT = range(4)
HOUR = 3600
CONFIG = Config()


@pytest.fixture
def head():
    return covisitation.empty(32, 16)


def row(head, item):
    """{neighbour: weight} of one item."""
    n = head.fill[item]
    return dict(zip(head.neighbours[item, :n].tolist(), head.weights[item, :n].tolist(), strict=True))


def after(head, before, item, weight=1.0):
    rows = np.array(before, np.int32)
    session.learn(head, rows, rows.size, item, weight)


def test_each_item_of_the_session_is_paired_both_ways_by_one_over_the_root_of_its_distance(head):
    """The pot after a spoon, a cup and tea: 1, 1/sqrt(2), 1/sqrt(3), each twice the weight of one event."""
    after(head, [SPOON, CUP, TEA], POT, weight=2.0)

    shares = [2.0, 2 / 2**0.5, 2 / 3**0.5]
    assert row(head, POT) == pytest.approx(dict(zip((SPOON, CUP, TEA), shares, strict=True)))
    for before, share in zip((SPOON, CUP, TEA), shares, strict=True):
        assert row(head, before) == pytest.approx({POT: share})
    assert head.totals[POT] == pytest.approx(sum(shares))


def test_an_item_is_no_mate_of_itself(head):
    """Tea again, after a cup and tea: only the cup is a mate of it, and the tea counts as a step."""
    after(head, [TEA, CUP], TEA)

    assert row(head, TEA) == pytest.approx({CUP: 1 / 2**0.5})
    assert row(head, CUP) == pytest.approx({TEA: 1 / 2**0.5})


def test_no_more_than_twenty_items_back_are_paired(head):
    """Whatever the length of the session."""
    after(head, range(25), 30)

    assert head.fill[30] == 16  # as many as there are slots
    assert head.fill[:25].tolist() == [1] * 20 + [0] * 5


def test_nothing_before_it_teaches_nothing(head):
    """The first item of a session."""
    after(head, [], TEA)

    assert not head.fill.any()


def pairs(learner):
    """{(item, item): weight in present events} of the session's table, by names."""
    names = [bytes(name).decode() for name in texts(learner)]
    head, one = learner.model.session, learner.model.increments[BRIEF]
    return {
        (names[item], names[other]): weight / one
        for item in range(learner.items)
        for other, weight in row(head, item).items()
    }


def texts(learner):
    data, at = learner.item_ids.data, learner.item_ids
    return [
        data[start : start + n].tobytes()
        for start, n in zip(at.start[: learner.items], at.length[: learner.items], strict=True)
    ]


def linked(learner):
    """Unordered pairs."""
    return {frozenset(pair) for pair in pairs(learner)}


def test_a_silence_ends_a_session():
    """Tea and a cup; 31 minutes later a spoon and a pot: nothing leads from one to the other."""
    late = 31 * 60
    stream = [("ann", "tea", 0), ("ann", "cup", 9), ("ann", "spoon", 9 + late), ("ann", "pot", 20 + late)]

    assert linked(learner_of(CONFIG, stream)) == {frozenset(("tea", "cup")), frozenset(("spoon", "pot"))}


def test_a_silence_of_just_the_gap_does_not_end_it():
    """30 minutes to the second."""
    stream = [("ann", "tea", 0), ("ann", "cup", 1800)]

    assert linked(learner_of(CONFIG, stream)) == {frozenset(("tea", "cup"))}


def test_a_session_id_ends_a_session():
    """At once; co-visitation goes on over it."""
    stream = [Event("ann", "tea", 0, session="a"), Event("ann", "cup", 1, session="b")]

    learner = learner_of(CONFIG, stream)

    assert linked(learner) == set()
    assert learner.model.covisitation.fill[:2].tolist() == [1, 1]


def test_an_event_that_comes_late_is_no_mate_of_the_session_after_its_own():
    """Tea, 50 minutes later a cup, and only then the spoon of the first minute."""
    stream = [("ann", "tea", 0), ("ann", "cup", 3000), ("ann", "spoon", 60)]

    assert frozenset(("cup", "spoon")) not in linked(learner_of(CONFIG, stream))


def test_sessions_of_different_people_never_meet():
    """However their events alternate."""
    stream = [("ann", "tea", 0), ("bob", "cup", 1), ("ann", "spoon", 2), ("bob", "pot", 3)]

    assert linked(learner_of(CONFIG, stream)) == {frozenset(("tea", "spoon")), frozenset(("cup", "pot"))}


def test_what_somebody_disliked_opens_a_session_and_is_no_mate():
    """An hour after tea: a cup that ann dislikes, then a spoon."""
    stream = [
        Event("ann", "tea", 0),
        Event("ann", "cup", HOUR, strength=0.0),
        Event("ann", "spoon", HOUR + 9),
        Event("ann", "pot", HOUR + 20),
    ]

    assert linked(learner_of(CONFIG, stream)) == {frozenset(("spoon", "pot"))}


def test_a_pair_counts_what_the_event_is_worth_and_fades_over_its_own_half_life():
    """A purchase of strength 5; 20 events of other people at a half-life of 10 leave a quarter of it."""
    config = Config(heads=HeadsConfig(session=SessionConfig(half_life=10.0)))
    stream = [Event("ann", "tea", 0), Event("ann", "cup", 1, strength=5.0)]
    others = [Event(f"user {n}", "pot", 2 + n) for n in range(20)]

    learner = learner_of(config, stream + others)

    assert pairs(learner) == pytest.approx({("tea", "cup"): 1.25, ("cup", "tea"): 1.25})
    assert learner.model.increments[LONG] == pytest.approx(2 ** (22 / 500_000))


def test_off_it_learns_nothing():
    """And second-order co-visitation is a way of reading, so it has no table of its own."""
    heads = HeadsConfig(session=SessionConfig(enabled=False), second_order=HeadConfig(enabled=False))

    learner = learner_of(Config(heads=heads), [("ann", "tea", 0), ("ann", "cup", 1)])

    assert not learner.model.session.fill.any()
    assert not learner.settings.reading.second_order
