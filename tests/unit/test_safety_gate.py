"""Who answers while the fusion is no good: its twin, or the head that was lately best."""

import numpy as np
import pytest

from streamproc.config import Config
from streamproc.engine.learner import Learner
from streamproc.heads_config import FactorsConfig, FusionConfig, HeadsConfig
from streamproc_models import evaluation
from streamproc_models.evaluation import ANSWERS, FUSION, HEADS, POPULARITY, SERVED, TRIALS, TWIN
from tests.event_columns import at_random
from tests.learning import feed, learner_of

CONFIG = Config()
EVENTS = at_random(4200, disliked=0.0)
NEVER = 10**9


@pytest.fixture
def spoiled():
    """A learner whose fusion and twin were made to prefer what nobody takes, and cannot get better."""
    learner = Learner(Config(fusion=FusionConfig(rate=1e-9, every=NEVER)), 1)
    learner.model.fusion.weights[:] = -3.0
    learner.model.fusion.twin[:] = -3.0
    return feed(learner, EVENTS[:2700])


def test_the_gate_answers_with_a_head_while_the_fusion_is_worse(spoiled):
    """After 2,000 predictions; by the one that was best lately."""
    heads = list(HEADS)
    recent = spoiled.memory.record.recent

    assert spoiled.serving == evaluation.MODELS[heads[int(np.argmax(recent[heads]))]]
    assert recent[FUSION] < recent[POPULARITY]


def test_the_record_of_what_was_served_follows_the_gate(spoiled):
    """The fusion until it was switched off, the head from then on."""
    recent = spoiled.memory.record.recent

    assert recent[FUSION] < recent[SERVED] < recent[list(HEADS)].max()


def test_the_fusion_is_back_when_it_is_as_good_again(spoiled):
    """Within 2 % of the best head, at the next look every 500 events."""
    spoiled.memory.record.recent[FUSION] = 1.0

    feed(spoiled, at_random(500, seed=8), first=3000)

    assert spoiled.serving == "fusion"


def test_a_good_fusion_is_never_switched_off():
    """It learns from every prediction, so here it beats each head alone."""
    learner = learner_of(CONFIG, at_random(2700))
    recent = learner.memory.record.recent

    assert learner.serving == "fusion"
    assert recent[FUSION] > recent[list(HEADS)].max()


def ruined(config=CONFIG):
    """A learner in whose Newton weights something has gone wrong, 1,700 events later."""
    learner = learner_of(config, EVENTS[:2500])
    learner.model.fusion.weights[:] = np.nan
    return feed(learner, EVENTS[2500:], first=2500)


def test_the_twin_answers_for_a_fusion_whose_weights_are_no_numbers():
    """It shares the features and nothing else, so it goes on learning."""
    learner = ruined()
    m, record = learner.model, learner.memory.record

    assert learner.serving == "twin"
    assert record.recent[TWIN] == record.recent[list(ANSWERS)].max()
    for array in (m.fusion.twin, m.fusion.squares, m.bias.values, m.bias.squares, m.gru.embeddings):
        assert np.isfinite(array).all()


def test_a_twin_that_answers_is_asked_for_every_prediction():
    """Else for one in four: it costs as much as a fusion."""
    config = Config(fusion=FusionConfig(twin_every=4))
    plain, learner = learner_of(config, EVENTS[:2500]), ruined(config)
    asked, all_of_them = (
        plain.memory.record.sums[TWIN, TRIALS],
        plain.memory.record.sums[FUSION, TRIALS],
    )

    assert asked == np.ceil(all_of_them / 4)
    before = learner.memory.record.sums[[TWIN, FUSION], TRIALS]
    feed(learner, EVENTS[:400], first=4200)
    after = learner.memory.record.sums[[TWIN, FUSION], TRIALS]
    assert (after - before).tolist() == [400, 400]


def test_a_head_whose_numbers_have_grown_beyond_all_bounds_never_answers():
    """Positive-only factors at a rate far too high: whatever they say, it is not the best ranking."""
    heads = HeadsConfig(factors=FactorsConfig(method="isgd", rate=5.0))

    learner = learner_of(Config(heads=heads), EVENTS[:3000])

    assert learner.serving != "factors"
    assert np.isfinite(learner.model.factors.items).all()


def test_every_head_learns_something_here():
    """One in twenty targets among its best twenty; two heads have no generation to speak from."""
    learner = learner_of(CONFIG, EVENTS)

    found = {
        name: evaluation.figures(learner.memory.record, k).recall_at_20
        for k, name in enumerate(evaluation.MODELS)
    }

    silent = {"long_term", "encoder", "shadow", "average", "maximum"}
    assert {name for name, recall in found.items() if recall < 0.05} == silent
