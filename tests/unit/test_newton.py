"""Online Newton steps: one by hand, long streams that would diverge without the guards, and the optimum."""

import numpy as np
import pytest
from scipy.optimize import minimize

from streamproc_models import newton

CEILING, FORGET = 1 / 30, np.sqrt(1 + 1 / 10_000)


class Learner:
    """One row of weights and its curvature."""

    def __init__(self, size, places=None):
        self.weights = np.zeros(size, np.float32)
        self.inverse = newton.start(1, size)[0]
        self.places = np.arange(size) if places is None else np.array(places)
        self.scratch, self.resets = np.zeros((2, size)), 0.0

    def step(self, gradient):
        self.resets += newton.step(
            self.weights, self.inverse, np.asarray(gradient, float), self.places, self.scratch
        )

    @property
    def whole(self):
        """The curvature, of which only the lower triangle is kept."""
        return np.tril(self.inverse) + np.tril(self.inverse, -1).T

    def check(self):
        """Positive definite, its diagonal within the bound; nothing above the diagonal is ever touched."""
        assert (np.triu(self.inverse, 1) == 0).all()
        assert np.linalg.eigvalsh(self.whole)[0] > 0
        assert self.inverse.diagonal().max() <= CEILING * (1 + 1e-9)
        assert np.isfinite(self.weights).all()


def by_hand(weights, inverse, g):
    """The same step by whole matrices: k = P g / (1 + g'P g), w += k, P -= k (P g)', P <- D P D."""
    slope = inverse @ g
    k = slope / (1 + g @ slope)
    left = inverse - np.outer(k, slope)
    d = np.minimum(FORGET, np.sqrt(CEILING / left.diagonal()))
    return weights + k, d[:, None] * left * d


def test_the_first_step_by_hand():
    """P = I/30, g = (3, -1): P g = (.1, -1/30), g'P g = 1/3, so k = (.075, -.025).

    P - k (P g)' = [[1/30 - .0075, .0025], [.0025, 1/30 - .000833]]; D = sqrt(1.0001) on the first feature,
    and on the second, since .0325 is below 1/30 by more than 1 in 10,000.
    """
    learner = Learner(2)

    learner.step([3.0, -1.0])

    assert learner.weights == pytest.approx([0.075, -0.025])
    left = np.array([[1 / 30 - 0.0075, 0.0025], [0.0025, 0.0325]])
    assert learner.whole == pytest.approx(1.0001 * left, rel=1e-12)
    assert learner.resets == 0


def test_where_there_is_no_gradient_the_bound_stops_forgetting():
    """g = (3, 0): the second diagonal stays 1/30 to the bit of a root, the first one forgets."""
    learner = Learner(2)

    learner.step([3.0, 0.0])

    assert learner.weights == pytest.approx([0.1 / 1.3, 0.0])
    assert learner.inverse[0, 0] == pytest.approx(1.0001 * (1 / 30 - 0.1 * 0.1 / 1.3))
    assert learner.inverse[1, 1] == pytest.approx(1 / 30, rel=1e-12)
    assert learner.inverse[0, 1] == learner.inverse[1, 0] == 0


def test_many_steps_are_those_of_whole_matrices():
    """500 at random, against numpy."""
    random, learner = np.random.default_rng(7), Learner(6)
    weights, inverse = np.zeros(6), newton.start(1, 6)[0]
    for _ in range(500):
        gradient = random.normal(size=6).astype(np.float32)
        weights, inverse = by_hand(weights, inverse, gradient.astype(float))
        learner.step(gradient)

    np.testing.assert_allclose(learner.weights, weights, atol=1e-4)
    np.testing.assert_allclose(learner.whole, inverse, rtol=1e-6, atol=1e-12)


def at_random(random):
    return random.normal(size=12)


def sparse(random):
    """One in ten features."""
    return random.normal(size=12) * (random.random(12) < 0.1)


def collinear(random):
    """Twelve features that are two."""
    return random.normal(size=2) @ np.vstack([np.ones(12), np.arange(12)])


def rare(random):
    """Half of the features speak once in 2,000 events, and loudly."""
    loud = 50.0 if random.random() < 1 / 2000 else 0.0
    return random.normal(size=12) * np.repeat([1.0, loud], 6)


@pytest.mark.parametrize("gradient", [at_random, sparse, collinear, rare])
def test_a_long_stream_keeps_the_curvature_sound(gradient):
    """20,000 gradients: symmetric, positive, bounded, never begun anew."""
    random, learner = np.random.default_rng(7), Learner(12)
    for event in range(20_000):
        learner.step(gradient(random))
        if event % 1000 == 0:
            learner.check()

    learner.check()
    assert learner.resets == 0


def test_a_feature_without_a_gradient_for_long_does_not_run_away():
    """After 50,000 events without it, the first step is one of a fresh curvature."""
    random, learner = np.random.default_rng(7), Learner(4)
    for _ in range(200):
        learner.step(random.normal(size=4))
    shrunk = learner.inverse[3, 3]
    for _ in range(50_000):
        learner.step([*random.normal(size=3), 0.0])
    before = learner.weights[3]

    learner.step([0.0, 0.0, 0.0, 1.0])

    assert shrunk < CEILING / 5
    assert 0 < learner.weights[3] - before <= CEILING / (1 + CEILING) * 1.001
    learner.check()


def test_what_is_behind_the_gradient_stays():
    """A gradient of the first three of five: the others keep weight and curvature, and are no hindrance."""
    random, learner, alone = np.random.default_rng(7), Learner(5), Learner(3)
    for _ in range(500):
        gradient = random.normal(size=3)
        learner.step(gradient)
        alone.step(gradient)

    np.testing.assert_array_equal(learner.weights, [*alone.weights, 0, 0])
    np.testing.assert_array_equal(learner.inverse[:3, :3], alone.inverse)
    assert (learner.inverse[3:] == newton.start(1, 5)[0][3:]).all()


def test_each_step_moves_the_weights_at_its_places():
    """The curvature has an order of its own."""
    random, learner, straight = np.random.default_rng(7), Learner(4, places=[2, 0, 3, 1]), Learner(4)
    for _ in range(500):
        gradient = random.normal(size=4)
        learner.step(gradient)
        straight.step(gradient)

    np.testing.assert_array_equal(learner.weights[[2, 0, 3, 1]], straight.weights)
    np.testing.assert_array_equal(learner.inverse, straight.inverse)


def test_a_curvature_that_rounding_broke_begins_anew():
    """A diagonal of 0 or less cannot be: it is counted, and the next step is the first one again."""
    learner = Learner(2)
    learner.inverse[:] = [[-1e-9, 0.0], [0.0, 0.02]]

    learner.step([0.0, 1.0])

    assert learner.resets == 1
    assert (learner.inverse == CEILING * np.eye(2)).all()
    before = learner.weights.copy()
    learner.step([3.0, -1.0])
    assert learner.weights - before == pytest.approx([0.075, -0.025])
    assert learner.resets == 1


@pytest.mark.parametrize(
    ("inverse", "gradient"),
    [(-np.eye(2), [1.0, 0.0]), (-2 * np.eye(2), [1.0, 0.0]), (np.eye(2) / 30, [np.nan, 1.0])],
    ids=["a sum of 0", "a sum below 0", "a gradient that is no number"],
)
def test_a_step_that_cannot_be_computed_moves_no_weight(inverse, gradient):
    """Whatever went wrong, the curvature begins anew and the weights stay where they were."""
    learner = Learner(2)
    learner.weights[:] = 1.0, 2.0
    learner.inverse[:] = inverse

    learner.step(gradient)

    assert learner.resets == 1
    assert (learner.inverse == CEILING * np.eye(2)).all()
    assert learner.weights.tolist() == [1.0, 2.0]


class Logit:
    """Choices among five candidates with four features, made by known weights."""

    def __init__(self, count=6000):
        random = np.random.default_rng(7)
        self.truth = np.array([1.0, -0.5, 0.3, 0.0])
        self.x = random.normal(size=(count, 5, 4)) * [1.0, 2.0, 0.3, 1.0]
        odds = self.x @ self.truth - np.log(random.exponential(size=(count, 5)))
        self.taken = odds.argmax(axis=1)

    def loss(self, weights):
        """Sum over all choices, with the curvature that the learner starts with."""
        scores = self.x @ weights
        chosen = scores[np.arange(len(scores)), self.taken]
        return (np.log(np.exp(scores).sum(axis=1)) - chosen).sum() + 15 * weights @ weights

    def gradient(self, event, weights):
        odds = np.exp(self.x[event] @ weights)
        return self.x[event, self.taken[event]] - odds @ self.x[event] / odds.sum()


def test_one_pass_ends_near_the_optimum_of_all_choices():
    """A conditional logit of 6,000 choices; the optimum by a quasi-Newton method over all of them at once."""
    logit, learner = Logit(), Learner(4)
    best = minimize(logit.loss, np.zeros(4)).x

    for event in range(len(logit.x)):
        learner.step(logit.gradient(event, learner.weights.astype(float)))

    assert np.abs(learner.weights - best).max() < 0.12
    assert logit.loss(learner.weights.astype(float)) < logit.loss(best) + 10
