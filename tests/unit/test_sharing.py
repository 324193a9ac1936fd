"""When the trainer gives way to the workers, and when it does not."""

import pytest

from streamproc.scheduling import NICENESS
from streamproc.trainer import sharing
from streamproc.trainer.sharing import KEPT_UP, LAGS, Share


@pytest.fixture
def said(monkeypatch):
    """What is said of the session; `refused` says that it may not be said now."""
    told, answers = [], []

    def make_session_nice(niceness):
        told.append(niceness)
        return answers.pop(0) if answers else True

    monkeypatch.setattr(sharing, "make_session_nice", make_session_nice)
    return told, answers


def follow(lags, every=1):
    share = Share()
    for behind in lags:
        share.follow(behind, every)


def test_who_keeps_up_goes_on_giving_way(said):
    follow([0.0, LAGS, 0.0])

    assert said[0] == []


def test_who_lags_takes_its_full_share_until_it_has_kept_up(said):
    """In between, nothing is said twice."""
    follow([LAGS + 0.01, 5.0, LAGS, KEPT_UP + 0.01, KEPT_UP, LAGS, LAGS + 0.01])

    assert said[0] == [0, NICENESS, 0]


def test_who_sheds_load_gives_way_however_much_it_lags(said):
    follow([100.0], every=16)

    assert said[0] == []


def test_with_the_first_shed_event_it_gives_way_again(said):
    share = Share()
    share.follow(100.0, 1)
    share.follow(100.0, 16)

    assert said[0] == [0, NICENESS]


def test_what_could_not_be_said_is_said_again(said):
    """Linux lets nobody but root do so more often than ten times a second."""
    said[1][:] = [False, False]
    follow([1.0, 1.0, 1.0, 1.0])

    assert said[0] == [0, 0, 0]
