"""The fast logarithm and exponential against numpy's."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streamproc_models.vector import exp_into, log_into

positive = st.lists(st.floats(2**-99, 2**99, width=32), min_size=1, max_size=40)
moderate = st.lists(st.floats(-200, 200, width=32), min_size=1, max_size=40)


def scratch(size):
    y = np.zeros(size, np.float32)
    return y, y.view(np.int32)


@given(positive)
def test_logarithms_are_right_to_the_last_bits(values):
    """From 1e-30 up; 1 gives exactly 0."""
    x = np.array([*values, 1.0], np.float32)
    out = np.zeros_like(x)

    log_into(out, x, x.view(np.int32), *scratch(x.size), x.size)

    np.testing.assert_allclose(out, np.log(x.astype(np.float64)), rtol=2.5e-7, atol=2e-7)
    assert out[-1] == 0


@given(moderate, st.floats(-50, 50, width=32))
def test_exponentials_are_clamped_and_sum_up(values, shift):
    """Beyond 60 they stay at e^60, so that a sum never overflows."""
    x = np.array(values, np.float32)
    out = np.zeros_like(x)

    total = exp_into(out, x, np.float32(shift), *scratch(x.size), x.size)

    wanted = np.exp(np.clip((x - np.float32(shift)).astype(np.float64), -60, 60))
    np.testing.assert_allclose(out, wanted, rtol=1e-5)
    np.testing.assert_allclose(total, wanted.sum(), rtol=2e-5)


def test_only_the_first_n_are_written():
    """The rest of a working array belongs to somebody else."""
    x, out = np.full(4, 2, np.float32), np.zeros(4, np.float32)

    exp_into(out, x, np.float32(2), *scratch(4), 2)
    assert out.tolist() == [1, 1, 0, 0]

    log_into(out, x, x.view(np.int32), *scratch(4), 1)
    np.testing.assert_allclose(out, [np.log(2), 1, 0, 0], rtol=1e-6)
