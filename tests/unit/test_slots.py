"""Bounded rows of neighbours, and the two heads that count in them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc_models.heads import covisitation, markov
from streamproc_models.slots import FREE, add_weight, forget_items

TEA, CUP, SPOON, POT = range(4)
SLOTS = 2


@pytest.fixture
def head():
    return markov.empty(4, SLOTS)


def add(head, row, item, weight):
    add_weight(head.neighbours, head.weights, head.fill, head.totals, row, item, weight)


def row(head, item):
    """One row as {neighbour: weight}."""
    n = head.fill[item]
    return dict(zip(head.neighbours[item, :n].tolist(), head.weights[item, :n].tolist(), strict=True))


def test_weights_of_one_neighbour_add_up(head):
    """2 + 1 for the cup, 1 for the spoon: 4 in all."""
    add(head, TEA, CUP, 2.0)
    add(head, TEA, SPOON, 1.0)
    add(head, TEA, CUP, 1.0)

    assert row(head, TEA) == {CUP: 3.0, SPOON: 1.0}
    assert head.totals[TEA] == 4.0
    assert row(head, CUP) == {}


def test_a_full_row_gives_up_its_lightest_and_the_newcomer_inherits_half(head):
    """The spoon had 1: the pot starts with 0.5 + 1, and half a count is lost."""
    add(head, TEA, CUP, 2.0)
    add(head, TEA, SPOON, 1.0)

    add(head, TEA, POT, 1.0)

    assert row(head, TEA) == {CUP: 2.0, POT: 1.5}
    assert head.totals[TEA] == 3.5


def test_of_two_lightest_the_first_goes(head):
    """So that the same events always leave the same row."""
    add(head, TEA, CUP, 1.0)
    add(head, TEA, SPOON, 1.0)

    add(head, TEA, POT, 1.0)

    assert row(head, TEA) == {POT: 1.5, SPOON: 1.0}


def test_forgotten_items_leave_every_row(head):
    """Their own rows are empty, the others close the gap and count without them."""
    add(head, TEA, CUP, 2.0)
    add(head, TEA, SPOON, 1.0)
    add(head, CUP, TEA, 3.0)
    gone = np.zeros(4, np.int32)
    gone[CUP] = 1

    forget_items(head.neighbours, head.weights, head.fill, head.totals, gone, 4)

    assert (row(head, TEA), row(head, CUP)) == ({SPOON: 1.0}, {})
    assert head.totals.tolist() == [1.0, 0.0, 0.0, 0.0]
    assert head.neighbours[TEA].tolist() == [SPOON, FREE]


steps = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 8)), max_size=60)


@given(steps)
def test_a_row_always_sums_to_its_total(events):
    """No neighbour twice, nothing behind the fill, and eighths of a count are exact in single precision."""
    head = markov.empty(4, SLOTS)

    for before, item, weight in events:
        add(head, before, item, weight / 8)

    for item in range(4):
        n = head.fill[item]
        assert head.weights[item].sum() == pytest.approx(head.totals[item], rel=1e-5)
        assert len(row(head, item)) == n <= SLOTS
        assert (head.neighbours[item, n:] == FREE).all()


def test_near_items_count_by_their_distance_and_backward_less():
    """The pot comes after the cup (now) and the tea (before): 1 and 1/2 forward, 0.3 of that backward."""
    head = covisitation.empty(4, 8)
    window = np.array([CUP, TEA], np.int32)

    covisitation.learn(head, window, 2, POT, 1.0, 0.3)

    assert row(head, CUP) == {POT: 1.0}
    assert row(head, TEA) == {POT: 0.5}
    assert row(head, POT) == {CUP: pytest.approx(0.3), TEA: pytest.approx(0.15)}
    assert head.totals[POT] == pytest.approx(0.45)


def test_a_repeated_item_is_its_own_neighbour_only_once():
    """Tea after tea: one count of the weight 2, none backward."""
    head = covisitation.empty(4, 8)

    covisitation.learn(head, np.array([TEA], np.int32), 1, TEA, 2.0, 0.3)

    assert row(head, TEA) == {TEA: 2.0}


def test_only_the_newest_items_are_paired():
    """Of a window of two, one counts."""
    head = covisitation.empty(4, 8)

    covisitation.learn(head, np.array([CUP, TEA], np.int32), 1, POT, 1.0, 0.3)

    assert (row(head, CUP), row(head, TEA)) == ({POT: 1.0}, {})
