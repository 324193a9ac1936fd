"""An earlier generation serves again: what is written for it, and what the learner makes of that."""

from itertools import pairwise

import pytest

from streamproc.config import Config, KafkaConfig, RefreshConfig
from streamproc.contracts import journal
from streamproc.contracts.control import Drift, Generation, Promote, Reject
from streamproc.contracts.journal import Reader, pack_control, unpack
from streamproc.engine import state
from streamproc.engine.learner import Learner
from streamproc.errors import StreamprocError
from streamproc.orders.generations import Generations
from streamproc.orders.rollback import again
from streamproc.trainer.follower import Follower
from tests.learning import next_items, packed_generation
from tests.shop_journal import journalled

BY = "Ann at a desk"
CONFIG = Config(kafka=KafkaConfig(partitions=1), refresh=RefreshConfig(shadow_events=10**6))


def promoted(neighbours, number):
    return [*packed_generation(neighbours, number), pack_control(Promote(number, 0.5, 0.4, 100))]


@pytest.fixture
def records():
    """Events, two generations that were promoted, and one that was rejected."""
    events = journalled(CONFIG, 600, batch=100)
    rejected = [*packed_generation(next_items(9), 3), pack_control(Reject(3, "no better"))]
    return [*events[:2], *promoted(shop_items(events, 1), 1), events[2], *promoted(shop_items(events, 2), 2),
            events[3], *rejected, *events[4:]]  # fmt: skip


def shop_items(events, step):
    """Each item speaks for the one so many places after it."""
    data, ends = unpack(events[0]).columns.item_ids
    whole, edges = data.tobytes(), [0, *ends.tolist()]
    names = sorted({whole[a:b].decode() for a, b in pairwise(edges)})
    return {name: {names[(k + step) % len(names)]: 1.0} for k, name in enumerate(names)}


def read(records, wanted=-1):
    found = Generations(wanted)
    for value in records:
        found.add(value)
    return found


def follow(records):
    follower = Follower(Learner(CONFIG, 1), Reader(), 0)
    for offset, value in enumerate(records):
        follower.apply(offset, value)
    return follower


def test_what_served_is_read_from_the_journal(records):
    """A rejected generation never did, and its number is taken all the same."""
    found = read(records)

    assert found.served == [0, 1, 2]
    assert (found.next_id, found.before()) == (4, 1)
    assert found.serves(2) and not found.serves(1)


def test_the_earlier_one_serves_when_the_records_are_read(records):
    """Row for row what it was, under a number of its own; learning goes on."""
    back = again(read(records, 1), now_ms=9, by=BY)
    follower = follow([*records, *back])
    then = follow(records[:6]).learner.model.long_term
    now, used = follower.learner.model.long_term, (then.neighbours >= 0).any(axis=1).sum()

    *chunks, control, promote = map(unpack, back)
    assert isinstance(control, Generation) and (control.id, control.created_at) == (4, 9)
    assert promote == Promote(4, 0.0, 0.0, 0, BY, like=1)
    assert all(chunk.generation == 4 for chunk in chunks)
    assert (follower.generation, follower.in_shadow) == (4, 0)
    assert used > 0
    rows = (then.neighbours >= 0).any(axis=1)
    assert (now.neighbours[: rows.size][rows] == then.neighbours[rows]).all()
    assert follower.undecided == []


def test_every_reader_of_the_journal_comes_to_the_same_state(records):
    """Whether it was there all the time or starts over."""
    whole = [*records, *again(read(records, 1), now_ms=9, by=BY)]

    assert state.digest(follow(whole).learner) == state.digest(follow(whole).learner)
    assert state.digest(follow(whole).learner) != state.digest(follow(records).learner)


def test_repeated_it_changes_nothing(records):
    """The copy is known as what it is."""
    whole = [*records, *again(read(records, 1), now_ms=9, by=BY)]

    assert read(whole).serves(1)
    assert read(whole).before() == 2  # and back again


def test_back_to_none_empties_the_long_term_head(records):
    """As before the first refresh."""
    whole = [*records, *again(read(records, 0), now_ms=9, by=BY)]
    follower = follow(whole)

    assert follower.generation == 4
    assert (follower.learner.model.long_term.neighbours < 0).all()
    assert read(whole).serves(0)


def test_a_generation_in_shadow_gives_way(records):
    """It is rejected by name; the next refresh brings another."""
    shadowed = [*records, *packed_generation(next_items(9), 4)]
    follower = follow([*shadowed, *again(read(shadowed, 1), now_ms=9, by=BY)])

    assert (follower.generation, follower.in_shadow) == (5, 0)
    assert follower.undecided == [Reject(4, "generation 5 came before it was judged")]


def test_another_generation_that_comes_between_wins(records):
    """The promotion names one that is in shadow no more, and does nothing."""
    *chunks, control, promote = again(read(records, 1), now_ms=9, by=BY)
    between = packed_generation(next_items(9), 5)

    found = read([*records, *chunks, control, *between, promote])

    assert found.served == [0, 1, 2]
    assert follow([*records, *chunks, control, *between, promote]).generation == 2


def test_what_has_left_the_journal_is_named(records):
    """Retention took its arrays; nothing half is written."""
    start = next(k for k, value in enumerate(records) if value[0] == journal.CHUNK)

    assert [read(records[start + 1 :]).whole(number) for number in (0, 1, 2)] == [True, False, True]
    with pytest.raises(StreamprocError, match="chunks 0 to 0 of generation 1 have left the journal: 1 of 1"):
        again(read(records[start + 1 :], 1), now_ms=9, by=BY)


def test_without_an_earlier_one_there_is_nothing_to_go_back_to():
    """Said, and not guessed."""
    with pytest.raises(StreamprocError, match="no generation served before"):
        read([]).before()


def test_a_drift_is_no_generation(records):
    """It lies between them in the journal."""
    assert read([*records, pack_control(Drift("hits", 600, 0.5, 0.2))]) == read(records)
