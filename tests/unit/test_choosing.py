"""The best of the candidates, against sorting them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamproc.config import Config, PublishConfig
from streamproc.engine import choosing, model, pool, scratch
from streamproc.engine.ranker import Ranker
from streamproc.engine.scratch import LINKED
from tests.event_columns import at_random
from tests.learning import learner_of
from tests.mirror import Worker

SIZES = (1, 3, 20, 100)
ITEMS = 1000


class Ranking:
    """Scores of made-up candidates: those linked to a window are items 0.., the pool's are 500.. ."""

    def __init__(self, size):
        config = Config(publish=PublishConfig(slate_size=size))
        self.model, self.scratch = model.empty(config, ITEMS), scratch.empty(ITEMS, config)
        self.slate = choosing.empty(size)
        self.model.pool.item[:] = 500 + np.arange(pool.SIZE)
        self.scratch.item[:500] = np.arange(500)

    def choose(self, linked, pooled):
        s = self.scratch
        s.counts[LINKED] = len(linked)
        s.scores[: len(linked)], s.pool_scores[: pool.SIZE] = linked, pooled
        count = choosing.choose(self.model, s, self.slate)
        return self.slate.items[:count].tolist(), self.slate.scores[:count].tolist()


RANKINGS = {size: Ranking(size) for size in SIZES}


def by_sorting(size, linked, pooled):
    """The first of equal ones first; what may not be shown is left out."""
    shown = [*zip(range(500), linked, strict=False), *zip(range(500, 500 + pool.SIZE), pooled, strict=True)]
    shown = sorted((pair for pair in shown if pair[1] > choosing.IMPOSSIBLE_BELOW), key=lambda pair: -pair[1])
    return [item for item, _ in shown[:size]], [score for _, score in shown[:size]]


@pytest.mark.parametrize("size", SIZES)
@settings(deadline=None)
@given(st.integers(0, 400), st.sampled_from([1, 5, 1000]), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_the_best_are_those_of_sorting(size, linked, levels, shown, seed):
    """However many candidates there are, share a score, or may be shown."""
    random = np.random.default_rng(seed)
    scores = random.integers(0, levels, linked + pool.SIZE).astype(np.float32) / 8 - 3
    scores[random.random(scores.size) > shown] = pool.IMPOSSIBLE
    first, rest = scores[:linked].tolist(), scores[linked:].tolist()

    assert RANKINGS[size].choose(first, rest) == by_sorting(size, first, rest)


def test_nobody_who_may_be_shown_makes_an_empty_slate():
    """Neither an old one."""
    ranking = RANKINGS[20]
    ranking.choose([1.0] * 30, [0.0] * pool.SIZE)

    assert ranking.choose([pool.IMPOSSIBLE] * 30, [pool.IMPOSSIBLE] * pool.SIZE) == ([], [])


def test_a_longer_slate_goes_on_where_a_short_one_ends():
    """The server asks the same view for slates of 100 that the config says have 20; reasons included."""
    config, events = Config(), at_random(1500)
    worker = Worker(config).sync(learner_of(config, events))
    windows = worker.windows()
    rows = np.array([-1, *range(windows.rows)], np.int32)[:40]
    deep = config.model_copy(update={"publish": config.publish.model_copy(update={"slate_size": 100})})

    short, long = (Ranker(each).rank(worker.view, windows, rows) for each in (config, deep))

    assert (long.counts > short.counts).any()
    for row, count in enumerate(short.counts):
        for name in ("rows", "scores", "sources", "because"):
            assert np.array_equal(getattr(short, name)[row, :count], getattr(long, name)[row, :count])
