"""Pairwise and positive-only steps, worked by hand in two dimensions."""

import numpy as np
import pytest

from streamproc_models.heads import factors

RATE, DECAY = 0.1, 0.01
TEA, CUP = 0, 1


def vectors(*rows):
    return np.array(rows, np.float32)


def start(identity, size=8):
    vector = np.zeros(size, np.float32)
    factors.start_vector(vector, np.uint64(identity))
    return vector


def drawn(head, event, known, seed=7, n=10):
    out = np.zeros(n, np.int32)
    factors.draw_negatives(head, event, known, seed, out)
    return out.tolist()


def test_a_pairwise_step_is_the_one_of_the_paper():
    """p = (1, 0), q_i = (.5, .5), q_j = (.25, -.5): the margin is .25, so g = 1 / (1 + e^.25) = .43782."""
    user, items = vectors([1, 0])[0], vectors([0.5, 0.5], [0.25, -0.5])

    factors.learn_pairwise(
        user, items, TEA, np.array([CUP], np.int32), 1, RATE, DECAY, np.zeros(2, np.float32), True
    )

    assert user == pytest.approx([1.0099456, 0.0437823], abs=1e-6)  # p + .1 (g (q_i - q_j) - .01 p)
    assert items[TEA] == pytest.approx([0.5432823, 0.4995], abs=1e-6)  # q_i + .1 (g p - .01 q_i)
    assert items[CUP] == pytest.approx([0.2059677, -0.4995], abs=1e-6)  # q_j - .1 (g p + .01 q_j)


def test_without_the_items_only_the_user_moves():
    """As a worker learns, whose items are the trainer's: the user's step is the same."""
    user, items = vectors([1, 0])[0], vectors([0.5, 0.5], [0.25, -0.5])

    factors.learn_pairwise(
        user, items, TEA, np.array([CUP], np.int32), 1, RATE, DECAY, np.zeros(2, np.float32), False
    )

    assert user == pytest.approx([1.0099456, 0.0437823], abs=1e-6)
    assert items.tolist() == [[0.5, 0.5], [0.25, -0.5]]


def test_without_negatives_nothing_moves():
    """The pairwise head has nothing to compare with."""
    user, items = vectors([1, 0])[0], vectors([0.5, 0.5], [0.25, -0.5])

    factors.learn_pairwise(
        user, items, TEA, np.array([CUP], np.int32), 0, RATE, DECAY, np.zeros(2, np.float32), True
    )

    assert user.tolist() == [1, 0]
    assert items.tolist() == [[0.5, 0.5], [0.25, -0.5]]


def test_no_number_of_a_vector_passes_the_limit():
    """p = (8, 0), q_i = (7.5, 0), q_j = (7.9, 0) at a rate of 10: all of them would go far beyond 8.

    The margin is -3.2, so g = 1 / (1 + e^-3.2) = .96083: p by 10 * (g * -.4), q_i by 10 * g * 8.
    """
    user, items = vectors([8, 0])[0], vectors([7.5, 0], [7.9, 0])
    assert factors.LIMIT == 8

    factors.learn_pairwise(
        user, items, TEA, np.array([CUP], np.int32), 1, 10.0, 0.0, np.zeros(2, np.float32), True
    )

    assert user == pytest.approx([8 - 4 * 0.96083, 0], abs=1e-4)
    assert items.tolist() == [[8, 0], [-8, 0]]


@pytest.mark.parametrize("rate", [0.05, 5.0, 1000.0])
def test_a_rate_too_high_for_its_data_ends_at_the_limit_and_not_in_infinities(rate):
    """2,000 events of one user over four items."""
    random, user = np.random.default_rng(7), start(1)
    items, pull = np.array([start(identity) for identity in range(2, 6)]), np.zeros(8, np.float32)
    for _ in range(2000):
        target, *others = random.permutation(4).astype(np.int32)
        factors.learn_pairwise(user, items, target, np.array(others), 3, rate, DECAY, pull, True)

    assert np.abs(user).max() <= factors.LIMIT
    assert np.abs(items).max() <= factors.LIMIT


def test_a_positive_step_closes_the_gap_to_one():
    """p = (1, 0), q = (.5, 1): the error is .5."""
    user, item = vectors([1, 0])[0], vectors([0.5, 1])[0]

    error = factors.learn_positive(user, item, RATE, DECAY)

    assert error == 0.5
    assert user == pytest.approx([1.024, 0.05])  # p + .1 (.5 q - .01 p)
    assert item == pytest.approx([0.5495, 0.999])  # q + .1 (.5 p - .01 q)


def test_a_start_vector_depends_on_the_hash_alone():
    """Small, the same every time, another for another hash."""
    assert start(1234).tolist() == start(1234).tolist()
    assert start(1234).tolist() != start(1235).tolist()
    assert np.abs([start(identity) for identity in range(500)]).max() <= 0.1
    assert abs(np.mean([start(identity) for identity in range(500)])) < 0.005


def test_negatives_are_a_function_of_the_event_and_the_seed():
    """No generator whose place would have to be restored."""
    head = factors.empty(100, 8)

    assert drawn(head, 5, 100) == drawn(head, 5, 100)
    assert drawn(head, 5, 100) != drawn(head, 6, 100)
    assert drawn(head, 5, 100) != drawn(head, 5, 100, seed=8)


def test_half_of_the_negatives_are_recent_targets_and_half_are_anybody():
    """The recent ones are all item 99 here; of the others each of 50 items comes up."""
    head = factors.empty(100, 8)
    for event in range(200):
        factors.remember(head, event, 99)

    both = [drawn(head, event, 50) for event in range(200)]

    assert {item for negatives in both[1:] for item in negatives[0::2]} == {99}
    assert {item for negatives in both for item in negatives[1::2]} == set(range(50))


def test_before_there_are_recent_targets_all_are_anybody():
    """At the very first event."""
    assert set(drawn(factors.empty(3, 8), 0, 3, n=200)) == {0, 1, 2}


def test_the_newest_targets_take_the_place_of_the_oldest():
    """A ring of 4,096."""
    head = factors.empty(4, 8)

    factors.remember(head, 4096 + 5, CUP)

    assert head.recent[5] == CUP
