"""A full catalogue: the items nobody touched for longest make room, and leave no trace in other rows."""

from typing import TYPE_CHECKING

import numpy as np

from streamproc.engine import ids, pool, trace
from streamproc.engine.model import FREED, Model
from streamproc_models.arrays import I32
from streamproc_models.hashing import remove
from streamproc_models.heads import bias, gru_forgetting, long_term
from streamproc_models.heads.gru import Gru
from streamproc_models.kernel import tight
from streamproc_models.slots import forget_items

if TYPE_CHECKING:
    from streamproc.engine.learner import Learner

SHARE = 16  # one in so many items goes at a time, so that the sweep is rare


def forget_coldest(learner: "Learner") -> None:
    """Frees rows; which ones depends on the events so far and nothing else."""
    m, rows = learner.model, learner.items
    used = np.flatnonzero(m.item[:rows])
    order = used[np.argsort(m.popularity.last[used], kind="stable")]
    victims = order[: max(1, rows // SHARE)].astype(np.int32)
    gone = np.zeros(rows, np.int32)
    gone[victims] = 1
    learner.gone_items += ids.text(learner.item_ids, victims)
    for table in (m.markov, m.covisitation, m.session):
        forget_items(table.neighbours, table.weights, table.fill, table.totals, gone, rows)
    for whole in (m, learner.shadow):
        if whole is not None:
            long_term.forget_items(whole.long_term, gone, rows)
    gru_forgetting.forget_items(m.gru, gone, rows)
    for head in _encoders(learner):
        gru_forgetting.forget_items(head, gone, rows)
    _free(m, victims)
    for row in victims.tolist():
        ids.clear(learner.item_ids, row)
    _leave_pool(m, gone)
    pool.rebuild(m.pool, m.popularity, m.features, m.bias.values, m.factors.items, m.gru)
    learner.memory.shown[victims] = 0
    trace.forget(learner.trace, victims)
    learner.mark_all_items()
    learner.lasting_changed |= bool(m.lasting[0] > 0)


def _encoders(learner: "Learner") -> list[Gru]:
    """That of the serving model and another one in shadow, as far as there are any."""
    found = [learner.model.encoder]
    if learner.shadow is not None and learner.shadow.encoder is not found[0]:
        found.append(learner.shadow.encoder)
    return [encoder.gru for encoder in found if encoder.since[0] > 0]


@tight
def _free(m: Model, victims: I32) -> None:
    for row in victims:
        remove(m.keys, m.rows, m.item[row])
        m.item[row] = 0
        m.popularity.counts[row] = 0.0
        m.popularity.last[row] = -1
        m.popularity.first[row] = -1
        m.features[row] = 0.0
        m.factors.items[row] = 0.0
        bias.forget(m.bias, row)
        m.next_free[row] = m.counters[FREED]
        m.counters[FREED] = row


@tight
def _leave_pool(m: Model, gone: I32) -> None:
    for tops in (m.pool.lately, m.pool.popular, m.pool.newest):
        for q in range(tops.size):
            if tops[q] >= 0 and gone[tops[q]] != 0:
                tops[q] = -1
