"""Where a trainer goes on from."""

import pytest

from streamproc.config import Config, KafkaConfig
from streamproc.contracts.journal import Reader
from streamproc.engine import snapshots, state
from streamproc.engine.learner import Learner
from streamproc.engine.snapshots import ARRAYS, Manifest, folder
from streamproc.errors import TopicMismatch
from streamproc.trainer.follower import Follower
from streamproc.trainer.published import Bounds
from streamproc.trainer.starting import require_whole, start
from tests.shop_journal import journalled


@pytest.fixture
def config(tmp_path):
    return Config(data_dir=tmp_path, kafka=KafkaConfig(partitions=2, prefix="shop-"))


@pytest.fixture
def saved(config):
    """Snapshots after three and after all records of a journal."""
    records = journalled(config, 400, batch=50)
    follower, paths = Follower(Learner(config, 2), Reader(), 0), []
    for offset, value in enumerate(records):
        follower.apply(offset, value)
        if follower.position in (3, len(records)):
            paths.append(save(config, follower))
    return paths


def save(config, follower):
    manifest = Manifest(
        learned_to=follower.position,
        highest=follower.highest(2),
        version=1,
        events=follower.learner.events,
        generation=0,
        digest=state.digest(follower.learner),
        created_at=0,
    )
    return snapshots.save(folder(config), state.arrays(follower.learner), manifest, keep=3)


def nobody(reason, text):
    pytest.fail(text)


def tell(reasons):
    return lambda reason, text: reasons.append((reason, text))


def damage(path):
    """Turns one bit of the arrays."""
    whole = bytearray((path / ARRAYS).read_bytes())
    whole[len(whole) // 2] ^= 1
    (path / ARRAYS).write_bytes(bytes(whole))


def test_the_newest_snapshot_is_taken(config, saved):
    """With its place in the journal and in every source partition."""
    found = start(config, journal_begin=0, published_to=1000, skipped=nobody)

    assert found.snapshot == snapshots.read_manifest(saved[1])
    assert found.follower.position == found.snapshot.learned_to
    assert found.follower.highest(2) == found.snapshot.highest
    assert state.digest(found.follower.learner) == found.snapshot.digest


def test_a_damaged_snapshot_is_passed_over(config, saved):
    """The one before is as good; it only takes longer."""
    damage(saved[1])
    reasons = []

    found = start(config, 0, 1000, tell(reasons))

    assert found.snapshot == snapshots.read_manifest(saved[0])
    assert len(reasons) == 1
    assert reasons[0][0] == "checksum"


def test_a_snapshot_ahead_of_what_was_published_is_of_another_journal_and_set_aside(config, saved):
    """A snapshot is only ever made after a sync; later, when the new journal is longer, nobody could tell."""
    reasons = []

    found = start(config, 0, 3, tell(reasons))

    assert found.follower.position == 3
    assert reasons[0][0] == "other_journal"
    assert [path for _, path in snapshots.newest(folder(config))] == [saved[0]]
    assert not saved[1].exists()


def test_without_a_snapshot_the_journal_is_learned_again_from_its_beginning(config):
    """All of it is there."""
    found = start(config, 0, 1000, nobody)

    assert (found.snapshot, found.follower.position, found.follower.learner.events) == (None, 0, 0)


def test_a_hole_between_snapshot_and_journal_is_refused(config, saved):
    """Retention was shorter than the outage: nobody may quietly go on without what was in between."""
    reasons = []

    with pytest.raises(TopicMismatch, match="begins at offset 500"):
        start(config, 500, 1000, tell(reasons))

    assert [reason for reason, _ in reasons] == ["too_old", "too_old"]


def test_what_is_missing_is_named_when_it_is_refused(config, saved):
    """Each snapshot with what is wrong with it, and the records of the journal that are gone."""
    damage(saved[1])
    (saved[0] / "manifest.json").unlink()

    with pytest.raises(TopicMismatch) as refused:
        start(config, 2, 1000, lambda reason, text: None)

    text = str(refused.value)
    assert all(path.name in text for path in saved)
    assert "checksum" in text and "no readable manifest" in text
    assert "records 0 to 1" in text


def test_a_journal_that_has_lost_its_end_is_refused(config):
    """Behind what is published: learning on from there would answer for events that nobody holds."""
    with pytest.raises(TopicMismatch, match="shop-journal ends at offset 40, but what was learned up to 60"):
        require_whole(config, Bounds(0, 40), 60)

    require_whole(config, Bounds(0, 60), 60)


def test_what_a_killed_writer_left_is_gone_after_the_next_start(config, saved):
    """Nobody has to clear up by hand."""
    half = folder(config) / ".unfinished-snapshot-00000000000000000099"
    half.mkdir()

    start(config, 0, 1000, nobody)

    assert not half.exists()


def test_each_prefix_has_snapshots_of_its_own(config, saved):
    """Two pipelines may share a data folder."""
    other = config.model_copy(update={"kafka": KafkaConfig(partitions=2, prefix="news-")})

    assert start(other, 0, 1000, nobody).snapshot is None
