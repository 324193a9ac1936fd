"""The fusion's weights: one step by hand, and its gradient against numeric differentiation."""

import numpy as np
import pytest

from streamproc.engine import pool, predicting, scratch
from streamproc.engine.scratch import BASE, FOLLOWERS, IN_WINDOW, LIKED, LINKED
from streamproc_models import fusion
from streamproc_models.fusion import BUCKETS, COVISITATION, EVERYBODY, FEATURES, POOL_FIRST, POOL_LAST

ROWS, SEAT = 8, 5  # items of the catalogue; the place of the pooled one
IN_THE_POOL, NOBODY = 6, 7  # rows: candidates 0, 1, 2 are linked to the window
RATE = 0.1


@pytest.mark.parametrize(
    ("history", "bucket"), [(0, 0), (1, 0), (2, 1), (4, 1), (5, 2), (19, 2), (20, 3), (64, 3)]
)
def test_a_longer_history_has_other_weights(history, bucket):
    """0-1, 2-4, 5-19, 20 and more."""
    assert fusion.bucket(history) == bucket


def test_it_starts_as_plain_co_visitation():
    """Before anything is learned."""
    out = np.ones(FEATURES, np.float32)

    fusion.combine(fusion.empty(), 2, out)

    assert out.tolist() == [1.0 if feature == COVISITATION else 0.0 for feature in range(FEATURES)]


def test_a_step_is_adagrads():
    """g = .3 on a sum of .01: the sum is .1, the step .05 * .3 / sqrt(.1) = .0474342, in both rows."""
    head, gradient = fusion.empty(), np.zeros(FEATURES, np.float32)
    gradient[3] = 0.3

    fusion.step(head, 1, gradient, 0.05)

    for row in (EVERYBODY, 1):
        assert head.squares[row, 3] == pytest.approx(0.1)
        assert head.weights[row, 3] == pytest.approx(0.0474342, abs=1e-6)
    assert head.weights[0, 3] == head.weights[2, 3] == 0
    assert head.weights[EVERYBODY, COVISITATION] == 1  # a gradient of 0 moves nothing


def test_a_second_step_in_the_same_direction_is_shorter():
    """.05 * .3 / sqrt(.19)."""
    head, gradient = fusion.empty(), np.zeros(FEATURES, np.float32)
    gradient[3] = 0.3

    fusion.step(head, 1, gradient, 0.05)
    fusion.step(head, 1, gradient, 0.05)

    assert head.weights[1, 3] == pytest.approx(0.05 * 0.3 / 0.1**0.5 + 0.05 * 0.3 / 0.19**0.5, abs=1e-6)


class Choice:
    """Three candidates linked to a window and one in the pool, with features at random."""

    def __init__(self, history=3):
        random = np.random.default_rng(7)
        self.head = fusion.empty()
        self.head.weights[:] = random.normal(size=(BUCKETS + 1, FEATURES))
        self.pool, self.scratch = pool.empty(ROWS, 8, 8), scratch.empty(ROWS, 8, 8)
        s = self.scratch
        s.stamps[BASE] = 100
        s.counts[[IN_WINDOW, FOLLOWERS, LINKED, LIKED]] = 1, 2, 3, history
        s.stamp[:3] = 100, 101, 102
        s.features[:, :3] = random.normal(size=(FEATURES, 3))
        self.pool.place[IN_THE_POOL] = SEAT
        self.pool.features[:, SEAT] = random.normal(size=POOL_LAST - POOL_FIRST + 1)
        self.row = fusion.bucket(history)
        s.scores[:3] = self.scores(self.weights())[:3]
        s.pool_scores[:] = pool.IMPOSSIBLE
        s.pool_scores[SEAT] = self.scores(self.weights())[3]

    def weights(self):
        return self.head.weights[EVERYBODY].astype(float) + self.head.weights[self.row]

    def features(self):
        """(4, features): what each candidate has, zero elsewhere."""
        x = np.zeros((4, FEATURES))
        for feature in range(FEATURES):
            known = 1 if feature >= fusion.RECENCY else 2 if feature >= fusion.MARKOV else 3
            x[:known, feature] = self.scratch.features[feature, :known]
        x[3, POOL_FIRST : POOL_LAST + 1] = self.pool.features[:, SEAT]
        return x

    def scores(self, weights):
        return self.features() @ weights

    def log_likelihood(self, weights, target):
        scores = self.scores(weights)
        return scores[target] - np.log(np.exp(scores).sum())

    def improve(self, row, lasting=True):
        predicting.improve(self.head, self.pool, lasting, self.scratch, RATE, row)


@pytest.mark.parametrize(("row", "target"), [(0, 0), (1, 1), (2, 2), (IN_THE_POOL, 3)])
def test_the_gradient_is_that_of_the_conditional_logit(row, target):
    """Numerically: how the target's log-probability changes with each weight."""
    choice, step = Choice(), 1e-5
    weights = choice.weights()
    numeric = [
        (choice.log_likelihood(weights + d, target) - choice.log_likelihood(weights - d, target)) / (2 * step)
        for d in step * np.eye(FEATURES)
    ]

    choice.improve(row)

    np.testing.assert_allclose(choice.scratch.gradient, numeric, atol=2e-5)


def test_a_step_makes_the_target_likelier():
    """In the weights of everybody and of the user's bucket; the others stay."""
    choice = Choice(history=3)
    before, others = choice.log_likelihood(choice.weights(), 1), choice.head.weights[[0, 2, 3]].copy()

    choice.improve(1)

    assert choice.log_likelihood(choice.weights(), 1) > before
    assert (choice.head.weights[[0, 2, 3]] == others).all()


@pytest.mark.parametrize("forbidden", [False, True])
def test_what_is_no_candidate_teaches_nothing(forbidden):
    """A target that nobody put up, or one that may not be shown."""
    choice = Choice()
    before = choice.head.weights.copy()
    choice.scratch.scores[1] = pool.IMPOSSIBLE

    choice.improve(1 if forbidden else NOBODY)

    assert (choice.head.weights == before).all()


def test_without_a_generation_its_weights_stay():
    """Its features hold what an older ranking left."""
    choice = Choice()
    before = choice.head.weights.copy()

    choice.improve(1, lasting=False)

    moved = (choice.head.weights != before).any(axis=0)
    assert not moved[[fusion.LONG_TERM, fusion.LONG_TERM_ROOT]].any()
    assert moved.sum() == FEATURES - 2
