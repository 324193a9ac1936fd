"""Features that look at all candidates at once: roots of the softmax, standardised long-term scores."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamproc.config import Config
from streamproc.engine import describing, pool, scratch
from streamproc.engine.pool import IMPOSSIBLE
from streamproc.engine.scratch import BASE, FOLLOWERS, IN_WINDOW, LINKED
from streamproc_models import fusion

N = 5  # candidates linked to the window
POOLED = slice(0, 3)  # places of the pool that are taken
FEATURE, ROOT = fusion.GRU, fusion.GRU_ROOT


def a_ranking():
    """Five linked candidates and three of the pool; nobody else may be shown."""
    s, dense = scratch.empty(16, Config()), pool.empty(16, 8, 8)
    s.stamps[BASE] = 100
    s.counts[[IN_WINDOW, FOLLOWERS, LINKED]] = 2, 3, N
    s.item[:N] = range(N)
    s.stamp[:N] = 100 + np.arange(N)
    s.pool_barred[:] = IMPOSSIBLE
    s.pool_barred[POOLED] = 0
    dense.item[POOLED] = 10, 11, 12
    return s, dense


def of_pool(feature):
    return feature - fusion.POOL_FIRST


def roots(linked, pooled, scale=1.0, barred=(), pool_barred=()):
    """What the kernel makes of these scores (5 linked, 3 pooled)."""
    s, dense = a_ranking()
    s.features[FEATURE, :N], dense.features[of_pool(FEATURE), POOLED] = linked, pooled
    s.barred[list(barred)], s.pool_barred[list(pool_barred)] = IMPOSSIBLE, IMPOSSIBLE
    describing._chances(dense, s, FEATURE, ROOT, np.float32(scale))
    return np.concatenate([s.features[ROOT, :N], dense.features[of_pool(ROOT), POOLED]]), dense


numbers = st.floats(-20, 20, width=32)


@settings(max_examples=100)
@given(
    st.lists(numbers, min_size=8, max_size=8),
    st.sampled_from([1.0, 2.0]),
    st.sets(st.integers(0, 7), max_size=6),
)
def test_the_root_of_a_chance_is_that_of_the_softmax_over_all_that_may_be_shown(values, scale, barred):
    """4 sqrt(exp(scale x) / sum); what may not be shown has none, and takes none from the others."""
    found, _ = roots(
        values[:N], values[N:], scale, [b for b in barred if b < N], [b - N for b in barred if b >= N]
    )

    shown = np.array([k not in barred for k in range(8)])
    odds = np.exp(scale * (np.array(values) - np.array(values)[shown].max())) * shown
    wanted = 4 * np.sqrt(odds / odds.sum())
    np.testing.assert_allclose(found, wanted, atol=2e-5)


def test_by_hand():
    """Eight equal ones: 4 sqrt(1/8) = 1.41421 each; three of them barred: 4 sqrt(1/5) = 1.78885."""
    whole, _ = roots([1.0] * 5, [1.0] * 3)
    some, _ = roots([1.0] * 5, [1.0] * 3, barred=[0, 4], pool_barred=[1])

    assert whole == pytest.approx(1.41421, abs=1e-5)
    assert some == pytest.approx([0, *[1.78885] * 3, 0, 1.78885, 0, 1.78885], abs=1e-5)


def test_nobody_sits_on_an_empty_place():
    """All places of the pool but three are empty here: their roots are 0."""
    _, dense = roots([1.0] * 5, [1.0] * 3)

    assert np.abs(dense.features[of_pool(ROOT), 3 : pool.SIZE]).max() < 1e-6


@pytest.mark.parametrize("shift", [-1e4, 1e4])
def test_only_differences_count(shift):
    """Large scores do not overflow."""
    values = np.arange(8.0) / 2

    near, _ = roots(values[:N], values[N:])
    far, _ = roots(values[:N] + shift, values[N:] + shift)

    np.testing.assert_allclose(far, near, atol=5e-3)


def standardised(linked, pooled, barred=()):
    s, _ = a_ranking()
    s.lasting[:N], s.pool_lasting[POOLED] = linked, pooled
    s.barred[list(barred)] = IMPOSSIBLE
    x, y = np.zeros(N, np.float32), np.zeros(pool.SIZE, np.float32)
    describing._standardise(s, s.lasting, s.pool_lasting, x, y)
    return np.concatenate([x, y[POOLED]])


def test_long_term_scores_are_divided_by_their_deviation_over_all_that_may_be_shown():
    """0, 0, 0, 0, 4 and 0, 0, 4: mean 1, variance 32/8 - 1 = 3; so 4 becomes 4 / sqrt(3)."""
    found = standardised([0, 0, 0, 0, 4], [0, 0, 4])

    assert found == pytest.approx([0, 0, 0, 0, 4 / 3**0.5, 0, 0, 4 / 3**0.5], abs=1e-5)


def test_users_with_longer_windows_do_not_score_higher():
    """Ten times the scores are the same features; what is barred is not counted among them."""
    few = standardised([0, 1, 2, 3, 4], [5, 6, 7])

    np.testing.assert_allclose(standardised(np.arange(5) * 10.0, [50, 60, 70]), few, rtol=1e-4)
    assert few[7] == pytest.approx(7 / np.arange(8).std(), rel=1e-4)
    without = standardised([0, 1, 2, 3, 1000.0], [5, 6, 7], barred=[4])
    assert without[7] == pytest.approx(7 / np.std([0, 1, 2, 3, 5, 6, 7]), rel=1e-4)


def test_where_a_generation_says_the_same_of_all_nothing_explodes():
    """A deviation of 0."""
    assert standardised([0] * 5, [0] * 3).tolist() == [0.0] * 8
    assert np.isfinite(standardised([2] * 5, [2] * 3)).all()


def test_the_long_term_features_are_those_two_and_a_logarithm():
    """Of .02 and what lies above: ln(1 + 1e5 * .02 * score); the root is that of the standardised score."""
    s, dense = a_ranking()
    s.lasting[:N], s.pool_lasting[POOLED] = [0, 1, 2, 3, 4], [0, 0, 2]
    s.lasting_near[:N], s.pool_lasting_near[POOLED] = [0, 0, 0, 0, 2], [0, 0, 1]

    describing._lasting(dense, s)

    x, y = s.features, dense.features
    far = np.array([0, 1, 2, 3, 4, 0, 0, 2], float)
    near = np.array([0, 0, 0, 0, 2, 0, 0, 1], float)
    odds = np.exp(far / far.std())
    for feature, wanted in (
        (fusion.LONG_TERM, far / far.std()),
        (fusion.LONG_TERM_NEAR, near / near.std()),
        (fusion.LONG_TERM_LOG, np.log(1 + 2000 * far)),
        (fusion.LONG_TERM_ROOT, 4 * np.sqrt(odds / odds.sum())),
    ):
        found = np.concatenate([x[feature, :N], y[of_pool(feature), POOLED]])
        np.testing.assert_allclose(found, wanted, atol=1e-4)
