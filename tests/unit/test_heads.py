"""The contract of every head: reading leaves no trace, strangers are no trouble, the obvious is found."""

from types import SimpleNamespace

import numpy as np
import pytest

from streamproc.config import Config
from streamproc.contracts.control import Promote
from streamproc.engine import generations, ids, state
from streamproc.engine.model import SERVING
from streamproc.engine.pool import AGE, POPULAR
from streamproc.engine.ranker import Ranker
from streamproc.engine.windows import Windows
from streamproc_models import evaluation
from tests.event_columns import Event, hashes
from tests.learning import begin, encoder_of, learner_of

CONFIG = Config()
SIDE = 20  # users and items of the checkerboard
USERS = [f"user {number}" for number in range(SIDE)]
EVERY_HEAD = [evaluation.FUSION, *evaluation.ANSWERS]
NO_OPINION = {evaluation.POPULARITY: "it says the same to everybody"}
WITH_OPINION = [head for head in EVERY_HEAD if head not in NO_OPINION]


def checkerboard(rounds=150):
    """Users take items of their own colour only, in an order of their own."""
    random = np.random.default_rng(7)
    events = []
    for _ in range(rounds):
        for user in random.permutation(SIDE):
            item = 2 * random.integers(SIDE // 2) + user % 2
            events.append(Event(f"user {user}", f"item {item}"))
    return events


@pytest.fixture(scope="module")
def learned():
    """A learner of the checkerboard, with a generation and an encoder that know the colours."""
    learner = learner_of(CONFIG, checkerboard())
    names = [f"item {number}" for number in range(SIDE)]
    colours = {name: [1.0, -1.0] if k % 2 else [-1.0, 1.0] for k, name in enumerate(names)}
    mates = {name: {other: 1.0 for other in names[k % 2 :: 2]} for k, name in enumerate(names)}
    begin(learner, mates, encoder=encoder_of(colours, CONFIG.refresh.encoder.size))
    generations.follow(learner, Promote(1, 1.0, 0.0))
    return learner


@pytest.fixture(params=EVERY_HEAD, ids=lambda head: evaluation.MODELS[head])
def head(request, learned):
    """Each in turn answers alone."""
    before = learned.model.counters[SERVING]
    learned.model.counters[SERVING] = request.param
    yield request.param
    learned.model.counters[SERVING] = before


def rank(learner, windows, rows):
    return Ranker(CONFIG).rank(SimpleNamespace(model=learner.model, scratch=learner.scratch), windows, rows)


def learned_arrays(learner):
    """All but the rows of the pool that hold what the newest ranking said: of popularity they do not."""
    found = {name: array.copy() for name, array in state.arrays(learner).items()}
    found["model.pool.features"] = found["model.pool.features"][POPULAR:AGE]
    return state.digest_of(found)


def test_ranking_changes_nothing(learned, head):
    """Users and strangers, as often as one likes."""
    before = learned_arrays(learned)
    windows = learned.users[0].windows

    for _ in range(3):
        rank(learned, windows, np.array([*range(SIDE), -1], np.int32))

    assert learned_arrays(learned) == before


def test_a_stranger_gets_finite_scores_and_no_reasons(learned, head):
    """Somebody without a row, and somebody whose items nobody knows any more."""
    windows = Windows(CONFIG, 1)

    found = rank(learned, windows, np.array([-1, -1], np.int32))

    assert found.counts.tolist() == [20, 20]
    assert np.isfinite(found.scores).all()
    assert (found.because == -1).all()
    assert found.rows[0].tolist() == found.rows[1].tolist()


def test_the_head_that_answers_is_named_as_the_source(learned, head):
    """The fusion and its twin name whichever gave most."""
    found = rank(learned, learned.users[0].windows, np.arange(SIDE, dtype=np.int32))

    if head in evaluation.HEADS:
        assert set(found.sources.ravel()) == {head}
    else:
        assert set(found.sources.ravel()) <= set(evaluation.HEADS)


@pytest.mark.parametrize("head", WITH_OPINION, ids=lambda head: evaluation.MODELS[head], indirect=True)
def test_the_right_answer_on_a_checkerboard_is_obvious(learned, head):
    """The best five of everybody are of their own colour."""
    windows = learned.users[0].windows

    found = rank(learned, windows, windows.find(hashes(USERS)))

    for number in range(SIDE):
        items = ids.text(learned.item_ids, found.rows[number, :5])
        assert {int(item.split()[1]) % 2 for item in items} == {number % 2}, items


@pytest.mark.parametrize("head", NO_OPINION, ids=lambda head: evaluation.MODELS[head], indirect=True)
def test_what_has_no_opinion_says_the_same_to_everybody(learned, head):
    """The reason why it is not asked about colours."""
    found = rank(learned, learned.users[0].windows, np.arange(SIDE, dtype=np.int32))

    assert len({tuple(sorted(row)) for row in found.rows.tolist()}) == 1


def test_every_head_is_on_the_board_or_excused():
    """A new one has to be named, too."""
    assert {*WITH_OPINION, *NO_OPINION} == {evaluation.FUSION, *evaluation.HEADS, evaluation.TWIN}
