"""What becomes a candidate and with how many votes, by hand."""

import numpy as np
import pytest

from streamproc.config import Config
from streamproc.engine import candidates
from streamproc.engine.scratch import BEYOND, FRESH, IN_SESSION, IN_WINDOW, MATES, NEAR, SESSIONS
from streamproc.heads_config import CovisitationConfig, HeadConfig, HeadsConfig
from streamproc_models.heads.second_order import LEAST_SHARE, LEAST_TERM, LEAST_VOTE
from tests.ranking_by_hand import ByHand

TEA, CUP, SPOON, POT, TIN = range(5)
DAY = 86_400


@pytest.fixture
def hand():
    return ByHand()


def test_two_steps_by_hand(hand):
    """After tea, 3 in 4 take a cup and 1 in 4 a spoon; cups lead to a pot, spoons half to a pot, half to tea.

    s(pot) = .75 * 1 + .25 * .5 = .875, s(tea) = .25 * .5, over the shares used, .75 + .25.
    """
    hand.fill("covisitation", {TEA: {CUP: 3.0, SPOON: 1.0}, CUP: {POT: 8.0}, SPOON: {POT: 1.0, TEA: 1.0}})

    found = hand.gather(TEA)

    assert found == [TEA, CUP, SPOON, POT]
    assert hand.votes("beyond") == pytest.approx({POT: 0.875, TEA: 0.125})
    assert hand.total(BEYOND) == pytest.approx(1.0)


def test_only_the_last_item_walks_two_steps(hand):
    """The cup before it reaches the pot by one step, and nothing by two."""
    hand.fill("covisitation", {CUP: {SPOON: 1.0}, SPOON: {POT: 1.0}})

    hand.gather(TEA, CUP)

    assert hand.votes("beyond") == {}
    assert set(hand.votes("near")) == {SPOON}


@pytest.mark.parametrize(("share", "walks"), [(0.0199, False), (0.0201, True)])
def test_a_neighbour_with_less_than_the_least_share_is_not_walked_on_from(hand, share, walks):
    """2 %; the shares used leave it out, too."""
    assert pytest.approx(0.02) == LEAST_SHARE
    hand.fill("covisitation", {TEA: {CUP: 1 - share, SPOON: share}, CUP: {TEA: 1.0}, SPOON: {POT: 1.0}})

    found = hand.gather(TEA)

    assert (POT in found) == walks
    assert hand.total(BEYOND) == pytest.approx(1.0 if walks else 1 - share)


@pytest.mark.parametrize(("vote", "candidate"), [(0.000999, False), (0.001001, True)])
def test_what_a_walk_hardly_reaches_is_no_candidate(hand, vote, candidate):
    """1 in 1,000 votes; who is one already takes them all the same."""
    assert pytest.approx(1e-3) == LEAST_VOTE
    hand.fill(
        "covisitation", {TEA: {CUP: 1.0}, CUP: {POT: vote, SPOON: 1 - vote}, SPOON: {TEA: 1e-5, CUP: 1.0}}
    )

    found = hand.gather(TEA)

    assert (POT in found) == candidate
    assert hand.votes("beyond") == pytest.approx(
        {SPOON: 1 - vote} | ({POT: vote} if candidate else {}), rel=1e-4
    )


@pytest.mark.parametrize(("vote", "counts"), [(0.000249, False), (0.000251, True)])
def test_small_votes_add_up_for_who_is_a_candidate_already(hand, vote, counts):
    """The pot follows tea: it gets what a cup hands on, down to a quarter of what makes a candidate."""
    assert pytest.approx(2.5e-4) == LEAST_TERM
    hand.fill("markov", {TEA: {POT: 1.0}})
    hand.fill("covisitation", {TEA: {CUP: 1.0}, CUP: {POT: vote, SPOON: 1 - vote}})

    hand.gather(TEA)

    assert hand.votes("beyond").get(POT, 0.0) == pytest.approx(vote if counts else 0.0, rel=1e-3)


def test_a_neighbour_that_leads_nowhere_hands_nothing_on(hand):
    """And its share is not among those used."""
    hand.fill("covisitation", {TEA: {CUP: 1.0, SPOON: 1.0}, CUP: {POT: 1.0}})

    hand.gather(TEA)

    assert hand.votes("beyond") == pytest.approx({POT: 0.5})
    assert hand.total(BEYOND) == pytest.approx(0.5)


@pytest.mark.parametrize(
    "off",
    [{"second_order": HeadConfig(enabled=False)}, {"covisitation": CovisitationConfig(enabled=False)}],
    ids=["second order", "co-visitation"],
)
def test_off_there_are_no_walks(off):
    """Without co-visitation there is nothing to walk on."""
    hand = ByHand(config=Config(heads=HeadsConfig(**off)))
    hand.fill("covisitation", {TEA: {CUP: 1.0}, CUP: {POT: 1.0}})

    assert hand.gather(TEA) == [TEA, CUP]
    assert hand.votes("beyond") == {}


def test_co_visitation_votes_by_hand(hand):
    """A spoon, then tea: weights 1/2 and 1; the pot has half of tea's votes and all of the spoon's."""
    hand.fill("covisitation", {TEA: {POT: 2.0, CUP: 2.0}, SPOON: {POT: 1.0}})
    hand.reading = hand.reading._replace(second_order=False)

    found = hand.gather(TEA, SPOON)

    assert found == [TEA, SPOON, POT, CUP]
    assert hand.votes("near") == pytest.approx({POT: 0.5 + 0.5, CUP: 0.5})
    assert hand.votes("raw") == pytest.approx({POT: 2.0 + 0.5, CUP: 2.0})
    assert hand.total(NEAR) == pytest.approx(1.5)


def test_the_session_votes_by_one_over_the_root_of_the_distance(hand):
    """Tea and a cup in the session: 1 and 1/sqrt(2)."""
    hand.fill("session", {TEA: {POT: 3.0, CUP: 1.0}, CUP: {POT: 1.0}})

    hand.gather(TEA, CUP)

    assert hand.votes("mates") == pytest.approx({POT: 0.75 + 0.5**0.5, CUP: 0.25})
    assert hand.total(MATES) == pytest.approx(1 + 0.5**0.5)


def test_items_of_earlier_sessions_do_not_vote_for_this_one(hand):
    """Tea now, a cup the day before."""
    hand.fill("session", {TEA: {POT: 1.0}, CUP: {SPOON: 1.0}})
    hand.read([(TEA, DAY, 0), (CUP, 0, 1)])

    candidates.gather(hand.model, hand.scratch, hand.reading)

    assert hand.votes("mates") == pytest.approx({POT: 1.0})


def test_at_the_beginning_of_a_session_the_last_item_before_it_votes(hand):
    """Nothing is in the session yet."""
    hand.fill("session", {TEA: {POT: 1.0}, CUP: {SPOON: 1.0}})
    hand.read([(TEA, DAY, 0), (CUP, DAY, 0)], fresh=1)

    candidates.gather(hand.model, hand.scratch, hand.reading)

    assert hand.scratch.counts[IN_SESSION] == 0
    assert hand.votes("mates") == pytest.approx({POT: 1.0})


def test_no_votes_are_left_for_the_next_ranking(hand):
    """Cleared, another window finds nothing of the one before."""
    hand.fill("covisitation", {TEA: {CUP: 1.0}, CUP: {POT: 1.0}})
    hand.fill("session", {TEA: {POT: 1.0}})
    hand.gather(TEA)
    hand.clear()

    assert hand.gather(TIN) == [TIN]
    assert not any(hand.votes(name) for name in ("near", "raw", "mates", "beyond", "after"))


@pytest.mark.parametrize(("table", "votes"), [("session", "mates"), ("covisitation", "near")])
@pytest.mark.parametrize("weight", [1e-42, 1e-50])
def test_what_has_faded_to_nothing_spoils_no_votes(hand, table, votes, weight):
    """Nobody took it for 150 half-lives: its row has been scaled down below all single precision can hold."""
    hand.fill(table, {TEA: {CUP: weight, SPOON: weight}, SPOON: {POT: 1.0}})

    hand.read([(TEA, 0, 0), (SPOON, 0, 0)])
    candidates.gather(hand.model, hand.scratch, hand.reading)

    assert all(np.isfinite(vote) and vote < 2 for vote in hand.votes(votes).values())
    assert hand.votes(votes)[POT] > 0
    assert not any(np.isnan(vote) for vote in hand.votes("beyond").values())


def events(fresh):
    """Tea in this session and the one before, a cup two sessions back."""
    hand = ByHand()
    hand.read([(TEA, 9 * DAY, 0), (TEA, 8 * DAY, 1), (CUP, 7 * DAY, 2)], now=10 * DAY, fresh=fresh)
    return hand.scratch


def test_who_begins_a_session_finds_all_of_the_past_one_session_further_back():
    """With the clock of a request: nothing is met in the new session, and the last one is the one before."""
    now, then = events(fresh=0), events(fresh=1)

    for s, shift in ((now, 0), (then, 1)):
        assert s.counts[[IN_WINDOW, SESSIONS]].tolist() == [2, 3 + shift]
        assert s.moment[FRESH] == shift
        assert s.own.latest[:2].tolist() == [0 + shift, 2 + shift]
        assert s.own.session[:2].tolist() == [1 + shift, 2 + shift]
        assert s.own.sessions[:2].tolist() == [2, 1]
    assert (now.counts[IN_SESSION], then.counts[IN_SESSION]) == (1, 0)
    assert now.own.here[:2].tolist() == [1, 0]
    assert then.own.here[:2].tolist() == [0, 0]


def test_a_stranger_has_one_session_and_nothing_in_it():
    """Nobody's window."""
    hand = ByHand()
    hand.read([])

    assert hand.scratch.counts[[IN_WINDOW, IN_SESSION, SESSIONS]].tolist() == [0, 0, 1]
    assert np.count_nonzero(hand.scratch.own.here) == 0
