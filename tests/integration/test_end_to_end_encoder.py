"""A refresh with an encoder while everything runs: trained, tried in shadow, promoted, served."""

import json
from functools import partial

from streamproc.contracts.control import Promote
from streamproc.simulate.shop import Shop
from tests.integration.figures import agree
from tests.integration.pipeline import Pipeline, in_parts

PARTS = 2500, 1200, 800  # events: enough for an encoder, for the trial in shadow, and after it
SMALL = {"size": 16, "epochs": 2, "negatives": 64, "enabled": "on"}
SETTINGS = {
    "kafka": {"session_timeout": 4.0},  # of the trainer that is killed
    "sync": {"interval": 0.2, "users_interval": 0.5},
    "snapshots": {"interval": 0.5},
    "refresh": {"shadow_events": 600, "margin": 0.5, "encoder": SMALL},
}


async def test_an_encoder_is_handed_over_promoted_and_served_as_the_journal_says(config, tmp_path):
    """The trainer is killed while it is in shadow; slates carry the generation, and the figures agree."""
    first, second, third = in_parts(tmp_path, Shop(seed=3, users=60, items=80).events(sum(PARTS)), PARTS)
    async with Pipeline(config, SETTINGS) as pipeline:
        pipeline.start("worker", "trainer")
        await pipeline.replay(first)
        await pipeline.until_learned()
        assert "gru encoder of epoch" in await pipeline.run("refresh", "now")
        await pipeline.until_learned()
        pipeline.kill("trainer")
        pipeline.start("trainer")
        await pipeline.replay(second)
        await pipeline.until(partial(serves, pipeline, 1), "generation 1 serves")
        sent = await pipeline.replay(third)
        header = await pipeline.until_learned()
        await pipeline.until(partial(answered_by, pipeline, 1, users_of(third), {}), "slates by generation 1")

        assert sent == PARTS[-1]
        assert [type(decision) for decision in pipeline.journal.decisions] == [Promote]
        assert (header.generation, header.encoder) == (1, 1)
        await pipeline.stop("worker", "trainer")
        report = await pipeline.evaluate()
        agree(header, report)
        assert report["models"]["encoder"]["recall_at_20"] > 0


async def serves(pipeline, generation):
    """Whether the newest sync is of this generation."""
    header = await pipeline.recorded.header()
    return header is not None and header.generation == generation


def users_of(data):
    """Whoever is in the file."""
    return {json.loads(line)["user_id"] for line in data.path.read_text().splitlines()}


async def answered_by(pipeline, generation, users, newest):
    """Whether the newest slates of these users are by this generation; `newest` is kept between two looks."""
    newest.update((slate.user_id, slate.model.generation) for slate in await pipeline.recorded.new_slates())
    return {newest.get(user) for user in users} == {generation}
