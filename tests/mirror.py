"""A worker's mirror of what a learner publishes, and the learner's own slates to hold it against."""

from types import SimpleNamespace

import numpy as np

from streamproc.engine import ids, pool
from streamproc.engine.model import EVENTS
from streamproc.engine.publishing import SyncPoint, changed_rows, changed_users
from streamproc.engine.ranker import Ranker
from streamproc.engine.view import ModelView
from streamproc.engine.windows import Windows
from streamproc_models.heads import popularity
from tests.event_columns import hashes


class Worker:
    """A mirror of the model and the users' states, fed by what a learner publishes."""

    def __init__(self, config):
        self.config, self.view = config, ModelView(config)
        self.states, self.version = {}, 0

    def sync(self, learner):
        """One publication, as it comes out of the topics."""
        self.version += 1
        assert self.view.apply(changed_rows(learner, SyncPoint(self.version, learner.events)))
        for changes in changed_users(learner):
            for name, value in changes:
                self.states.pop(name, None)
                if value is not None:
                    self.states[name] = value
        return self

    def windows(self):
        """As a lease restores them."""
        windows = Windows(self.config, 1)
        windows.load(self.states)
        return windows

    def slates(self, names):
        """By user: the items on the slate by name, their scores and their sources."""
        return slates(self.config, self.view, self.view.names, self.windows(), names)


def slates(config, view, texts, windows, names):
    found = Ranker(config).rank(view, windows, windows.find(hashes(names)))
    result = {}
    for k, name in enumerate(names):
        n = found.counts[k]
        items = ids.text(texts, found.rows[k, :n])
        result[name] = (items, found.scores[k, :n].tolist(), found.sources[k, :n].tolist())
    return result


def own_slates(config, learner, names):
    """What the learner's model says, all dense features as of now, as a sync renews them."""
    m, s = learner.model, learner.scratch
    popularity.describe(
        m.popularity, int(m.counters[EVENTS]), 0, learner.items, m.features, s.x, s.x_bits, s.y, s.y_bits
    )
    pool.rebuild(m.pool, m.popularity, m.features, m.bias.values, m.factors.items, m.gru)
    view = SimpleNamespace(model=m, scratch=s)
    return slates(config, view, learner.item_ids, learner.users[0].windows, names)


def agree(first, second):
    """The same items in the same order; scores to 1e-4, where only nearly equal ones may change places."""
    assert first.keys() == second.keys()
    for name, (items, scores, sources) in first.items():
        others, their_scores, their_sources = second[name]
        np.testing.assert_allclose(scores, their_scores, atol=1e-4)
        if items != others:
            by_name = dict(zip(items, scores, strict=True))
            np.testing.assert_allclose([by_name[item] for item in others], their_scores, atol=1e-4)
        else:
            assert sources == their_sources
