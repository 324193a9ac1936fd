"""What a trainer answers on /metrics, and what it writes into its log."""

import logging

import numpy as np
import pytest
from prometheus_client import CollectorRegistry
from safetensors import SafetensorError

from streamproc.clock import ManualClock
from streamproc.config import Config, KafkaConfig, SnapshotsConfig
from streamproc.contracts.control import Drift, Promote, Reject, Shed
from streamproc.contracts.journal import Reader, pack_control
from streamproc.engine import snapshots, state
from streamproc.engine.learner import Learner
from streamproc.engine.snapshots import folder
from streamproc.metrics import TrainerMetrics
from streamproc.trainer.follower import Follower
from streamproc.trainer.saving import Copies, Snapshots
from streamproc.trainer.showing import Showing
from streamproc_models.evaluation import AT_20, FUSION, TRIALS
from tests.shop_journal import generation_of, journalled


@pytest.fixture
def config(tmp_path):
    return Config(data_dir=tmp_path, kafka=KafkaConfig(partitions=1), snapshots=SnapshotsConfig(interval=60))


@pytest.fixture
def records(config):
    return journalled(config, 400, batch=100)


@pytest.fixture
def follower(config):
    return Follower(Learner(config, 1), Reader(), 0)


@pytest.fixture
def registry():
    return CollectorRegistry()


@pytest.fixture
def metrics(registry):
    return TrainerMetrics(registry)


def follow(follower, records, showing=None):
    for value in records:
        shadow = follower.in_shadow
        step = follower.apply(follower.position, value)
        if showing is not None:
            showing.step(step, follower, shadow)


def value(registry, name, **labels):
    return registry.get_sample_value(f"streamproc_{name}", labels)


def test_figures_go_on_from_what_was_restored(registry, metrics, follower, records):
    """A new process begins where the record of the learner stands."""
    follow(follower, records)

    Showing(metrics, 100).show(follower)

    sums = follower.learner.memory.record.sums[FUSION]
    assert value(registry, "prequential_trials_total", model="fusion") == sums[TRIALS] > 0
    assert value(registry, "prequential_hits_total", model="fusion", k="20") == sums[AT_20]


def test_figures_never_go_back(registry, metrics, config, follower, records):
    """An older snapshot learns again what was counted already."""
    showing = Showing(metrics, 100)
    follow(follower, records)
    showing.show(follower)
    before = value(registry, "prequential_trials_total", model="gru")

    again = Follower(Learner(config, 1), Reader(), 0)
    for one in records:
        follow(again, [one])
        showing.show(again)

    assert value(registry, "prequential_trials_total", model="gru") == before


@pytest.mark.parametrize(
    ("decision", "result", "words"),
    [
        (Promote(1, 0.3, 0.2, 500), "promoted", "promoted generation=1 recall=0.3 recall_without=0.2"),
        (Reject(1, "it is worse"), "rejected", 'rejected generation=1 reason="it is worse"'),
        (Promote(1, 0.0, 0.0, 0, "Ann"), "promoted", "serves by order generation=1 by=Ann"),
        (Reject(1, "so", "Ann"), "rejected", "rejected generation=1 reason=so by=Ann"),
        (Promote(1, 0.0, 0.0, 0, "Ann", 0), "rolled_back", "serves again generation=1 like=0 by=Ann"),
    ],
)
def test_a_decision_is_told_once(registry, metrics, follower, records, caplog, decision, result, words):
    """Although it is in the journal twice."""
    caplog.set_level(logging.INFO)
    both = [pack_control(decision)] * 2

    follow(follower, [*records, *generation_of(records), *both], Showing(metrics, 100))

    assert value(registry, "batch_promotions_total", result=result) == 1
    assert caplog.text.count(words) == 1


def test_a_drift_is_counted_and_told_once(registry, metrics, follower, records, caplog):
    """By its signal; although it is in the journal twice."""
    both = [pack_control(Drift("item_mix", 300, 0.5, 0.25, refresh=True))] * 2

    follow(follower, [*records, *both], Showing(metrics, 100))

    labels = {"detector": "adwin", "signal": "item_mix"}
    assert value(registry, "drift_detections_total", **labels) == 1
    assert value(registry, "drift_detections_total", **labels | {"signal": "hits"}) == 0
    told = "the stream has changed signal=item_mix before=0.5 after=0.25 noticed_at=300 refresh=True"
    assert caplog.text.count(told) == 1


def test_load_that_is_shed_is_shown_and_told_once(registry, metrics, follower, records, caplog):
    """And that it no longer is."""
    showing = Showing(metrics, 100)
    follow(follower, [*records, *[pack_control(Shed(4, 61.5))] * 2], showing)
    showing.show(follower)
    assert value(registry, "prediction_interval_events") == 4
    assert caplog.text.count("predicts fewer events, to catch up every=4 seconds_behind=61.5") == 1

    with caplog.at_level("INFO"):
        follow(follower, [pack_control(Shed(1, 0.0))], showing)
    showing.show(follower)
    assert value(registry, "prediction_interval_events") == 1
    assert caplog.text.count("predicts every event again") == 1


def test_what_the_detectors_watch_is_shown(registry, metrics, follower, config):
    """Zero until something is known."""
    follow(follower, journalled(config, 1000, batch=100))

    Showing(metrics, 100).show(follower)

    shown = value(registry, "drift_statistic", detector="adwin", signal="hits")
    assert shown == pytest.approx(np.mean(follower.learner.watch.signals[0].shares), abs=0.01)
    assert shown > 0.1
    assert value(registry, "drift_statistic", detector="adwin", signal="item_mix") == 0.0


def test_a_gap_is_an_alarm(registry, metrics, follower, records, caplog):
    """Nothing behind it counts, and the log says what is missing."""
    follow(follower, [records[0], records[2]], Showing(metrics, 100))

    assert value(registry, "journal_records_total", outcome="broken") == 1
    told = "behind a gap and is ignored journal_offset=1 partition=0 goes_on_behind=199 known_up_to=99"
    assert told in caplog.text


async def test_a_snapshot_is_of_the_moment_when_it_was_begun(config, metrics, follower, records):
    """Learning goes on while it is written."""
    saving = Snapshots(config, metrics, ManualClock())
    follow(follower, records[:2])
    before = state.digest(follower.learner)

    saving.begin(follower, version=3)
    follow(follower, records[2:])
    await saving.finished(30)

    [(manifest, path)] = snapshots.newest(folder(config))
    assert (manifest.learned_to, manifest.version, manifest.events) == (2, 3, 200)
    assert manifest.digest == before == state.digest_of(snapshots.load(path))


async def test_a_snapshot_is_due_when_it_is_time_and_something_is_new(config, metrics, follower, records):
    """Neither again and again of the same state, nor all the time."""
    clock = ManualClock()
    saving = Snapshots(config, metrics, clock)
    follow(follower, records)
    early = saving.due(follower.position)
    clock.advance(60)
    in_time = saving.due(follower.position)

    saving.begin(follower, version=1)
    await saving.finished(30)
    clock.advance(60)

    assert (early, in_time) == (False, True)
    assert not saving.due(follower.position)
    assert saving.due(follower.position + 1)


async def test_a_full_disk_is_counted_and_learning_goes_on(
    registry, metrics, config, follower, records, caplog
):
    """A file is in the way of the folder."""
    folder(config).parent.write_text("")
    saving = Snapshots(config, metrics, ManualClock())
    follow(follower, records)

    saving.begin(follower, version=1)
    await saving.finished(30)

    assert value(registry, "snapshot_failures_total", reason="disk") == 1
    assert "no snapshot could be written" in caplog.text


async def test_a_disk_that_fills_up_is_no_other_error(
    registry, metrics, config, follower, records, monkeypatch
):
    """The library has an exception of its own for it."""

    def fill(*_):
        raise SafetensorError("Error while serializing: No space left on device")

    monkeypatch.setattr("safetensors.numpy.save_file", fill)
    saving = Snapshots(config, metrics, ManualClock())
    follow(follower, records)

    saving.begin(follower, version=1)
    await saving.finished(30)

    assert value(registry, "snapshot_failures_total", reason="disk") == 1


def test_copies_are_those_of_grown_arrays_too():
    """Memory is kept, and enough of it."""
    copies = Copies()
    copies.make_room({"one": np.arange(4)})
    first = copies.take({"one": np.arange(4), "none": np.zeros((0, 3), np.float32)})
    shapes = {name: array.shape for name, array in first.items()}
    second = copies.take({"one": np.arange(100).reshape(10, 10)})

    assert shapes == {"one": (4,), "none": (0, 3)}
    assert (second["one"] == np.arange(100).reshape(10, 10)).all()
