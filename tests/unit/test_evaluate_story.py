"""Segments, curves, exposure and paired differences of predictions written by hand."""

import numpy as np
import pytest

from streamproc.config import Config
from streamproc.errors import ConfigError
from streamproc.evaluate.comparing import without
from streamproc.evaluate.curves import STEP, curve, steady
from streamproc.evaluate.exposure import gini, novelty
from streamproc.evaluate.paired import compare, difference, leads
from streamproc.evaluate.segments import segments, sum_up
from streamproc_models.evaluation import MISS
from tests.predictions import Prediction, predictions


def test_a_slice_has_recall_mrr_ceiling_and_gate():
    """Places 1, 4, 20, 21 and no candidate: three hits of five, and four candidates."""
    given = [Prediction(fusion=place) for place in (0, 3, 19, 20, MISS)]
    given[0] = given[0]._replace(gate=(1.0, 0.0, 0.0))

    found = sum_up(predictions(*given))

    assert (found.events, found.candidate_recall) == (5, 4 / 5)
    assert found.models["fusion"].recall_at_20 == 3 / 5
    assert found.models["fusion"].mrr_at_20 == pytest.approx((1 + 1 / 4 + 1 / 20) / 5)
    assert found.gate == pytest.approx({"short_term": 0.6, "long_term": 0.2, "popularity": 0.2})


def test_a_model_is_judged_on_what_it_was_asked():
    """The shadow came late: one hit of one."""
    found = sum_up(predictions(Prediction(), Prediction(shadow=0)))

    assert found.models["shadow"].recall_at_20 == 1.0
    assert "shadow" not in sum_up(predictions(Prediction())).models


@pytest.mark.parametrize(
    ("history", "name"),
    [(1, "1"), (2, "2-4"), (4, "2-4"), (5, "5-19"), (19, "5-19"), (20, "20+"), (256, "20+")],
)
def test_histories_are_told_apart(history, name):
    """At both ends of each."""
    assert list(segments(predictions(Prediction(history=history)))["history"]) == [name]


@pytest.mark.parametrize(
    ("taken", "rank", "name"),
    [(5, 0.0, "1"), (5, 0.09, "1"), (5, 0.11, "2"), (1, 0.95, "10"), (1, 1.0, "10"), (0, 1.0, "unseen")],
)
def test_tenths_are_counted_from_the_most_popular_one(taken, rank, name):
    """An item without events is in none of them."""
    assert list(segments(predictions(Prediction(taken=taken, rank=rank)))["popularity"]) == [name]


def test_each_kind_of_segment_makes_up_the_whole():
    """Repeats and others, first and later ones; no kind counts an event twice."""
    p = predictions(
        Prediction(fusion=0, repeats=True, opens=True),
        Prediction(fusion=MISS, history=7, taken=0),
        Prediction(fusion=0, repeats=True, history=30, rank=0.5),
    )

    found = segments(p)

    assert {kind: sum(part.events for part in parts.values()) for kind, parts in found.items()} == {
        "item": 3, "history": 3, "session": 3, "popularity": 3, "since_item": 3, "since_own": 3,
    }  # fmt: skip
    assert found["item"]["repeat"].models["fusion"].recall_at_20 == 1.0
    assert found["item"]["new"].models["fusion"].recall_at_20 == 0.0
    assert found["session"]["first"].events == 1


def test_a_curve_has_a_point_for_every_5000_events():
    """Those in which nothing was predicted have none."""
    numbers = [0, STEP - 1, STEP, 3 * STEP]
    p = predictions(*(Prediction(fusion=n % 2 * MISS, event=event) for n, event in enumerate(numbers)))

    points = curve(p)

    assert [point.first for point in points] == [0, STEP, 3 * STEP]
    assert [point.figures.events for point in points] == [2, 1, 1]
    assert [point.figures.models["fusion"].recall_at_20 for point in points] == [0.5, 1.0, 0.0]


def test_a_plot_leaves_out_a_last_piece_that_is_cut_short():
    """A hundred events would jump up and down; the only piece there is stays."""
    points = curve(predictions(Prediction(event=0), Prediction(event=STEP)))

    assert len(steady(points, STEP + 100)) == 1
    assert len(steady(points, 2 * STEP)) == 2
    assert len(steady(points[:1], 100)) == 1


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([3, 3, 3], 0.0),
        ([0, 0, 0, 8], 3 / 4),
        ([1, 3], 1 / 4),
        ([1, 2, 3, 4], 1 / 4),
        ([0, 0], 0.0),
        ([], 0.0),
    ],
)
def test_gini_of_known_counts(counts, expected):
    """Even, all on one of four, and two by hand: 2 (1 + 6) / (2 x 4) - 3 / 2 = 1/4."""
    assert gini(np.array(counts, np.int64)) == pytest.approx(expected)
    assert gini(np.array(counts[::-1], np.int64)) == pytest.approx(expected)


def test_novelty_is_the_mean_over_slates_that_showed_anything():
    """Two of 3 and 5 bits; the empty one does not count."""
    p = predictions(Prediction(novelty=3.0), Prediction(novelty=-1.0), Prediction(novelty=5.0))

    assert novelty(p) == 4.0
    assert novelty(predictions()) == 0.0


def test_a_difference_has_the_standard_error_of_a_mean():
    """1, 0, 0, 1: mean 1/2, variance 1/3, so sqrt(1/3 / 4)."""
    found = difference(np.array([1.0, 0.0, 0.0, 1.0]))

    assert (found.mean, found.standard_error) == (0.5, pytest.approx(np.sqrt(1 / 12)))


def test_the_fusion_is_compared_event_by_event():
    """Hits 1, 1, 0, 1 against 1, 0, 1, 0: differences 0, 1, -1, 1; one reciprocal rank of 1/2."""
    p = predictions(
        Prediction(fusion=0, covisitation=0),
        Prediction(fusion=1, covisitation=MISS),
        Prediction(fusion=20, covisitation=0),
        Prediction(fusion=0, covisitation=30),
    )

    found = leads(p)["covisitation"]

    assert found.events == 4
    assert found.recall_at_20.mean == 1 / 4
    assert found.recall_at_20.standard_error == pytest.approx(np.std([0, 1, -1, 1], ddof=1) / 2)
    assert found.mrr_at_20.mean == pytest.approx((0 + 1 / 2 - 1 + 1) / 4)
    assert "shadow" not in leads(p)


def test_two_runs_are_compared_on_the_events_of_both():
    """Events 1 and 2 are in both, in whatever order; the others are counted."""
    here = predictions(Prediction(fusion=0, key=1), Prediction(fusion=0, key=2), Prediction(key=3))
    there = predictions(
        Prediction(fusion=0, key=2), Prediction(fusion=MISS, key=1), Prediction(key=4), Prediction(key=5)
    )

    found = compare("without gru", here, there)

    assert (found.name, found.events, found.only_here, found.only_there) == ("without gru", 2, 1, 2)
    fusion = found.models["fusion"]
    assert (fusion.here.recall_at_20, fusion.there.recall_at_20) == (1.0, 0.5)
    assert (fusion.lead.recall_at_20.mean, fusion.lead.recall_at_20.standard_error) == (
        0.5,
        pytest.approx(0.5),
    )


def test_a_run_is_never_ahead_of_itself():
    """Zero, and no doubt about it."""
    p = predictions(Prediction(fusion=0), Prediction(fusion=7), Prediction())

    lead = compare("again", p, p).models["fusion"].lead

    assert (lead.recall_at_20.mean, lead.recall_at_20.standard_error) == (0.0, 0.0)


def test_without_a_head_all_else_stays():
    """Only that head is off."""
    config = without(Config(seed=3), "gru")

    assert not config.heads.gru.enabled
    assert config.heads.markov.enabled
    assert config.model_copy(update={"heads": Config().heads}) == Config(seed=3)


def test_a_head_that_is_not_there_or_off_already_is_named():
    """With the ones that there are."""
    with pytest.raises(ConfigError, match=r"no head is called 'grru'.*There are popularity, history, markov"):
        without(Config(), "grru")
    with pytest.raises(ConfigError, match=r"heads\.gru is off already"):
        without(without(Config(), "gru"), "gru")
