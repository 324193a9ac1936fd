"""The head that goes on from a refresh's encoder, from the journal to a worker's slates."""

import numpy as np
import pytest

from streamproc.config import Config, ItemsConfig, RefreshConfig
from streamproc.contracts.control import Promote, Reject
from streamproc.contracts.model import ENCODED, HEADER
from streamproc.encoder_config import EncoderConfig
from streamproc.engine import generations, model, state
from streamproc.engine.learner import Learner
from streamproc.engine.publishing import SyncPoint, changed_rows
from streamproc.engine.view import ModelView
from streamproc.engine.windows import Windows
from streamproc.errors import BadSnapshot
from streamproc.heads_config import EncoderHeadConfig, HeadsConfig, LongTermConfig
from streamproc_models import evaluation
from streamproc_models.heads import encoder, gru, gru_forgetting
from streamproc_models.heads.encoder import RECALLED, Trained
from streamproc_models.heads.gru import BATCHES, TARGETS
from tests.event_columns import at_random, hashes
from tests.learning import any_encoder, begin, encoder_of, feed, learner_of, next_items, restored
from tests.mirror import Worker, agree, own_slates

SIZE = 16
CONFIG = Config(
    refresh=RefreshConfig(shadow_events=200, encoder=EncoderConfig(size=SIZE)),
    heads=HeadsConfig(encoder=EncoderHeadConfig(batch=32, replay=8, negatives=16)),
)
ITEMS, FIRST, SHADOWED, SERVED = 60, 500, 800, 1200
EVENTS = at_random(SERVED)
USERS = [f"user {number}" for number in range(40)]
TRAINED = any_encoder(ITEMS, SIZE)


def promote(learner, number, brought=None, neighbours=None):
    """A generation that serves, whatever it is worth."""
    answers = begin(learner, neighbours or next_items(ITEMS), number, brought)
    assert answers == []
    assert generations.follow(learner, Promote(number, 1.0, 0.0)) == []
    return learner


@pytest.fixture
def learner():
    """After 500 events, nothing in shadow."""
    return learner_of(CONFIG, EVENTS[:FIRST])


@pytest.fixture
def served(learner):
    """With an encoder that serves, and 300 events since."""
    return feed(promote(learner, 1, TRAINED), EVENTS[FIRST:SHADOWED], first=FIRST)


def load(rows, capacity=8):
    """Three items of size 8 as a head; the second is at rows[1], and so on."""
    trained = any_encoder(3, 8)
    parts = Trained(*trained[1:8], float(trained.unknown_bias[0]))
    return parts, encoder.load(gru.GruConfig(size=8), capacity, parts, np.array(rows, np.int32), 4)


def test_weights_and_sums_come_to_the_rows_of_their_items():
    """The one that is unknown here is left out; nobody else has an embedding, and all have a low bias."""
    trained, (head, since) = load([5, -1, 0])

    assert since[0] == 4
    for name in ("embeddings", "bias", "embeddings_sums", "bias_sums", "counts"):
        ours, theirs = getattr(head, name), getattr(trained, name)
        assert (ours[5] == theirs[0]).all(), name
        assert (ours[0] == theirs[2]).all(), name
    assert not head.embeddings[[1, 2, 3, 4, 6, 7]].any()
    assert head.bias[[1, 2, 3, 4, 6, 7]].tolist() == [-3.0] * 6
    assert (head.cell == trained.cell).all()
    assert (head.cell_sums == trained.cell_sums).all()
    assert head.counters[TARGETS] == trained.counts.sum()


def test_items_that_come_later_start_like_those_that_it_did_not_meet():
    """In new rows, and in the rows of items that are gone."""
    _, loaded = load([5, 1, 0])
    gone = np.zeros(8, np.int32)
    gone[5] = 1

    grown = encoder.grow(loaded, 20).gru
    gru_forgetting.forget_items(grown, gone, 8)

    assert not grown.embeddings[[5, *range(8, 20)]].any()
    assert grown.bias[[5, *range(8, 20)]].tolist() == [-3.0] * 13
    assert grown.embeddings[[0, 1]].all()


@pytest.mark.parametrize("count", [1, 2, 7, RECALLED + 1, 60])
def test_a_state_is_worked_out_from_the_newest_items(count):
    """Oldest first, without the newest item, and at most so many."""
    _, (head, _) = load([0, 1, 2])
    window = np.arange(count, dtype=np.int32) % 3
    found, wanted, room = np.ones(8, np.float32), np.zeros(8, np.float32), np.zeros(48, np.float32)

    encoder.recall(head, window, count, found, room)

    for item in window[1 : RECALLED + 1][::-1]:
        gru.advance(head, item, wanted, wanted, room)
    assert found.tolist() == wanted.tolist()


def test_before_there_is_an_encoder_it_takes_no_memory(learner):
    """Neither in the model, nor with the users, however many of both come."""
    m, windows = learner.model, learner.users[0].windows

    assert len(m.encoder.gru.embeddings) == len(m.encoder.gru.ring_targets) == 1
    assert windows.arrays.encoded.nbytes == windows.arrays.encoder.nbytes == 0
    assert len(learner_of(CONFIG, at_random(3000, items=3000)).model.encoder.gru.embeddings) == 1


def test_the_encoder_of_a_promoted_generation_scores_and_learns(served):
    """From every event, in batches; users' states follow."""
    head = served.model.encoder

    assert head.since[0] == 1
    assert head.gru.counters[BATCHES] == len(served.encoder_steps) > 0
    assert all(step.applied for step in served.encoder_steps)
    assert (head.gru.cell != TRAINED.cell).any()
    active = served.users[0].windows.find(hashes(sorted({event.user for event in EVENTS[FIRST:SHADOWED]})))
    assert (served.users[0].windows.arrays.encoder[active] == 1).mean() > 0.9
    assert evaluation.figures(served.memory.record, evaluation.ENCODER).recall_at_20 > 0


def test_what_the_encoder_says_is_worth_something_to_the_fusion():
    """Users take anything, then each items of one kind: only the encoder knows the kinds at once."""
    random, kinds = np.random.default_rng(5), 12
    users = random.integers(40, size=800)
    aimless = [(f"user {user}", f"item {random.integers(ITEMS)}") for user in users[:600]]
    choosy = [
        (f"user {user}", f"item {kinds * random.integers(ITEMS // kinds) + user % kinds}")
        for user in users[600:]
    ]
    vectors = {f"item {k}": 2.0 * np.eye(kinds)[k % kinds] for k in range(ITEMS)}
    neighbours = {name: {} for name in vectors} | {"item 0": {"item 2": 1.0}}  # next to nothing
    plain, helped = learner_of(CONFIG, aimless), learner_of(CONFIG, aimless)
    promote(helped, 1, encoder_of(vectors, SIZE), neighbours)
    before = plain.memory.record.sums[evaluation.FUSION].copy()

    for one in (plain, helped):
        feed(one, choosy, first=600)

    ours, theirs = (one.memory.record.sums[evaluation.FUSION] - before for one in (helped, plain))
    assert ours[evaluation.TRIALS] == theirs[evaluation.TRIALS] > 0
    assert ours[evaluation.RECIPROCAL] > 1.2 * theirs[evaluation.RECIPROCAL]


@pytest.mark.parametrize("size", [1, 7, 4000])
def test_the_same_journal_gives_the_same_head_however_it_was_cut(served, size):
    """Shadow, promotion and 300 events, one at a time or all at once."""
    again = learner_of(CONFIG, EVENTS[:FIRST], size)

    feed(promote(again, 1, TRAINED), EVENTS[FIRST:SHADOWED], size, FIRST)

    assert state.digest(again) == state.digest(served)


@pytest.mark.parametrize(
    "moment", ["in shadow", "served", "served, another in shadow", "served, a plain one in shadow"]
)
def test_a_restart_from_a_snapshot_goes_on_to_the_bit(learner, moment):
    """States of users, weights, sums, the batch that is being filled, and items that come only then."""
    if moment == "in shadow":
        begin(learner, next_items(ITEMS), 1, TRAINED)
    else:
        promote(learner, 1, TRAINED)
    feed(learner, EVENTS[FIRST:SHADOWED], first=FIRST)
    if "shadow" in moment and moment != "in shadow":
        begin(learner, next_items(ITEMS), 2, any_encoder(ITEMS, SIZE, 2) if "another" in moment else None)
        feed(learner, EVENTS[SHADOWED : SHADOWED + 50], first=SHADOWED)

    again = restored(CONFIG, learner)

    assert state.digest(again) == state.digest(learner)
    for one in (again, learner):
        feed(one, EVENTS[one.events :], first=one.events)
        generations.follow(one, Promote(2 if "," in moment else 1, 1.0, 0.0))
        feed(one, at_random(300, seed=8, items=3 * ITEMS), first=one.events)
    assert state.digest(again) == state.digest(learner)


def test_a_snapshot_with_an_encoder_is_refused_where_the_head_is_off(served):
    """By name: nobody could publish what nobody learns."""
    with pytest.raises(BadSnapshot, match="does not fit this configuration"):
        restored(with_heads(encoder=EncoderHeadConfig(enabled=False)), served)


def test_a_generation_without_an_encoder_says_nothing_about_the_one_that_serves(served):
    """In shadow it is ranked with it; promoted, it leaves it where it is, and the users' states as well."""
    before, states = served.model.encoder, served.users[0].windows.arrays.encoded

    promote(served, 2)

    assert served.model.lasting[0] == 2
    assert served.model.encoder is before
    assert served.users[0].windows.arrays.encoded is states


def test_a_later_encoder_takes_the_place_of_the_first(served):
    """Nobody's state by the first one counts any more."""
    promote(served, 2, any_encoder(ITEMS, SIZE, 2))

    assert served.model.encoder.since[0] == 2
    feed(served, EVENTS[SHADOWED:], first=SHADOWED)
    active = served.users[0].windows.find(hashes(sorted({event.user for event in EVENTS[SHADOWED:]})))
    assert set(served.users[0].windows.arrays.encoder[active]) <= {1, 2}
    assert (served.users[0].windows.arrays.encoder[active] == 2).mean() > 0.9


def with_heads(**heads):
    return CONFIG.model_copy(update={"heads": CONFIG.heads.model_copy(update=heads)})


def test_an_encoder_serves_without_long_term_neighbours():
    """heads.long_term is off."""
    config = with_heads(long_term=LongTermConfig(enabled=False))

    learner = feed(promote(learner_of(config, EVENTS[:FIRST]), 1, TRAINED), EVENTS[FIRST:], first=FIRST)

    assert (learner.model.lasting[0], learner.model.encoder.since[0]) == (1, 1)
    assert (learner.model.long_term.neighbours < 0).all()


def test_long_term_neighbours_serve_without_an_encoder():
    """heads.encoder is off: what there is of it in a generation is left alone, whatever its size."""
    config = with_heads(encoder=EncoderHeadConfig(enabled=False))

    learner = promote(learner_of(config, EVENTS[:FIRST]), 1, any_encoder(ITEMS, 24))

    assert (learner.model.lasting[0], learner.model.encoder.since[0]) == (1, 0)
    assert (learner.model.long_term.neighbours >= 0).any()


@pytest.mark.parametrize("brought", [None, TRAINED])
def test_a_generation_for_heads_that_are_off_is_rejected(brought):
    """There is nobody to take it."""
    off = {"long_term": LongTermConfig(enabled=False)}
    if brought is not None:
        off["encoder"] = EncoderHeadConfig(enabled=False)

    [reject] = begin(learner_of(with_heads(**off), EVENTS[:FIRST]), next_items(ITEMS), 1, brought)

    assert reject == Reject(1, "heads.long_term is off, and it brings no encoder that heads.encoder takes")


def test_an_encoder_of_another_size_is_rejected_by_name(learner):
    """It was trained with another refresh.encoder.size."""
    [reject] = begin(learner, next_items(ITEMS), 1, any_encoder(ITEMS, 24))

    assert reject == Reject(1, "its encoder has 24 hidden units, and refresh.encoder.size is 16")
    assert learner.shadow is None


@pytest.mark.parametrize("items", [2000, 40])
def test_a_worker_ranks_like_the_learner(items):
    """The encoder arrives whole with the sync after its promotion, and follows; items come and go."""
    config = CONFIG.model_copy(update={"items": ItemsConfig(max=items)})
    learner, worker = learner_of(config, EVENTS[:FIRST]), Worker(config)
    worker.sync(learner)
    promote(learner, 1, TRAINED)
    for start in range(FIRST, SERVED, 100):
        worker.sync(feed(learner, EVENTS[start : start + 100], first=start))
    learner.mark_all_items()
    worker.sync(learner)

    assert worker.view.has_encoder
    agree(worker.slates(USERS), own_slates(config, learner, USERS))
    ours, theirs = (windows.arrays for windows in (worker.windows(), learner.users[0].windows))
    by_user = {user: row for row, user in enumerate(ours.user.tolist()) if user}
    for row in np.flatnonzero(theirs.user):
        assert ours.encoder[by_user[int(theirs.user[row])]] == theirs.encoder[row]


def test_only_changed_rows_of_the_encoder_travel_after_the_first_sync(served):
    """And none of them before there is one."""
    assert not any(key[:1] == ENCODED for key, _ in changed_rows(Learner(CONFIG, 1), SyncPoint(1, 0)))
    first = [key for key, _ in changed_rows(served, SyncPoint(1, 0)) if key[:1] == ENCODED]
    assert len(first) == np.count_nonzero(served.model.item)

    feed(served, EVENTS[SHADOWED : SHADOWED + 3], first=SHADOWED)

    later = [key for key, _ in changed_rows(served, SyncPoint(2, 0)) if key[:1] == ENCODED]
    assert 0 < len(later) < len(first)
    assert [key for key, _ in changed_rows(served, SyncPoint(3, 0))] == [HEADER]


def test_a_worker_that_came_late_has_the_newest_encoder(served):
    """What compaction leaves of the first one's rows is overwritten."""
    topic = dict(changed_rows(served, SyncPoint(1, 0)))
    promote(served, 2, any_encoder(ITEMS, SIZE, 2))
    for key, value in changed_rows(served, SyncPoint(2, 0)):
        topic.pop(key, None)
        topic[key] = value
    view = ModelView(CONFIG)

    assert view.apply(list(topic.items()))

    rows = np.flatnonzero(served.model.item)
    ours, theirs = view.model.encoder.gru, served.model.encoder.gru
    assert (ours.embeddings[rows] == theirs.embeddings[rows]).all()
    assert (ours.bias[rows] == theirs.bias[rows]).all()
    assert (ours.cell == theirs.cell).all()


def test_a_users_state_travels_with_the_encoder_that_made_it(served):
    """To the bit; one of another size is as good as none."""
    windows = served.users[0].windows
    row = windows.find(hashes(["user 1"]))
    same, other = Windows(CONFIG, 1), Windows(Config(refresh=RefreshConfig(encoder=EncoderConfig(size=8))), 1)

    for one in (same, other):
        one.load({b"user 1": windows.pack(row)[0]})

    assert (same.arrays.encoder[0], other.arrays.encoder[0]) == (1, 0)
    assert (same.arrays.encoded[0] == windows.arrays.encoded[row[0]]).all()
    assert other.arrays.length[0] == windows.arrays.length[row[0]]


def test_items_that_are_forgotten_leave_the_encoder_too():
    """Whoever gets the row starts like any newcomer, in the serving one as in the one in shadow."""
    config = CONFIG.model_copy(update={"items": ItemsConfig(max=40)})
    learner = promote(learner_of(config, EVENTS[:300]), 1, TRAINED)
    begin(learner, next_items(ITEMS), 2, any_encoder(ITEMS, SIZE, 2))
    before = set(learner.model.item.tolist())

    feed(learner, EVENTS[300:], first=300)

    assert set(learner.model.item.tolist()) - before
    free = np.flatnonzero(learner.model.item[: model.capacity(learner.model)] == 0)
    for head in (learner.model.encoder.gru, learner.shadow.encoder.gru):
        assert not head.embeddings[free].any()
