"""Faults on a real Kafka, each run verified from the topics alone; a failure prints its seed."""

import random

import pytest

from streamproc.chaos.running import Settings, run
from streamproc.config import Config
from tests.integration.pipeline import compile_kernels

pytestmark = pytest.mark.kafka

SESSION = 3.0  # seconds until a silent worker's partitions are another's
RUNS = {
    "a worker killed ten times": (("kill-worker",), 10),
    "trainer and refresh killed": (("kill-trainer", "kill-refresh"), 6),
    "Kafka killed under load": (("kill-broker",), 2),
    "stopped for dead, and going on": (("stop-worker", "stop-workers", "stop-trainer"), 3),
    "the network cut, stalled and narrowed": (("cut-short", "cut-long", "half-open", "trickle"), 4),
}


@pytest.mark.parametrize("name", RUNS)
async def test_nothing_is_lost_nothing_counts_twice(name, tmp_path):
    """Windows, outcomes, journal, dead letters and acknowledged events, by an independent reckoning."""
    compile_kernels()
    faults, times = RUNS[name]
    seed = random.randrange(1 << 31)
    print(f"streamproc chaos --seed {seed} --times {times} " + " ".join(f"--fault {each}" for each in faults))
    config = Config(data_dir=tmp_path, kafka={"session_timeout": SESSION})

    report = await run(config, Settings(seed, faults, times, events=16_000, rate=1000.0))

    assert report.right, (report.verdict.complaints, report.as_dict())
    assert len(report.injected) == times
    assert report.verdict.accepted > 10_000 and report.verdict.duplicate > 0
    assert report.verdict.rejected > 0 and report.verdict.late > 0
