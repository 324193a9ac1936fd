"""Faults on a real Kafka, each run verified from the topics alone; a failure prints its seed."""

import pytest

pytestmark = pytest.mark.kafka

RUNS = {  # each less than a minute
    "a worker killed five times": (("kill-worker",), 5),
    "a worker killed five times more": (("kill-worker",), 5),
    "the trainer killed three times": (("kill-trainer",), 3),
    "the trainer killed three times more": (("kill-trainer",), 3),
    "the trainer killed three times again": (("kill-trainer",), 3),
    "the trainer killed three times once again": (("kill-trainer",), 3),
    "the refresh killed five times": (("kill-refresh",), 5),
    "the refresh killed five times more": (("kill-refresh",), 5),
    "Kafka killed under load": (("kill-broker",), 3),
    "stopped for dead, and going on": (("stop-worker", "stop-workers", "stop-trainer"), 3),
    "the network cut for long, and narrowed": (("cut-long", "trickle"), 2),
    "the network cut for a moment, and stalled": (("cut-short", "half-open"), 2),
    "careless producers, with kills in between": (("duplicates", "disorder", "skew", "kill-worker"), 8),
}


@pytest.mark.parametrize("name", RUNS)
async def test_nothing_is_lost_nothing_counts_twice(name, hurt):
    """Windows, ids, outcomes, journal, dead letters and acknowledged events, by an independent reckoning."""
    faults, times = RUNS[name]

    report = await hurt(faults, times, events=10_000, rate=1000.0)

    assert report.right, (report.verdict.complaints, report.as_dict())
    assert {each.fault for each in report.injected} == set(faults)
    assert len(report.injected) == times
    assert report.verdict.accepted > 8_000 and report.verdict.duplicate > 0
    assert report.verdict.rejected > 0 and report.verdict.late > 0
