"""A disk that is really full, where one can be mounted, and what the trainer makes of it."""

import os
import subprocess

import pytest
from prometheus_client import CollectorRegistry

from streamproc.clock import ManualClock
from streamproc.config import Config, KafkaConfig
from streamproc.contracts.journal import Reader
from streamproc.engine import snapshots, state
from streamproc.engine.learner import Learner
from streamproc.engine.snapshots import folder
from streamproc.metrics import TrainerMetrics
from streamproc.trainer.follower import Follower
from streamproc.trainer.saving import Snapshots
from streamproc.trainer.starting import start
from tests.shop_journal import journalled

MB = 1 << 20


@pytest.fixture
def disk(tmp_path):
    """200 MB of a file system of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a small disk takes root; test_snapshot_kills fills one up in another way")
    yield place
    subprocess.run(["umount", str(place)], check=True)


async def test_a_full_disk_is_not_ready_and_the_stream_goes_on(disk):
    """The older snapshot stays whole, failures are counted, learning goes on; with room, all is well."""
    config = Config(data_dir=disk, kafka=KafkaConfig(partitions=1))
    registry, clock = CollectorRegistry(), ManualClock()
    metrics = TrainerMetrics(registry)
    metrics.ready.set(1)
    saving, follower = Snapshots(config, metrics, clock), Follower(Learner(config, 1), Reader(), 0)
    records = journalled(config, 400, batch=100)

    async def learn_and_save(upto):
        for value in records[follower.position : upto]:
            follower.apply(follower.position, value)
        saving.begin(follower, version=upto)
        await saving.finished(30)
        failures = registry.get_sample_value("streamproc_snapshot_failures_total", {"reason": "disk"})
        return failures, registry.get_sample_value("streamproc_ready")

    assert await learn_and_save(1) == (0, 1)
    room = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    (disk / "other").write_bytes(bytes(max(room - MB // 16, 0)))
    assert await learn_and_save(2) == (1, 0)
    assert await learn_and_save(3) == (2, 0)
    assert [manifest.learned_to for manifest, _ in snapshots.newest(folder(config))] == [1]
    assert start(config, 0, 3, lambda reason, text: pytest.fail(text)).follower.position == 1

    (disk / "other").unlink()
    assert await learn_and_save(4) == (2, 1)
    [(newest, path), _] = snapshots.newest(folder(config))
    assert (newest.learned_to, newest.digest) == (4, state.digest(follower.learner))
    assert newest.digest == state.digest_of(snapshots.load(path))
