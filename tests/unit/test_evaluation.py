"""How a prediction is counted, by hand."""

import numpy as np
import pytest

from streamproc.engine import candidates, pool, ranking
from streamproc.engine.scratch import PRESENT
from streamproc_models import evaluation, fusion
from streamproc_models.evaluation import FACTORS, FUSION, GRU, MISS, POPULARITY
from tests.ranking_by_hand import ByHand

TEA, CUP, SPOON = range(3)
NO_NUMBER = [np.nan, -np.nan, np.inf, -np.inf]


@pytest.fixture
def record():
    return evaluation.empty()


def test_hits_count_at_every_length_they_reach(record):
    """Places 1, 10, 20 and 21, and one that was no candidate."""
    for rank in (0, 9, 19, 20, MISS):
        evaluation.count(record, FUSION, rank)

    found = evaluation.figures(record, FUSION)

    assert found.events == 5
    assert (found.recall_at_1, found.recall_at_10, found.recall_at_20) == (1 / 5, 2 / 5, 3 / 5)
    assert found.mrr_at_20 == pytest.approx((1 + 1 / 10 + 1 / 20) / 5)
    assert found.ndcg_at_20 == pytest.approx((1 + 1 / np.log2(11) + 1 / np.log2(21)) / 5)


def test_every_model_has_its_own_count(record):
    """One that was never asked has zeros."""
    evaluation.count(record, FUSION, 0)

    assert evaluation.figures(record, POPULARITY) == (0, 0, 0, 0, 0, 0)


def test_the_recent_figure_is_a_plain_mean_at_first(record):
    """1, 1/2 and 0."""
    for rank in (0, 1, MISS):
        evaluation.count(record, FUSION, rank)

    assert record.recent[FUSION] == pytest.approx(0.5)


def test_the_recent_figure_forgets(record):
    """After 20,000 predictions each new one has a weight of 1/20,000, so old hits fade."""
    record.sums[FUSION, evaluation.TRIALS] = 1e6
    record.recent[FUSION] = 1.0

    evaluation.count(record, FUSION, MISS)

    assert record.recent[FUSION] == pytest.approx(1 - 1 / 20_000)


def test_every_model_has_a_number_of_its_own():
    """And its row in the record."""
    assert len(set(evaluation.MODELS)) == len(evaluation.MODELS) == evaluation.MAXIMUM + 1
    assert [evaluation.MODELS[k] for k in (evaluation.SECOND_ORDER, evaluation.TWIN, evaluation.AVERAGE)] == [
        "second_order",
        "twin",
        "average",
    ]
    assert evaluation.empty().sums.shape == (len(evaluation.MODELS), 6)


@pytest.fixture
def scored():
    """Tea, a cup and a spoon, linked to a window and scored 3, 2 and 1."""
    hand = ByHand()
    hand.gather(TEA, CUP, SPOON)
    candidates.allow(hand.scratch, hand.model.pool.bias, hand.model.pool.place)
    hand.scratch.scores[:3] = 3, 2, 1
    hand.scratch.features[:, :3] = 3, 2, 1
    hand.scratch.pool_scores[:] = pool.IMPOSSIBLE
    hand.scratch.counts[PRESENT] = fusion.present(hand.model.fusion.mask, 0, 0)
    return hand


@pytest.mark.parametrize("value", NO_NUMBER)
def test_a_score_that_is_no_number_is_a_miss(scored, value):
    """Of whoever has it: it cannot come out on top of a ranking."""
    scored.scratch.scores[TEA] = value

    places = [
        ranking.fusion_place(scored.model.pool.place, scored.scratch, item) for item in (TEA, CUP, SPOON)
    ]

    assert places[0] == MISS
    assert all(0 <= place < 3 for place in places[1:])


def test_a_head_that_is_switched_off_misses_and_popularity_is_measured_all_the_same(scored):
    """All else is measured by it."""
    m, s = scored.model, scored.scratch
    mask = fusion.empty(frozenset(["popularity", "factors", "gru"])).mask
    s.counts[PRESENT] = fusion.present(mask, 0, 0)

    assert [ranking.head_place(m, s, POPULARITY, item) for item in (TEA, CUP, SPOON)] == [0, 1, 2]
    for head in (FACTORS, GRU):
        assert ranking.head_place(m, s, head, TEA) == MISS


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize(
    ("head", "feature"),
    [(POPULARITY, fusion.POPULARITY_MEDIUM), (FACTORS, fusion.FACTORS), (GRU, fusion.GRU)],
    ids=["popularity", "factors", "gru"],
)
def test_a_head_that_gives_no_number_misses(scored, head, feature, value):
    """Or the gate would take a head whose weights are ruined for the best of all."""
    m, s = scored.model, scored.scratch
    assert [ranking.head_place(m, s, head, item) for item in (TEA, CUP, SPOON)] == [0, 1, 2]
    s.features[feature, CUP] = value

    assert ranking.head_place(m, s, head, CUP) == MISS
