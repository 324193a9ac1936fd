"""What fusing long and short interest without learning would reach: by their average, and by their maximum.

The short vector is the recurrent state; the long one is the decayed mean of the embeddings of the whole
window, brought to the same length. Both rank by their product with the items' embeddings. They are only
for comparison: an evaluation asks for them, a trainer never does.
"""

import numpy as np

from streamproc.engine import describing, pool
from streamproc.engine.model import Model
from streamproc.engine.scratch import HISTORY, LINKED, Scratch
from streamproc_models.arrays import F32, I32
from streamproc_models.heads import gru
from streamproc_models.kernel import inlined, tight

DECAY = np.float32(0.97)  # of an item in the long vector against the one after it
HALF, FLAT = np.float32(0.5), np.float32(1e-12)


@inlined
def average(m: Model, s: Scratch) -> None:
    """Scores by the mean of both vectors, in the place of the fusion's."""
    vector = s.recurrent[: s.hidden.size]
    _long(m.gru.embeddings, s.window, s.counts[HISTORY], s.hidden, vector)
    for f in range(vector.size):
        vector[f] = HALF * (vector[f] + s.hidden[f])
    _rank_by(m, s, vector)


@inlined
def maximum(m: Model, s: Scratch) -> None:
    """Scores by the larger of both in each dimension."""
    vector = s.recurrent[: s.hidden.size]
    _long(m.gru.embeddings, s.window, s.counts[HISTORY], s.hidden, vector)
    for f in range(vector.size):
        vector[f] = max(vector[f], s.hidden[f])
    _rank_by(m, s, vector)


@tight
def _long(embeddings: F32, rows: I32, n: int, hidden: F32, out: F32) -> None:
    weight, wanted, found = np.float32(1.0), np.float32(0.0), FLAT
    for f in range(out.size):
        out[f] = 0.0
        wanted += hidden[f] * hidden[f]
    for d in range(n):
        vector = embeddings[rows[d]]
        for f in range(out.size):
            out[f] += weight * vector[f]
        weight *= DECAY
    for f in range(out.size):
        found += out[f] * out[f]
    scale = np.sqrt(wanted / found)
    for f in range(out.size):
        out[f] *= scale


@inlined
def _rank_by(m: Model, s: Scratch, vector: F32) -> None:
    n, pooled = s.counts[LINKED], m.pool
    gru.scores(m.gru, vector, s.item, n, s.scores)
    for c in range(n):
        s.scores[c] += s.barred[c]
    describing.columns(pooled.embeddings, vector, s.pool_scores)
    for q in range(pool.SIZE):
        s.pool_scores[q] += pooled.embedding_bias[q] + s.pool_barred[q]
