"""How a prediction is counted, by hand."""

import numpy as np
import pytest

from streamproc_models import evaluation
from streamproc_models.evaluation import FUSION, MISS, POPULARITY


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
