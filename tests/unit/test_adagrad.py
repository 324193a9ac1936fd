"""Steps that shrink as gradients add up, by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc_models import adagrad

ON = np.ones(3, np.float32)


def floats(*values):
    return np.array(values, np.float32)


@pytest.fixture
def state():
    """Three weights of 0, and the sums of squares they start with."""
    return np.zeros(3, np.float32), adagrad.start(1, 3)[0]


def test_the_first_step_is_bounded_by_the_sum_it_starts_with(state):
    """g = .3 on a sum of .01: the sum is .1, the step .05 * .3 / sqrt(.1) = .0474342."""
    weights, squares = state

    adagrad.step(weights, squares, floats(0.3, 0.0, -0.3), ON, 0.05)

    assert squares == pytest.approx([0.1, 0.01, 0.1])
    assert weights == pytest.approx([0.0474342, 0.0, -0.0474342], abs=1e-6)


def test_a_second_step_in_the_same_direction_is_shorter(state):
    """.05 * .3 / sqrt(.19) = .0344124 on top."""
    weights, squares = state

    for _ in range(2):
        adagrad.step(weights, squares, floats(0.3, 0.0, 0.0), ON, 0.05)

    assert weights[0] == pytest.approx(0.0474342 + 0.0344124, abs=1e-6)


def test_masked_features_never_move(state):
    """Neither their weights nor their sums, whatever the gradient."""
    weights, squares = state

    for _ in range(100):
        adagrad.step(weights, squares, floats(1.0, 1.0, 1.0), floats(1.0, 0.0, 1.0), 0.05)

    assert (weights[1], squares[1]) == (0.0, np.float32(0.01))
    assert weights[0] == weights[2] > 0


gradients = st.lists(st.floats(-1.0, 1.0, width=32), min_size=1, max_size=60)


@given(gradients, st.floats(0.001, 1.0))
def test_a_step_goes_uphill_and_no_farther_than_the_rate(given_gradients, rate):
    """|g| <= sqrt(sum of g^2), so no step is longer than the rate."""
    weights, squares = np.zeros(1, np.float32), adagrad.start(1, 1)[0]
    for gradient in given_gradients:
        before = weights.copy()

        adagrad.step(weights, squares, floats(gradient), np.ones(1, np.float32), rate)

        step = float(weights[0] - before[0])
        assert step * gradient >= 0
        assert abs(step) <= rate * 1.001 + 1e-6
