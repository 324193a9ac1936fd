"""A year of a shop's purchases, 397,924 events of 4,339 customers, as fast as it goes."""

from collections import Counter

from streamproc.contracts.control import Promote
from tests.integration.figures import accounted, agree, live
from tests.integration.pipeline import RETAIL, Pipeline

EVENTS, USERS = 397_924, 4_339
RECALL, RECIPROCAL_RANK = 0.36, 0.17  # least, at 20
QUARTERS = ("2011-03-01", "2011-06-01", "2011-10-01")  # between parts of 67, 78, 121 and 131 thousand events
ALONE = {"kafka": {"partitions": 1}, "refresh": {"enabled": False}}


def good_enough(header):
    """The fusion's figures since the first event."""
    fusion = live(header)["fusion"]
    print(", ".join(f"{name} {figure:.4f}" for name, figure in fusion.items()))
    assert fusion["recall_at_20"] >= RECALL
    assert fusion["mrr_at_20"] >= RECIPROCAL_RANK


async def test_a_year_is_learned_live_as_evaluate_learns_it(config):
    """One partition, no refresh, one go: nothing is missing, everybody has a slate, the figures agree."""
    RETAIL.need()
    async with Pipeline(config, ALONE) as pipeline:
        pipeline.start("worker", "trainer")
        assert await pipeline.replay(RETAIL) == EVENTS
        header = await pipeline.until_learned()
        slates = await pipeline.until_answered(USERS)

        assert await accounted(pipeline, EVENTS) == EVENTS
        assert slates.keys() == pipeline.journal.user_ids
        good_enough(header)
        await pipeline.stop("worker", "trainer")
        agree(header, await pipeline.evaluate(RETAIL))


async def test_a_year_with_refreshes_is_what_the_recorded_journal_says(config):
    """At least three generations on the way, each decided once; the figures are those of the journal."""
    RETAIL.need()
    async with Pipeline(config, {"refresh": {"events": 40_000}}) as pipeline:
        pipeline.start("worker", "trainer", "refresh")
        sent = 0
        for number, (start, end) in enumerate(zip((None, *QUARTERS), (*QUARTERS, None), strict=True)):
            sent += await pipeline.replay(RETAIL, *_between(start, end))
            await pipeline.until_learned()
            if end:
                await pipeline.until(lambda least=number + 1: _handed_over(pipeline, least), "a refresh")
        await pipeline.stop("refresh")
        header = await pipeline.until_learned()
        slates = await pipeline.until_answered(USERS)

        assert await accounted(pipeline, sent) == sent == EVENTS
        assert slates.keys() == pipeline.journal.user_ids
        each_decided_once(pipeline.journal)
        good_enough(header)
        promoted = [control for control in pipeline.journal.decisions if isinstance(control, Promote)]
        assert header.generation == (promoted[-1].generation if promoted else 0)
        await pipeline.stop("worker", "trainer")
        agree(header, await pipeline.evaluate())


def each_decided_once(journal):
    """Every generation but the newest, which may still run in shadow."""
    assert len(journal.generations) >= 3
    decided = Counter(decision.generation for decision in journal.decisions)
    *earlier, newest = journal.generations
    print(*journal.decisions, sep="\n")
    assert all(decided[generation] == 1 for generation in earlier)
    assert decided[newest] <= 1


async def _handed_over(pipeline, least):
    await pipeline.journal.look()
    return len(pipeline.journal.generations) >= least


def _between(start, end):
    return (*(("--from", start) if start else ()), *(("--to", end) if end else ()))
