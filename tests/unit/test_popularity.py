"""Decayed counts, by hand."""

import numpy as np
import pytest

from streamproc_models.heads import popularity
from streamproc_models.heads.popularity import AGE, COLUMNS, LONG, MEDIUM, RARITY, SHORT

HALF_LIVES = (500.0, 2000.0, 50_000.0)
TEA, CUP = 0, 1


@pytest.fixture
def head():
    return popularity.empty(4, HALF_LIVES)


def described(head, event, items):
    """What the fast way says of the first rows."""
    x, y = np.zeros(1024, np.float32), np.zeros(1024, np.float32)
    features = np.zeros((items, COLUMNS), np.float32)
    popularity.describe(head, event, 0, items, features, x, x.view(np.int32), y, y.view(np.int32))
    return features


def described_singly(head, event, items):
    features = np.zeros((items, COLUMNS), np.float32)
    for item in range(items):
        popularity.describe_one(head, item, event, features[item])
    return features


def test_a_count_halves_with_each_half_life(head):
    """500 events later half of the short count is left, and three quarters are missing after 1,000."""
    popularity.learn(head, TEA, 0, 1.0)
    popularity.learn(head, TEA, 500, 1.0)
    assert head.counts[TEA, SHORT] == pytest.approx(1.5)
    assert head.counts[TEA, MEDIUM] == pytest.approx(1 + 2**-0.25)

    popularity.learn(head, TEA, 1500, 0.0)
    assert head.counts[TEA, SHORT] == pytest.approx(1.5 / 4)


def test_a_strong_event_counts_as_much_as_it_is_worth(head):
    """A purchase of strength 5 is five clicks."""
    popularity.learn(head, TEA, 0, 5.0)

    assert head.counts[TEA].tolist() == [5.0, 5.0, 5.0]
    assert head.totals.tolist() == [5.0, 5.0, 5.0]


def test_the_whole_fades_with_every_event(head):
    """After three events of strength 1: 1 + x + x^2."""
    for event in range(3):
        popularity.learn(head, event, event, 1.0)

    fading = 2 ** (-1 / 500)
    assert head.totals[SHORT] == pytest.approx(1 + fading + fading**2)


def test_the_first_and_the_newest_event_are_remembered(head):
    """Of strangers neither is known."""
    popularity.learn(head, TEA, 3, 1.0)
    popularity.learn(head, TEA, 8, 1.0)

    assert (head.first[TEA], head.last[TEA]) == (3, 8)
    assert (head.first[CUP], head.last[CUP]) == (-1, -1)


def test_features_are_logarithms_of_shares_and_of_age(head):
    """The only item has a share of 1; e - 1 events after its first one its age reads 1/3."""
    popularity.learn(head, TEA, 10, 1.0)
    features = np.zeros(COLUMNS, np.float32)

    popularity.describe_one(head, TEA, 10, features)
    assert features[: LONG + 1] == pytest.approx(np.log(1 + 1e5), rel=1e-5)
    assert features[AGE] == 0

    popularity.describe_one(head, TEA, 17, features)
    assert features[AGE] == pytest.approx(np.log(8) / 3)


def test_rarity_weighs_down_what_everybody_takes(head):
    """1e-3 / (share + 1e-4): 3 of 4 events are tea, so .001 / .7501; of strangers, .001 / .0001 = 10."""
    popularity.learn(head, TEA, 0, 3.0)
    popularity.learn(head, CUP, 0, 1.0)
    features = np.zeros(COLUMNS, np.float32)

    popularity.describe_one(head, TEA, 0, features)

    assert features[RARITY] == pytest.approx(0.0013332, rel=1e-4)
    assert described(head, 0, 3)[:, RARITY] == pytest.approx([0.0013332, 0.001 / 0.2501, 10], rel=1e-3)


def test_strangers_have_no_popularity(head):
    """Whatever everybody else took."""
    popularity.learn(head, TEA, 0, 1.0)

    assert described(head, 5, 2)[CUP, :AGE].tolist() == [0, 0, 0]


def test_the_fast_way_says_the_same_as_the_slow_one():
    """1,500 rows, more than one block; to 1e-4."""
    random = np.random.default_rng(7)
    head = popularity.empty(1500, HALF_LIVES)
    for event in range(4000):
        popularity.learn(head, int(random.integers(1400)), event, float(random.integers(1, 4)))

    fast, slow = described(head, 5000, 1500), described_singly(head, 5000, 1500)

    np.testing.assert_allclose(fast, slow, atol=1e-4)
