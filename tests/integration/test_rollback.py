"""Back to an earlier snapshot and to an earlier generation, while others look on."""

import json

from streamproc.contracts.control import Promote
from streamproc.contracts.journal import Reader, pack_control
from streamproc.contracts.topics import topics
from streamproc.engine import snapshots, state
from streamproc.engine.learner import Learner
from streamproc.engine.snapshots import folder
from streamproc.kafka.clients import close, new_producer
from streamproc.trainer.follower import Follower
from tests.integration.pipeline import Pipeline
from tests.shop_journal import generation_of, journalled

QUICK = {"sync": {"interval": 0.2, "users_interval": 0.4}, "snapshots": {"interval": 0.5}}


async def append(config, records):
    producer = new_producer(config)
    await producer.start()
    try:
        for record in records:
            await producer.send_and_wait(topics(config).journal.name, record, partition=0)
    finally:
        await close(producer)


def by_hand(config, records):
    """The same journal without Kafka and without a restart."""
    follower = Follower(Learner(config, config.kafka.partitions), Reader(), 0)
    for offset, value in enumerate(records):
        follower.apply(offset, value)
    return follower


async def published(pipeline):
    await pipeline.until(pipeline.recorded.published, "model and users speak for the whole journal")
    header = await pipeline.recorded.header()
    return header.generation


async def test_back_to_an_earlier_generation_and_an_earlier_snapshot(config):
    """One in shadow serves by order, then an earlier one again under a new number; a repeated order writes
    nothing. Then a snapshot: what was learned since is learned once more, and the state is that of a learner
    who never went back."""
    records = journalled(config, 2000, batch=50)
    one, two = generation_of(records[:10], 1), generation_of(records[:20], 2)
    async with Pipeline(config, QUICK) as pipeline:
        pipeline.start("trainer")
        await append(config, [*records[:20], *one, pack_control(Promote(1, 0.5, 0.4, 9))])
        assert await published(pipeline) == 1
        await append(config, two)
        promoted = await pipeline.run("refresh", "promote")
        assert await published(pipeline) == 2
        ended = pipeline.journal.end
        decided = await pipeline.run("refresh", "promote", "2")
        await pipeline.journal.look()
        assert pipeline.journal.end == ended

        told = await pipeline.run("refresh", "rollback")
        served = await published(pipeline)
        end = pipeline.journal.end
        again = await pipeline.run("refresh", "rollback", "1")
        await pipeline.journal.look()
        unchanged = pipeline.journal.end == end

        await pipeline.stop("trainer")
        await append(config, records[20:])
        pipeline.start("trainer")
        await published(pipeline)
        await pipeline.stop("trainer")
        verified = json.loads(await pipeline.run("snapshot", "verify", "--json"))
        [newest, *_, oldest] = [each["learned_to"] for each in verified["snapshots"]]
        back = json.loads(await pipeline.run("snapshot", "rollback", str(oldest), "--json"))
        repeated = json.loads(await pipeline.run("snapshot", "rollback", str(oldest), "--json"))
        pipeline.start("trainer")
        await append(config, journalled(config, 2050, batch=50)[-1:])
        await published(pipeline)
        await pipeline.stop("trainer")

    assert "generation 2 is promoted from here on" in promoted
    assert "generation 2 is promoted already; nothing was written" in decided
    assert "generation 3 serves from here on, a copy of 1" in told
    assert (served, unchanged) == (3, True)
    assert "serves already, as 3; nothing was written" in again
    assert newest > oldest
    assert (len(back["set_aside"]) > 0, repeated["set_aside"]) == (True, [])
    manifest, _ = next(snapshots.newest(folder(pipeline.config)))
    expected = by_hand(pipeline.config, pipeline.journal.values)
    assert manifest.digest == state.digest(expected.learner)
    assert expected.generation == 3
