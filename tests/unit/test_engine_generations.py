"""A generation's way in: shadow, judgement, and what a decision changes."""

import numpy as np
import pytest

from streamproc.config import Config, RefreshConfig
from streamproc.contracts.control import Promote, Reject
from streamproc.engine import generations, state
from streamproc_models import evaluation, fusion
from streamproc_models.evaluation import LONG_TERM, SHADOW, TRIALS
from tests.event_columns import at_random
from tests.learning import any_encoder, begin, feed, generation_records, learner_of, next_items

SHADOW_EVENTS = 200
CONFIG = Config(refresh=RefreshConfig(shadow_events=SHADOW_EVENTS, margin=0.1))
EVENTS = at_random(1200)
USELESS = {f"item {number}": {f"item {(number * 7 + 3) % 60}": 1.0} for number in range(60)}


@pytest.fixture
def learner():
    """After 500 events, nothing in shadow."""
    return learner_of(CONFIG, EVENTS[:500])


@pytest.fixture
def shadowed(learner):
    """The next items in shadow, and 300 events since."""
    assert begin(learner, next_items(60)) == []
    return feed(learner, EVENTS[500:800], first=500)


def serving(learner):
    """What answers, as bytes."""
    m = learner.model
    whole = *m.long_term, *m.encoder.gru, m.encoder.since, *m.fusion, m.lasting
    return [array.tobytes() for array in whole]


@pytest.mark.parametrize("encoder", [None, any_encoder(60, CONFIG.refresh.encoder.size)], ids=["", "encoder"])
def test_nothing_served_changes_while_a_generation_is_in_shadow(learner, encoder):
    """The same fusion and the same record as without it."""
    without = feed(learner_of(CONFIG, EVENTS[:500]), EVENTS[500:800], first=500)
    begin(learner, next_items(60), encoder=encoder)

    feed(learner, EVENTS[500:800], first=500)

    assert serving(learner) == serving(without)
    others = [model for model in range(len(evaluation.MODELS)) if model != SHADOW]
    assert (learner.memory.record.sums[others] == without.memory.record.sums[others]).all()
    assert learner.memory.record.sums[SHADOW, TRIALS] > 200


def test_the_first_half_of_the_shadow_is_not_judged(shadowed):
    """The fusion has to find out first what the new head is good for."""
    trials = shadowed.memory.record.sums[SHADOW, TRIALS]

    assert shadowed.memory.shadow[0] == trials - SHADOW_EVENTS // 2


def test_it_is_judged_after_enough_events_and_once(learner):
    """Not a prediction earlier; the answer is given once in a run."""
    begin(learner, next_items(60))
    early = []
    while learner.memory.record.sums[SHADOW, TRIALS] < SHADOW_EVENTS:
        early += generations.decide(learner)
        feed(learner, EVENTS[learner.events : learner.events + 1], first=learner.events)

    assert early == []
    assert len(generations.decide(learner)) == 1
    assert generations.decide(learner) == []


def test_a_useful_generation_is_promoted_and_scores_from_then_on(shadowed):
    """Not before the decision is read."""
    [promote] = generations.decide(shadowed)
    assert isinstance(promote, Promote)
    assert promote.recall >= 0.9 * promote.frozen
    assert (promote.generation, shadowed.model.lasting[0]) == (1, 0)

    assert generations.follow(shadowed, promote) == []
    assert (shadowed.model.lasting[0], shadowed.shadow) == (1, None)

    feed(shadowed, EVENTS[800:], first=800)
    figures = evaluation.figures(shadowed.memory.record, LONG_TERM)
    assert figures.recall_at_20 > 0.1
    lasting = slice(fusion.LONG_TERM_FIRST, fusion.LONG_TERM_LAST + 1)
    assert shadowed.model.fusion.weights[:, lasting].any(axis=0).all()  # the fusion has learned its worth


def test_a_generation_that_makes_it_worse_is_rejected_with_the_reason(learner):
    """Its recall counts for nothing here: the sums are set as if it had found less."""
    begin(learner, USELESS)
    feed(learner, EVENTS[500:800], first=500)
    learner.memory.shadow[:] = 100, 50, 30.0, 40, 31.0

    [reject] = generations.decide(learner)

    assert reject == Reject(1, "recall@20 0.4000 against 0.5000, MRR@20 0.3100 against 0.3000 without it")


@pytest.mark.parametrize(
    ("hits", "reciprocal", "promoted"),
    [(50, 30.0, True), (45, 27.0, True), (50, 26.9, False), (44, 35.0, False)],
)
def test_neither_recall_nor_mrr_may_suffer(shadowed, hits, reciprocal, promoted):
    """Against 50 hits and a sum of 30 without it, of which a tenth may be lost here."""
    shadowed.memory.shadow[:] = 100, 50, 30.0, hits, reciprocal

    [decision] = generations.decide(shadowed)

    assert isinstance(decision, Promote) == promoted


def test_a_rejection_leaves_everything_as_it_was(shadowed):
    """The serving long-term head, its fusion and its generation."""
    before = serving(shadowed)

    generations.follow(shadowed, Reject(1, "no better"))

    assert serving(shadowed) == before
    assert shadowed.shadow is None


@pytest.mark.parametrize("decision", [Promote(1, 0.5, 0.4), Reject(1, "again"), Promote(7, 1.0, 0.0)])
def test_repeated_and_foreign_decisions_are_harmless(shadowed, decision):
    """A trainer that was killed may have written its decision twice."""
    generations.follow(shadowed, Promote(1, 0.5, 0.4))
    after = state.digest(shadowed)

    assert generations.follow(shadowed, decision) == []

    assert state.digest(shadowed) == after


def test_a_decision_on_another_generation_does_not_touch_the_one_in_shadow(shadowed):
    """Only its own number counts."""
    generations.follow(shadowed, Promote(2, 0.5, 0.4))

    assert shadowed.shadow is not None
    assert shadowed.model.lasting[0] == 0


@pytest.mark.parametrize("damage", ["a chunk is missing", "a byte is wrong"])
def test_a_damaged_generation_is_rejected(learner, damage):
    """It never gets into shadow, and the journal will say why."""
    [chunk], control = generation_records(next_items(60))
    if damage == "a byte is wrong":
        generations.keep(learner, chunk._replace(data=chunk.data[:-1] + b"?"))

    [reject] = generations.follow(learner, control)

    assert isinstance(reject, Reject)
    assert reject.generation == 1
    assert "not whole" in reject.reason
    assert learner.shadow is None


def test_a_newer_generation_takes_the_place_of_one_that_was_not_judged(shadowed):
    """The old one is rejected by name."""
    [reject] = begin(shadowed, USELESS, number=2)

    assert reject == Reject(1, "generation 2 came before it was judged")
    assert shadowed.shadow.lasting[0] == 2
    assert shadowed.memory.shadow.tolist() == [0, 0, 0, 0, 0]


def test_items_that_nobody_has_met_are_left_out(learner):
    """A refresh may have seen events that this learner has not."""
    begin(learner, {"item 1": {"nobody knows me": 5.0, "item 2": 1.0}, "item 2": {}, "nobody knows me": {}})

    head = learner.shadow.long_term
    [filled] = np.flatnonzero((head.neighbours >= 0).any(axis=1))
    assert learner.model.item[filled] != 0
    assert head.weights[filled, :2].tolist() == [1.0, 0.0]
