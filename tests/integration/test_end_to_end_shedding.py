"""A trainer that lags predicts fewer events, and catches up; what it learned is what the journal says."""

from functools import partial

from streamproc.contracts.control import Shed
from streamproc.simulate.shop import Shop
from streamproc_models.evaluation import TRIALS
from tests.integration.figures import agree
from tests.integration.pipeline import Pipeline, in_parts

PARTS = 1500, 1500, 1000  # events
EVERY = 4
SETTINGS = {
    "kafka": {"session_timeout": 4.0},  # of the trainer that is killed
    "sync": {"interval": 0.2, "users_interval": 0.5},
    "snapshots": {"interval": 0.5},
    "refresh": {"enabled": False},
    "trainer": {"shed_after": 0.001, "shed_every": EVERY},  # every record is older when it is read
}


async def test_a_trainer_that_lags_sheds_load_as_the_journal_says(config, tmp_path):
    """It is killed while it does; the next one goes on the same, and predicts every event once it can."""
    first, second, third = in_parts(tmp_path, Shop(seed=11, users=300, items=400).events(sum(PARTS)), PARTS)
    async with Pipeline(config, SETTINGS) as pipeline:
        pipeline.start("worker", "trainer")
        await pipeline.replay(first)
        await pipeline.until(partial(decided, pipeline, [EVERY]), "load is shed")
        await pipeline.replay(second)
        await pipeline.until_learned()
        pipeline.kill("trainer")
        pipeline.start("trainer")
        await pipeline.until(partial(decided, pipeline, [EVERY, 1]), "the trainer has kept up for a while")
        await pipeline.replay(third)
        header = await pipeline.until_learned()
        await pipeline.stop("worker", "trainer")
        report = await pipeline.evaluate()

    agree(header, report)
    assert header.events == sum(PARTS)
    assert header.figures["fusion"][TRIALS] < 0.75 * sum(PARTS)
    told = [line["every"] for line in pipeline.logged("trainer") if line["event"].startswith("predicts ")]
    assert told[:2] == [EVERY, 1]


async def decided(pipeline, wanted):
    """Whether the journal says so, one after the other; what comes later is another matter."""
    await pipeline.journal.look()
    found = [each.every for each in pipeline.journal.controls if isinstance(each, Shed)]
    assert found[: len(wanted)] == wanted[: len(found)]
    return len(found) >= len(wanted)
