"""Fusions that do not learn, against numpy: the average and the maximum of two vectors."""

import numpy as np
import pytest

from streamproc.engine import candidates, comparing, pool
from streamproc.engine.choosing import IMPOSSIBLE_BELOW
from streamproc_models import evaluation
from tests.event_columns import at_random
from tests.learning import learner_of
from tests.ranking_by_hand import CONFIG, ByHand

WINDOW = [3, 5, 3, 8]  # rows, newest first
POOLED, BARRED = {0: 20, 7: 21, 150: 5}, 8  # places of the pool; the last one is linked already


@pytest.fixture
def ready():
    """A window gathered over a recurrent head at random."""
    hand, random = ByHand(), np.random.default_rng(7)
    m, s = hand.model, hand.scratch
    m.gru.embeddings[:] = random.normal(size=m.gru.embeddings.shape)
    m.gru.bias[:] = random.normal(size=m.gru.bias.shape)
    s.hidden[:] = random.normal(size=s.hidden.shape)
    for place, row in POOLED.items():
        pool.seat(m.pool, place, row, m.popularity, m.features, m.bias.values, m.factors.items, m.gru)
    hand.fill("markov", {3: {9: 1.0, 10: 1.0}})
    hand.gather(*WINDOW)
    candidates.allow(s, m.pool.bias, m.pool.place)
    s.barred[s.stamp[BARRED] - s.stamps[0]] = pool.IMPOSSIBLE
    return hand


def wanted(hand, merge):
    """{row: score} of all that may be shown."""
    m, short = hand.model, hand.scratch.hidden.astype(float)
    long = 0.97 ** np.arange(len(WINDOW)) @ m.gru.embeddings[WINDOW].astype(float)
    vector = merge(short, long * np.linalg.norm(short) / np.linalg.norm(long))
    rows = {*hand.numbered(), *POOLED.values()} - {BARRED}
    return {row: m.gru.embeddings[row] @ vector + m.gru.bias[row] for row in rows}


def found(hand):
    """The same, from the working memory."""
    s, n = hand.scratch, len(hand.numbered())
    scores = dict(zip(hand.numbered(), s.scores[:n].tolist(), strict=True))
    pooled = {row: float(s.pool_scores[q]) for q, row in POOLED.items()}
    assert pooled[5] < IMPOSSIBLE_BELOW  # it counts once, as what is linked
    assert (np.delete(s.pool_scores[: pool.SIZE], list(POOLED)) < IMPOSSIBLE_BELOW).all()
    everybody = pooled | scores
    return {row: score for row, score in everybody.items() if score > IMPOSSIBLE_BELOW}


def check(hand, merge):
    scores = wanted(hand, merge)
    assert found(hand).keys() == scores.keys()
    assert found(hand) == pytest.approx(scores, abs=1e-3)


def test_the_average_of_both_interests(ready):
    """Short: the recurrent state. Long: the fading mean of the window, as long as the short one."""
    comparing.average(ready.model, ready.scratch)

    check(ready, lambda short, long: (short + long) / 2)


def test_the_maximum_of_both_interests(ready):
    """Dimension by dimension."""
    comparing.maximum(ready.model, ready.scratch)

    check(ready, np.maximum)


def test_a_stranger_has_neither_interest(ready):
    """An empty window and a state of 0: all that is left is the items' bias."""
    ready.clear()
    ready.scratch.hidden[:] = 0
    ready.gather()
    candidates.allow(ready.scratch, ready.model.pool.bias, ready.model.pool.place)

    comparing.average(ready.model, ready.scratch)

    s = ready.scratch
    assert [s.pool_scores[q] for q in POOLED] == pytest.approx(
        [ready.model.gru.bias[row] for row in POOLED.values()], abs=1e-5
    )


def test_only_an_evaluation_compares():
    """A trainer would pay for it with each prediction."""
    learner = learner_of(CONFIG, at_random(200))

    trials = learner.memory.record.sums[[evaluation.AVERAGE, evaluation.MAXIMUM], evaluation.TRIALS]
    assert trials.tolist() == [0, 0]
