"""A user's recurrent state is kept from one event to the next: nothing may come out differently."""

import numpy as np
import pytest

from streamproc.config import Config
from streamproc.engine import publishing, recent
from streamproc.engine.observer import Observer
from streamproc.engine.publishing import SyncPoint
from streamproc.engine.ranker import Ranker
from streamproc.engine.view import ModelView
from streamproc.engine.windows import Windows
from tests.event_columns import at_random, columns
from tests.learning import learner_of

CONFIG = Config()
EVENTS = at_random(1500)
LEARNED = 1000


class Worker:
    """A model of the first events, and windows that hold nothing yet."""

    def __init__(self, published):
        self.view, self.windows = ModelView(CONFIG), Windows(CONFIG)
        self.view.apply(published)
        self.observer, self.ranker = Observer(CONFIG, self.view), Ranker(CONFIG)

    @property
    def recent(self):
        return self.view.scratch.recent

    def rank_each(self, first, stop):
        events = columns(EVENTS[first:stop], first)
        outcomes, rows = self.observer.make_room(self.windows, events)
        rules = self.observer.rules(self.windows)
        return self.ranker.rank_each(self.view, self.windows, rules, events, outcomes, rows)

    def observe(self, first, stop):
        self.observer.apply(self.windows, columns(EVENTS[first:stop], first))


@pytest.fixture(scope="module")
def published():
    """What a trainer says after the first events."""
    learner = learner_of(CONFIG, EVENTS[:LEARNED])
    return publishing.changed_rows(learner, SyncPoint(1, LEARNED))


def same(left, right):
    return all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


def test_slates_and_states_are_those_of_who_keeps_nothing(published):
    """Event by event the one worker forgets all states; every third time it does not rank at all."""
    keeping, forgetting = Worker(published), Worker(published)
    for event in range(300):
        recent.clear(forgetting.recent)
        if event % 3 == 2:
            keeping.observe(event, event + 1)
            forgetting.observe(event, event + 1)
        else:
            assert same(keeping.rank_each(event, event + 1), forgetting.rank_each(event, event + 1))

    assert np.array_equal(keeping.windows.arrays.vectors, forgetting.windows.arrays.vectors)
    assert np.count_nonzero(keeping.recent.users) > 20


def test_a_state_holds_for_one_event(published):
    """It is found after the event that it is as of, and no more once the user has had another one."""
    worker = Worker(published)
    worker.rank_each(0, 200)
    arrays, out = worker.windows.arrays, np.zeros(CONFIG.heads.gru.size, np.float32)
    row = int(np.flatnonzero(arrays.user == worker.recent.users[worker.recent.users != 0][0])[0])
    assert recent.recall(worker.recent, arrays, row, out)
    assert (out == worker.recent.states[int(arrays.user[row]) % recent.PLACES]).all()
    assert np.abs(out).max() > 0

    arrays.offset[row] += 1

    assert not recent.recall(worker.recent, arrays, row, out)


def test_a_new_model_ends_all_states(published):
    """They were made with its weights as they were before."""
    worker = Worker(published)
    worker.rank_each(0, 200)
    assert np.count_nonzero(worker.recent.users)

    worker.view.apply(published)

    assert not np.count_nonzero(worker.recent.users)
