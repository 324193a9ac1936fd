"""Numbers that run away: nothing infinite is kept or published, whatever the stream and the rates."""

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from streamproc.clock import ManualClock
from streamproc.config import Config, KafkaConfig, load
from streamproc.contracts.journal import Reader
from streamproc.engine import publishing, snapshots, state
from streamproc.engine.publishing import SyncPoint
from streamproc.engine.snapshots import folder
from streamproc.errors import ConfigError, NotFinite
from streamproc.metrics import TrainerMetrics
from streamproc.trainer.follower import Follower
from streamproc.trainer.saving import Snapshots
from streamproc_models.evaluation import AT_20, FUSION, TRIALS
from tests.event_columns import at_random
from tests.learning import feed, learner_of

EVENTS = at_random(3000)
RATES = {
    "gru": {"heads": {"gru": {"rate": 1e6}}},
    "factors": {"heads": {"factors": {"rate": 1e6}}},
    "isgd": {"heads": {"factors": {"rate": 1e6, "method": "isgd"}}},
    "twin": {"fusion": {"rate": 1e6}},
}


def require_finite(learner):
    """As a snapshot and a sync require it; both raise where it is not so."""
    state.require_finite(state.arrays(learner))
    publishing.changed_rows(learner, SyncPoint(1, 1))
    publishing.changed_users(learner)


@pytest.mark.parametrize("rate", RATES)
def test_a_learning_rate_of_a_million_leaves_everything_finite(rate):
    """Useless, but it harms neither the other models nor those who read them."""
    learner = learner_of(Config.model_validate(RATES[rate]), EVENTS)

    require_finite(learner)
    assert learner.memory.record.sums[FUSION, TRIALS] > 0


@pytest.mark.parametrize("strength", [1e6, -1e6, 1e30])
def test_an_absurd_strength_leaves_everything_finite(strength):
    """As a configuration may give it to a type of event, and far beyond."""
    absurd = [event._replace(strength=strength) if k % 50 == 0 else event for k, event in enumerate(EVENTS)]

    require_finite(learner_of(Config(), absurd))


def test_absurd_times_leave_everything_finite():
    """At the beginning of 1970, and as far in the future as a time can be written."""
    absurd = [
        event._replace(second=(0.0, 9e12)[k // 50 % 2]) if k % 50 == 0 else event
        for k, event in enumerate(EVENTS)
    ]

    require_finite(learner_of(Config(), absurd))


def test_a_hundred_thousand_identical_clicks_leave_the_others_their_model():
    """One user, one item: everybody else is still predicted about as well as before."""
    learner, undisturbed = learner_of(Config(), EVENTS[:1500]), learner_of(Config(), EVENTS[:1500])
    [click] = [EVENTS[0]._replace(second=None)]

    feed(learner, [click] * 100_000, first=1500)
    require_finite(learner)
    before = learner.memory.record.sums[FUSION].copy()
    feed(learner, EVENTS[1500:], first=101_500)
    same = undisturbed.memory.record.sums[FUSION].copy()
    feed(undisturbed, EVENTS[1500:], first=1500)

    require_finite(learner)
    gained = learner.memory.record.sums[FUSION] - before
    expected = undisturbed.memory.record.sums[FUSION] - same
    assert gained[TRIALS] == expected[TRIALS]
    assert gained[AT_20] > 0.9 * expected[AT_20]


def test_a_strength_that_would_overflow_is_no_setting():
    """Sums of such weights are 32-bit numbers."""
    with pytest.raises(ConfigError, match=r"events\.types\.click\.strength"):
        load(None, {"events": {"types": {"click": {"strength": 1e7}}}})


@pytest.fixture
def ruined(tmp_path):
    """A follower whose fusion holds a NaN, as a bug in a kernel would leave it."""
    config = Config(data_dir=tmp_path, kafka=KafkaConfig(partitions=1))
    follower = Follower(learner_of(config, EVENTS[:300]), Reader(), 7)
    follower.learner.model.fusion.weights[0, 3] = np.nan
    return config, follower


def test_a_number_that_is_not_finite_is_not_published(ruined):
    """The sync fails before a record is sent, and says which array it is."""
    with pytest.raises(NotFinite, match="weights"):
        publishing.changed_rows(ruined[1].learner, SyncPoint(1, 7))


@pytest.mark.parametrize("place", ["factors", "gru"])
def test_nor_is_one_in_the_row_of_an_item(ruined, place):
    """Rows of items are looked at as they are packed."""
    learner = ruined[1].learner
    learner.model.fusion.weights[0, 3] = 0.0
    array = learner.model.factors.items if place == "factors" else learner.model.gru.embeddings
    array[0, 0] = np.inf

    with pytest.raises(NotFinite, match="factors" if place == "factors" else "embedding"):
        publishing.changed_rows(learner, SyncPoint(1, 7))


async def test_nor_is_it_kept_and_the_trainer_is_not_ready_until_a_snapshot_works(ruined):
    """Counted with its reason; what was there stays; the next one that works makes it ready again."""
    config, follower = ruined
    registry = CollectorRegistry()
    metrics = TrainerMetrics(registry)
    metrics.ready.set(1)
    saving = Snapshots(config, metrics, ManualClock())

    saving.begin(follower, version=1)
    await saving.finished(30)
    failed = registry.get_sample_value("streamproc_snapshot_failures_total", {"reason": "nonfinite"})
    ready = registry.get_sample_value("streamproc_ready")
    assert list(snapshots.newest(folder(config))) == []

    follower.learner.model.fusion.weights[0, 3] = 0.0
    saving.begin(follower, version=1)
    await saving.finished(30)

    assert (failed, ready) == (1, 0)
    assert registry.get_sample_value("streamproc_ready") == 1
    assert [manifest.learned_to for manifest, _ in snapshots.newest(folder(config))] == [7]
