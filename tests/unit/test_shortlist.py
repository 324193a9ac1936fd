"""Which candidates are left to be described: those with the most votes, each where it was before."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamproc.engine import candidates, pool, scoring, shortlist
from streamproc.engine.scratch import (
    BASE,
    BEYOND,
    FOLLOWERS,
    LAST_STAMP,
    LINKED,
    MATES,
    NEAR,
    STAMP_STEP,
    WIDTH,
)
from tests.ranking_by_hand import ByHand

TEA, CUP, SPOON, POT, TIN, BOX = range(6)
VOTES = ("near", "raw", "mates", "beyond", "lasting", "lasting_near")


@pytest.fixture
def hand():
    """Tea in the window; its neighbours have 4, 3, 2 and 1 of ten votes."""
    hand = ByHand()
    hand.fill("covisitation", {TEA: {CUP: 3.0, SPOON: 1.0, POT: 4.0, TIN: 2.0}})
    hand.reading = hand.reading._replace(second_order=False)
    return hand


def shorten(hand, most, lasting=False):
    shortlist.shorten(hand.scratch, hand.model.pool.place, most, lasting)
    return hand.numbered()


def number_of(hand, item):
    return scoring.number_of(hand.model.pool.place, hand.scratch, item)


def test_those_with_the_most_votes_stay_in_their_order(hand):
    """Tea is in the window and has none; of its neighbours the cup and the pot have the most."""
    assert hand.gather(TEA) == [TEA, CUP, SPOON, POT, TIN]

    assert shorten(hand, 2) == [TEA, CUP, POT]

    assert hand.votes("near") == pytest.approx({CUP: 0.3, POT: 0.4})
    assert hand.votes("raw") == pytest.approx({CUP: 3.0, POT: 4.0})
    assert [number_of(hand, item)[0] for item in (TEA, CUP, POT)] == [0, 1, 2]


def test_who_falls_out_is_no_candidate_and_leaves_no_votes(hand):
    """Neither by number, nor behind the last one, where the next ranking would find them."""
    hand.gather(TEA)
    shorten(hand, 2)

    assert [number_of(hand, item) for item in (SPOON, TIN)] == [(-1, -1)] * 2
    assert all((getattr(hand.scratch, votes)[3:] == 0).all() for votes in VOTES)


def test_who_falls_out_can_be_in_the_pool(hand):
    """It is found at its place there, and not barred as the numbered ones are."""
    m, s = hand.model, hand.scratch
    m.pool.place[TIN], m.pool.item[7], m.pool.bias[7] = 7, TIN, 0
    m.pool.place[CUP], m.pool.item[8], m.pool.bias[8] = 8, CUP, 0
    hand.gather(TEA)
    shorten(hand, 2)

    candidates.allow(s, m.pool.bias, m.pool.place)

    assert number_of(hand, TIN) == (-1, 7)
    assert (s.pool_barred[[7, 8]] == [0, pool.IMPOSSIBLE]).all()


def test_the_shares_of_all_tables_are_added_up(hand):
    """The spoon has 1/10 of the votes and all those of the session: 1.1, more than the pot's 4/10."""
    hand.fill("session", {TEA: {SPOON: 5.0}})
    hand.gather(TEA)

    assert shorten(hand, 1) == [TEA, SPOON]


def test_the_window_and_the_followers_always_stay(hand):
    """A follower of tea without any other vote, and a cup in the window."""
    hand.fill("markov", {TEA: {BOX: 1.0}})
    hand.gather(TEA, CUP)

    assert shorten(hand, 1) == [TEA, CUP, BOX, POT]


@pytest.mark.parametrize("most", [4, 64])
def test_where_there_are_no_more_all_stay(hand, most):
    """Four have votes."""
    hand.gather(TEA)

    assert shorten(hand, most) == [TEA, CUP, SPOON, POT, TIN]


def test_of_equal_ones_the_first_stay():
    """Three with a vote each, and one with two."""
    hand = ByHand()
    hand.fill("covisitation", {TEA: {CUP: 1.0, SPOON: 1.0, POT: 1.0, TIN: 2.0}})
    hand.gather(TEA)

    assert shorten(hand, 3) == [TEA, CUP, SPOON, TIN]


def test_what_the_generation_scores_counts_by_its_share_of_what_is_above_0(hand):
    """The tin has .2 of the votes and all of the scores above 0; the pot's score is below, which is as 0."""
    hand.gather(TEA)
    number = {item: number_of(hand, item)[0] for item in (TIN, POT)}
    hand.scratch.lasting[[number[TIN], number[POT]]] = 0.5, -9.0

    assert shorten(hand, 1, lasting=True) == [TEA, TIN]
    assert hand.votes("lasting") == pytest.approx({TIN: 0.5})


def test_scores_of_the_generation_go_with_who_falls_out_to_the_pool(hand):
    """The spoon is in the pool, and keeps what the generation says about it."""
    hand.model.pool.place[SPOON] = 3
    hand.gather(TEA)
    number = number_of(hand, SPOON)[0]
    hand.scratch.lasting[number], hand.scratch.lasting_near[number] = 0.01, 0.02
    hand.scratch.lasting[number_of(hand, POT)[0]] = 5.0

    shorten(hand, 2, lasting=True)

    assert number_of(hand, SPOON) == (-1, 3)
    found = float(hand.scratch.pool_lasting[3]), float(hand.scratch.pool_lasting_near[3])
    assert found == pytest.approx((0.01, 0.02))


@settings(max_examples=100)
@given(st.lists(st.floats(0, 1, width=32, allow_subnormal=False), min_size=6, max_size=30), st.integers(1, 8))
def test_nobody_stays_who_has_clearly_fewer_votes_than_one_who_falls_out(shares, most):
    """Votes within 1 in 1,000 count as equal; no share of votes is as small as subnormal numbers are."""
    hand, shares = ByHand(), np.array(shares, np.float32)
    s, n = hand.scratch, len(shares)
    hand.read([])
    s.counts[[FOLLOWERS, LINKED]] = 0, n
    s.totals[[NEAR, MATES, BEYOND]] = 1.0
    s.item[:n], s.near[:n] = np.arange(n), shares
    s.stamp[:n] = s.stamps[BASE] + np.arange(n)

    kept = shorten(hand, most)

    assert len(kept) == min(most, n)
    assert kept == sorted(kept)
    out = np.delete(shares, kept)
    if out.size:
        assert shares[kept].min() >= out.max() * (1 - 1e-3)
    np.testing.assert_array_equal(s.near[: len(kept)], shares[kept])


def test_stamps_begin_anew_before_they_run_out(hand):
    """Whoever was stamped before is a stranger again, and gets a number like everybody."""
    hand.scratch.stamps[BASE] = LAST_STAMP
    before = hand.gather(TEA)
    hand.clear()
    assert hand.scratch.stamps[BASE] == LAST_STAMP + STAMP_STEP < np.iinfo(np.int32).max - WIDTH

    assert hand.gather(TEA) == before
    assert hand.scratch.stamps[BASE] == STAMP_STEP
