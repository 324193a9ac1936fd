"""Bounds on the gate: what the config refuses, one step by hand, and the slates of a learner."""

from types import SimpleNamespace

import numpy as np
import pytest

from streamproc.config import Config
from streamproc.contracts.control import Promote
from streamproc.engine import clamping, generations
from streamproc.engine.model import SERVING
from streamproc.engine.ranker import Ranker
from streamproc.engine.reasons import FAMILY_OF
from streamproc.heads_config import FusionConfig, GateConfig
from streamproc_models import evaluation, fusion
from tests.event_columns import at_random, hashes
from tests.learning import begin, feed, learner_of, next_items

FAMILIES = ("short_term", "long_term", "popularity")
TOLERANCE = 0.05  # a bounded slate is another slate, with shares of its own: two rounds come so near


def bounded(**gate):
    return Config(fusion=FusionConfig(gate=GateConfig(**gate)))


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        ({"short_term": (0.6, 0.5)}, "the least share of short_term is above its largest"),
        ({"popularity": (1.0, 0.0)}, "the least share of popularity is above its largest"),
        ({"short_term": (0.6, 1.0), "long_term": (0.5, 1.0)}, "no slate can have these shares"),
        (
            {"short_term": (0, 0.3), "long_term": (0, 0.3), "popularity": (0, 0.3)},
            "no slate can have these shares",
        ),
        ({"long_term": (-0.1, 1.0)}, "greater than or equal to 0"),
        ({"long_term": (0.0, 1.1)}, "less than or equal to 1"),
    ],
)
def test_impossible_bounds_are_refused(gate, message):
    """A least share above the largest; least shares of more than one slate; largest ones of less."""
    with pytest.raises(ValueError, match=message):
        GateConfig(**gate)


def test_the_default_bounds_do_not_bind():
    """And then no slate is ranked twice."""
    assert not clamping.bounds(Config()).on
    assert clamping.bounds(bounded(long_term=(0.1, 1.0))) == (True, (0, 0.1, 0), (1, 1, 1))


def rescaled(gate, **limits):
    """The weights of each family, all 1 before, and whether they had to change."""
    weights = np.ones(fusion.FEATURES, np.float32)
    changed = clamping._rescale(
        weights, np.array(gate, np.float32), clamping.bounds(bounded(**limits)), np.zeros(3, np.float32)
    )
    by_family = [set(weights[FAMILY_OF == family].tolist()) for family in range(3)]
    assert [len(found) for found in by_family] == [1, 1, 1]
    return [found.pop() for found in by_family], changed


def test_within_the_bounds_nothing_changes():
    """Shares of .6, .1 and .3."""
    assert rescaled((0.6, 0.1, 0.3), short_term=(0.0, 0.7), long_term=(0.05, 1.0)) == ([1, 1, 1], False)


def test_a_family_above_its_largest_share_is_brought_down_to_it():
    """.6 to .3: the others keep 1 : 3 of the rest, so short term has .3 / .7 of their .4: times .285714."""
    weights, changed = rescaled((0.6, 0.1, 0.3), short_term=(0.0, 0.3))

    assert changed
    assert weights == pytest.approx([0.285714, 1, 1], abs=1e-5)
    shares = np.array([0.6, 0.1, 0.3]) * weights
    assert shares / shares.sum() == pytest.approx([0.3, 0.7 / 4, 0.7 * 3 / 4], abs=1e-5)


@pytest.mark.parametrize(
    "limits",
    [
        {"long_term": (0.4, 1.0)},
        {"short_term": (0.0, 0.2), "long_term": (0.3, 1.0)},
        {"long_term": (0.2, 1.0), "popularity": (0.2, 0.25)},
    ],
)
def test_one_step_meets_the_bounds_of_the_slate_it_saw(limits):
    """Had the slate stayed the same."""
    gate = np.array([0.6, 0.1, 0.3])
    weights, _ = rescaled(gate, **limits)
    shares = dict(zip(FAMILIES, gate * weights / (gate * weights).sum(), strict=True))

    for family, (least, most) in limits.items():
        assert least - 1e-5 <= shares[family] <= most + 1e-5


@pytest.fixture(scope="module")
def learner():
    """After 4,100 events, the last 1,500 with a generation."""
    learner = learner_of(Config(), at_random(2600))
    begin(learner, next_items(60))
    generations.follow(learner, Promote(1, 1.0, 0.0))
    return feed(learner, at_random(1500, seed=8), first=2600)


def slates(learner, **gate):
    """Of everybody, and of a stranger."""
    windows = learner.users[0].windows
    rows = windows.find(hashes([*(f"user {n}" for n in range(40)), "nobody"]))
    view = SimpleNamespace(model=learner.model, scratch=learner.scratch)
    return Ranker(bounded(**gate)).rank(view, windows, rows)


BOUNDS = [
    {"short_term": (0.0, 0.3)},
    {"long_term": (0.4, 1.0)},
    {"popularity": (0.0, 0.05)},
    {"short_term": (0.0, 0.4), "long_term": (0.3, 1.0)},
    {"short_term": (0.0, 0.2), "popularity": (0.0, 0.2)},
    {"short_term": (0.2, 0.4), "long_term": (0.3, 0.5), "popularity": (0.2, 0.4)},
    {"short_term": (0.5, 0.5), "long_term": (0.2, 0.2), "popularity": (0.3, 0.3)},
]


@pytest.mark.parametrize("gate", BOUNDS, ids=lambda gate: " ".join(f"{k}={v}" for k, v in gate.items()))
def test_the_slates_of_a_learner_meet_the_bounds(learner, gate):
    """Within a tolerance; short term cannot be raised for a stranger, who has none."""
    shares = slates(learner, **gate).gates[:-1]

    for family, (least, most) in gate.items():
        found = shares[:, FAMILIES.index(family)]
        assert least - TOLERANCE <= found.min(), family
        assert found.max() <= most + TOLERANCE, family


def test_bounds_that_are_met_already_change_no_slate(learner):
    """The same items, scores and reasons."""
    free, same = slates(learner), slates(learner, short_term=(0.0, 0.9), popularity=(0.01, 1.0))

    assert (free.gates[:, 0] < 0.9).all()
    assert all(np.array_equal(one, other) for one, other in zip(free, same, strict=True))


@pytest.mark.parametrize("head", evaluation.HEADS, ids=lambda head: evaluation.MODELS[head])
def test_bounds_do_not_bring_a_fusion_back_that_has_been_switched_off(learner, head):
    """While one head answers, the shares of the fusion's families mean nothing."""
    learner.model.counters[SERVING] = head
    try:
        free, clamped = slates(learner), slates(learner, short_term=(0.0, 0.3))
    finally:
        learner.model.counters[SERVING] = evaluation.FUSION

    assert (clamped.rows == free.rows).all()
