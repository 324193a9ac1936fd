"""What is seen of leases from outside, and what the newest slates show."""

import asyncio

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from streamproc.config import Config
from streamproc.engine import model
from streamproc.engine.view import ModelView
from streamproc.kafka import desk as desk_module
from streamproc.kafka.desk import LeaseDesk
from streamproc.kafka.lease import Lease, Limits, Partition
from streamproc.metrics import WorkerMetrics
from streamproc.worker.exposing import Exposure
from streamproc_models.variety import intra_list_distance


class Clock:
    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        return self.now


@pytest.fixture
def time(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(desk_module, "time", clock)
    return clock


@pytest.fixture
async def desk():
    desk = LeaseDesk(None, Limits(batch=1, seconds=1.0))
    lease = Lease(Partition("events", 0), None, 0)
    desk.leases = {lease.tp: lease}
    return desk


async def test_backpressure_is_the_time_in_which_a_lease_was_full(time, desk):
    """From the first look at which it is, to the first at which it is not."""
    [lease] = desk.leases.values()
    lease._buffer = [object()] * 2
    desk.with_room()
    time.now += 3.0
    while_full = desk.full_seconds
    lease._buffer = []
    desk.with_room()
    time.now += 5.0

    assert (while_full, desk.full_seconds) == (3.0, 3.0)


async def test_a_revoked_lease_is_no_backpressure(time, desk):
    """Nobody reads for it any more."""
    [lease] = desk.leases.values()
    lease._buffer = [object()] * 2
    desk.with_room()
    time.now += 3.0
    desk.revoke()
    time.now += 60.0

    assert desk.full_seconds == 3.0
    await asyncio.sleep(0)


@pytest.fixture
def view():
    """Four items: of 100 events, 50 were of the first, 25 of the second, 1 of the third."""
    view = ModelView(Config())
    popularity = view.model.popularity
    popularity.counts[:4, -1] = [50, 25, 1, 24]
    popularity.totals[-1] = 100
    popularity.last[:4] = 100
    popularity.rates[:] = 0.0
    view.model.item[:4] = [11, 12, 13, 14]
    view.model.counters[model.ITEMS] = 4

    class Header:
        items, events = 4, 100

    view.header = Header()
    return view


def shown(view, *slates):
    registry = CollectorRegistry()
    exposure = Exposure(WorkerMetrics(registry))
    for rows in slates:
        exposure.look(np.array(rows, np.int32), view)
    names = "novelty", "popularity_gini_ratio", "intra_list_distance"
    return tuple(registry.get_sample_value(f"streamproc_{name}") for name in names)


def test_novelty_is_the_surprise_of_what_is_shown(view):
    """Half of all events are one bit, a quarter of them two."""
    assert shown(view, [[0, 1]], [[1, -1]])[0] == pytest.approx((1 + 2 + 2) / 3)


def test_always_the_same_item_is_as_uneven_as_can_be(view):
    """One of four: (4 - 1) / 4."""
    assert shown(view, [[0, -1]], [[0, -1]])[1] == pytest.approx(0.75)


def test_all_items_alike_are_even(view):
    """Whatever the number of slates."""
    assert shown(view, [[0, 1], [2, 3]])[1] == pytest.approx(0.0)


def test_rows_without_an_item_are_left_out(view):
    """It was forgotten, or came after this model."""
    view.model.item[0] = 0

    assert shown(view, [[0, 1, 9]])[0] == pytest.approx(2.0)


def test_the_distance_of_a_list_is_that_of_its_pairs():
    """(1, 0) and (0, 1) have nothing in common, (1, 0) and (2, 0) all: (1 + 0 + 1) / 3. A row of zeros is no
    item, one item no pair, and opposites are as far apart as can be."""
    lists = [
        [[1, 0], [0, 1], [2, 0]],
        [[3, 4], [0, 0], [4, 3]],
        [[1, 0], [-1, 0], [0, 0]],
        [[1, 1], [0, 0], [0, 0]],
    ]

    found = intra_list_distance(np.array(lists, np.float32))

    assert found[:3] == pytest.approx([2 / 3, 1 - 24 / 25, 2.0])
    assert np.isnan(found[3])


def test_the_distance_shown_is_the_mean_over_slates(view):
    """The first slate has 1, the second 0; a slate of one item, and items that are gone, say nothing."""
    view.model.factors.items[:4, :2] = [[1, 0], [0, 1], [0, 3], [5, 5]]
    view.model.item[3] = 0

    assert shown(view, [[0, 1]], [[1, 2], [0, -1], [0, 3]])[2] == pytest.approx(0.5)
