"""The best of the candidates, against sorting them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamproc.config import Config, PublishConfig
from streamproc.engine import choosing, model, pool, scratch
from streamproc.engine.scratch import LINKED

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
