"""What the learner keeps of each prediction, where somebody asked for it."""

import numpy as np
import pytest

from streamproc.config import Config, ItemsConfig
from streamproc.engine import state, trace
from streamproc.engine.learner import Learner
from streamproc.evaluate.predictions import Collector
from streamproc_models import evaluation
from streamproc_models.evaluation import FUSION, MISS, NOT_ASKED, SHADOW
from tests.event_columns import at_random
from tests.learning import begin, feed, next_items

CONFIG = Config()


def traced(config, events, size=4000):
    """A learner that has learned these events, and its predictions."""
    learner, collector = Learner(config, 1, sample_every=1, traced=True), Collector()
    for start in range(0, len(events), size):
        feed(learner, events[: start + size][start:], first=start)
        collector.collect(learner, 0)
    return learner, collector.predictions()


@pytest.fixture(scope="module")
def small():
    """Ann has tea, a cup, and a day later tea again; then a spoon with a session of its own."""
    day = 86_400
    events = [
        ("ann", "tea", 0),
        ("ann", "cup", 9),
        ("ann", "tea", day),
        ("ann", "spoon", day + 9, 1.0, "", -1, "s"),
    ]
    return traced(CONFIG, events)


def test_what_tells_the_segments_apart(small):
    """The first event has nobody to predict it for."""
    _, p = small

    assert p.event.tolist() == p.key.tolist() == [1, 2, 3]
    assert p.history.tolist() == [1, 2, 3]
    assert p.repeats.tolist() == [False, True, False]
    assert p.opens.tolist() == [False, True, True]


def test_popularity_is_a_rank_among_the_known_items(small):
    """Tea and the cup had one event each: half of the other one is ahead, of two. New items come last."""
    _, p = small

    assert p.taken.tolist() == [0, 1, 0]
    assert p.rank.tolist() == [1.0, 0.25, 1.0]


def test_places_are_those_that_were_counted():
    """Summed up they are the prequential record."""
    learner, p = traced(CONFIG, at_random(600))
    sums = learner.memory.record.sums

    assert len(p.event) == learner.memory.record.evaluated[0]
    for model in range(len(evaluation.MODELS)):
        assert p.asked(model).sum() == sums[model, evaluation.TRIALS]
        assert p.hits(model).sum() == sums[model, evaluation.AT_20]
        assert p.reciprocals(model).sum() == pytest.approx(sums[model, evaluation.RECIPROCAL])
    assert p.gate.sum(axis=0) == pytest.approx(learner.memory.gate[:3], rel=1e-4)


def test_a_target_that_nobody_met_is_no_candidate(small):
    """The cup and the spoon were new."""
    _, p = small

    assert (p.places[:, FUSION] == MISS).tolist() == [True, False, True]


def test_shown_items_are_counted_and_their_bits(small):
    """At the third event tea and the cup are shown, each half of all events: 1 bit."""
    learner, p = small

    assert p.novelty[1] == pytest.approx(1.0)
    assert learner.trace.shown[:3].sum() >= 4
    assert (learner.trace.shown[: learner.items] > 0).tolist() == (
        learner.memory.shown[: learner.items] > 0
    ).tolist()


def test_only_who_was_asked_has_a_place():
    """The shadow is not there at first."""
    learner, early = traced(CONFIG, at_random(100))
    begin(learner, next_items(20))
    feed(learner, at_random(100, seed=8), first=100)
    places, *_ = trace.drain(learner.trace)

    assert (early.places[:, SHADOW] == NOT_ASKED).all()
    assert (places[:, SHADOW] != NOT_ASKED).all()


def test_keeping_predictions_changes_nothing_that_is_learned():
    """The same digest with and without, and whatever the batches; only figures of two models come on top."""
    events = at_random(1500)
    plain = feed(Learner(CONFIG, 1, sample_every=1), events)
    (learner, p), (_, again) = traced(CONFIG, events), traced(CONFIG, events, size=7)

    compared = [evaluation.AVERAGE, evaluation.MAXIMUM]
    assert (learner.memory.record.sums[compared, evaluation.TRIALS] == len(p.event)).all()
    for sums in (learner.memory.record.sums, learner.memory.record.recent):
        sums[compared] = 0
    assert state.digest(learner) == state.digest(plain)
    assert all(np.array_equal(one, other) for one, other in zip(p, again, strict=True))
    assert len(plain.trace.numbers) == plain.trace.counters[trace.FILL] == 0


def test_forgotten_items_are_out_of_the_ranks():
    """Items with an event or more are those that have one now."""
    learner, _ = traced(Config(items=ItemsConfig(max=16)), at_random(800))
    taken = learner.trace.taken

    assert learner.trace.at_least[1] == (taken > 0).sum() <= 16
    assert learner.trace.at_least[5] == (taken >= 5).sum()


def test_the_clock_reaches_the_settings():
    """As published unless a request's was asked for."""
    assert Learner(CONFIG, 1, request_clock=True).settings.request_clock
    assert not Learner(CONFIG, 1).settings.request_clock
