"""From features to scores to places, against a plain-Python ranking of the same model."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamproc.config import Config, WindowConfig
from streamproc.contracts.control import Promote
from streamproc.engine import candidates, choosing, generations, pool, ranking, scoring, scratch
from streamproc.engine.candidates import LONG_TERM_CANDIDATES
from streamproc.engine.looking import look
from streamproc.engine.pool import OUTSIDE
from streamproc.engine.ranker import Ranker
from streamproc.engine.scratch import LINKED
from streamproc.heads_config import (
    CovisitationConfig,
    FusionConfig,
    LongTermConfig,
    MarkovConfig,
    SessionConfig,
)
from streamproc_models import evaluation, fusion
from streamproc_models.evaluation import MISS
from streamproc_models.heads import second_order, session
from tests.event_columns import at_random, hashes
from tests.learning import any_encoder, begin, feed, learner_of, next_items
from tests.oracle import Oracle

CONFIG = Config()
USERS = [f"user {number}" for number in range(0, 40, 3)]

scores = st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0]), min_size=1, max_size=30)


def floats(values, size=None):
    array = np.full(size or len(values), pool.IMPOSSIBLE, np.float32)
    array[: len(values)] = values
    return array


@given(scores, scores, st.data())
def test_of_equal_candidates_half_are_better(linked, pooled, data):
    """The mean place among the equal ones, rounded down."""
    values = [*linked, *pooled]
    value = data.draw(st.sampled_from(values))

    place = ranking.place_among(floats(linked), len(linked), floats(pooled, pool.SIZE), True, value)

    better, level = sum(v > value for v in values), sum(v == value for v in values)
    assert place == better + (level - 1) // 2


@pytest.mark.parametrize("name", USERS)
def test_a_slate_holds_the_best_candidates_best_first(learned, name):
    """Equal ones in the order of the candidates."""
    _, seen = ranked(learned, name)
    s, slate = learned.scratch, choosing.empty(20)

    count = choosing.choose(learned.model, s, slate)

    order = sorted(seen, key=lambda row: -seen[row])[:20]
    assert slate.items[:count].tolist() == order
    assert slate.scores[:count].tolist() == [seen[row] for row in order]
    candidates.clear(s)


@pytest.fixture(
    scope="module",
    params=["nothing", "few candidates", "a generation", "few candidates, too", "an encoder, too"],
)
def learned(request):
    """A learner after 2,600 events of 40 users in 18 days, and what a refresh has brought.

    An encoder comes last of all, so that its users' states are those of the windows.
    """
    events = [event._replace(second=600.0 * n) for n, event in enumerate(at_random(2600))]
    few = Config(fusion=FusionConfig(candidates=4))
    learner = learner_of(few if request.param.startswith("few") else CONFIG, events[:2000])
    if request.param not in ("nothing", "few candidates"):
        promote(learner, 1)
    feed(learner, events[2000:], first=2000)
    if request.param == "an encoder, too":
        promote(learner, 2, any_encoder(60, CONFIG.refresh.encoder.size))
        learner.model.fusion.weights[:, fusion.ENCODER : fusion.ENCODER_ROOT + 1] = 0.5  # it counts
    return learner


def promote(learner, number, encoder=None):
    begin(learner, next_items(60), number, encoder)
    generations.follow(learner, Promote(number, 1.0, 0.0))


def row_of(learner, name):
    return int(learner.users[0].windows.find(hashes([name]))[0])


def ranked(learner, name):
    """Ranks one user; the user's row, and the score of every candidate in the order of their numbers."""
    m, s, row, users = learner.model, learner.scratch, row_of(learner, name), learner.users[0].windows
    look(m, users.arrays, s, row, True)
    scoring.score(m, s, learner.settings.reading, users.seen, users.arrays.user[row], False)
    n = s.counts[LINKED]
    seen = dict(zip(s.item[:n].tolist(), s.scores[:n].tolist(), strict=True))
    places = np.flatnonzero(s.pool_scores[: pool.SIZE] > choosing.IMPOSSIBLE_BELOW)
    seen |= {int(m.pool.item[q]): float(s.pool_scores[q]) for q in places}
    return row, {item: score for item, score in seen.items() if score > choosing.IMPOSSIBLE_BELOW}


def features_of(learner, item):
    """{feature: value} that the ranking before gave to one candidate."""
    m, s = learner.model, learner.scratch
    number, q = scoring.number_of(m.pool.place, s, item)
    if number < 0:
        pooled = range(fusion.POOL_FIRST, fusion.POOL_LAST + 1)
        return {fusion.NAMES[f]: m.pool.features[f - fusion.POOL_FIRST, q] for f in pooled}
    extents = {f: scoring.extent(s, f) for f in range(fusion.FEATURES)}
    return {fusion.NAMES[f]: s.features[f, number] for f, extent in extents.items() if number < extent}


@pytest.fixture(scope="module")
def described(learned):
    """Of users with long and with short histories: found and wanted {item: {feature: value}} of each."""
    both = []
    for name in USERS:
        row, seen = ranked(learned, name)
        wanted = Oracle(learned, row).table()
        assert seen.keys() == wanted.keys()
        both.append(({item: features_of(learned, item) for item in wanted}, wanted))
        candidates.clear(learned.scratch)
    return both


@pytest.mark.parametrize("feature", fusion.NAMES)
def test_every_feature_of_every_candidate_is_the_one_of_its_definition(learned, described, feature):
    """What a candidate does not have is 0; without a generation nobody reads what it would say."""
    there = {"long_term": learned.model.lasting[0], "encoder": learned.model.encoder.since[0]}
    if any(feature.startswith(head) and not since for head, since in there.items()):
        return
    for found, wanted in described:
        ours, theirs = ([x.get(feature, 0.0) for x in table.values()] for table in (found, wanted))
        np.testing.assert_allclose(ours, theirs, atol=2e-3, rtol=1e-3)


@pytest.mark.parametrize("name", USERS)
def test_scores_are_the_weighted_features_of_all_candidates(learned, name):
    """The candidates are the window, its neighbours and the pool; each counts once."""
    row, seen = ranked(learned, name)
    candidates.clear(learned.scratch)

    wanted = Oracle(learned, row).scores()

    assert seen.keys() == wanted.keys()
    np.testing.assert_allclose([seen[item] for item in wanted], list(wanted.values()), atol=5e-3, rtol=1e-3)


def place(values, target):
    """The mean place of the target among {item: value}."""
    better = sum(value > values[target] for value in values.values())
    level = sum(value == values[target] for value in values.values())
    return better + (level - 1) // 2


DENSE = {
    evaluation.POPULARITY: (fusion.POPULARITY_MEDIUM, pool.POPULAR + 1),
    evaluation.FACTORS: (fusion.FACTORS, pool.TASTE),
    evaluation.GRU: (fusion.GRU, pool.RECURRENT),
    evaluation.ENCODER: (fusion.ENCODER, pool.ENCODED),
}


def head_values(learner, row, head):
    """What a head alone says of the candidates it knows, from the working memory of the ranking before."""
    s, m, n = learner.scratch, learner.model, learner.scratch.counts[LINKED]
    shown = {
        int(item): q
        for q, item in enumerate(m.pool.item)
        if item >= 0 and s.pool_scores[q] > choosing.IMPOSSIBLE_BELOW
    }
    if head == evaluation.ENCODER and not m.encoder.since[0]:
        return {}
    if head in DENSE:
        feature, dense = DENSE[head]
        values = dict(zip(s.item[:n].tolist(), s.features[feature, :n].tolist(), strict=True))
        return {item: float(m.pool.features[dense, q]) for item, q in shown.items()} | values
    oracle = Oracle(learner, row)
    found = {
        evaluation.HISTORY: {item: 1 / (1 + oracle.liked.index(item)) for item in oracle.liked},
        evaluation.MARKOV: oracle.after,
        evaluation.COVISITATION: oracle.near,
        evaluation.SECOND_ORDER: oracle.beyond,
        evaluation.SESSION: oracle.mates,
        evaluation.LONG_TERM: oracle.lasting,
    }[head]
    known = oracle.linked | shown.keys() if head == evaluation.LONG_TERM else oracle.linked
    return {item: value for item, value in found.items() if item in known}


def barred_values(learner, row, head):
    """The same of pooled items that may not be shown to this user: nobody competes with them."""
    s, m = learner.scratch, learner.model
    hidden = np.flatnonzero((m.pool.item >= 0) & (s.pool_scores[: pool.SIZE] <= choosing.IMPOSSIBLE_BELOW))
    if head == evaluation.LONG_TERM:
        lasting = Oracle(learner, row).lasting
        return {int(item): lasting[item] for item in m.pool.item[hidden] if item in lasting}
    if head not in DENSE or (head == evaluation.ENCODER and not m.encoder.since[0]):
        return {}
    return {int(m.pool.item[q]): float(m.pool.features[DENSE[head][1], q]) for q in hidden}


@pytest.mark.parametrize("name", USERS[::3])
@pytest.mark.parametrize("head", evaluation.HEADS, ids=lambda head: evaluation.MODELS[head])
def test_the_place_of_every_item_by_every_head_is_that_of_a_sorted_list(learned, name, head):
    """An item that the head does not know is a miss; of nearly equal values either order will do."""
    row, _ = ranked(learned, name)
    shown = head_values(learned, row, head)
    barred = barred_values(learned, row, head)
    for item in range(learned.items):
        found = ranking.head_place(learned.model, learned.scratch, head, item)
        if item not in shown and item not in barred:
            assert found == MISS
        else:
            values = shown if item in shown else shown | {item: barred[item]}
            near = {other: round(value, 5) for other, value in values.items()}
            level = sum(value == near[item] for value in near.values())
            assert abs(found - place(near, item)) <= level / 2
    candidates.clear(learned.scratch)


@pytest.mark.parametrize("name", USERS)
def test_the_place_of_every_item_by_the_fusion_is_that_of_a_sorted_list(learned, name):
    """What is no candidate, or may not be shown, is a miss."""
    _, seen = ranked(learned, name)

    places = {
        item: ranking.fusion_place(learned.model.pool.place, learned.scratch, item)
        for item in range(learned.items)
    }

    candidates.clear(learned.scratch)
    assert places == {item: place(seen, item) if item in seen else MISS for item in range(learned.items)}


def test_ranking_again_gives_the_same(learned):
    """The working memory of one ranking never shows in the next."""
    first = {name: ranked(learned, name) for name in USERS if candidates.clear(learned.scratch) is None}
    second = {}
    for name in reversed(USERS):
        candidates.clear(learned.scratch)
        second[name] = ranked(learned, name)

    candidates.clear(learned.scratch)
    assert first == second


def slates(learner, names):
    view = SimpleNamespace(model=learner.model, scratch=learner.scratch)
    rows = learner.users[0].windows.find(hashes(names))
    return Ranker(CONFIG).rank(view, learner.users[0].windows, rows)


def test_a_stranger_gets_the_popular_and_the_newest(learned):
    """Nothing speaks for an item but the pool; no reason is named."""
    found = slates(learned, ["nobody we know"])

    assert found.counts[0] == 20
    assert (learned.model.pool.place[found.rows[0]] != OUTSIDE).all()
    assert (found.because[0] == -1).all()
    assert np.isfinite(found.scores).all()


def test_each_item_is_on_a_slate_once_and_its_reasons_are_in_the_window(learned):
    """Whatever the head that speaks for it."""
    found = slates(learned, USERS)
    for k, name in enumerate(USERS):
        oracle = Oracle(learned, row_of(learned, name))
        shown = found.rows[k, : found.counts[k]].tolist()
        named = set(found.because[k].ravel().tolist()) - {-1}

        assert len(set(shown)) == len(shown)
        assert not set(shown) & set(oracle.disliked)
        assert named <= set(oracle.liked)
        assert found.gates[k].sum() == pytest.approx(1, abs=1e-5)
        assert set(found.sources[k]) <= set(evaluation.HEADS)


@settings(max_examples=30)
@given(st.permutations(USERS))
def test_a_slate_does_not_depend_on_whose_turn_it_was_before(learned, names):
    """Many users in one call, in any order."""
    whole, single = slates(learned, names), slates(learned, [names[-1]])

    assert whole.rows[-1].tolist() == single.rows[0].tolist()
    assert whole.scores[-1].tolist() == single.scores[0].tolist()


def test_the_working_memory_holds_all_candidates_that_a_configuration_allows():
    """Kernels write into it unchecked.

    The window, its followers, neighbours, the session's mates, what two steps reach from neighbours with a
    share of 2 % (50 of them at most), long-term neighbours, and padding.
    """
    window, followers, slots, votes, lasting, padding = 256, 256, 64, 12, 64, 3

    one_step = window + followers + slots * votes + slots * session.WINDOW
    two_steps = round(1 / second_order.LEAST_SHARE) * slots
    most = one_step + two_steps + lasting * LONG_TERM_CANDIDATES + padding

    assert most <= scratch.WIDTH < scratch.STAMP_STEP
    for section, field, limit in (
        (WindowConfig, "length", window),
        (MarkovConfig, "slots", followers),
        (CovisitationConfig, "slots", slots),
        (CovisitationConfig, "score_window", votes),
        (SessionConfig, "slots", slots),
        (LongTermConfig, "window", lasting),
    ):
        with pytest.raises(ValueError, match=f"less than or equal to {limit}"):
            section(**{field: limit + 1})
