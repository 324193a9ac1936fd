"""A trainer that lags: when it does with less, what it then leaves out, and that the journal decides it."""

import numpy as np
import pytest

from streamproc.config import Config, KafkaConfig, TrainerConfig
from streamproc.contracts.control import Shed
from streamproc.contracts.journal import Reader, pack_control, unpack
from streamproc.engine import state
from streamproc.engine.learner import Learner
from streamproc.evaluate import journal
from streamproc.orders.generations import Generations
from streamproc.refresh.history import JournalHistory
from streamproc.trainer.follower import APPLIED, STALE, Follower
from streamproc.trainer.shedding import HOLD, Shedding
from streamproc_models.evaluation import FUSION, POPULARITY, TRIALS
from tests.learning import restored
from tests.shop_journal import journalled

CONFIG = Config(kafka=KafkaConfig(partitions=1))
EVENTS, BATCH = 2000, 100
EVERY = 4
LESS, ALL = pack_control(Shed(EVERY, 3.0)), pack_control(Shed(1, 0.0))


@pytest.fixture(scope="module")
def records():
    return journalled(CONFIG, EVENTS, batch=BATCH)


@pytest.fixture(scope="module")
def shed(records):
    """Load is shed between a quarter and three quarters."""
    quarter = len(records) // 4
    return [*records[:quarter], LESS, *records[quarter : 3 * quarter], ALL, *records[3 * quarter :]]


def follow(records, one=None):
    one = one or Follower(Learner(CONFIG, 1), Reader(), 0)
    steps = [one.apply(one.position, value) for value in records]
    return one, steps


def trials(follower, model=FUSION):
    return int(follower.learner.memory.record.sums[model, TRIALS])


def decided(lags, every=1, after=10.0, step=1.0):
    """What is decided while the trainer lags by so much, second after second, and each decision is read."""
    shedding, found = Shedding(TrainerConfig(shed_after=after, shed_every=EVERY)), {}
    for number, behind in enumerate(lags):
        wanted = shedding.decide(1000.0 + number * step, behind, every)
        if wanted is not None:
            found[number] = wanted
            every = wanted.every
    return found


def test_a_trainer_that_lags_predicts_fewer_events():
    assert decided([0.0, 9.9, 10.0, 10.1, 20.0]) == {3: Shed(EVERY, 10.1)}


def test_it_predicts_every_event_again_once_it_has_kept_up_for_a_while():
    lags = [11.0, 5.1, 5.0, *[0.0] * 20]

    assert decided(lags) == {0: Shed(EVERY, 11.0), 1 + int(HOLD): Shed(1, 0.0)}


def test_lagging_again_in_between_begins_the_while_anew():
    lags = [11.0, *[0.0] * 9, 6.0, *[0.0] * 12]

    assert list(decided(lags)) == [0, 10 + int(HOLD)]


def test_a_decision_is_written_once_until_it_is_read():
    """It lies behind all that the trainer lags by."""
    shedding = Shedding(TrainerConfig(shed_after=1.0, shed_every=EVERY))

    found = [shedding.decide(float(now), 5.0, every=1) for now in range(10)]
    read = [shedding.decide(float(now), 5.0, every=EVERY) for now in range(10, 20)]

    assert found == [Shed(EVERY, 5.0), *[None] * 9]
    assert read == [None] * 10


def test_a_trainer_that_finds_itself_shedding_ends_it():
    """It was decided by the one before, which is gone; whether this one keeps up has to be seen."""
    assert decided([0.0] * 20, every=EVERY) == {int(HOLD): Shed(1, 0.0)}


def test_where_every_event_is_to_be_predicted_nothing_is_shed():
    shedding = Shedding(TrainerConfig(shed_after=1.0, shed_every=1))

    assert shedding.decide(0.0, 100.0, 1) is None


def test_every_so_many_th_event_is_predicted_and_all_are_learned(records, shed):
    (plain, _), (less, _) = follow(records), follow(shed)

    left_out = trials(plain) - trials(less)
    known = trials(plain) / EVENTS  # share of the events whose user has an earlier one
    assert left_out == pytest.approx((1 - 1 / EVERY) * known * EVENTS / 2, rel=0.1)
    assert trials(less, POPULARITY) == trials(less)
    for name in ("popularity.counts", "covisitation.weights", "markov.weights", "factors.items"):
        one, other = (state.arrays(follower.learner)[f"model.{name}"] for follower in (plain, less))
        np.testing.assert_array_equal(one, other)
    assert less.learner.events == EVENTS


def test_the_recurrent_head_leaves_out_its_replay_meanwhile(shed):
    learner = Learner(CONFIG, 1)
    usual = learner.gru_config

    learner.shed(EVERY)
    assert learner.gru_config == usual._replace(replay=0)
    learner.shed(1)
    assert learner.gru_config == usual


def test_a_catalogue_that_grows_meanwhile_leaves_room_for_replay(records):
    """What was made while there was none has to do once there is."""
    follower, _ = follow([LESS, *records[:10]])
    follower.learner.resize(5000)

    follower, _ = follow([ALL, *records[10:]], follower)

    assert follower.learner.steps[-1].applied


@pytest.mark.parametrize("batch", [1, 37])
def test_what_is_learned_does_not_depend_on_how_the_events_were_cut(records, batch):
    whole, _ = follow([LESS, *records])
    cut, _ = follow([LESS, *journalled(CONFIG, EVENTS, batch)])

    assert state.digest(whole.learner) == state.digest(cut.learner)


def test_a_snapshot_taken_meanwhile_goes_on_the_same(shed):
    half = len(shed) // 2
    first, _ = follow(shed[:half])
    second = Follower(restored(CONFIG, first.learner), Reader(dict(first.reader.highest)), half)

    (whole, _), (second, _) = follow(shed), follow(shed[half:], second)

    assert second.learner.predict_every == whole.learner.predict_every == 1
    assert state.digest(second.learner) == state.digest(whole.learner)


def test_a_snapshot_of_before_there_was_any_sheds_nothing(records):
    one, _ = follow(records[:5])
    saved = {name: array for name, array in state.arrays(one.learner).items() if "predict_every" not in name}
    learner = Learner(CONFIG, 1)

    state.restore(learner, saved)

    assert state.digest(learner) == state.digest(one.learner)


def test_an_evaluation_of_the_journal_does_what_the_trainer_did(shed):
    follower, _ = follow(shed)
    learner, reader = Learner(CONFIG, 1), Reader()
    for value in shed:
        journal.follow(learner, reader, value)

    assert state.digest(learner) == state.digest(follower.learner)


def test_a_repeated_decision_is_stale(records):
    """Two trainers may both have written it."""
    _, steps = follow([LESS, LESS, *records[:2], ALL, ALL])

    assert [step.outcome for step in steps] == [APPLIED, STALE, APPLIED, APPLIED, APPLIED, STALE]


def test_the_record_is_read_as_it_was_written():
    assert unpack(LESS) == Shed(EVERY, 3.0)


def test_refreshes_and_orders_pass_it_over(shed):
    """It says nothing of generations."""
    history, found = JournalHistory(10_000), Generations(-1)
    for offset, value in enumerate(shed):
        history.add(offset, value)
        found.add(value)

    assert history.last is None
    assert not found.known
    assert history.events > 0
