"""A worker on a real broker: events to a whole journal, slates, dead letters; restored after kill -9."""

from collections.abc import AsyncIterator

import pytest

from streamproc.config import Config
from tests.integration.shopping import Shop, newest, stop, taught

pytestmark = pytest.mark.kafka


@pytest.fixture
async def shop(config: Config) -> AsyncIterator[Shop]:
    """Empty topics; every worker started in it is killed in the end."""
    shop = Shop(config)
    await shop.open()
    try:
        yield shop
    finally:
        shop.close()


async def test_events_become_a_whole_journal_and_slates(shop: Shop) -> None:
    """300 events of 30 users, one slate at least for each of them, with the model that was there."""
    await shop.publish(taught(shop.config), version=7)
    process = shop.start()
    await shop.clicks(300, users=30)

    journal = await shop.until_journaled()
    slates = await shop.until(shop.slates, lambda found: len(newest(found)) == 30)

    assert sum(record.columns.offsets.size for record in journal) == 300
    for partition in range(shop.config.kafka.partitions):
        ours = [record for record in journal if record.partition == partition]
        assert [record.prev for record in ours] == [-1, *(record.upto for record in ours)][:-1]
    assert {slate.model.version for slate in slates} == {7}
    assert stop(process) == 0
