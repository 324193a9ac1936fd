"""What the learner publishes makes a worker rank exactly as the learner itself would."""

import numpy as np
import pytest

from streamproc.config import Config, ItemsConfig, RulesConfig, UsersConfig
from streamproc.contracts.control import Promote
from streamproc.contracts.model import HEADER, ITEM, LASTING
from streamproc.engine import generations, ids, state
from streamproc.engine.learner import Learner
from streamproc.engine.publishing import SyncPoint, changed_rows, changed_users
from streamproc.engine.view import ModelView
from streamproc.errors import ConfigError
from streamproc.heads_config import HeadsConfig, MarkovConfig
from streamproc_models import fusion
from streamproc_models.slots import FREE
from tests.event_columns import Event, at_random
from tests.learning import begin, feed, learner_of, next_items
from tests.mirror import Worker, agree, own_slates

EVENTS_1300 = at_random(1300)
USERS = [f"user {number}" for number in range(40)]
CONFIGS = {
    "plain": Config(),
    "nothing twice": Config(rules=RulesConfig(exclude_seen=True)),
    "few items": Config(items=ItemsConfig(max=40)),
    "few users": Config(users=UsersConfig(max=12)),
    "few of all, nothing twice": Config(
        items=ItemsConfig(max=40), users=UsersConfig(max=12), rules=RulesConfig(exclude_seen=True)
    ),
}


@pytest.fixture(scope="module", params=CONFIGS)
def config(request):
    return CONFIGS[request.param]


@pytest.mark.parametrize("every", [1300, 400, 37])
def test_a_worker_ranks_like_the_learner(config, every):
    """After one sync or many, also where items and users were forgotten in between.

    The vectors of sampled negatives move, too, but travel only with their item's next event; so the last sync
    publishes every row here.
    """
    learner, worker = Learner(config, 1), Worker(config)
    for start in range(0, len(EVENTS_1300), every):
        feed(learner, EVENTS_1300[start : start + every], first=start)
        worker.sync(learner)
    learner.mark_all_items()
    worker.sync(learner)

    agree(worker.slates(USERS), own_slates(config, learner, USERS))
    assert worker.windows().count == learner.users[0].windows.count


def test_a_worker_that_came_late_ranks_the_same(config):
    """It reads what compaction left: the newest record of each key."""
    learner, early, topic = Learner(config, 1), Worker(config), {}
    for start in range(0, len(EVENTS_1300), 100):
        feed(learner, EVENTS_1300[start : start + 100], first=start)
        rows = changed_rows(learner, SyncPoint(start, start))
        early.view.apply(rows)
        for key, value in rows:
            topic.pop(key, None)
            topic[key] = value
    early.states = {name: value for name, value in changed_users(learner)[0] if value is not None}
    late = Worker(config)
    late.states = early.states

    assert late.view.apply(list(topic.items()))

    agree(late.slates(USERS), early.slates(USERS))


def test_growth_reaches_the_worker():
    """3,000 items, more than the first arrays hold."""
    config = CONFIGS["plain"]
    events = at_random(2500, items=3000)
    learner, worker = learner_of(config, events[:500]), Worker(config)
    worker.sync(learner)

    feed(learner, events[500:], first=500)
    learner.mark_all_items()
    worker.sync(learner)

    agree(worker.slates(USERS), own_slates(config, learner, USERS))


def promoted(config, events, encoder=None):
    """A learner with a generation that serves."""
    learner = learner_of(config, events)
    begin(learner, next_items(60), encoder=encoder)
    generations.follow(learner, Promote(1, 1.0, 0.0))
    brought = [*range(fusion.LONG_TERM_FIRST, fusion.LONG_TERM_LAST + 1), fusion.ENCODER, fusion.ENCODER_ROOT]
    learner.model.fusion.weights[:, brought] = 0.5  # what it says counts
    return learner


def test_a_generation_reaches_the_worker():
    """With the sync after its promotion, whole."""
    config = CONFIGS["plain"]
    learner = promoted(config, EVENTS_1300[:900])
    worker = Worker(config).sync(learner)

    assert worker.view.generation == 1
    agree(worker.slates(USERS), own_slates(config, learner, USERS))
    keys = {key[:1] for key, _ in changed_rows(learner, SyncPoint(2, 0))}
    assert LASTING not in keys  # nothing of it has changed since


def test_newcomers_in_the_rows_of_forgotten_items_inherit_no_long_term_neighbours():
    """After every sync a worker's long-term head is the learner's, whoever went and whoever got the row."""
    config = CONFIGS["few items"]
    learner = promoted(config, EVENTS_1300[:300])
    worker = Worker(config).sync(learner)

    for start in range(300, 500, 5):
        worker.sync(feed(learner, EVENTS_1300[start : start + 5], first=start))
        live = np.flatnonzero(learner.model.item[: learner.items])
        for name in ("neighbours", "weights"):
            ours, theirs = (getattr(m.long_term, name)[live] for m in (worker.view.model, learner.model))
            np.testing.assert_array_equal(ours, theirs)


def test_the_header_comes_last_and_makes_a_sync_whole():
    """Until then a worker ranks with what it had."""
    config = CONFIGS["plain"]
    rows = changed_rows(learner_of(config, EVENTS_1300[:100]), SyncPoint(5, 77))
    view = ModelView(config)
    assert (view.version, view.learned_to, view.generation) == (0, 0, 0)

    assert rows[-1][0] == HEADER
    assert not view.apply(rows[:-1])
    assert view.version == 0
    assert view.apply(rows[-1:])
    assert (view.version, view.learned_to) == (5, 77)


def test_only_what_changed_is_published():
    """One more event after tea: its two items, the row whose turn it is, its user, the header."""
    config = CONFIGS["plain"]
    learner = learner_of(config, [Event("user 1", "tea"), Event("user 2", "pot"), Event("user 2", "tea")])
    changed_rows(learner, SyncPoint(1, 0)), changed_users(learner)

    feed(learner, [Event("user 1", "cup")], first=3)

    turn = ITEM + ids.text(learner.item_ids, np.array([learner.swept], np.int32))[0]
    assert {key for key, _ in changed_rows(learner, SyncPoint(2, 0))} == {
        ITEM + b"tea",
        ITEM + b"cup",
        turn,
        HEADER,
    }
    assert [name for name, _ in changed_users(learner)[0]] == [b"user 1"]
    assert [key for key, _ in changed_rows(learner, SyncPoint(3, 0))] == [HEADER]
    assert changed_users(learner) == [[]]


def test_forgotten_items_and_users_are_taken_out_of_their_topics():
    """A tombstone for each that is not back by then."""
    config = CONFIGS["few of all, nothing twice"]
    learner = learner_of(config, EVENTS_1300[:1000])
    items, users = dict(changed_rows(learner, SyncPoint(1, 0))), dict(changed_users(learner)[0])

    live = np.flatnonzero(learner.model.item[: learner.items]).astype(np.int32)
    here = {ITEM + name for name in ids.text(learner.item_ids, live)}
    assert {key for key, value in items.items() if value is not None} == here | {HEADER}
    assert {ITEM + event.item.encode() for event in EVENTS_1300[:1000]} - here <= items.keys()
    known = {event.user.encode() for event in EVENTS_1300[:1000]}
    assert users.keys() == known
    assert sum(value is not None for value in users.values()) == 12


def test_long_ids_of_users_who_come_and_go_in_one_batch_are_kept_whole():
    """Their tombstones need more room than all the ids that were there before."""
    config = Config(users=UsersConfig(max=2))
    names = [f"user {n} {chr(97 + n % 26) * 200}" for n in range(200)]
    learner = learner_of(config, [Event("u", "tea")])
    feed(learner, [Event(name, "tea") for name in names], first=1)

    changes = dict(changed_users(learner)[0])

    assert {name for name, value in changes.items() if value is None} == {
        b"u",
        *(n.encode() for n in names[:-2]),
    }
    assert {name for name, value in changes.items() if value is not None} == {n.encode() for n in names[-2:]}


def test_a_worker_with_other_heads_refuses_the_model():
    """Its rows have other lengths: it says so, instead of reading nonsense."""
    rows = changed_rows(learner_of(Config(), EVENTS_1300[:10]), SyncPoint(1, 0))
    view = ModelView(Config(heads=HeadsConfig(markov=MarkovConfig(slots=16))))

    with pytest.raises(ConfigError, match=r"other \[heads\] settings"):
        view.apply(rows)


def test_publishing_changes_nothing_that_is_learned(config):
    """The digest before and after."""
    learner = learner_of(config, EVENTS_1300[:600])
    before = state.digest(learner)

    Worker(config).sync(learner)

    assert state.digest(learner) == before


def test_a_stranger_gets_a_slate_from_a_worker_that_has_just_started():
    """None before the first sync, the popular and the newest after it."""
    config = CONFIGS["plain"]
    worker = Worker(config)
    assert worker.slates(["stranger"])["stranger"][0] == []

    worker.sync(learner_of(config, EVENTS_1300[:300]))

    assert len(worker.slates(["stranger"])["stranger"][0]) == 20


def test_nothing_that_a_user_had_is_on_a_slate_where_nobody_wants_a_thing_twice():
    """Neither liked nor disliked, however long ago."""
    config = CONFIGS["nothing twice"]
    worker = Worker(config).sync(learner_of(config, EVENTS_1300))
    had = {}
    for event in EVENTS_1300:
        had.setdefault(event.user, set()).add(event.item.encode())

    for user, (items, _, _) in worker.slates(USERS).items():
        assert not had[user] & set(items)


def test_nothing_that_a_user_dislikes_is_on_a_slate():
    """For as long as it is among the newest 64 of the window."""
    config = CONFIGS["plain"]
    worker = Worker(config).sync(learner_of(config, EVENTS_1300))
    newest = {}
    for event in EVENTS_1300:
        newest.setdefault(event.user, []).append(event)

    for user, (items, _, _) in worker.slates(USERS).items():
        disliked = {event.item.encode() for event in newest[user][-64:] if event.strength <= 0}
        assert not disliked & set(items)


def test_a_row_that_is_free_has_no_long_term_neighbours_in_a_worker():
    """So that whoever gets it starts with none."""
    config = CONFIGS["few items"]
    learner = promoted(config, EVENTS_1300[:300])
    worker = Worker(config).sync(learner)
    worker.sync(feed(learner, EVENTS_1300[300:], first=300))

    free = np.flatnonzero(learner.model.item[: learner.items] == 0)

    assert (worker.view.model.long_term.neighbours[free] == FREE).all()
