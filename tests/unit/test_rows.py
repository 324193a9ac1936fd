"""Weighted sums of rows, against numpy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba.core.errors import TypingError

from streamproc_models.rows import add_rows

SEED = st.integers(0, 2**32 - 1)


def numbers(random, *shape):
    return random.normal(size=shape).astype(np.float32)


@given(st.integers(0, 70), st.integers(0, 30), st.integers(0, 2), SEED)
def test_the_sum_is_that_of_whole_matrices(count, eights, wider, seed):
    """Of every width, in rows that are as long or longer; more rows than weights do not count."""
    random, columns = np.random.default_rng(seed), 8 * eights
    rows, weights = numbers(random, count + 2, columns + 8 * wider), numbers(random, count)
    out = numbers(random, columns)
    wanted = out + weights.astype(float) @ rows[:count, :columns].astype(float)

    add_rows(out, weights, rows)

    np.testing.assert_allclose(out, wanted, atol=1e-4)


@pytest.mark.parametrize("columns", [8, 48, 96, 120, 192])
def test_what_is_behind_the_sum_stays(columns):
    """And so does what is read."""
    random = np.random.default_rng(7)
    whole, rows, weights = numbers(random, columns + 16), numbers(random, 5, columns + 8), numbers(random, 5)
    before = whole.copy(), rows.copy(), weights.copy()

    add_rows(whole[:columns], weights, rows)

    assert (whole[:columns] != before[0][:columns]).all()
    np.testing.assert_array_equal(whole[columns:], before[0][columns:])
    np.testing.assert_array_equal(rows, before[1])
    np.testing.assert_array_equal(weights, before[2])


def test_one_row_by_hand():
    """(1, ..., 8) + 2 (10, ..., 80) = (21, ..., 168)."""
    out = np.arange(1, 9, dtype=np.float32)

    add_rows(out, np.array([2.0], np.float32), 10 * np.arange(1, 9, dtype=np.float32).reshape(1, 8))

    assert out.tolist() == [21 * n for n in range(1, 9)]


def test_rows_that_do_not_lie_one_after_the_other_are_refused():
    """They would be read wrongly."""
    columns = np.asfortranarray(np.ones((3, 8), np.float32))

    with pytest.raises(TypingError, match="ascontiguousarray"):
        add_rows(np.zeros(8, np.float32), np.ones(3, np.float32), columns)
