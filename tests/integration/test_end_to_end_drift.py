"""A stream that becomes another one while everything runs: noticed, written down once, and acted on."""

from functools import partial

import msgspec
import numpy as np

from streamproc.contracts.control import Drift, Generation
from streamproc.simulate.shop import Shop
from tests.integration.figures import agree
from tests.integration.pipeline import Pipeline, in_parts

PARTS = 5250, 900, 850  # events; after the first, every item plays the part of another one
SETTINGS = {
    "kafka": {"session_timeout": 4.0},  # of the trainer that is killed
    "sync": {"interval": 0.2, "users_interval": 0.5},
    "snapshots": {"interval": 0.5},
    "refresh": {"shadow_events": 300, "margin": 0.9, "interval": 1e6, "encoder": {"enabled": "off"}},
    "drift": {"delta": 0.05, "discount": 30.0, "rate": 2.0, "events": 700, "refresh": True},
}


async def test_a_drift_is_written_down_once_and_acted_on_as_the_journal_says(config, tmp_path):
    """The trainer is killed before it is noticed and after; the refresh process refreshes because of it."""
    first, second, third = in_parts(tmp_path, shop_events(), PARTS)
    async with Pipeline(config, SETTINGS) as pipeline:
        pipeline.start("worker", "trainer", "refresh")
        await pipeline.replay(first)
        await pipeline.until_learned()
        pipeline.kill("trainer")
        pipeline.start("trainer")
        await pipeline.replay(second)
        await pipeline.until(partial(noticed, pipeline), "a drift is in the journal")
        pipeline.kill("trainer")
        pipeline.start("trainer")
        await pipeline.replay(third)
        await pipeline.until(partial(refreshed_for_it, pipeline), "a generation that has read of the drift")
        header = await pipeline.until_learned()
        await pipeline.stop("refresh", "worker", "trainer")
        report = await pipeline.evaluate()

    drifts = [control for control in pipeline.journal.controls if isinstance(control, Drift)]
    assert len({(drift.signal, drift.event) for drift in drifts}) == len(drifts)
    assert "hits" in {drift.signal for drift in drifts}
    assert all(PARTS[0] < drift.event <= sum(PARTS) for drift in drifts if drift.signal == "hits")
    told = [line for line in pipeline.logged("trainer") if line["event"] == "the stream has changed"]
    assert {line["noticed_at"] for line in told} == {drift.event for drift in drifts}
    agree(header, report)


def shop_events():
    """From the second part on, every item plays the part of another one."""
    shop = Shop(seed=11, users=300, items=400)
    names = shop.items.item_ids
    part = dict(zip(names, np.random.default_rng(11).permutation(names).tolist(), strict=True))
    for number, event in enumerate(shop.events(sum(PARTS))):
        changed = number >= PARTS[0]
        yield msgspec.structs.replace(event, item_id=part[event.item_id]) if changed else event


async def noticed(pipeline):
    """Whether the journal says that predictions fail."""
    await pipeline.journal.look()
    return any(isinstance(each, Drift) and each.signal == "hits" for each in pipeline.journal.controls)


async def refreshed_for_it(pipeline):
    """Whether a generation came after that."""
    await pipeline.journal.look()
    controls = pipeline.journal.controls
    place = next(n for n, each in enumerate(controls) if isinstance(each, Drift) and each.signal == "hits")
    return any(isinstance(each, Generation) for each in controls[place:])
