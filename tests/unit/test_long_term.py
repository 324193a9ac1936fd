"""The long-term head: a generation in, decayed votes of the window out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc_models.heads.long_term import (
    FREE,
    LongTerm,
    LongTermConfig,
    add_profile,
    empty,
    forget_items,
    grow,
    load,
)

TEA, CUP, SPOON, JAM = range(4)  # places in the generation below
NEIGHBOURS = np.array([[CUP, SPOON], [TEA, FREE], [TEA, CUP], [FREE, FREE]], np.int32)
WEIGHTS = np.array([[0.5, 0.25], [0.5, 0.0], [0.75, 0.25], [0.0, 0.0]], np.float32)
ROWS = np.array([0, 1, 2, 3], np.int32)


@pytest.fixture
def head() -> LongTerm:
    head = empty(LongTermConfig(slots=2), items=4)
    load(head, ROWS, NEIGHBOURS, WEIGHTS)
    return head


def profile(head: LongTerm, window: list[int], decay: float) -> tuple[np.ndarray, list[int]]:
    """Scores of all items and the touched ones, for a window given newest first."""
    scores, touched = np.zeros(head.neighbours.shape[0], np.float32), np.zeros(64, np.int32)
    count = add_profile(head, np.array(window, np.int32), len(window), decay, scores, touched, 0)
    return scores, touched[:count].tolist()


def test_each_step_back_in_the_window_weighs_decay_times_less(head: LongTerm) -> None:
    """TEA now and SPOON before it, decay .8: CUP gets .5 + .8 * .25 and TEA .8 * .75."""
    scores, _ = profile(head, [TEA, SPOON], decay=0.8)

    assert scores == pytest.approx([0.6, 0.7, 0.25, 0.0])


def test_a_row_is_recorded_once_however_many_items_speak_for_it(head: LongTerm) -> None:
    """CUP is a neighbour of both items of the window."""
    _, touched = profile(head, [TEA, SPOON], decay=0.8)

    assert touched == [CUP, SPOON, TEA]


def test_touched_rows_go_on_behind_those_of_another_head(head: LongTerm) -> None:
    """`count` says how many places are taken already."""
    scores, touched = np.zeros(4, np.float32), np.full(8, 99, np.int32)

    count = add_profile(head, np.array([CUP], np.int32), 1, 0.97, scores, touched, 3)

    assert (count, touched[:4].tolist()) == (4, [99, 99, 99, TEA])


def test_only_the_first_n_items_of_the_window_vote(head: LongTerm) -> None:
    """A longer array of rows is fine: `n` bounds it."""
    scores, touched = np.zeros(4, np.float32), np.zeros(8, np.int32)

    add_profile(head, np.array([CUP, SPOON], np.int32), 1, 0.97, scores, touched, 0)

    assert scores.tolist() == [0.5, 0.0, 0.0, 0.0]


def test_an_item_that_the_refresh_did_not_know_speaks_for_nothing(head: LongTerm) -> None:
    """JAM has an empty row."""
    scores, touched = profile(head, [JAM], decay=0.97)

    assert (scores.tolist(), touched) == ([0.0] * 4, [])


def test_loading_translates_places_into_rows_and_closes_up_what_has_none() -> None:
    """CUP is not in the vocabulary any more: SPOON moves up in the row of TEA."""
    head = empty(LongTermConfig(slots=2), items=10)

    load(head, np.array([7, -1, 4, 2], np.int32), NEIGHBOURS, WEIGHTS)

    assert head.neighbours[7].tolist() == [4, FREE]
    assert head.weights[7].tolist() == [0.25, 0.0]
    assert head.neighbours[4].tolist() == [7, FREE]
    assert np.flatnonzero(head.neighbours[:, 0] != FREE).tolist() == [4, 7]


def test_loading_leaves_nothing_of_the_generation_before(head: LongTerm) -> None:
    """One generation replaces the other as a whole."""
    load(head, ROWS[:1], np.full((1, 2), FREE, np.int32), np.zeros((1, 2), np.float32))

    assert (head.neighbours == FREE).all()
    assert not head.weights.any()


def test_a_wider_generation_gives_its_strongest_neighbours() -> None:
    """The configuration may have become narrower since the refresh."""
    head = empty(LongTermConfig(slots=1), items=4)

    load(head, ROWS, NEIGHBOURS, WEIGHTS)

    assert head.neighbours[:, 0].tolist() == [CUP, TEA, TEA, FREE]


def test_growing_keeps_every_row(head: LongTerm) -> None:
    """New rows are empty."""
    grown = grow(head, 6)

    assert grown.neighbours[:4].tolist() == head.neighbours.tolist()
    assert grown.weights[:4].tolist() == head.weights.tolist()
    assert (grown.neighbours[4:] == FREE).all()


def test_forgotten_items_vanish_from_every_row(head: LongTerm) -> None:
    """TEA goes: its own row is empty, and the others close up."""
    gone = np.array([1, 0, 0, 0], np.int32)

    forget_items(head, gone, 4)

    assert head.neighbours.tolist() == [[FREE, FREE], [FREE, FREE], [CUP, FREE], [FREE, FREE]]
    assert head.weights[SPOON].tolist() == [0.25, 0.0]


@given(window=st.lists(st.integers(0, 3), max_size=8), decay=st.floats(0.0, 1.0))
def test_scores_are_the_decayed_sum_of_the_rows_of_the_window(window: list[int], decay: float) -> None:
    """The kernel against the formula on the dense matrix, and the touched rows are those above 0."""
    head = empty(LongTermConfig(slots=2), items=4)
    load(head, ROWS, NEIGHBOURS, WEIGHTS)
    dense = np.zeros((4, 4))
    for item, slot in np.argwhere(NEIGHBOURS != FREE):
        dense[item, NEIGHBOURS[item, slot]] = WEIGHTS[item, slot]

    scores, touched = profile(head, window, decay)

    expected = sum((decay**d * dense[item] for d, item in enumerate(window)), np.zeros(4))
    assert scores == pytest.approx(expected, abs=1e-5)
    assert len(touched) <= 2 * max(len(window), 1) * 2
    assert set(np.flatnonzero(scores)) <= set(touched)
