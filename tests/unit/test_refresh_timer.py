"""When the next refresh is due."""

from types import SimpleNamespace

import pytest

from streamproc.config import RefreshConfig
from streamproc.contracts.control import Generation, Promote
from streamproc.refresh.timer import due

SETTINGS = RefreshConfig(interval=1800.0, events=1000)
MADE = 1_000_000  # ms, when the last generation was made
HALF_HOUR = 1_800_000


def history(new_events=1, last=True, decided=True, events=5000, items=100, drifted=False):
    """A history that stands there; the last generation was made at MADE."""
    made = Generation(1, "ease", items, 1, "", 0, MADE) if last else None
    decision = Promote(1, 0.3, 0.2) if decided else None
    return SimpleNamespace(
        events=events, items=items, new_events=new_events, last=made, decision=decision, drifted=drifted
    )


@pytest.mark.parametrize(
    ("events", "items", "expected"), [(499, 20, False), (500, 19, False), (500, 20, True)]
)
def test_the_first_refresh_waits_for_500_events_and_20_items(events, items, expected):
    """And then for nothing else."""
    first = history(last=False, decided=False, events=events, items=items)

    assert due(first, SETTINGS, 0) is expected


@pytest.mark.parametrize(("now_ms", "expected"), [(MADE + HALF_HOUR - 1, False), (MADE + HALF_HOUR, True)])
def test_the_next_one_is_due_an_interval_after_the_last(now_ms, expected):
    """However long this process has been running: a restart refreshes no earlier."""
    assert due(history(), SETTINGS, now_ms) is expected


@pytest.mark.parametrize(("new_events", "expected"), [(999, False), (1000, True)])
def test_so_many_new_events_are_reason_enough(new_events, expected):
    """Whichever comes first."""
    assert due(history(new_events), SETTINGS, MADE + 1) is expected


def test_new_events_do_not_push_a_generation_out_of_its_shadow():
    """A fast stream would otherwise never see one promoted; the interval still counts."""
    undecided = history(new_events=5000, decided=False)

    assert not due(undecided, SETTINGS, MADE + 1)
    assert due(undecided, SETTINGS, MADE + HALF_HOUR)


def test_without_a_number_of_events_only_time_counts():
    """`events` is 0 by default."""
    assert not due(history(10**6), RefreshConfig(), MADE + 1)


@pytest.mark.parametrize(("decided", "expected"), [(True, True), (False, False)])
def test_a_drift_is_reason_enough(decided, expected):
    """Once the last generation is out of its shadow."""
    assert due(history(drifted=True, decided=decided), RefreshConfig(), MADE + 1) is expected


def test_nothing_new_is_nothing_to_fit():
    """A quiet night makes no generations."""
    assert not due(history(new_events=0), SETTINGS, MADE + 10 * HALF_HOUR)
