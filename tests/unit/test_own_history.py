"""When people take the same things again: spans, sessions and intervals, by hand."""

import numpy as np
import pytest

from streamproc_models.heads import history
from streamproc_models.heads.history import (
    IN_SESSION,
    INTERVAL,
    INTERVAL_KNOWN,
    PREVIOUS,
    SESSION_COUNT,
    SESSIONS,
    SESSIONS_SHARE,
    TIMING,
)

HOUR, DAY = 3600, 86_400
NOW = 400 * DAY
SPANS = ("6_hours", "36_hours", "5_days", "12_days", "25_days", "60_days", "longer")


def own(*events):
    """Events (item, time, sessions back), the newest first; items are numbered as they come."""
    found, places = history.empty(), {}
    for d, (item, time, session) in enumerate(events):
        if item in places:
            history.meet_again(found, places[item], d, time, session)
        else:
            history.meet(found, places.setdefault(item, len(places)), d, time, session)
    return found, len(places)


def described(*events, now=NOW, sessions=None):
    """(items, 14): the timing features of each item."""
    found, n = own(*events)
    sessions = sessions or max((session for _, _, session in events), default=0) + 1
    x = np.full((TIMING, 8), 9.0, np.float32)
    history.describe(found, n, now, sessions, x)
    return x[:, :n].T


@pytest.mark.parametrize(
    ("gap", "span"),
    [
        (-5, "6_hours"), (0, "6_hours"), (6 * HOUR - 1, "6_hours"), (6 * HOUR, "36_hours"),
        (36 * HOUR - 1, "36_hours"), (36 * HOUR, "5_days"), (5 * DAY - 1, "5_days"), (5 * DAY, "12_days"),
        (12 * DAY - 1, "12_days"), (12 * DAY, "25_days"), (25 * DAY - 1, "25_days"), (25 * DAY, "60_days"),
        (60 * DAY - 1, "60_days"), (60 * DAY, "longer"), (365 * DAY, "longer"),
    ],
)  # fmt: skip
def test_the_time_since_an_item_was_taken_falls_into_one_of_seven_spans(gap, span):
    """A span ends before its border; event times may run backwards a little."""
    [x] = described(("tea", NOW - gap, 1))

    assert x[: len(SPANS)].tolist() == [float(span == name) for name in SPANS]
    assert x[IN_SESSION] == x[SESSION_COUNT] == 0


def test_what_was_met_in_this_session_has_a_flag_and_a_count_instead_of_a_span():
    """Three times: ln 4, however long ago the session began."""
    [x] = described(("tea", NOW, 0), ("tea", NOW - 60, 0), ("tea", NOW - 9000, 0), ("tea", NOW - 9 * DAY, 1))

    assert not x[: len(SPANS)].any()
    assert x[IN_SESSION] == 1
    assert x[SESSION_COUNT] == pytest.approx(np.log(4))


def test_the_interval_compares_the_time_since_with_the_time_between():
    """Taken 3, 10 and 24 days ago: 10.5 days in between; |ln((72 h + 1 h) / (252 h + 1 h))| = 1.24286."""
    [x] = described(("tea", NOW - 3 * DAY, 1), ("tea", NOW - 10 * DAY, 2), ("tea", NOW - 24 * DAY, 3))

    assert x[INTERVAL] == pytest.approx(np.log(253 / 73), rel=1e-5)
    assert x[INTERVAL] == pytest.approx(1.24286, abs=1e-4)
    assert x[INTERVAL_KNOWN] == 1


def test_just_when_it_is_due_the_interval_is_zero():
    """Every seven days, last time seven days ago; sooner or later it grows."""
    week = ("tea", NOW - 7 * DAY, 1), ("tea", NOW - 14 * DAY, 2)

    due, early, late = (described(*week, now=NOW + shift * DAY)[0, INTERVAL] for shift in (0, -3, 3))

    assert due == pytest.approx(0, abs=1e-6)
    assert early > late > 0.3


def test_one_session_has_no_interval():
    """However often in it."""
    [x] = described(("tea", NOW - DAY, 1), ("tea", NOW - DAY - 60, 1))

    assert x[INTERVAL] == x[INTERVAL_KNOWN] == 0
    assert x[SESSIONS] == 0
    assert x[SESSIONS_SHARE] == 0.5


def test_sessions_are_counted_once_each():
    """Tea in sessions 0, 0, 2 and 5 of 6, a cup in one of them: ln 3 and ln 1; 3/6 and 1/6."""
    tea, cup = described(
        ("tea", NOW, 0),
        ("cup", NOW - 1, 0),
        ("tea", NOW - 2, 0),
        ("tea", NOW - DAY, 2),
        ("tea", NOW - 2 * DAY, 5),
    )

    assert [tea[SESSIONS], cup[SESSIONS]] == pytest.approx([np.log(3), 0])
    assert [tea[SESSIONS_SHARE], cup[SESSIONS_SHARE]] == pytest.approx([3 / 6, 1 / 6])


@pytest.mark.parametrize(("latest", "flag"), [(0, 0), (1, 1), (2, 0)])
def test_what_came_in_the_session_before_this_one_is_flagged(latest, flag):
    """By the newest time it was met."""
    x = described(("tea", NOW - 60, latest), ("tea", NOW - DAY, 3), sessions=4)

    assert x[0, PREVIOUS] == flag


def test_each_item_has_its_own_features_and_old_ones_are_wiped():
    """What another ranking left behind is overwritten."""
    tea, cup = described(("tea", NOW, 0), ("cup", NOW - 10 * DAY, 2))

    assert tea.tolist() == [
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        1,
        pytest.approx(np.log(2)),
        0,
        0,
        0,
        pytest.approx(1 / 3),
        0,
    ]
    assert cup.tolist() == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, pytest.approx(1 / 3), 0]


def test_only_the_newest_64_events_say_what_the_user_does_now():
    """The first item came twice lately and once long ago; what came only before lies too far back."""
    events = [(f"item {d}", NOW - d, 0) for d in range(80)]
    events[5], events[75] = ("item 0", NOW - 5, 0), ("item 0", NOW - 75, 0)
    found, n = own(*events)
    recency, repeats, lately, last = (np.full(256, 9.0, np.float32) for _ in range(4))

    history.describe_lately(found, n, recency, repeats, lately, last)

    assert recency[:2].tolist() == [1, 0.5]
    assert repeats[:2] == pytest.approx(np.log([3, 2]))
    assert (lately[:n] == (found.newest[:n] < 64)).all()
    assert not recency[63:n].any()  # item 0 has two of the newest 64 events: 63 items are left
    assert not repeats[63:n].any()
    assert last[:n].tolist() == [1] + [0] * (n - 1)
