"""The fusion's weights: which rows hold for whom, and its gradient against numeric differentiation."""

import numpy as np
import pytest

from streamproc.config import Config
from streamproc.engine import pool, predicting, scratch
from streamproc.engine.scratch import BASE, FOLLOWERS, HISTORY, IN_WINDOW, LIKED, LINKED, PRESENT
from streamproc_models import fusion
from streamproc_models.fusion import (
    ACTIVE,
    BUCKETS,
    COVISITATION,
    EVERYBODY,
    FEATURES,
    NAMES,
    POOL_FIRST,
    POOL_LAST,
)

ITEMS, SEAT = 8, 5  # rows of the catalogue; the place of the pooled one
IN_THE_POOL, NOBODY = 6, 7  # rows: candidates 0, 1, 2 are linked to the window
RATE = 0.1
NEITHER, LASTING, ENCODED, BOTH = (0, 0), (1, 0), (0, 1), (1, 1)  # what refreshes have brought
LASTING_FEATURES = range(fusion.LONG_TERM_FIRST, fusion.LONG_TERM_LAST + 1)
ENCODER_FEATURES = fusion.ENCODER, fusion.ENCODER_ROOT
CONFIG = Config()


def placed(history=0, in_session=0, evidence=0.0):
    out = np.zeros(ACTIVE, np.int32)
    fusion.place(history, in_session, evidence, out)
    return out


def named(*given):
    return [BUCKETS[row] for row in placed(*given)]


@pytest.mark.parametrize(
    ("history", "bucket"),
    [
        (0, "0_1"),
        (1, "0_1"),
        (2, "2_4"),
        (4, "2_4"),
        (5, "5_19"),
        (19, "5_19"),
        (20, "20_up"),
        (256, "20_up"),
    ],
)
def test_a_longer_history_has_other_weights(history, bucket):
    """0-1, 2-4, 5-19, 20 and more."""
    assert named(history)[1] == f"history_{bucket}"


@pytest.mark.parametrize(
    ("items", "bucket"),
    [(0, "begins"), (1, "1"), (2, "2_5"), (5, "2_5"), (6, "6_up"), (200, "6_up")],
)
def test_the_place_in_the_session_has_weights_of_its_own(items, bucket):
    """None so far, one, 2-5, 6 and more."""
    assert named(0, items)[2] == f"session_{bucket}"


@pytest.mark.parametrize(
    ("evidence", "bucket"),
    [(0.0, "0"), (0.999, "0"), (1.0, "1_4"), (4.999, "1_4"), (5.0, "5_29"), (29.99, "5_29"), (30.0, "30_up")],
)
def test_the_evidence_after_the_last_item_has_weights_of_its_own(evidence, bucket):
    """Decayed counts: below 1, 5 and 30 events, and more."""
    assert named(0, 0, evidence)[3] == f"evidence_{bucket}"


def test_four_rows_hold_for_a_user_and_everybodys_is_one():
    """One of each kind; their sum is what counts."""
    head, out = fusion.empty(), np.zeros(FEATURES, np.float32)
    head.weights[:] = 2.0 ** np.arange(len(BUCKETS))[:, None]

    fusion.combine(head.weights, placed(3, 2, 40.0), out)

    assert named(3, 2, 40.0) == ["everybody", "history_2_4", "session_2_5", "evidence_30_up"]
    assert set(out) == {2.0**0 + 2.0**2 + 2.0**7 + 2.0**12}


def test_it_starts_as_plain_co_visitation():
    """Before anything is learned, and so does its twin."""
    head, out = fusion.empty(), np.ones(FEATURES, np.float32)
    for weights in (head.weights, head.twin):
        fusion.combine(weights, placed(5, 3, 7.0), out)

        assert out.tolist() == [1.0 if feature == COVISITATION else 0.0 for feature in range(FEATURES)]


def test_heads_that_are_off_stay_out():
    """With all their features, and nobody else's."""
    head = fusion.empty(frozenset(("markov", "session", "covisitation")))

    out = {name for name, on in zip(NAMES, head.mask, strict=True) if not on}
    assert out == {
        *(f"covisitation_{end}" for end in ("log", "root", "raw", "raw_last")),
        *("markov_log", "markov_root", "session_log", "session_root", "session_lift"),
    }
    assert not head.weights.any()
    assert not head.twin.any()


def test_the_curvature_has_each_feature_once():
    """Last what a refresh brings, so that steps before the first one are shorter."""
    assert sorted(fusion.ORDER) == list(range(FEATURES))
    assert set(fusion.ORDER[-6:]) == {*LASTING_FEATURES, *ENCODER_FEATURES}


def test_what_is_switched_off_or_not_there_is_not_present():
    """A bit for each feature that anybody has."""
    mask = fusion.empty(frozenset(["gru", "long_term"])).mask

    bits = fusion.present(mask, 1, 0)

    out = {f for f in range(FEATURES) if not fusion.has(bits, f)}
    assert out == {fusion.GRU, fusion.GRU_ROOT, *LASTING_FEATURES, *ENCODER_FEATURES}


def test_what_is_switched_off_never_moves():
    """Whatever its gradient; the others learn as if it were not there."""
    random, off = np.random.default_rng(7), frozenset(["session", "gru"])
    head, other = fusion.empty(off), fusion.empty(off)
    scratch_of = np.zeros((4, FEATURES))
    for _ in range(300):
        gradient = random.normal(size=FEATURES).astype(np.float32)
        fusion.improve(head, fusion.present(head.mask, 1, 1), placed(), gradient, scratch_of)
        gradient *= head.mask
        fusion.improve(other, fusion.present(head.mask, 1, 1), placed(), gradient, scratch_of)

    moved = (head.weights != fusion.empty(off).weights).any(axis=0)
    assert (moved == (head.mask > 0)).all()
    assert (head.weights == other.weights).all()


def test_a_copy_is_as_good_and_apart():
    """What one learns does not show in the other."""
    head = fusion.empty()
    other = fusion.copy(head)

    fusion.improve_twin(other, placed(), np.ones(FEATURES, np.float32), RATE)
    bits = fusion.present(other.mask, 1, 1)
    fusion.improve(other, bits, placed(), np.ones(FEATURES, np.float32), np.zeros((4, FEATURES)))

    fresh = fusion.empty()
    assert all((ours == theirs).all() for ours, theirs in zip(head, fresh, strict=True))
    assert (other.weights != fresh.weights).any()
    assert (other.twin != fresh.twin).any()


class Choice:
    """Three candidates linked to a window and one in the pool, with features at random."""

    def __init__(self, history=3, seed=7):
        random = np.random.default_rng(seed)
        self.head = fusion.empty()
        self.head.weights[:] = random.normal(size=(len(BUCKETS), FEATURES)) / 2
        self.head.twin[:] = random.normal(size=(len(BUCKETS), FEATURES)) / 2
        self.pool, self.scratch = (
            pool.empty(ITEMS, CONFIG.heads.factors.size, CONFIG.heads.gru.size),
            scratch.empty(ITEMS, CONFIG),
        )
        s = self.scratch
        s.stamps[BASE] = 100
        s.counts[[IN_WINDOW, FOLLOWERS, LINKED, LIKED, HISTORY]] = 1, 2, 3, history, history
        s.stamp[:3] = 100, 101, 102
        s.features[:, :3] = random.normal(size=(FEATURES, 3))
        self.pool.place[IN_THE_POOL] = SEAT
        self.pool.features[:, SEAT] = random.normal(size=POOL_LAST - POOL_FIRST + 1)
        s.rows[:] = placed(history, 1, 8.0)
        self.rows = s.rows.copy()
        self.score(self.head.weights)

    def score(self, weights):
        """As the engine does before it learns."""
        scores = self.scores(self.summed(weights))
        self.scratch.scores[:3] = scores[:3]
        self.scratch.pool_scores[:] = pool.IMPOSSIBLE
        self.scratch.pool_scores[SEAT] = scores[3]

    def summed(self, weights):
        return weights[self.rows].astype(float).sum(axis=0)

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

    def gradient(self, row, there=BOTH):
        """Fills the gradient; returns what turns odds into probabilities."""
        number = row if row < 3 else -1
        place = SEAT if row == IN_THE_POOL else -1
        self.scratch.counts[PRESENT] = fusion.present(self.head.mask, *there)
        return predicting._learn_gradient(self.pool, self.scratch, number, place)

    def improve(self, row, there=BOTH):
        if self.gradient(row, there) > 0:
            s = self.scratch
            fusion.improve(self.head, s.counts[PRESENT], self.rows, s.gradient, s.newton)


@pytest.mark.parametrize(("row", "target"), [(0, 0), (1, 1), (2, 2), (IN_THE_POOL, 3)])
def test_the_gradient_is_that_of_the_conditional_logit(row, target):
    """Numerically: how the target's log-probability changes with each weight."""
    choice, step = Choice(), 1e-5
    weights = choice.summed(choice.head.weights)
    numeric = [
        (choice.log_likelihood(weights + d, target) - choice.log_likelihood(weights - d, target)) / (2 * step)
        for d in step * np.eye(FEATURES)
    ]

    scale = choice.gradient(row)

    np.testing.assert_allclose(choice.scratch.gradient, numeric, atol=5e-5)
    assert scale == pytest.approx(np.exp(choice.log_likelihood(weights, target)), rel=1e-4)


def test_a_step_makes_the_target_likelier():
    """In the four rows that hold for the user; the others stay."""
    choice = Choice(history=3)
    before, whole = choice.log_likelihood(choice.summed(choice.head.weights), 1), choice.head.weights.copy()

    choice.improve(1)

    assert choice.log_likelihood(choice.summed(choice.head.weights), 1) > before
    moved = (choice.head.weights != whole).any(axis=1)
    assert np.flatnonzero(moved).tolist() == sorted(choice.rows.tolist())


def test_the_rows_of_one_user_learn_the_same_gradient():
    """From the same start their curvatures stay the same, too."""
    choice = Choice()
    before = choice.head.weights.copy()

    choice.improve(2)

    steps = (choice.head.weights - before)[choice.rows]
    np.testing.assert_allclose(steps, np.repeat(steps[:1], ACTIVE, axis=0), atol=1e-6)
    for row in choice.rows[1:]:
        assert (choice.head.inverse[row] == choice.head.inverse[EVERYBODY]).all()


def test_the_twin_makes_the_target_likelier_by_its_own_weights():
    """Both look at the same features; neither touches the other's weights."""
    choice = Choice()
    choice.score(choice.head.twin)
    before, newton = choice.log_likelihood(choice.summed(choice.head.twin), 0), choice.head.weights.copy()

    choice.gradient(0)
    fusion.improve_twin(choice.head, choice.rows, choice.scratch.gradient, 0.01)

    assert choice.log_likelihood(choice.summed(choice.head.twin), 0) > before
    assert (choice.head.weights == newton).all()


@pytest.mark.parametrize("forbidden", [False, True])
def test_what_is_no_candidate_teaches_nothing(forbidden):
    """A target that nobody put up, or one that may not be shown."""
    choice = Choice()
    before = [array.copy() for array in choice.head]
    choice.scratch.scores[1] = pool.IMPOSSIBLE

    choice.improve(1 if forbidden else NOBODY)

    assert all((now == then).all() for now, then in zip(choice.head, before, strict=True))


@pytest.mark.parametrize(
    ("there", "absent"),
    [
        (NEITHER, {*LASTING_FEATURES, *ENCODER_FEATURES}),
        (LASTING, {*ENCODER_FEATURES}),
        (ENCODED, {*LASTING_FEATURES}),
        (BOTH, set()),
    ],
)
def test_weights_of_what_no_refresh_has_brought_stay(there, absent):
    """Its features hold what an older ranking left."""
    choice = Choice()
    before = choice.head.weights.copy()

    choice.improve(1, there)

    moved = (choice.head.weights != before).any(axis=0)
    assert set(np.flatnonzero(~moved).tolist()) == absent
