"""Strangers and new items: what somebody gets first, and how soon something new is shown."""

from types import SimpleNamespace

import numpy as np
import pytest

from streamproc.contracts.columns import span
from streamproc.engine import ids, trace
from streamproc.engine.pool import NEWEST_AT, OUTSIDE
from streamproc.engine.ranker import Ranker
from streamproc.engine.windows import Windows
from streamproc_models.evaluation import FUSION, MARKOV, MISS
from tests.event_columns import Event
from tests.learning import feed
from tests.visits import CONFIG, asked, changed, decoded, learned, predictions, visits

STREAM = visits(3000)
WARM = 500  # events before a new item is timed
SOON, LATEST = 200, 1000  # events until nine in ten, and until all, were shown to somebody who never had them


def first_slate(learner):
    """Rows of what a stranger gets, best first."""
    view = SimpleNamespace(model=learner.model, scratch=learner.scratch)
    found = Ranker(CONFIG).rank(view, Windows(CONFIG, 1), np.array([-1], np.int32))
    assert (found.because == -1).all()
    return found.rows[0, : found.counts[0]].tolist()


def row_of(learner, item):
    names = ids.text(learner.item_ids, np.arange(learner.items, dtype=np.int32))
    return names.index(item.encode())


@pytest.fixture
def learner():
    """After 1,200 events."""
    return learned(STREAM[:1200])


def test_a_strangers_first_slate_is_full_of_the_popular_and_the_newest(learner):
    """Twenty of the pool, each once."""
    slate, m = first_slate(learner), learner.model

    assert len(slate) == len(set(slate)) == CONFIG.publish.slate_size
    assert set(slate) <= {*m.pool.lately.tolist(), *m.pool.popular.tolist(), *m.pool.newest.tolist()}


def test_a_strangers_first_slate_is_no_worse_than_the_most_popular_items():
    """Of the first things that 450 newcomers took, those on the slate they got, and among the top 20."""
    stream = visits(6000, users=1500, items=400)
    learner, columns, strangers, found, popular = asked(), decoded(stream), set(), 0, 0
    for k, event in enumerate(stream):
        if event.user_id not in strangers and k > WARM:
            wanted = np.flatnonzero(learner.model.item[: learner.items] == columns.items[k])
            top = np.argsort(-learner.model.popularity.counts[: learner.items, 1])[:20]
            found += np.isin(wanted, first_slate(learner)).sum()
            popular += np.isin(wanted, top).sum()
        strangers.add(event.user_id)
        learner.learn(0, span(columns, k, k + 1))

    assert popular > 50
    assert found >= 0.9 * popular


def test_a_stranger_can_get_what_came_a_moment_ago(learner):
    """An item that one event has named is a candidate at once, in the place of the oldest of the newest."""
    learner.learn(0, decoded([changed(STREAM[0], item_id="brand new", event_id="1")], 1200))
    row, s = row_of(learner, "brand new"), learner.scratch

    first_slate(learner)

    place = learner.model.pool.place[row]
    assert NEWEST_AT <= place < OUTSIDE
    assert s.pool_scores[place] > -1e29


def test_before_anything_was_learned_a_stranger_gets_nothing():
    """There is nothing to show."""
    assert first_slate(asked()) == []


def test_a_new_item_is_a_candidate_for_everybody_from_the_next_event_on(learner):
    """For users who share nothing with the one who found it; at its own first event it was not."""
    users = list(dict.fromkeys(event.user_id for event in STREAM[:1200]))[:12]
    stream = [changed(STREAM[0], item_id="brand new", user_id=user, event_id=user) for user in users]
    trace.drain(learner.trace)

    learner.learn(0, decoded(stream, 1200))

    places, _, _ = predictions(learner)
    assert len(places) == len(users)
    assert places[0, FUSION] == MISS
    assert (places[1:, FUSION] < MISS).all()


def test_somebody_new_is_asked_about_from_the_second_event_on():
    """By then the window has one item, and what it says counts: what follows it is the first guess."""
    pairs = [
        Event(f"user {n}", item, 100 * n + at) for n in range(60) for at, item in enumerate(("tea", "cup"))
    ]
    crowd = [Event(f"other {n}", f"thing {n % 3}", 7000 + n) for n in range(200)]
    learner = feed(asked(), [*pairs, *crowd])
    trace.drain(learner.trace)

    feed(learner, [Event("newcomer", "tea", 9000), Event("newcomer", "cup", 9001)], first=320)

    places, _, _ = predictions(learner)
    assert len(places) == 1
    assert places[0, [FUSION, MARKOV]].tolist() == [0, 0]


def waits():
    """{item row: events from its first one to the first slate of somebody who never had it} after WARM."""
    learner, columns, had, born, wait = asked(), decoded(STREAM), {}, {}, {}
    for k, event in enumerate(STREAM):
        known, before = learner.items, int(learner.trace.counters[trace.FILL])
        learner.learn(0, span(columns, k, k + 1))
        born |= dict.fromkeys(range(known, learner.items), k)
        if learner.trace.counters[trace.FILL] > before:
            mine = had.get(event.user_id, set())
            for row in set(learner.slate.items.tolist()) - mine - {-1} - wait.keys():
                wait[row] = k - born[row]
        had.setdefault(event.user_id, set()).add(row_at(learner, columns, k))
    return {row: wait.get(row) for row, k in born.items() if k >= WARM}


def row_at(learner, columns, k):
    return int(np.flatnonzero(learner.model.item[: learner.items] == columns.items[k])[0])


def test_everything_new_is_soon_shown_to_somebody_who_never_had_it(capsys):
    """In a shop of 80 users and some 170 items; what came in the last events may still be waiting."""
    found = waits()
    times = sorted(time for time in found.values() if time is not None)

    with capsys.disabled():
        print(
            f"\n{len(found)} new items, first shown after {np.median(times):.0f} events, {times[-1]} at most"
        )
    assert len(found) >= 20
    assert len(times) >= 0.95 * len(found)
    assert np.median(times) <= 50
    assert np.quantile(times, 0.9) <= SOON
    assert times[-1] <= LATEST
