"""From features to scores to places, against a plain-Python ranking of the same model."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamproc.config import Config, CovisitationConfig, LongTermConfig, MarkovConfig
from streamproc.engine import pool, ranking, scoring, scratch
from streamproc.engine.candidates import LONG_TERM_CANDIDATES
from streamproc.engine.learner import Learner
from streamproc.engine.looking import look
from streamproc.engine.pool import OUTSIDE, RECURRENT, TASTE
from streamproc.engine.ranker import Ranker
from streamproc.engine.scratch import LINKED
from streamproc.engine.window_arrays import SHORT_TERM
from streamproc_models import evaluation, fusion
from streamproc_models.evaluation import MISS
from streamproc_models.heads import gru
from tests.event_columns import at_random, columns, hashes

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
    s, slate = learned.scratch, ranking.empty(20)

    count = ranking.choose(learned.model, s, slate)

    order = sorted(seen, key=lambda row: -seen[row])[:20]
    assert slate.items[:count].tolist() == order
    assert slate.scores[:count].tolist() == [seen[row] for row in order]
    scoring.clear(s)


@pytest.fixture(scope="module")
def learned():
    """A learner after 2,600 events of 40 users."""
    learner = Learner(CONFIG, 1)
    learner.learn(0, columns(at_random(2600)))
    return learner


def row_of(learner, name):
    return int(learner.users[0].windows.find(hashes([name]))[0])


def ranked(learner, name):
    """Ranks one user; the user's row, and the score of every candidate in the order of their numbers."""
    m, s, row = learner.model, learner.scratch, row_of(learner, name)
    look(m, learner.users[0].windows.arrays, s, row, True)
    scoring.score(
        m, s, learner.settings.votes, learner.settings.lasting_window, learner.settings.lasting_decay
    )
    n = s.counts[LINKED]
    seen = dict(zip(s.item[:n].tolist(), s.scores[:n].tolist(), strict=True))
    places = np.flatnonzero(s.pool_scores[: pool.SIZE] > ranking.IMPOSSIBLE_BELOW)
    seen |= {int(m.pool.item[q]): float(s.pool_scores[q]) for q in places}
    return row, {item: score for item, score in seen.items() if score > ranking.IMPOSSIBLE_BELOW}


class Oracle:
    """The features of one user's candidates, by their definitions."""

    def __init__(self, learner, row):
        self.m, self.settings = learner.model, learner.settings
        self.liked, self.disliked = self.window(learner.users[0].windows.arrays, row)
        self.hidden = self.recurrent(learner.users[0].windows.arrays, row)
        self.taste = self.blended()
        self.near, self.after = self.shares(), self.followers()

    def window(self, w, row):
        known = {int(item): at for at, item in enumerate(self.m.item) if item}
        liked, disliked = [], []
        page, place = w.page[row], int(w.place[row])
        for back in range(w.length[row]):
            item = known[int(w.items[page, place])]
            if not w.flags[page, place] & 64:
                liked.append(item)
            elif back < SHORT_TERM:
                disliked.append(item)
            page, place = (page, place - 1) if place > 0 else (w.older[page], w.items.shape[1] - 1)
        return liked[:SHORT_TERM], disliked

    def recurrent(self, w, row):
        before, after = (
            w.hidden[row].astype(np.float32) / np.float32(32767),
            np.zeros(w.hidden.shape[1], np.float32),
        )
        gru.advance(self.m.gru, self.liked[0], before, after, np.zeros(7 * after.size, np.float32))
        return after

    def blended(self):
        newest = self.liked[: scoring.BLEND_WINDOW]
        weights = scoring.BLEND_DECAY ** np.arange(len(newest))
        return weights @ self.m.factors.items[newest] / weights.sum()

    def row(self, head, item):
        n = head.fill[item]
        return zip(head.neighbours[item, :n].tolist(), head.weights[item, :n].tolist(), strict=True)

    def shares(self):
        """Co-visitation: sum_d 1/(1+d) C[a_d, j] / C[a_d, .], over the sum of the 1/(1+d) used."""
        head, found, used = self.m.covisitation, {}, 1e-9
        for back, item in enumerate(self.liked[: self.settings.votes]):
            if head.fill[item]:
                used += 1 / (1 + back)
                for other, weight in self.row(head, item):
                    found[other] = found.get(other, 0.0) + weight / head.totals[item] / (1 + back)
        return {item: share / used for item, share in found.items()}

    def followers(self):
        head, last = self.m.markov, self.liked[0]
        return {other: weight / head.totals[last] for other, weight in self.row(head, last)}

    def candidates(self):
        pooled = {int(item) for item in self.m.pool.item if item >= 0}
        return (set(self.liked) | set(self.near) | set(self.after) | pooled) - set(self.disliked)

    def linked(self, item):
        return item in self.liked or item in self.near or item in self.after

    def features(self, item):
        """(16,) what one candidate has."""
        m, x, q = self.m, np.zeros(fusion.FEATURES), self.m.pool.place[item]
        for share, log, root in (
            (self.near.get(item, 0.0), fusion.COVISITATION, fusion.COVISITATION_ROOT),
            (self.after.get(item, 0.0), fusion.MARKOV, fusion.MARKOV_ROOT),
        ):
            x[log], x[root] = np.log(1 + 1e5 * share), 4 * share**0.5
        dense = m.features[item] if self.linked(item) else m.pool.features[:4, q]
        factors = m.factors.items[item] if self.linked(item) else m.pool.factors[:, q]
        x[fusion.POPULARITY_SHORT : fusion.AGE + 1] = dense
        x[fusion.FACTORS] = factors @ self.taste
        x[fusion.GRU] = (m.gru.embeddings[item] @ self.hidden + m.gru.bias[item]) / 2
        if item in self.liked:
            x[fusion.RECENCY] = 1 / (1 + self.liked.index(item))
            x[fusion.REPEATS] = np.log(1 + self.liked.count(item))
            x[fusion.IN_WINDOW], x[fusion.IS_LAST] = 1, item == self.liked[0]
        return x

    def weights(self):
        head = self.m.fusion.weights
        return head[fusion.EVERYBODY].astype(float) + head[fusion.bucket(len(self.liked))]

    def scores(self):
        return {item: float(self.features(item) @ self.weights()) for item in self.candidates()}


@pytest.mark.parametrize("name", USERS)
def test_scores_are_the_weighted_features_of_all_candidates(learned, name):
    """The candidates are the window, its neighbours and the pool; each counts once."""
    row, seen = ranked(learned, name)
    scoring.clear(learned.scratch)

    wanted = Oracle(learned, row).scores()

    assert seen.keys() == wanted.keys()
    np.testing.assert_allclose([seen[item] for item in wanted], list(wanted.values()), atol=2e-3, rtol=1e-4)


def place(values, target):
    """The mean place of the target among {item: value}."""
    better = sum(value > values[target] for value in values.values())
    level = sum(value == values[target] for value in values.values())
    return better + (level - 1) // 2


def head_values(learner, row, head):
    """What a head alone says of the candidates it knows, from the working memory of the ranking before."""
    s, m, n = learner.scratch, learner.model, learner.scratch.counts[LINKED]
    feature, dense = {
        evaluation.POPULARITY: (fusion.POPULARITY_MEDIUM, 1),
        evaluation.FACTORS: (fusion.FACTORS, TASTE),
        evaluation.GRU: (fusion.GRU, RECURRENT),
    }.get(head, (None, None))
    if feature is not None:
        values = dict(zip(s.item[:n].tolist(), s.features[feature, :n].tolist(), strict=True))
        return values | {
            int(item): float(m.pool.features[dense, q])
            for q, item in enumerate(m.pool.item)
            if item >= 0 and int(item) not in values and s.pool_scores[q] > ranking.IMPOSSIBLE_BELOW
        }
    oracle = Oracle(learner, row)
    return {
        evaluation.HISTORY: {item: 1 / (1 + oracle.liked.index(item)) for item in oracle.liked},
        evaluation.MARKOV: oracle.after,
        evaluation.COVISITATION: oracle.near,
        evaluation.LONG_TERM: {},
    }[head]


@pytest.mark.parametrize("name", USERS[::3])
@pytest.mark.parametrize("head", evaluation.HEADS, ids=evaluation.MODELS[1:8])
def test_the_place_of_every_item_by_every_head_is_that_of_a_sorted_list(learned, name, head):
    """An item that the head does not know is a miss; of nearly equal values either order will do."""
    row, _ = ranked(learned, name)
    values = head_values(learned, row, head)
    for item in range(learned.items):
        found = ranking.head_place(learned.model.pool, learned.scratch, head, item)
        if item not in values:
            assert found == MISS
        else:
            near = {other: round(value, 5) for other, value in values.items()}
            level = sum(value == near[item] for value in near.values())
            assert abs(found - place(near, item)) <= level / 2
    scoring.clear(learned.scratch)


@pytest.mark.parametrize("name", USERS)
def test_the_place_of_every_item_by_the_fusion_is_that_of_a_sorted_list(learned, name):
    """What is no candidate, or may not be shown, is a miss."""
    _, seen = ranked(learned, name)

    places = {
        item: ranking.fusion_place(learned.model.pool.place, learned.scratch, item)
        for item in range(learned.items)
    }

    scoring.clear(learned.scratch)
    assert places == {item: place(seen, item) if item in seen else MISS for item in range(learned.items)}


def test_ranking_again_gives_the_same(learned):
    """The working memory of one ranking never shows in the next."""
    first = {name: ranked(learned, name) for name in USERS if scoring.clear(learned.scratch) is None}
    second = {}
    for name in reversed(USERS):
        scoring.clear(learned.scratch)
        second[name] = ranked(learned, name)

    scoring.clear(learned.scratch)
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
    """Kernels write into it unchecked: the window, its followers, neighbours and long-term neighbours."""
    window, followers, slots, votes, padding = 64, 256, 256, 12, 3

    most = window + followers + slots * votes + window * LONG_TERM_CANDIDATES + padding

    assert most <= scratch.WIDTH < scratch.STAMP_STEP
    for head, field, limit in (
        (MarkovConfig, "slots", followers),
        (CovisitationConfig, "slots", slots),
        (CovisitationConfig, "score_window", votes),
        (LongTermConfig, "window", window),
    ):
        with pytest.raises(ValueError, match=f"less than or equal to {limit}"):
            head(**{field: limit + 1})
