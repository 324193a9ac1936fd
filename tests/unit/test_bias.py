"""One number per item, learned by the fusion's loss: the gradient by hand."""

import numpy as np
import pytest

from streamproc_models.heads import bias, popularity

TEA, CUP, SPOON, POT = range(4)


def learned(odds, target, rows=(TEA, CUP, SPOON), scale=1.0, times=1):
    head, features = bias.empty(4), np.zeros((4, popularity.COLUMNS), np.float32)
    places, pooled = np.array([2, 0, 3, 1], np.int32), np.zeros(4, np.float32)
    rows, odds = np.array(rows, np.int32), np.array(odds, np.float32)
    picked = np.zeros(rows.size, np.int32)
    for _ in range(times):
        bias.learn(head, rows, odds, rows.size, scale, target, features, places, pooled, picked)
    assert (features[:, popularity.BIAS] == head.values).all()
    assert (pooled[places] == head.values).all()
    return head


def test_a_step_by_hand():
    """Odds 1, .5 and .5 of 2: p = .5, .25, .25; the cup was taken.

    g = -.5, .75, -.25 on sums of .01: .26, .5725, .0725; steps of .1 g / sqrt(sum).
    """
    head = learned([1.0, 0.5, 0.5], CUP, scale=0.5)

    assert head.squares == pytest.approx([0.26, 0.5725, 0.0725, 0.01])
    wanted = [-0.05 / 0.26**0.5, 0.075 / 0.5725**0.5, -0.025 / 0.0725**0.5, 0.0]
    assert head.values == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize(("chance", "moves"), [(0.00199, False), (0.00201, True)])
def test_a_gradient_below_the_threshold_is_not_worth_it(chance, moves):
    """2 in 1,000, for what was not taken and for what nearly surely was."""
    head = learned([1 - chance, chance], TEA, rows=(TEA, CUP))

    assert (head.values[[TEA, CUP]] != 0).tolist() == [moves, moves]
    assert (head.squares[[TEA, CUP]] != np.float32(0.01)).tolist() == [moves, moves]


def test_an_empty_place_has_no_bias():
    """Row -1, where the pool has nobody: not even when nobody is the target."""
    head = learned([0.5, 0.5], -1, rows=(-1, TEA))

    assert head.values[[CUP, SPOON, POT]].tolist() == [0, 0, 0]
    assert head.values[TEA] < 0


def test_what_is_always_taken_rises_and_the_rest_falls():
    """From event to event; nothing happens to who was no candidate."""
    once, often = learned([0.4, 0.3, 0.3], TEA), learned([0.4, 0.3, 0.3], TEA, times=50)

    assert often.values[TEA] > once.values[TEA] > 0 > once.values[CUP] > often.values[CUP]
    assert often.values[POT] == 0
