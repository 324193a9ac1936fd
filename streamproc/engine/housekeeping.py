"""What is due every so many events: scales, top lists, the features of all items, the safety gate."""

import numpy as np

from streamproc.engine import pool
from streamproc.engine.memory import Memory
from streamproc.engine.model import BRIEF, EVENTS, ITEMS, LONG, SERVING, Model
from streamproc.engine.scratch import Scratch
from streamproc_models import evaluation
from streamproc_models.evaluation import Record
from streamproc_models.heads import popularity
from streamproc_models.kernel import tight

RESCALE = 1e15  # growing weights are brought back to 1 before single precision suffers
GATE_TRIALS, GATE_LOSS = 2000.0, 0.98  # the fusion must have been judged so often, and be so much worse


def keep_house(m: Model, memory: Memory, s: Scratch) -> None:
    """Does what is due after the event before."""
    event, items = int(m.counters[EVENTS]) - 1, int(m.counters[ITEMS])
    if m.increments.max() > RESCALE:
        _rescale(m)
    if event % pool.REBUILD == pool.REBUILD - 1:
        _describe_some(m, s, event, items)
        pool.renew_tops(m.pool, m.popularity, m.factors.recent, event, items)
        pool.describe(m.pool, m.popularity, event, m.features)
        pool.rebuild(m.pool, m.popularity, m.features, m.bias.values, m.factors.items, m.gru)
        m.counters[SERVING] = _best_answer(memory.record)


def _describe_some(m: Model, s: Scratch, event: int, items: int) -> None:
    """A share of the items at a time, so that an event costs the same in a large catalogue."""
    parts = -(-items // pool.DESCRIBE) or 1
    start = event // pool.REBUILD % parts * pool.DESCRIBE
    stop = min(start + pool.DESCRIBE, items)
    popularity.describe(m.popularity, event, start, stop, m.features, s.x, s.x_bits, s.y, s.y_bits)


def _rescale(m: Model) -> None:
    long, brief = 1.0 / float(m.increments[LONG]), 1.0 / float(m.increments[BRIEF])
    for head, scale in ((m.covisitation, long), (m.markov, long), (m.session, brief)):
        head.weights[:] *= np.float32(scale)
        head.totals[:] *= scale
    m.increments[:] = 1.0


@tight
def _best_answer(record: Record) -> int:
    """The fusion, unless its twin or one head has lately been clearly better."""
    best = evaluation.POPULARITY
    for head in range(evaluation.POPULARITY, evaluation.TWIN + 1):
        if record.recent[head] > record.recent[best]:
            best = head
    worse = record.recent[evaluation.FUSION] < GATE_LOSS * record.recent[best]
    judged = record.sums[evaluation.FUSION, evaluation.TRIALS] >= GATE_TRIALS
    return best if worse and judged else evaluation.FUSION
