"""The loop over all heads: a function of the events alone, that never looks ahead."""

import numpy as np
import pytest

from streamproc.config import Config, ItemsConfig, RulesConfig, UsersConfig
from streamproc.engine import forgetting, state
from streamproc.engine.learner import Learner
from streamproc.engine.learning import learn
from streamproc.errors import BadSnapshot
from streamproc.heads_config import FactorsConfig, FusionConfig, HeadsConfig, MarkovConfig
from streamproc_models import evaluation, fusion
from streamproc_models.evaluation import FUSION, HISTORY
from streamproc_models.heads import bias
from tests.event_columns import Event, at_random
from tests.learning import begin, feed, learner_of, next_items, restored

EVENTS = at_random(1300)
CONFIG = Config()
CONFIGS = {
    "plain": CONFIG,
    "positive only": Config(heads=HeadsConfig(factors=FactorsConfig(method="isgd"))),
    "nothing twice": Config(rules=RulesConfig(exclude_seen=True)),
    "few items": Config(items=ItemsConfig(max=40)),
    "few users": Config(users=UsersConfig(max=12)),
    "few of all, nothing twice": Config(
        items=ItemsConfig(max=40), users=UsersConfig(max=12), rules=RulesConfig(exclude_seen=True)
    ),
}


@pytest.fixture(scope="module", params=CONFIGS)
def config(request):
    return CONFIGS[request.param]


@pytest.fixture(scope="module")
def digest(config):
    """Of a learner that got the events in one piece."""
    return state.digest(learner_of(config, EVENTS, partitions=2))


@pytest.mark.parametrize("size", [1, 100])
def test_what_is_learned_does_not_depend_on_how_the_events_were_cut(config, digest, size):
    """Two partitions, in batches of one event or of many, also where items and users have to be forgotten."""
    assert state.digest(learner_of(config, EVENTS, size, partitions=2)) == digest


@pytest.mark.parametrize("stop", [500, 777])
def test_a_copy_goes_on_as_the_original(config, digest, stop):
    """Restored in the middle, then fed the rest."""
    first = learner_of(config, EVENTS[:stop], partitions=2)

    second = feed(restored(config, first), EVENTS[stop:], first=stop)

    assert state.digest(second) == digest


def test_a_copy_has_the_same_digest(config):
    """Nothing that counts is left out, nothing is rounded."""
    learner = learner_of(config, EVENTS[:700], partitions=2)

    assert state.digest(restored(config, learner)) == state.digest(learner)


def test_a_copy_made_in_shadow_goes_on_as_the_original():
    """The generation beside the serving one, its fusion and its score so far."""
    whole, first = (learner_of(CONFIG, EVENTS[:600]) for _ in range(2))
    for learner in (whole, first):
        begin(learner, next_items(60))
    feed(first, EVENTS[600:900], first=600)

    second = feed(restored(CONFIG, first), EVENTS[900:], first=900)

    feed(whole, EVENTS[600:], first=600)
    assert second.memory.shadow.tolist() == whole.memory.shadow.tolist()
    assert state.digest(second) == state.digest(whole)


def test_a_different_event_gives_a_different_digest():
    """One item of 1,300."""
    changed = [*EVENTS[:400], EVENTS[400]._replace(item="item 99"), *EVENTS[401:]]

    assert state.digest(learner_of(CONFIG, changed)) != state.digest(learner_of(CONFIG, EVENTS))


def test_a_state_of_another_shape_is_refused():
    """The message says what does not fit, and what can be done."""
    learner = learner_of(CONFIG, EVENTS[:100])
    copies = {name: array.copy() for name, array in state.arrays(learner).items()}
    copies["model.markov.weights"] = copies["model.markov.weights"][:, :8]

    with pytest.raises(BadSnapshot, match=r"weights is float32\[\d+, 8\], wanted"):
        state.restore(Learner(CONFIG, 1), copies)

    del copies["model.markov.weights"]
    with pytest.raises(BadSnapshot, match=r"markov\.weights"):
        state.restore(Learner(CONFIG, 1), copies)


def record(learner):
    """The whole prequential record, as bytes."""
    return [array.tobytes() for array in learner.memory.record]


def test_the_future_does_not_change_how_the_past_was_predicted():
    """In the same micro-batch come 100 strangers; what they take changes nothing for those before them."""
    past = EVENTS[:900]
    futures = [[Event(f"stranger {n}", f"{what} {n % 5}") for n in range(100)] for what in ("item", "new")]

    first, second = (learner_of(CONFIG, [*past, *future]) for future in futures)

    assert record(first) == record(second) == record(learner_of(CONFIG, past))
    assert first.memory.record.evaluated[0] > 500


def test_a_target_is_predicted_before_it_is_learned():
    """The first time that anybody takes an item, nobody can have it on a list."""
    stream = [Event("user 1", f"item {n}") for n in range(30)]

    learner = learner_of(CONFIG, stream)

    sums = learner.memory.record.sums
    assert sums[FUSION, evaluation.TRIALS] == 29
    assert sums[:, evaluation.AT_20].tolist() == [0] * len(evaluation.MODELS)


def test_only_users_with_an_earlier_event_are_predicted():
    """Three of five events here."""
    stream = [Event(user, "item 1") for user in ("user 1", "user 2", "user 1", "user 1", "user 2")]

    assert learner_of(CONFIG, stream).memory.record.evaluated[0] == 3


def test_dislikes_are_never_targets():
    """They count as events and teach, but nobody is asked to predict them."""
    stream = [event for event in EVENTS if event.strength > 0]
    known, expected = set(), 0
    for event in EVENTS:
        expected += event.user in known and event.strength > 0
        known.add(event.user)

    learner = learner_of(CONFIG, EVENTS)

    assert learner.memory.record.evaluated[0] == expected < len(stream)
    assert learner.events == len(EVENTS)


def test_a_dislike_is_remembered_as_one_and_counts_for_nobody():
    """No popularity, no neighbours."""
    learner = learner_of(CONFIG, [Event("user 1", "tea"), Event("user 1", "cup", strength=0.0)])

    assert learner.model.popularity.last[:2].tolist() == [0, -1]
    assert learner.model.covisitation.fill[:2].tolist() == [0, 0]
    assert learner.users[0].windows.arrays.flags[0, 1] & 64


def test_with_nothing_twice_only_first_time_pairs_count():
    """By known users, liked ones only; counted here with a set."""
    known, had, expected = set(), set(), 0
    for event in EVENTS:
        pair = event.user, event.item
        expected += event.user in known and event.strength > 0 and pair not in had
        known.add(event.user)
        had.add(pair)

    learner = learner_of(CONFIGS["nothing twice"], EVENTS)

    assert learner.memory.record.evaluated[0] == expected
    assert learner.memory.record.sums[HISTORY, evaluation.AT_20] == 0  # what the window holds is never new


def test_the_catalogue_stays_in_its_bounds_and_the_coldest_go():
    """Of 60 items at most 40 have a row; the newest are among them."""
    learner = learner_of(CONFIGS["few items"], EVENTS)
    rows = learner.model.item[: learner.items]
    live = int(np.count_nonzero(rows))

    assert learner.items <= 40
    assert 30 <= live <= 40
    oldest = min(learner.model.popularity.last[: learner.items][rows != 0])
    missing = {event.item for event in EVENTS[oldest + 1 :] if event.strength > 0}
    assert len(missing) <= live


def test_no_freed_row_is_left_in_any_head():
    """Neither as a neighbour, nor in the pool, nor in a top list."""
    learner = learner_of(CONFIGS["few items"], EVENTS)
    m, rows = learner.model, learner.items
    free = np.flatnonzero(m.item[:rows] == 0)
    assert learner.gone_items

    for array in (m.markov.neighbours, m.covisitation.neighbours, m.session.neighbours, m.pool.item):
        assert not np.isin(array, free).any()
    for head in (m.markov, m.covisitation, m.session):
        np.testing.assert_allclose(head.totals[:rows], head.weights[:rows].sum(axis=1), rtol=1e-3)


def test_a_freed_row_has_no_bias_and_learns_its_next_one_from_the_start():
    """Neither a value, nor steps that the gradients of another item have made short."""
    learner = learner_of(CONFIGS["few items"], EVENTS[:700])
    head, before = learner.model.bias, learner.model.item.copy()
    head.values[:], head.squares[:] = 2.0, 50.0

    forgetting.forget_coldest(learner)

    gone = np.flatnonzero((learner.model.item == 0) & (before != 0))
    assert gone.size >= 2
    assert not head.values[gone].any()
    assert (head.squares[gone] == bias.empty(1).squares[0]).all()


def test_a_freed_row_does_not_come_back_as_a_popular_one():
    """Two of 40 items have to go, one row is given away; both were popular lately at the next look."""
    old = [Event("user 1", f"item {n % 40}") for n in range(660)]
    late = [Event("user 1", f"item {n % 20}") for n in range(340)]

    learner = learner_of(CONFIGS["few items"], [*old, Event("user 1", "new"), *late[:339]])

    m = learner.model
    [free] = np.flatnonzero(m.item[: learner.items] == 0)
    assert learner.events == 1000
    assert free not in m.pool.item
    assert free not in m.pool.lately


def test_users_stay_in_their_bounds():
    """Twelve for two partitions: six each."""
    learner = learner_of(CONFIGS["few users"], EVENTS, partitions=2)

    assert [users.windows.count for users in learner.users] == [6, 6]
    assert all(users.windows.evicted > 0 for users in learner.users)


def test_a_head_that_is_off_neither_learns_nor_scores():
    """The others do, and the fusion never gives it a weight."""
    heads = HeadsConfig(markov=MarkovConfig(enabled=False), factors=FactorsConfig(enabled=False))
    learner = learner_of(Config(heads=heads), EVENTS)
    m = learner.model

    assert not m.markov.fill.any()
    assert m.covisitation.fill.any()
    names = np.array(fusion.NAMES)
    off = np.char.startswith(names, "markov") | np.char.startswith(names, "factors")
    for weights in (m.fusion.weights, m.fusion.twin):
        assert not weights[:, off].any()
        assert weights[:, ~off].any(axis=0).sum() > 20
    assert evaluation.figures(learner.memory.record, evaluation.MARKOV).recall_at_20 == 0


def test_the_loop_is_compiled_once_for_all_of_this():
    """Every configuration has the same types of arrays; a second compilation would cost a minute."""
    assert len(learn.signatures) <= 1


def test_the_fusion_learns_less_often_once_it_has_settled():
    """From all of the first 200 predictions, then from every third."""
    learner, moved = Learner(Config(fusion=FusionConfig(settled_after=200, settled_every=3)), 1), []
    weights, record = learner.model.fusion.weights, learner.memory.record
    for number, event in enumerate(EVENTS[:800]):
        before, predictions = weights.copy(), int(record.evaluated[0])
        feed(learner, [event], first=number)
        if (weights != before).any():
            moved.append(predictions)

    first, then = [n for n in moved if n < 200], [n for n in moved if n >= 200]
    assert len(first) > 150
    assert len(then) > 100
    assert all(number % 3 == 0 for number in then)
