"""When a user is answered."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.clock import ManualClock
from streamproc.worker.pacing import Pacing


def rows(*numbers):
    return np.array(numbers, np.int32)


@pytest.fixture
def clock():
    return ManualClock(1_000_000)


@pytest.fixture
def pacing(clock):
    return Pacing(0.5, clock)


def test_the_first_event_of_a_quiet_user_is_answered_at_once(pacing):
    """Each user once, however many events there were."""
    assert pacing.take(rows(7, 3, 7)).tolist() == [3, 7]
    assert pacing.pause() is None


def test_a_busy_user_waits_for_the_rest_of_the_interval(pacing, clock):
    """Answered at 0 and, for the events at 0.1 s and 0.2 s together, at 0.5 s."""
    pacing.take(rows(7))
    clock.advance(0.1)
    assert pacing.take(rows(7)).tolist() == []
    clock.advance(0.1)
    assert pacing.take(rows(7)).tolist() == []
    assert pacing.waiting == 1
    assert pacing.pause() == pytest.approx(0.3)

    clock.advance(0.3)

    assert pacing.take(rows()).tolist() == [7]
    assert pacing.pause() is None


def test_one_who_waits_is_answered_beside_others(pacing, clock):
    """No timer is needed while events keep coming."""
    pacing.take(rows(7))
    clock.advance(0.1)
    pacing.take(rows(7))
    clock.advance(0.4)

    assert pacing.take(rows(2)).tolist() == [2, 7]


def test_without_an_interval_everybody_is_answered_every_time(clock):
    """A slate per user and micro-batch."""
    pacing = Pacing(0.0, clock)

    assert [pacing.take(rows(1)).tolist() for _ in range(3)] == [[1]] * 3
    assert pacing.pause() is None


def test_who_could_not_be_answered_is_not_forgotten(pacing):
    """As long as there is no model, users are kept; then they are all due."""
    pacing.hold(rows(5))
    pacing.hold(rows(5, 9))

    assert pacing.waiting == 2
    assert pacing.take(rows()).tolist() == [5, 9]


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0.01, 1.0)), max_size=40))
def test_everybody_with_news_is_answered_and_nobody_too_often(events):
    """Two answers to one user are half a second apart, and the last event is followed by one."""
    clock = ManualClock(10_000)
    pacing, answered = Pacing(0.5, clock), {}
    for row, pause in events:
        clock.advance(pause)
        for due in pacing.take(rows(row)).tolist():
            assert clock.seconds() - answered.get(due, -1.0) >= 0.5 - 1e-9
            answered[due] = clock.seconds()
    clock.advance(0.51)

    pacing.take(rows())

    assert pacing.waiting == 0
    assert set(answered) == {row for row, _ in events}
