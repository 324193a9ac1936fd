"""No prediction knows anything of what comes after it; with the published clock, not even when it comes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamproc.engine import trace
from streamproc_models.evaluation import FUSION, MISS
from streamproc_models.hashing import hash64
from tests.event_columns import Event
from tests.learning import feed, learner_of
from tests.visits import CONFIG, asked, changed, learned, predictions, visits

STREAM = visits(3000)
NOW = 2000  # events that have happened
HOUR = 3_600_000  # ms


def nothing(event, n):
    return None


def other_items(event, n):
    return changed(event, item_id=f"something new {n % 50}")


def other_users(event, n):
    return changed(event, user_id=f"somebody new {n % 50}")


def other_times(event, n):
    return changed(event, ts=event.ts + 5 * HOUR, session_id=f"another {n // 3}")


def disliked(event, n):
    return changed(event, type="rating", value=1.0)


def with_future(change):
    """The stream, with another future from NOW on."""
    return STREAM[:NOW] + [new for n, event in enumerate(STREAM[NOW:]) if (new := change(event, n))]


@pytest.fixture(scope="module", params=[False, True], ids=["published clock", "request clock"])
def request_clock(request):
    return request.param


@pytest.fixture(scope="module")
def past(request_clock):
    """Predictions before NOW, as they were when the stream came in one piece."""
    return predictions(learned(STREAM, request_clock=request_clock), NOW)


@pytest.mark.parametrize("size", [4000, 137])
@pytest.mark.parametrize("change", [nothing, other_items, other_users, other_times, disliked])
def test_another_future_leaves_every_prediction_before_it_as_it_was(request_clock, past, change, size):
    """To the bit: places by all models, gates and novelty, however the events were cut."""
    again = predictions(learned(with_future(change), size, request_clock), NOW)

    assert len(past[0]) > 1500
    for then, now in zip(past, again, strict=True):
        assert then.tobytes() == now.tobytes()


def test_the_predictions_are_worth_comparing(past):
    """Most targets are candidates, and their places differ."""
    places = past[0][:, FUSION]

    assert (places != MISS).mean() > 0.5
    assert np.unique(places).size > 50


def at_another_time(event):
    """An event three hours and a session later than it was."""
    return changed(event, ts=event.ts + 3 * HOUR, session_id="another")


def of_event(events, k, request_clock):
    """What was predicted for event number k: places and shares; nothing if nobody was asked."""
    places, numbers, shares = predictions(learned(events[: k + 1], request_clock=request_clock))
    last = numbers[:, trace.EVENT] == k
    return places[last].tobytes(), shares[last].tobytes()


EVENTS_TO_COME = range(150, 600, 15)


def moved(request_clock):
    """Of which events the prediction changes with their own time and session."""
    found = []
    for k in EVENTS_TO_COME:
        other = [*STREAM[:k], at_another_time(STREAM[k])]
        found.append(of_event(STREAM, k, request_clock) != of_event(other, k, request_clock))
    return np.array(found)


def test_a_published_prediction_depends_on_no_time_and_no_session_of_the_event_to_come():
    """The slate was made after the user's last event and lies ready since then."""
    assert not moved(request_clock=False).any()


def test_a_request_may_look_at_its_own_clock():
    """What somebody takes at the beginning of a visit is not what would come next in the last one."""
    assert moved(request_clock=True).mean() > 0.5


def newest_first(learner, user):
    """Items of a user's window by name, the newest first."""
    users = learner.users[0].windows
    [row] = users.find(np.array([hash64(user.encode())], np.uint64))
    w, names = users.arrays, {hash64(f"item {n}".encode()): n for n in range(100)}
    page, place, found = w.page[row], int(w.place[row]), []
    for _ in range(w.length[row]):
        found.append(names[int(w.items[page, place])])
        page, place = (page, place - 1) if place > 0 else (w.older[page], w.items.shape[1] - 1)
    return found


@settings(max_examples=40)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_of_events_at_the_same_second_the_later_arrival_is_the_newer_one(seconds, random):
    """Whatever their fractions of a second: arrival decides."""
    stream = [Event("ann", f"item {n}", second + random.random()) for n, second in enumerate(seconds)]
    order = sorted(stream, key=lambda event: int(event.second))  # stable: as they arrived

    learner = learner_of(CONFIG, stream)

    assert newest_first(learner, "ann") == [int(event.item.split()[1]) for event in reversed(order)]


LESSONS = [
    Event(f"user {n}", item, 100 * n + step)
    for n in range(60)
    for step, item in enumerate((("tea", "cup"), ("pot", "tin"))[n % 2])
]


@pytest.mark.parametrize(
    ("both", "likely", "unlikely"), [(("tea", "pot"), "tin", "cup"), (("pot", "tea"), "cup", "tin")]
)
def test_the_order_of_arrival_within_a_second_decides_what_comes_next(both, likely, unlikely):
    """Tea leads to a cup, a pot to a tin. Whoever took both at once is at the one that arrived last."""
    places = []
    for item in (likely, unlikely):
        learner = asked()
        feed(learner, [*LESSONS, *(Event("ann", one, 9000) for one in both), Event("ann", item, 9001)])
        places.append(predictions(learner)[0][-1, FUSION])

    assert places[0] < places[1] < 10
