"""Real files through everything: nothing is lost, and what is learned live is what `evaluate` learns."""

import pytest

from tests.integration.figures import accounted, agree
from tests.integration.pipeline import ARTICLES, CLICKS, Pipeline

ALONE = {"kafka": {"partitions": 1}, "refresh": {"enabled": False}}
STRENGTHS = {"VIEW": 1, "LIKE": 2, "BOOKMARK": 3, "FOLLOW": 3, "COMMENT CREATED": 4}
TYPES = {"events": {"types": {name: {"strength": strength} for name, strength in STRENGTHS.items()}}}


@pytest.mark.parametrize(
    ("data", "settings", "users"),
    [
        pytest.param(CLICKS, ALONE, 21_210, id="clicks"),
        pytest.param(ARTICLES, ALONE | TYPES, 1_895, id="articles"),
    ],
)
async def test_a_real_file_is_learned_live_as_evaluate_learns_it(config, data, settings, users):
    """One partition and no refresh: the figures agree, no event is missing, and everybody has a slate."""
    data.need()
    async with Pipeline(config, settings) as pipeline:
        pipeline.start("worker", "trainer")
        sent = await pipeline.replay(data)
        header = await pipeline.until_learned()
        slates = await pipeline.until_answered(users)

        accepted = await accounted(pipeline, sent)
        assert slates.keys() == pipeline.journal.user_ids
        assert len(slates) == users
        await pipeline.stop("worker", "trainer")
        report = await pipeline.evaluate(data)
        assert accepted == report["events"]
        agree(header, report)


async def test_a_file_that_is_fed_twice_is_learned_once(config):
    """The second time every event is a duplicate: neither the journal's events nor the figures change."""
    CLICKS.need()
    async with Pipeline(config) as pipeline:
        pipeline.start("worker", "trainer")
        sent = await pipeline.replay(CLICKS)
        first = await pipeline.until_learned()
        assert await pipeline.replay(CLICKS) == sent
        second = await pipeline.until_learned()

        assert await accounted(pipeline, 2 * sent) == sent
        assert (second.events, second.figures) == (first.events, first.figures)
        assert second.learned_to > first.learned_to  # empty ranges: a restart does not read them again
        await pipeline.stop("worker", "trainer")
