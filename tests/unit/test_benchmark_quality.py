"""The quality benchmark: baselines counted by hand, and the page that is made from lines."""

import copy
import json

import numpy as np
import pytest

from benchmarks.quality import book, counting, judging, refitting, returning, sets, stream
from benchmarks.quality.factorising import Factorisation, factorisation
from benchmarks.quality.judging import MISS
from benchmarks.quality.page import page
from benchmarks.quality.published import PUBLISHED
from benchmarks.registry import BENCHMARKS
from tests.predictions import Prediction, predictions

TEA, CUP, MILK = range(3)


def events(*taken):
    """A stream of (user, item), numbered as they come."""
    lines = [
        json.dumps({"user_id": user, "item_id": item, "type": "view", "ts": 1}).encode()
        for user, item in taken
    ]
    return stream.numbered(lines)


SHORT = events(("ann", "tea"), ("bob", "tea"), ("ann", "cup"), ("ann", "tea"), ("bob", "cup"))
ASKED = np.array([2, 3, 4])


def line(name="request", workload="deskdrop", **more):
    """A made-up line with a figure of each kind."""
    figures = {
        "events": 1000, "evaluated": 900, "users": 50, "items": 70, "recall_at_20": 0.8412,
        "mrr_at_20": 0.5661, "candidate_recall": 0.93, "events_per_second": 12345, "seconds": 7.0,
        "fitted": 3, "promoted": 2, "rejected": 1, "refresh_seconds": 1.5,
        "model/fusion/recall_at_1": 0.4, "model/fusion/recall_at_10": 0.8,
        "model/fusion/recall_at_20": 0.8412, "model/fusion/mrr_at_20": 0.5661,
        "model/gru/recall_at_1": 0.1, "model/gru/recall_at_10": 0.2,
        "model/gru/recall_at_20": 0.3, "model/gru/mrr_at_20": 0.15,
        "lead/gru/events": 900, "lead/gru/recall_at_20": 0.5412, "lead/gru/recall_at_20_error": 0.01,
        "lead/gru/mrr_at_20": 0.0001, "lead/gru/mrr_at_20_error": 0.01,
        "since_item/<100/events": 600, "since_item/<100/candidate_recall": 0.99,
        "since_item/<100/recall_at_20": 0.9, "since_item/<100/mrr_at_20": 0.6,
    }  # fmt: skip
    return {
        "benchmark": f"quality/{name}", "workload": workload, "figures": figures | more, "config": "abc",
        "foreign_cpu": 0.02, "revision": "1234567", "at": "2026-11-25T10:00:00+00:00",
        "machine": {"cpu": "A", "cores": 2, "memory_gb": 24.0, "system": "Linux"},
        "versions": {"python": "3.11", "numpy": "2.4"},
    }  # fmt: skip


def test_popularity_ranks_ties_in_the_middle():
    """A new cup is a miss; tea is first of two; the cup is second of two."""
    assert counting.popularity(SHORT, ASKED, new_pairs=False).tolist() == [MISS, 0, 1]


def test_what_a_user_has_had_is_not_ahead():
    """Bob has had tea, so that nothing is ahead of the cup."""
    assert counting.popularity(SHORT, ASKED, new_pairs=True)[2] == 0


def test_own_history_begins_with_the_newest():
    """Ann's tea is behind her cup; what she or bob never had is a miss."""
    assert counting.own_history(SHORT, ASKED).tolist() == [MISS, 1, MISS]


def test_factors_learn_what_goes_together():
    """A hundred times the same: the own item comes before one of somebody else."""
    model = Factorisation(3)
    for _ in range(100):
        model.learn(0, TEA)
        model.learn(1, CUP)

    assert model.place(0, TEA, []) == 0
    assert model.place(1, CUP, []) == 0
    assert model.place(0, CUP, [TEA]) == 0
    assert model.place(0, MILK, []) == MISS  # nobody has met it


def test_factors_predict_before_they_learn():
    """The cup is new when ann takes it."""
    assert factorisation(SHORT, ASKED, new_pairs=False)[0] == MISS


@pytest.mark.parametrize("name", refitting.MODELS)
def test_a_refitted_model_knows_what_was_before_its_fit(name):
    """Two groups with tastes of their own, fitted at 200 of 300 events; before that all are misses."""
    pairs = [(f"user {n % 20}", f"item {2 * (n * 7 // 20 % 5) + n % 2}") for n in range(300)]
    asked = np.arange(100, 300)

    places = refitting.refitted(name, events(*pairs), asked, new_pairs=False, every=200)

    assert (places[:100] == MISS).all()
    assert (places[100:] < 5).mean() > 0.9  # of ten items, five are the group's own


def test_a_baseline_is_judged_on_the_fusions_events():
    """Two of them: the fusion had both first, the other one missed one and had one second."""
    asked = judging.asked(predictions(Prediction(fusion=0, key=4), Prediction(fusion=0, key=9)))

    found = judging.figures("other", asked, np.array([1, MISS]), 2.0)

    assert asked.events.tolist() == [4, 9]
    assert found["other/recall_at_20"] == 0.5
    assert found["other/mrr_at_20"] == 0.25
    assert found["other/lead/recall_at_20"] == 0.5
    assert found["other/lead/mrr_at_20"] == 0.75


def test_returning_users_have_their_first_taste_again():
    """Three phases of the same length; only some of the shop's users are watched."""
    told = returning.planted(300)

    assert [int((told.phase == phase).sum()) for phase in range(3)] == [100, 100, 100]
    assert set(told.group.tolist()) == {0, 1, 2}
    assert told.since.min() == 0


def test_every_set_says_what_it_has_to_reach():
    """An aim is above what must be; what is published belongs to a set."""
    assert all(each.aim > each.must for each in sets.SETS.values())
    assert PUBLISHED.keys() <= sets.SETS.keys()
    assert not sets.SETS.keys() & BENCHMARKS.keys()


def test_a_set_without_data_says_so():
    """With the file that was looked for."""
    nowhere = sets.SETS["deskdrop"]._replace(source=sets.Source("nowhere/events.csv.xz", ""))

    assert "deskdrop is left out: there is no" in stream.missing(nowhere)


def test_the_page_tells_what_was_reached():
    """The must is met, the aim is not; certain differences are bold; sets without a line are named."""
    told = page([line(), line("published", mrr_at_20=0.55)])

    assert "| Deskdrop | 900 | **.841 / .566** | .841 / .550 | .840 / .565 | .847 / .576 | must |" in told
    assert (
        "| GRU | .100 | .200 | .300 / .150 | .300 / .150 | **+0.5412 ± 0.0100** | +0.0001 ± 0.0100 |" in told
    )
    assert "| item, under 100 events ago | 600 | .990 | .900 | .600 |  |" in told
    assert "Not measured, because the data was not at hand: DIGINETICA, " in told
    assert "2 cores of A, 24.0 GB, Linux; numpy 2.4, python 3.11." in told


def test_the_page_tells_how_soon_something_new_is_shown():
    """A set without a stranger or a new item has empty cells."""
    new = {"strangers": 40, "new_items": 9, "first_slate_recall_at_20": 0.25, "events_until_shown": 12.4}

    assert "Who and what is new" not in page([line()])
    assert "| Deskdrop | 40 | .250 |  | 9 |  |  | 12 |  |" in page([line(), line("arriving", **new)])


def test_the_same_lines_give_the_same_page():
    """In whatever order they come, and without changing them."""
    lines = [line(), line("published"), line(workload="diginetica")]
    before = copy.deepcopy(lines)

    assert page(lines) == page(lines[::-1])
    assert lines == before


def test_a_newer_line_takes_the_place_of_an_older_one(tmp_path):
    """Others stay; the page is made from all."""
    folder = tmp_path / "docs"
    for each in (line(), line(workload="diginetica"), line(evaluated=901)):
        book.keep(each, folder)
    book.publish(folder)

    assert [each["figures"]["evaluated"] for each in book.read(folder)] == [901, 900]
    assert "| Deskdrop | 901 |" in (folder / book.PAGE).read_text("utf-8")
