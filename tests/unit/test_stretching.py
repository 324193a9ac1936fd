"""Room for more items in a worker's model: what moves in finds a clean row, and what is there stays."""

import numpy as np
import pytest

from streamproc.config import Config, RefreshConfig
from streamproc.contracts.control import Promote
from streamproc.encoder_config import EncoderConfig
from streamproc.engine import generations, model, stretching
from streamproc.engine.learner import Learner
from streamproc.engine.view import ModelView
from streamproc_models.slots import FREE
from tests.event_columns import at_random
from tests.learning import any_encoder, begin, feed, next_items
from tests.mirror import Worker, agree, own_slates

ROWS = 1024  # that a worker's model begins with
USERS = [f"user {number}" for number in range(40)]
EVENTS = at_random(12_000, items=3000)


@pytest.fixture(scope="module")
def config():
    return Config()


def arrays(part):
    """All arrays of a nested tuple."""
    return [part] if isinstance(part, np.ndarray) else [array for field in part for array in arrays(field)]


def test_a_model_that_has_grown_twice_ranks_like_the_learner(config):
    learner, worker = Learner(config, 1), Worker(config)
    sizes = []
    for start in range(0, len(EVENTS), 500):
        feed(learner, EVENTS[start : start + 500], first=start)
        worker.sync(learner)
        sizes.append(model.capacity(worker.view.model))
    learner.mark_all_items()
    worker.sync(learner)

    assert len(set(sizes)) >= 3
    assert sizes[-1] > learner.items > 2 * ROWS
    agree(worker.slates(USERS), own_slates(config, learner, USERS))


def test_new_items_of_a_grown_model_have_no_long_term_neighbours_before_a_refresh(config):
    learner, worker = Learner(config, 1), Worker(config)
    feed(learner, EVENTS[:2000])
    begin(learner, {"item 1": {"item 2": 1.0}, "item 2": {"item 1": 1.0}})
    generations.follow(learner, Promote(1, 1.0, 0.0))
    worker.sync(learner)
    feed(learner, EVENTS[2000:], first=2000)
    worker.sync(learner)
    known, neighbours = learner.items, worker.view.model.long_term.neighbours

    assert known > ROWS
    assert (neighbours[ROWS:known] == FREE).all()


def test_an_encoder_grows_with_its_model():
    """It came when the worker had fewer rows."""
    config = Config(refresh=RefreshConfig(encoder=EncoderConfig(size=16)))
    learner, worker = Learner(config, 1), Worker(config)
    feed(learner, EVENTS[:500])
    begin(learner, next_items(60), 1, any_encoder(60, 16))
    generations.follow(learner, Promote(1, 1.0, 0.0))
    worker.sync(learner)
    before = model.capacity(worker.view.model)
    feed(learner, EVENTS[500:], first=500)
    learner.mark_all_items()
    worker.sync(learner)

    assert len(worker.view.model.encoder.gru.embeddings) == model.capacity(worker.view.model) > before
    agree(worker.slates(USERS), own_slates(config, learner, USERS))


def test_spare_rows_are_left_alone_until_they_are_cleared(config):
    """What nobody has written to takes no memory, and reads as zeros."""
    unused = model.empty(config, 1)
    grown = stretching.stretch(model.empty(config, ROWS), unused, 3 * ROWS)
    stretching.clear(grown, unused, ROWS, 2 * ROWS)

    assert model.capacity(grown) == 3 * ROWS
    per_item = [
        (array, other)
        for array, other in zip(arrays(grown), arrays(unused), strict=True)
        if len(array) == 3 * ROWS
    ]
    assert len(per_item) > 20
    for array, other in per_item:
        np.testing.assert_array_equal(array[ROWS : 2 * ROWS], np.repeat(other, ROWS, 0))
        assert not array[2 * ROWS :].any()


def test_what_is_there_is_found_again(config):
    before = model.empty(config, ROWS)
    before.item[:] = np.arange(1, ROWS + 1, dtype=np.uint64)
    before.markov.weights[:] = np.random.default_rng(1).random(before.markov.weights.shape)
    model.rehash(before)

    grown = stretching.stretch(before, model.empty(config, 1), 2 * ROWS)

    np.testing.assert_array_equal(grown.markov.weights[:ROWS], before.markov.weights)
    assert set(grown.rows[grown.keys != 0].tolist()) == set(range(ROWS))


def test_an_empty_view_is_as_small_as_it_was(config):
    assert model.capacity(ModelView(config).model) == ROWS
